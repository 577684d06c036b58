import { type Cost, type CostRows, noCost } from './cost-rows.js';
import { type FunctionCost, FunctionTable } from './function-table.js';
import type { TraceSymbols } from './symbolize.js';

/** What is known of one module: an activation is that of any of its functions. */
export interface ModuleCost extends Cost {
  readonly module: string;
  /** Functions of it that ran. */
  functions: number;
}

/** Modules numbered from 0 as they are met. */
export class ModuleTable implements CostRows {
  readonly rows: ModuleCost[] = [];
  private readonly functions: FunctionTable;
  private readonly ofFunction: number[] = [];
  private readonly byName = new Map<string, number>();

  constructor(symbols: TraceSymbols) {
    this.functions = new FunctionTable(symbols);
  }

  ofCall(_location: number, target: number): number {
    return this.ofPlace(target);
  }

  ofPlace(address: number): number {
    const fn = this.functions.indexOf(address);
    this.ofFunction[fn] ??= this.moduleOf(fn);
    return this.ofFunction[fn];
  }

  forgetAddresses(): void {
    this.functions.forgetAddresses();
  }

  private moduleOf(fn: number): number {
    const name = (this.functions.rows[fn] as FunctionCost).info.module;
    let index = this.byName.get(name);
    if (index === undefined) {
      index = this.rows.length;
      this.byName.set(name, index);
      this.rows.push({ module: name, functions: 0, ...noCost() });
    }
    (this.rows[index] as ModuleCost).functions++;
    return index;
  }
}
