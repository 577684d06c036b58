/**
 * Names for addresses and addresses for names, from `.symtab` and `.dynsym`. Addresses are the file's own; add the load
 * bias outside. Two facts of ARM ELF (IHI 0044, section 4.5.5) shape it: bit 0 of a function's value says Thumb and is
 * not part of its address, and the mapping symbols `$a`, `$t`, `$d` say what the bytes that follow are.
 *
 * Code symbols are flattened once into ranges that do not overlap, inner symbols cut out of outer ones, so that a look-up
 * is one binary search. A symbol without a size reaches to the next one.
 */
import type { Isa } from '../bits.js';

export interface ElfSymbol {
  readonly name: string;
  /** Without the Thumb bit. */
  readonly address: number;
  readonly sizeBytes: number;
  readonly kind: 'function' | 'label' | 'object';
  readonly binding: 'global' | 'weak' | 'local';
  /** Bit 0 of a function's value. */
  readonly isThumb: boolean;
}

/** `$a`, `$t` or `$d` and where it starts to hold. */
export interface MappingSymbol {
  readonly address: number;
  readonly state: Isa | 'data';
}

export interface SymbolMatch {
  readonly name: string;
  /** Distance from the symbol's address in bytes. */
  readonly offset: number;
  /** Of the symbol; 0 when the file does not say. */
  readonly sizeBytes: number;
  /** The same, but up to the next symbol or the end of the code when the file does not say. */
  readonly reachBytes: number;
  /** Of the symbol, without the Thumb bit. */
  readonly address: number;
}

interface Range {
  readonly start: number;
  readonly end: number;
  readonly symbol: ElfSymbol;
}

/** Index of the last row whose `key` is at or below `value`, or -1. */
const lastAtOrBelow = <T>(rows: readonly T[], key: (row: T) => number, value: number): number => {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (key(rows[middle]) <= value) low = middle + 1;
    else high = middle;
  }
  return low - 1;
};

const BINDING_RANK = { global: 0, weak: 1, local: 2 } as const;
const underscores = (name: string): number => /^_*/.exec(name)?.[0].length ?? 0;

/** Of two names for one address, the one a person would use first: `puts` before `_IO_puts`, `malloc` before `__malloc`. */
const byUsefulness = (a: ElfSymbol, b: ElfSymbol): number =>
  Number(a.kind === 'label') - Number(b.kind === 'label') ||
  Number(a.sizeBytes === 0) - Number(b.sizeBytes === 0) ||
  underscores(a.name) - underscores(b.name) ||
  BINDING_RANK[a.binding] - BINDING_RANK[b.binding] ||
  a.name.length - b.name.length ||
  (a.name < b.name ? -1 : Number(a.name > b.name));

/** Where code stops: the end of the executable range that holds `address`. */
type CodeEnd = (address: number) => number;

/** Cuts sized symbols, possibly nested, into ranges. `symbols` is sorted by address, one per address. */
const flatten = (symbols: readonly ElfSymbol[], codeEnd: CodeEnd): Range[] => {
  const ranges: Range[] = [];
  const open: { symbol: ElfSymbol; end: number }[] = [];
  let at = 0;
  const closeUntil = (limit: number): void => {
    for (let top = open.at(-1); top !== undefined && at < limit; top = open.at(-1)) {
      const end = Math.min(top.end, limit);
      if (end > at) ranges.push({ start: at, end, symbol: top.symbol });
      at = Math.max(at, end);
      if (top.end <= limit) open.pop();
    }
    at = Math.max(at, limit);
  };
  symbols.forEach((symbol, index) => {
    closeUntil(symbol.address);
    const next = symbols[index + 1]?.address ?? Number.POSITIVE_INFINITY;
    const outer = open.at(-1);
    if (symbol.sizeBytes === 0 && outer !== undefined && outer.end > symbol.address) return;
    const end = symbol.sizeBytes > 0 ? symbol.address + symbol.sizeBytes : Math.min(next, codeEnd(symbol.address));
    open.push({ symbol, end });
  });
  closeUntil(Number.POSITIVE_INFINITY);
  return ranges;
};

export class SymbolTable {
  private readonly all: readonly ElfSymbol[];
  private readonly mapping: readonly MappingSymbol[];
  private readonly codeEnd: CodeEnd;
  private ranges: readonly Range[] | undefined;
  private names: Map<string, ElfSymbol[]> | undefined;

