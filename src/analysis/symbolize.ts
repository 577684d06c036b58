import { hex } from '../bits.js';
import type { SymbolSource } from '../elf/symbol-file.js';
import { SymbolPaths } from '../elf/symbol-paths.js';
import type { ModuleNote } from '../events/event.js';
import type { RecordedSymbol } from '../trace/messages.js';

/** A function of the traced program. `offset` is the file's own address; the run-time address when no module covers it. */
export interface FunctionInfo {
  readonly symbol: string;
  readonly module: string;
  readonly offset: number;
  readonly sizeBytes: number;
  /** `file.c:12`, when lines were asked for and are known. */
  readonly source?: string;
}

/** Where names come from besides the trace. */
export interface NameOptions {
  /** Files and directories, see elf/symbol-paths. */
  readonly symbols?: readonly string[];
  /** Source lines too. */
  readonly lines?: boolean;
}

/** A place in the traced program, complete: nothing has to be looked up to print it. */
export interface Place {
  readonly module: string;
  readonly offset: string;
  readonly symbol: string;
  readonly symbolOffset: number;
  /** `file.c:12`, when lines were asked for and are known. */
  readonly source?: string;
}

/** How far a symbol reaches that does not say its size (hand-written assembly). */
const UNSIZED_BYTES = 4096;

interface Range extends FunctionInfo {
  readonly address: number;
}

/**
 * Names addresses by what the trace itself says: its Symbols and Module packets, fed as they are read. An address no
 * symbol covers is a function of its own, named by its module offset in hex.
 */
export class TraceSymbols {
  /** Ascending by address. */
  private ranges: Range[] = [];
  private modules: ModuleNote[] = [];
  /** Files with the names of the modules, where they were asked for and found. */
  private readonly files = new Map<ModuleNote, SymbolSource>();
  private paths: SymbolPaths | undefined;
  private hasLines = false;

  /** Looks elsewhere for names too. Throws UsageError for a path that is neither a file nor a directory. */
  use({ symbols = [], lines = false }: NameOptions = {}): void {
    if (symbols.length > 0 || lines) this.paths = new SymbolPaths(symbols);
    this.hasLines = lines;
  }

  /** Forgets everything: another segment is another process. */
  clear(): void {
    this.ranges = [];
    this.modules = [];
    this.files.clear();
  }

  addModule(note: ModuleNote): void {
    this.modules.push(note);
    const file = this.paths?.find(note);
    if (file !== undefined) this.files.set(note, file);
  }

  addSymbols(symbols: readonly RecordedSymbol[]): void {
    for (const { address, sizeBytes, name, module, offset } of symbols) {
      const at = this.lowerBound(address);
      if (this.ranges[at]?.address === address) continue;
      this.ranges.splice(at, 0, { address, sizeBytes, symbol: name, module: module?.name ?? '', offset });
    }
  }

  /** The function at `address` (Thumb bit allowed). */
  functionAt(address: number): FunctionInfo {
    const start = (address & ~1) >>> 0;
    const module = this.moduleAt(start);
    const range = this.fileRangeAt(start, module) ?? this.rangeAt(start);
    const offset = (start - (module?.bias ?? 0)) >>> 0;
    if (range === undefined) {
      return { symbol: hex(offset), module: module?.name ?? '', offset, sizeBytes: 0, ...this.sourceAt(start, module) };
    }
    return this.hasLines ? { ...range, ...this.sourceAt(range.address, module) } : range;
  }

  place(address: number): Place {
    const start = (address & ~1) >>> 0;
    const module = this.moduleAt(start);
    const range = this.fileRangeAt(start, module) ?? this.rangeAt(start);
    const offset = (start - (module?.bias ?? 0)) >>> 0;
    return {
      module: module?.name ?? range?.module ?? '',
      offset: hex(offset),
      symbol: range?.symbol ?? hex(offset),
      symbolOffset: range ? start - range.address : 0,
      ...this.sourceAt(start, module),
    };
  }

  private sourceAt(address: number, module: ModuleNote | undefined): { source?: string } {
    if (module === undefined || !this.hasLines) return {};
    const line = this.files.get(module)?.lines.lookup((address - module.bias) >>> 0);
    return line === undefined ? {} : { source: `${line.file}:${line.line}` };
  }

  /** What a file the user has says: it knows more than the trace of a stripped program. */
  private fileRangeAt(address: number, module: ModuleNote | undefined): Range | undefined {
    const file = module && this.files.get(module);
    const match = file?.symbols.lookup((address - (module?.bias ?? 0)) >>> 0);
    if (module === undefined || match === undefined) return undefined;
    const { name, address: offset, sizeBytes } = match;
    return { address: (offset + module.bias) >>> 0, offset, sizeBytes, symbol: name, module: module.name };
  }

  moduleAt(address: number): ModuleNote | undefined {
    return this.modules.findLast(({ start, end }) => address >= start && address < end);
  }

  private rangeAt(address: number): Range | undefined {
    const at = this.lowerBound(address);
    if (this.ranges[at]?.address === address) return this.ranges[at];
    const range = this.ranges[at - 1];
    return range && address - range.address < (range.sizeBytes || UNSIZED_BYTES) ? range : undefined;
  }

  private lowerBound(address: number): number {
    let low = 0;
    let high = this.ranges.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.ranges[middle] as Range).address < address) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Names linkers give to code that only leads on to a function: interworking and long-branch veneers. */
const VENEER =
  /^__.+(?:_from_(?:thumb|arm)|_veneer|_change_to_(?:arm|thumb)|_bx_r\d+)$|^__.*(?:Thumbv7ABSLongThunk|ARMv7ABSLongThunk|ThumbV7PILongThunk|ARMV7PILongThunk|Thunk)_/;

/** Whether a symbol is the name of a veneer. */
export const isVeneer = (symbol: string): boolean => VENEER.test(symbol);
