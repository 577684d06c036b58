import { readFunctionTypes, readLines } from './debug-sections.js';
import type { FunctionTypes } from './dwarf/function-types.js';
import type { ElfSection } from './elf-file.js';
import type { LineTable } from './line-table.js';
import type { SymbolTable } from './symbol-table.js';
import { readSymbols } from './symbols.js';

/** What a file's sections say of its functions, each table read when it is first asked for. */
export abstract class DebugTables {
  abstract readonly bytes: Uint8Array;
  abstract readonly sections: readonly ElfSection[];
  private lazySymbols: SymbolTable | undefined;
  private lazyLines: LineTable | undefined;
  private lazyFunctionTypes: FunctionTypes | undefined;

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
}