  /** `codeEnd` gives the end of the executable range around an address, to bound symbols without a size. */
  constructor(symbols: readonly ElfSymbol[], mapping: readonly MappingSymbol[], codeEnd: CodeEnd) {
    this.all = symbols;
    this.mapping = [...mapping].sort((a, b) => a.address - b.address);
    this.codeEnd = codeEnd;
  }

  get size(): number {
    return this.all.length;
  }

  /** The code symbol that covers `address` (bit 0 ignored), or undefined. */
  lookup(address: number): SymbolMatch | undefined {
    const at = (address & ~1) >>> 0;
    const ranges = this.codeRanges();
    const range = ranges[lastAtOrBelow(ranges, (row) => row.start, at)];
    if (range === undefined || at >= range.end) return undefined;
    const { name, sizeBytes, address: start } = range.symbol;
    return { name, offset: at - start, sizeBytes, reachBytes: sizeBytes || range.end - start, address: start };
  }

  /** Interworking addresses of every symbol called `name`; several when static functions share it. */
  addressesOf(name: string): number[] {
    const found = this.byName().get(name) ?? [];
    return [...new Set(found.map((symbol) => symbol.address | Number(symbol.isThumb)).map((value) => value >>> 0))];
  }

  /** Functions with a name that `test` likes, one name for each interworking address, ascending. */
  matching(test: (name: string) => boolean): { address: number; name: string }[] {
    const best = new Map<number, ElfSymbol>();
    for (const symbol of this.all) {
      if (symbol.kind !== 'function' || !test(symbol.name)) continue;
      const known = best.get(symbol.address);
      if (known === undefined || byUsefulness(symbol, known) < 0) best.set(symbol.address, symbol);
    }
    return [...best.values()]
      .sort((a, b) => a.address - b.address)
      .map(({ address, isThumb, name }) => ({ address: (address | Number(isThumb)) >>> 0, name }));
  }

  /** Every symbol called `name`. */
  named(name: string): readonly ElfSymbol[] {
    return this.byName().get(name) ?? [];
  }

  /** All names of the function or label at exactly `address` (bit 0 ignored), the most useful first. */
  aliases(address: number): string[] {
    const at = (address & ~1) >>> 0;
    const here = this.all.filter((symbol) => symbol.kind !== 'object' && symbol.address === at);
    return [...new Set(here.sort(byUsefulness).map((symbol) => symbol.name))];
  }

  /** Functions in the order of their addresses, one per address. */
  functions(): ElfSymbol[] {
    return this.codeSymbols().filter((symbol) => symbol.kind === 'function');
  }

  /** What the bytes at `address` are, by mapping symbol; undefined when the file has none before it. */
  stateAt(address: number): Isa | 'data' | undefined {
    const at = (address & ~1) >>> 0;
    return this.mapping[lastAtOrBelow(this.mapping, (row) => row.address, at)]?.state;
  }

  /** Whether code at `address` is Thumb: by mapping symbol, else by the covering symbol's bit 0; undefined when neither knows. */
  isThumbAt(address: number): boolean | undefined {
    const state = this.stateAt(address);
    if (state === 'thumb' || state === 'arm') return state === 'thumb';
    const match = this.lookup(address);
    return match === undefined
      ? undefined
      : this.named(match.name).some((one) => one.address === match.address && one.isThumb);
  }

  /** One code symbol per address, the most useful name, sorted. */
  private codeSymbols(): ElfSymbol[] {
    const best = new Map<number, ElfSymbol>();
    for (const symbol of this.all) {
      if (symbol.kind === 'object') continue;
      const known = best.get(symbol.address);
      if (known === undefined || byUsefulness(symbol, known) < 0) best.set(symbol.address, symbol);
    }
    return [...best.values()].sort((a, b) => a.address - b.address);
  }

  private codeRanges(): readonly Range[] {
    this.ranges ??= flatten(this.codeSymbols(), this.codeEnd);
    return this.ranges;
  }

  private byName(): Map<string, ElfSymbol[]> {
    if (this.names === undefined) {
      this.names = new Map();
      for (const symbol of this.all) {
        const known = this.names.get(symbol.name);
        if (known === undefined) this.names.set(symbol.name, [symbol]);
        else known.push(symbol);
      }
    }
    return this.names;
  }
}
