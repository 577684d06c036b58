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
    if (spec.args[0] !== 'i32') return undefined;
    const x = this.constantOf(a);
    const y = spec.args.length > 1 ? this.constantOf(b) : 0;
    const z = spec.args.length > 2 ? this.constantOf(c) : 0;
    if (x === undefined || y === undefined || z === undefined) return this.simplify(op, a, b);
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

/** One shape of method per number of arguments: a rest parameter would be an array per instruction. */
const methodOf = (op: Op): ((this: BuilderBase, p?: number, q?: number, r?: number, s?: number) => ValueId) => {
  switch (OPS[op].args.length) {
    case 0:
      return function (imm = 0, imm2 = 0) {
        return this.emit(op, NO_VALUE, NO_VALUE, NO_VALUE, op === 'const' ? imm | 0 : imm, imm2);
      };
    case 1:
      return function (a = NO_VALUE, imm = 0, imm2 = 0) {
        return this.emit(op, a, NO_VALUE, NO_VALUE, imm, imm2);
      };
    case 2:
      return function (a = NO_VALUE, b = NO_VALUE, imm = 0, imm2 = 0) {
        return this.emit(op, a, b, NO_VALUE, imm, imm2);
      };
    default:
      return function (a = NO_VALUE, b = NO_VALUE, c = NO_VALUE, imm = 0) {
        return this.emit(op, a, b, c, imm, 0);
      };
  }
};

for (const op of Object.keys(OPS) as Op[]) {
  Object.defineProperty(BuilderBase.prototype, op, { value: methodOf(op) });
}

export const createBuilder = (): Builder => new BuilderBase() as Builder;
