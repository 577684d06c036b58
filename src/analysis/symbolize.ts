import { hex } from '../bits.js';
import type { ModuleNote } from '../events/event.js';
import type { RecordedSymbol } from '../trace/messages.js';

/** A function of the traced program. `offset` is the file's own address; the run-time address when no module covers it. */
export interface FunctionInfo {
  readonly symbol: string;
  readonly module: string;
  readonly offset: number;
  readonly sizeBytes: number;
}

/** A place in the traced program, complete: nothing has to be looked up to print it. */
export interface Place {
  readonly module: string;
  readonly offset: string;
  readonly symbol: string;
  readonly symbolOffset: number;
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

  /** Forgets everything: another segment is another process. */
  clear(): void {
    this.ranges = [];
    this.modules = [];
  }

  addModule(note: ModuleNote): void {
    this.modules.push(note);
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
    const range = this.rangeAt(start);
    if (range) return range;
    const module = this.moduleAt(start);
    const offset = (start - (module?.bias ?? 0)) >>> 0;
    return { symbol: hex(offset), module: module?.name ?? '', offset, sizeBytes: 0 };
  }

  place(address: number): Place {
    const start = (address & ~1) >>> 0;
    const range = this.rangeAt(start);
    const module = this.moduleAt(start);
    const offset = (start - (module?.bias ?? 0)) >>> 0;
    return {
      module: module?.name ?? range?.module ?? '',
      offset: hex(offset),
      symbol: range?.symbol ?? hex(offset),
      symbolOffset: range ? start - range.address : 0,
    };
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
