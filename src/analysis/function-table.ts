import { type Cost, type CostRows, noCost } from './cost-rows.js';
import type { FunctionInfo, TraceSymbols } from './symbolize.js';

/** Functions told apart at most; a hostile trace can name no more than this many, the rest share one row. */
const MAX_FUNCTIONS = 1 << 20;
const OTHERS: FunctionInfo = { symbol: '(others)', module: '', offset: 0, sizeBytes: 0 };

/** What is known of one function. */
export interface FunctionCost extends Cost {
  readonly info: FunctionInfo;
}

/** Functions numbered from 0 as they are met; an address is looked up by name once. */
export class FunctionTable implements CostRows {
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

  ofCall(_location: number, target: number): number {
    return this.indexOf(target);
  }

  ofPlace(address: number): number {
    return this.indexOf(address);
  }

  forgetAddresses(): void {
    this.byAddress.clear();
  }

  private indexOfFunction(info: FunctionInfo): number {
    const key = `${info.module}!${info.offset}!${info.symbol}`;
    let index = this.byName.get(key);
    if (index === undefined) {
      index = this.rows.length;
      this.byName.set(key, index);
      this.rows.push({ info, ...noCost() });
    }
    return index;
  }
}
