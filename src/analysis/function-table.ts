import type { FunctionInfo, TraceSymbols } from './symbolize.js';

/** Functions told apart at most; a hostile trace can name no more than this many, the rest share one row. */
const MAX_FUNCTIONS = 1 << 20;
const OTHERS: FunctionInfo = { symbol: '(others)', module: '', offset: 0, sizeBytes: 0 };

/** What is known of one function. Costs are instructions. */
export interface FunctionCost {
  readonly info: FunctionInfo;
  calls: number;
  returns: number;
  /** Activations that ended without a return: longjmp, exceptions. */
  unwound: number;
  /** Inclusive; of a recursion only the outermost activation. */
  total: number;
  self: number;
  /** Inclusive cost of one finished activation. */
  min: number;
  max: number;
  /** Of all finished activations together, for the mean. */
  sum: number;
  /** Most activations on one stack. */
  deepest: number;
}

/** Functions numbered from 0 as they are met; an address is looked up by name once. */
export class FunctionTable {
  readonly rows: FunctionCost[] = [];
  private readonly symbols: TraceSymbols;
  private readonly byAddress = new Map<number, number>();
  private readonly byName = new Map<string, number>();

  constructor(symbols: TraceSymbols) {
    this.symbols = symbols;
  }

  indexOf(address: number): number {
    const start = (address & ~1) >>> 0;
    let index = this.byAddress.get(start);
    if (index === undefined) {
      const full = this.byAddress.size >= MAX_FUNCTIONS;
      index = this.indexOfFunction(full ? OTHERS : this.symbols.functionAt(start));
      if (!full) this.byAddress.set(start, index);
    }
    return index;
  }

  /** Addresses may mean other functions from here on; the rows stay. */
  forgetAddresses(): void {
    this.byAddress.clear();
  }

  private indexOfFunction(info: FunctionInfo): number {
    const key = `${info.module}!${info.offset}!${info.symbol}`;
    let index = this.byName.get(key);
    if (index === undefined) {
      index = this.rows.length;
      this.byName.set(key, index);
      const none = { calls: 0, returns: 0, unwound: 0, total: 0, self: 0, sum: 0, max: 0, deepest: 0 };
      this.rows.push({ info, ...none, min: Number.POSITIVE_INFINITY });
    }
    return index;
  }
}
