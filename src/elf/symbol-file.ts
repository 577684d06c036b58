/** A file's names, lines and types: a program's own, or those of a separate file with what was stripped from it. */

import { readDebugLink } from './debug-sections.js';
import { DebugTables } from './debug-tables.js';
import type { FunctionTypes } from './dwarf/function-types.js';
import type { ElfSection } from './elf-file.js';
import type { LineTable } from './line-table.js';
import { buildIdOf } from './notes.js';
import { parseSections } from './parse-elf.js';
import type { SymbolTable } from './symbol-table.js';
import { hasSymbolTable } from './symbols.js';

/** Names for addresses and back; the file's own addresses. */
export interface SymbolSource {
  readonly symbols: SymbolTable;
  readonly lines: LineTable;
  readonly functionTypes: FunctionTypes;
}

export class SymbolFile extends DebugTables implements SymbolSource {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly sections: readonly ElfSection[];

  /** Nothing but section headers need be in the file: what is needed to run it may be missing. Throws ElfFormatError. */
  constructor(bytes: Uint8Array, path: string) {
    super();
    this.path = path;
    this.bytes = bytes;
    this.sections = parseSections(bytes, path);
  }

  /** Hex digits, empty without. */
  get buildId(): string {
    return buildIdOf(this.bytes, this.sections);
  }

  /** Whether there is a `.symtab`: stripped files have at most the names the dynamic linker needs. */
  get isNamed(): boolean {
    return hasSymbolTable(this.sections);
  }

  get debugLink(): { name: string; crc: number } | undefined {
    return readDebugLink(this.bytes, this.sections);
  }
}
