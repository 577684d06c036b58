/**
 * Scalar VFP arithmetic, comparison and moves between VFP registers (ARM DDI 0406C A8.8.283 and on). The meaning of each
 * rounding is an IR op's (ir/fp); here is which operations make up an instruction, and in which order.
 *
 * Short vectors are not implemented, as on every VFPv3 core without them: with FPSCR.Len or Stride set these
 * instructions are UNDEFINED. The test stands once in a block: only VMSR, which forgets it, changes those fields there.
 */
import { dRegister, sRegister, Word } from '../../guest/cpu-state.js';
import type { Builder } from '../../ir/builder.js';
import { ExitReason, type ValueId } from '../../ir/terminal.js';
import type { Lifter } from '../encoding.js';
import { ALWAYS } from '../insn.js';
import type { LiftContext } from '../lift-context.js';
import type { Destination, ThreeRegisters, TwoRegisters } from '../vfp-operands.js';

const LEN_AND_STRIDE = 0x0037_0000;

/** Blocks under construction that already test Len and Stride on every path to here. */
const scalarBlocks = new WeakSet<Builder>();

/** UNDEFINED unless FPSCR.Len and Stride are zero. */
export const requireScalar = (c: LiftContext): void => {
  const { b } = c;
  if (scalarBlocks.has(b)) return;
  b.trapIf(b.and(b.get(Word.FPSCR), b.const(LEN_AND_STRIDE)), ExitReason.UNDEFINED);
  if (c.insn.cond === ALWAYS) scalarBlocks.add(b);
};

/** Len and Stride may have changed. */
export const forgetScalar = (c: LiftContext): void => {
  scalarBlocks.delete(c.b);
};

export const readScalar = (c: LiftContext, double: number, n: number): ValueId =>
  double === 1 ? c.b.getF64(dRegister(n)) : c.b.getF32(sRegister(n));

export const writeScalar = (c: LiftContext, double: number, d: number, value: ValueId): void => {
  if (double === 1) c.b.setF64(value, dRegister(d));
  else c.b.setF32(value, sRegister(d));
};

type Binary = 'add' | 'sub' | 'mul' | 'div';
type Unary = 'neg' | 'abs' | 'sqrt';

const binary = (c: LiftContext, double: number, op: Binary, x: ValueId, y: ValueId): ValueId =>
  double === 1 ? c.b[`${op}F64`](x, y) : c.b[`${op}F32`](x, y);

const unary = (c: LiftContext, double: number, op: Unary, x: ValueId): ValueId =>
  double === 1 ? c.b[`${op}F64`](x) : c.b[`${op}F32`](x);

const negatedIf = (c: LiftContext, negated: boolean, double: number, x: ValueId): ValueId =>
  negated ? unary(c, double, 'neg', x) : x;

/** V<op> d, n, m */
const arithmetic =
  (op: Binary): Lifter<ThreeRegisters> =>
  (c, { double, d, n, m }) => {
    requireScalar(c);
    writeScalar(c, double, d, binary(c, double, op, readScalar(c, double, n), readScalar(c, double, m)));
  };

export const vadd = arithmetic('add');
export const vsub = arithmetic('sub');
export const vmul = arithmetic('mul');
export const vdiv = arithmetic('div');

/** VNMUL d, n, m: the product is negated after it is formed, a NaN's sign too. */
export const vnmul: Lifter<ThreeRegisters> = (c, { double, d, n, m }) => {
  requireScalar(c);
  const product = binary(c, double, 'mul', readScalar(c, double, n), readScalar(c, double, m));
  writeScalar(c, double, d, unary(c, double, 'neg', product));
};

/** d = ±d + ±(n * m), rounded twice; the product is negated after it is formed. */
const multiplyThenAdd =
  (negatesProduct: boolean, negatesAddend: boolean): Lifter<ThreeRegisters> =>
  (c, { double, d, n, m }) => {
    requireScalar(c);
    const product = binary(c, double, 'mul', readScalar(c, double, n), readScalar(c, double, m));
    const addend = negatedIf(c, negatesAddend, double, readScalar(c, double, d));
    writeScalar(c, double, d, binary(c, double, 'add', addend, negatedIf(c, negatesProduct, double, product)));
  };

export const vmla = multiplyThenAdd(false, false);
export const vmls = multiplyThenAdd(true, false);
export const vnmla = multiplyThenAdd(true, true);
export const vnmls = multiplyThenAdd(false, true);

