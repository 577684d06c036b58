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
  /** As the symbol table has it, where `symbol` is the readable form. */
  readonly mangled?: string;
  /** Run-time address of the function when it was called by way of a veneer; 0 when it is not known. */
  readonly behind?: number;
}

/** Where names come from besides the trace, and how they are shown. */
export interface NameOptions {
  /** Files and directories, see elf/symbol-paths. */
  readonly symbols?: readonly string[];
  /** Source lines too. */
  readonly lines?: boolean;
  /** Veneers as what they are, not as the functions they lead to. */
  readonly veneers?: boolean;
  /** Makes a symbol's name readable, e.g. `demangleName`. */
  readonly demangle?: (name: string) => string;
}

/** A place in the traced program, complete: nothing has to be looked up to print it. */
export interface Place {
  readonly module: string;
  readonly offset: string;
  readonly symbol: string;
  readonly symbolOffset: number;
  /** `file.c:12`, when lines were asked for and are known. */
  readonly source?: string;
  /** The veneer by way of which a function was called. */
  readonly via?: string;
}

/** Veneers that lead to veneers, at most. */
const MAX_VENEERS = 4;

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
  private readonly byName = new Map<string, Range>();
  private modules: ModuleNote[] = [];
  /** Files with the names of the modules, where they were asked for and found. */
  private readonly files = new Map<ModuleNote, SymbolSource>();
  private paths: SymbolPaths | undefined;
  private hasLines = false;
  private showsVeneers = false;
  private mayHaveVeneers = false;
  private demangle: ((name: string) => string) | undefined;

  /** Looks elsewhere for names too. Throws UsageError for a path that is neither a file nor a directory. */
  use({ symbols = [], lines = false, veneers = false, demangle }: NameOptions = {}): void {
    if (symbols.length > 0 || lines) this.paths = new SymbolPaths(symbols);
    this.hasLines = lines;
    this.showsVeneers = veneers;
    this.demangle = demangle;
  }

  /** Forgets everything: another segment is another process. */
  clear(): void {
    this.ranges = [];
    this.byName.clear();
    this.modules = [];
    this.files.clear();
  }

  addModule(note: ModuleNote): void {
    this.modules.push(note);
    const file = this.paths?.find(note);
    if (file === undefined) return;
    this.files.set(note, file);
    this.mayHaveVeneers = true;
  }

  addSymbols(symbols: readonly RecordedSymbol[]): void {
    for (const { address, sizeBytes, name, module, offset } of symbols) {
      const at = this.lowerBound(address);
      if (this.ranges[at]?.address === address) continue;
      const range = { address, sizeBytes, symbol: name, module: module?.name ?? '', offset };
      this.ranges.splice(at, 0, range);
      if (!this.byName.has(name)) this.byName.set(name, range);
      if (isVeneer(name)) this.mayHaveVeneers = true;
    }
  }

  /** The function at `address` (Thumb bit allowed); of a veneer, the one it leads to. */
  functionAt(address: number): FunctionInfo {
    const start = (address & ~1) >>> 0;
    const module = this.moduleAt(start);
    const range = this.fileRangeAt(start, module) ?? this.rangeAt(start);
    const offset = (start - (module?.bias ?? 0)) >>> 0;
    if (range === undefined) {
      return { symbol: hex(offset), module: module?.name ?? '', offset, sizeBytes: 0, ...this.sourceAt(start, module) };
    }
    const behind = this.behindVeneer(range, module);
    const readable = this.readable(behind ?? range);
    return this.hasLines ? { ...readable, ...this.sourceAt((behind ?? range).address, module) } : readable;
  }

  place(address: number): Place {
    const start = (address & ~1) >>> 0;
    const module = this.moduleAt(start);
    const range = this.fileRangeAt(start, module) ?? this.rangeAt(start);
    return this.placeIn(start, range, module);
  }

  /** Where a call to `address` leads: the place itself, or the beginning of the function behind a veneer. */
  callee(address: number): Place {
    const start = (address & ~1) >>> 0;
    const module = this.moduleAt(start);
    const range = this.fileRangeAt(start, module) ?? this.rangeAt(start);
    const behind = range && this.behindVeneer(range, module);
    if (range === undefined || behind === undefined) return this.placeIn(start, range, module);
    return { ...this.placeIn(behind.address, behind, module), via: range.symbol };
  }

  /** Whether there is a function that `test` is true for, called or not. */
  hasFunction(test: (info: FunctionInfo) => boolean): boolean {
    if (this.ranges.some(({ address }) => test(this.functionAt(address)))) return true;
    return [...this.files].some(([{ bias }, { symbols }]) =>
      symbols.functions().some(({ address }) => test(this.functionAt((address + bias) >>> 0))),
    );
  }

  /** Whether `address` lies in a veneer that is not to be seen. */
  isHidden(address: number): boolean {
    if (this.showsVeneers || !this.mayHaveVeneers) return false;
    const start = (address & ~1) >>> 0;
    const range = this.fileRangeAt(start, this.moduleAt(start)) ?? this.rangeAt(start);
    return range !== undefined && isVeneer(range.symbol);
  }

  private placeIn(start: number, range: Range | undefined, module: ModuleNote | undefined): Place {
    const offset = hex((start - (module?.bias ?? 0)) >>> 0);
    return {
      module: module?.name ?? range?.module ?? '',
      offset,
      symbol: range === undefined ? offset : (this.demangle?.(range.symbol) ?? range.symbol),
      symbolOffset: range ? start - range.address : 0,
      ...this.sourceAt(start, module),
    };
  }

  private readable(range: Range): FunctionInfo {
    const symbol = this.demangle?.(range.symbol) ?? range.symbol;
    return symbol === range.symbol ? range : { ...range, symbol, mangled: range.symbol };
  }

  /** The function a veneer leads to: by name, as linkers name veneers; undefined for all else. */
  private behindVeneer(veneer: Range, module: ModuleNote | undefined): (Range & { behind: number }) | undefined {
    if (this.showsVeneers) return undefined;
    let name: string | undefined;
    for (let n = 0, next = veneerTarget(veneer.symbol); next !== undefined && n < MAX_VENEERS; n++) {
      name = next;
      next = veneerTarget(name);
    }
    if (name === undefined) return undefined;
    const range = this.named(name, module);
    return range === undefined ? { ...veneer, symbol: name, behind: 0 } : { ...range, behind: range.address };
  }

  private named(name: string, module: ModuleNote | undefined): Range | undefined {
    const known = this.byName.get(name);
    if (known !== undefined || module === undefined) return known;
    const address = this.files.get(module)?.symbols.addressesOf(name)[0];
    return address === undefined ? undefined : this.fileRangeAt(((address & ~1) + module.bias) >>> 0, module);
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

/** `file.c:12` in two. */
export const splitSource = (source: string | undefined): { file: string; line: number } | undefined => {
  const colon = source?.lastIndexOf(':') ?? -1;
  return source === undefined || colon < 0
    ? undefined
    : { file: source.slice(0, colon), line: Number(source.slice(colon + 1)) };
};

/** Names linkers give to code that only leads on to a function: interworking and long-branch veneers of GNU ld and lld. */
const GNU_VENEER = /^__(.+?)(?:_from_(?:thumb|arm)|_veneer|_change_to_(?:arm|thumb)|_bx_r\d+)$/;
const LLD_VENEER = /^__[^_].*?Thunk_(.+)$/;

/** The name of the function a veneer leads to, by the veneer's own; undefined when it is not the name of one. */
export const veneerTarget = (symbol: string): string | undefined =>
  symbol.startsWith('__') ? (GNU_VENEER.exec(symbol)?.[1] ?? LLD_VENEER.exec(symbol)?.[1]) : undefined;

/** Whether a symbol is the name of a veneer. */
export const isVeneer = (symbol: string): boolean => veneerTarget(symbol) !== undefined;
