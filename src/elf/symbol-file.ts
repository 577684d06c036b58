/** A file's names, lines and types: a program's own, or those of a separate file with what was stripped from it. */

import { readDebugLink, readFunctionTypes, readLines } from './debug-sections.js';
import type { FunctionTypes } from './dwarf/function-types.js';
import type { ElfSection } from './elf-file.js';
import type { LineTable } from './line-table.js';
import { buildIdOf } from './notes.js';
import { parseSections } from './parse-elf.js';
import type { SymbolTable } from './symbol-table.js';
import { hasSymbolTable, readSymbols } from './symbols.js';

/** Names for addresses and back; the file's own addresses. */
export interface SymbolSource {
  readonly symbols: SymbolTable;
  readonly lines: LineTable;
  readonly functionTypes: FunctionTypes;
}

export class SymbolFile implements SymbolSource {
  readonly path: string;
  readonly bytes: Uint8Array;
  private readonly sections: readonly ElfSection[];
  private lazySymbols: SymbolTable | undefined;
  private lazyLines: LineTable | undefined;
  private lazyFunctionTypes: FunctionTypes | undefined;

  /** Nothing but section headers need be in the file: what is needed to run it may be missing. Throws ElfFormatError. */
  constructor(bytes: Uint8Array, path: string) {
    this.path = path;
    this.bytes = bytes;
    this.sections = parseSections(bytes, path);
  }

  get symbols(): SymbolTable {
    this.lazySymbols ??= readSymbols(this.bytes, this.sections);
    return this.lazySymbols;
  }

  get lines(): LineTable {
    this.lazyLines ??= readLines(this.bytes, this.sections);
    return this.lazyLines;
  }

  get functionTypes(): FunctionTypes {
    this.lazyFunctionTypes ??= readFunctionTypes(this.bytes, this.sections);
    return this.lazyFunctionTypes;
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