/** d = ±d + (±n) * m, rounded once; the operands are negated before. */
const fusedMultiplyAdd =
  (negatesFactor: boolean, negatesAddend: boolean): Lifter<ThreeRegisters> =>
  (c, { double, d, n, m }) => {
    requireScalar(c);
    const addend = negatedIf(c, negatesAddend, double, readScalar(c, double, d));
    const factor = negatedIf(c, negatesFactor, double, readScalar(c, double, n));
    const other = readScalar(c, double, m);
    const sum = double === 1 ? c.b.fmaF64(addend, factor, other) : c.b.fmaF32(addend, factor, other);
    writeScalar(c, double, d, sum);
  };

export const vfma = fusedMultiplyAdd(false, false);
export const vfms = fusedMultiplyAdd(true, false);
export const vfnma = fusedMultiplyAdd(true, true);
export const vfnms = fusedMultiplyAdd(false, true);

/** V<op> d, m */
const oneOperand =
  (op: Unary): Lifter<TwoRegisters> =>
  (c, { double, d, m }) => {
    requireScalar(c);
    writeScalar(c, double, d, unary(c, double, op, readScalar(c, double, m)));
  };

export const vabs = oneOperand('abs');
export const vneg = oneOperand('neg');
export const vsqrt = oneOperand('sqrt');

/** VMOV d, m */
export const vmovRegister: Lifter<TwoRegisters> = (c, { double, d, m }) => {
  requireScalar(c);
  writeScalar(c, double, d, readScalar(c, double, m));
};

/** VFPExpandImm: the high word of a double, or the whole of a single. */
export const vfpExpandImm = (double: number, imm8: number): number => {
  const sign = (imm8 >>> 7) << 31;
  const exponentTop = (imm8 & 0x40) !== 0 ? 0 : 1;
  if (double === 0) return sign | (exponentTop << 30) | ((exponentTop ? 0 : 0x1f) << 25) | ((imm8 & 0x3f) << 19);
  return sign | (exponentTop << 30) | ((exponentTop ? 0 : 0xff) << 22) | ((imm8 & 0x3f) << 16);
};

/** VMOV d, #imm */
export const vmovImmediate: Lifter<Destination & { imm4H: number; imm4L: number }> = (c, f) => {
  const { b } = c;
  requireScalar(c);
  const high = b.const(vfpExpandImm(f.double, (f.imm4H << 4) | f.imm4L));
  writeScalar(c, f.double, f.d, f.double === 1 ? b.f64FromWords(b.const(0), high) : b.f32FromBits(high));
};

const compare = (c: LiftContext, double: number, x: ValueId, y: ValueId, signalsQuiet: number): void => {
  const nzcv = double === 1 ? c.b.cmpF64(x, y, signalsQuiet) : c.b.cmpF32(x, y, signalsQuiet);
  c.b.set(nzcv, Word.FPSCR_NZCV);
};

/** VCMP{E} d, m */
export const vcmp: Lifter<TwoRegisters & { E: number }> = (c, { double, d, m, E }) => {
  compare(c, double, readScalar(c, double, d), readScalar(c, double, m), E);
};

/** VCMP{E} d, #0.0 */
export const vcmpZero: Lifter<Destination & { E: number }> = (c, { double, d, E }) => {
  const { b } = c;
  const zero = double === 1 ? b.f64FromWords(b.const(0), b.const(0)) : b.f32FromBits(b.const(0));
  compare(c, double, readScalar(c, double, d), zero, E);
};

const SELECT_CONDITIONS = [0, 6, 10, 12] as const;

/** VSEL<EQ|VS|GE|GT> d, n, m: n when the condition holds, else m. */
export const vsel: Lifter<ThreeRegisters & { cc: number }> = (c, { double, d, n, m, cc }) => {
  const { b } = c;
  requireScalar(c);
  const holds = c.condition(SELECT_CONDITIONS[cc] as number);
  const x = readScalar(c, double, n);
  const y = readScalar(c, double, m);
  const picked =
    double === 1
      ? b.f64FromWords(b.select(b.lowWord(x), b.lowWord(y), holds), b.select(b.highWord(x), b.highWord(y), holds))
      : b.f32FromBits(b.select(b.bitsFromF32(x), b.bitsFromF32(y), holds));
  writeScalar(c, double, d, picked);
};

/** VMAXNM, VMINNM d, n, m */
const select =
  (op: 'maxNum' | 'minNum'): Lifter<ThreeRegisters> =>
  (c, { double, d, n, m }) => {
    requireScalar(c);
    const x = readScalar(c, double, n);
    const y = readScalar(c, double, m);
    writeScalar(c, double, d, double === 1 ? c.b[`${op}F64`](x, y) : c.b[`${op}F32`](x, y));
  };

export const vmaxnm = select('maxNum');
export const vminnm = select('minNum');
