import { type Cost, type CostRows, noCost } from './cost-rows.js';
import type { FunctionInfo, Place, TraceSymbols } from './symbolize.js';

/** Call sites told apart at most; the rest share one row. */
const MAX_SITES = 1 << 20;
const NOWHERE: Place = { module: '', offset: '', symbol: '(others)', symbolOffset: 0 };

/** Calls made at one place of one function. */
export interface CallsiteCost extends Cost {
  readonly from: Place;
  readonly to: Place;
  /** The function called. */
  readonly info: FunctionInfo;
}

const keyOf = ({ module, offset, symbol }: Place): string => `${module}!${offset}!${symbol}`;

/** Call sites with where they lead to, numbered from 0 as they are met. */
export class CallsiteTable implements CostRows {
  readonly rows: CallsiteCost[] = [];
  private readonly symbols: TraceSymbols;
  private readonly byAddress = new Map<number, Map<number, number>>();
  private readonly byName = new Map<string, number>();
  private size = 0;

  constructor(symbols: TraceSymbols) {
    this.symbols = symbols;
  }

  ofCall(location: number, target: number): number {
    let targets = this.byAddress.get(location);
    if (targets === undefined) {
      targets = new Map();
      this.byAddress.set(location, targets);
    }
    let row = targets.get(target);
    if (row === undefined) {
      const full = this.size >= MAX_SITES;
      row = full
        ? this.add(NOWHERE, NOWHERE, 0)
        : this.add(this.symbols.place(location), this.symbols.callee(target), target);
      if (!full) targets.set(target, row);
      this.size++;
    }
    return row;
  }

  ofPlace(address: number): number {
    return this.add(NOWHERE, this.symbols.place(address), address);
  }

  forgetAddresses(): void {
    this.byAddress.clear();
    this.size = 0;
  }

  private add(from: Place, to: Place, target: number): number {
    const key = `${keyOf(from)} ${keyOf(to)}`;
    let row = this.byName.get(key);
    if (row === undefined) {
      row = this.rows.length;
      this.byName.set(key, row);
      this.rows.push({ from, to, info: this.symbols.functionAt(target), ...noCost() });
    }
    return row;
  }
}
