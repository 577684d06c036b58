/**
 * Appends IR instructions to a block under construction. There is one method per op (`b.add(x, y)`, `b.load32(addr)`,
 * `b.const(7)`, `b.set(value, word)`): value arguments first, in the op's order, then `imm` and `imm2`. Methods return
 * the new value's id. A pure op over constants is folded through `ir/eval`, so lifters can write the general form.
 */
import type { IrInst } from './block.js';
import { NO_VALUE } from './block.js';
import { evaluate } from './eval.js';
import { isPure, OPS, type Op, type PureOp } from './opcode.js';
import type { ValueId } from './terminal.js';

type ValuesOf<A extends readonly unknown[]> = { [K in keyof A]: ValueId };
type OpMethods = {
  [K in Op]: (...args: [...values: ValuesOf<(typeof OPS)[K]['args']>, imm?: number, imm2?: number]) => ValueId;
};

class BuilderBase {
  readonly insts: IrInst[] = [];

  /** Appends `op`; prefer the method of that name. */
  emit(op: Op, a: ValueId, b: ValueId, c: ValueId, imm: number, imm2: number): ValueId {
    if (isPure(op) && op !== 'const') {
      const folded = this.fold(op, a, b, c, imm);
      if (folded !== undefined) return folded;
    }
    this.insts.push({ op, a, b, c, imm, imm2 });
    return this.insts.length - 1;
  }

  /** The constant an i32 value is known to be, or undefined. */
  constantOf(value: ValueId): number | undefined {
    const inst = this.insts[value];
    return inst !== undefined && inst.op === 'const' ? inst.imm : undefined;
  }

  /** Emits `body` so that it runs only when `cond` is not zero. A constant condition leaves no test behind. */
  when(cond: ValueId, body: () => void): void {
    const known = this.constantOf(cond);
    if (known === 0) return;
    if (known === undefined) this.insts.push({ op: 'if', a: cond, b: NO_VALUE, c: NO_VALUE, imm: 0, imm2: 0 });
    body();
    if (known === undefined) this.insts.push({ op: 'endif', a: NO_VALUE, b: NO_VALUE, c: NO_VALUE, imm: 0, imm2: 0 });
  }

  private fold(op: PureOp, a: ValueId, b: ValueId, c: ValueId, imm: number): ValueId | undefined {
    const spec = OPS[op];
    if (spec.result !== 'i32') return undefined;
    const values: ValueId[] = [a, b, c];
    const known: number[] = [];
    for (let i = 0; i < spec.args.length; i++) {
      if (spec.args[i] !== 'i32') return undefined;
      const k = this.constantOf(values[i] as ValueId);
      if (k === undefined) return this.simplify(op, a, b);
      known.push(k);
    }
    const [x = 0, y = 0, z = 0] = known;
    return this.constant(evaluate[op](x, y, z, imm));
  }

  /** Identities with a constant right operand that lifters produce all the time (offset 0, shift by 0). */
  private simplify(op: PureOp, a: ValueId, b: ValueId): ValueId | undefined {
    if (b === NO_VALUE || this.constantOf(b) !== 0) return undefined;
    switch (op) {
      case 'add':
      case 'sub':
      case 'or':
      case 'xor':
      case 'shl':
      case 'shr':
      case 'sar':
      case 'ror':
      case 'andNot':
        return a;
      default:
        return undefined;
    }
  }

  private constant(value: number): ValueId {
    this.insts.push({ op: 'const', a: NO_VALUE, b: NO_VALUE, c: NO_VALUE, imm: value | 0, imm2: 0 });
    return this.insts.length - 1;
  }
}

export type Builder = BuilderBase & OpMethods;

for (const op of Object.keys(OPS) as Op[]) {
  const arity = OPS[op].args.length;
  const method = function (this: BuilderBase, ...args: number[]): ValueId {
    const a = arity > 0 ? (args[0] as number) : NO_VALUE;
    const b = arity > 1 ? (args[1] as number) : NO_VALUE;
    const c = arity > 2 ? (args[2] as number) : NO_VALUE;
    const imm = args[arity] ?? 0;
    return this.emit(op, a, b, c, op === 'const' ? imm | 0 : imm, args[arity + 1] ?? 0);
  };
  Object.defineProperty(BuilderBase.prototype, op, { value: method });
}

export const createBuilder = (): Builder => new BuilderBase() as Builder;
