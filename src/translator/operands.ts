import type { IrInst } from '../ir/block.js';
import type { FunctionBuilder } from '../wasm/function-builder.js';
import type { Values } from './values.js';

/** The arguments of one instruction, for a recipe. */
export class Operands {
  private readonly values: Values;
  readonly inst: IrInst;

  constructor(values: Values, inst: IrInst) {
    this.values = values;
    this.inst = inst;
  }

  /** Pushes an argument: once, unless it was made repeatable before anything was pushed. */
  a = (): void => this.values.push(this.inst.a);
  b = (): void => this.values.push(this.inst.b);
  c = (): void => this.values.push(this.inst.c);

  repeat(...names: readonly ('a' | 'b' | 'c')[]): void {
    for (const name of names) this.values.makeRepeatable(this.inst[name]);
  }

  constant(name: 'a' | 'b' | 'c'): number | undefined {
    return this.values.constantOf(this.inst[name]);
  }
}

/** Writes code that leaves the result on the stack; false when this case has no recipe (nothing was written then). */
export type Recipe = (f: FunctionBuilder, x: Operands) => unknown;
