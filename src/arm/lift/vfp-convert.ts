/** VCVT and VRINT (ARM DDI 0406C A8.8.306 to A8.8.311; the ARMv8 ones ARM DDI 0487 F6). FPSCR.Len and Stride do not touch them. */
import { dRegister, sRegister } from '../../guest/cpu-state.js';
import type { ValueId } from '../../ir/terminal.js';
import type { Lifter } from '../encoding.js';
import type { LiftContext } from '../lift-context.js';
import type { FixedPoint, TwoRegisters } from '../vfp-operands.js';
import { readScalar, writeScalar } from './vfp.js';

const readWord = (c: LiftContext, n: number): ValueId => c.b.bitsFromF32(c.b.getF32(sRegister(n)));
const writeWord = (c: LiftContext, n: number, value: ValueId): void => {
  c.b.setF32(c.b.f32FromBits(value), sRegister(n));
};

/** VCVT.F64.F32 d, m and VCVT.F32.F64 d, m (`double` tells the operand). */
export const vcvtPrecision: Lifter<TwoRegisters> = (c, { double, d, m }) => {
  if (double === 1) c.b.setF32(c.b.f32FromF64(c.b.getF64(dRegister(m))), sRegister(d));
  else c.b.setF64(c.b.f64FromF32(c.b.getF32(sRegister(m))), dRegister(d));
};

/** VCVT.F<32|64>.<S32|U32> d, m */
export const vcvtFromInteger: Lifter<TwoRegisters & { isSigned: number }> = (c, { double, d, m, isSigned }) => {
  const { b } = c;
  const x = readWord(c, m);
  if (double === 1) writeScalar(c, 1, d, isSigned === 1 ? b.f64FromS32(x) : b.f64FromU32(x));
  else writeScalar(c, 0, d, isSigned === 1 ? b.f32FromS32(x) : b.f32FromU32(x));
};

/** VCVT{R}.<S32|U32>.F<32|64> d, m: towards zero, or VCVTR by FPSCR. */
export const vcvtToInteger: Lifter<TwoRegisters & { isSigned: number; towardsZero: number }> = (c, f) => {
  const { b } = c;
  const x = readScalar(c, f.double, f.m);
  const rounding = 1 - f.towardsZero;
  if (f.double === 1) writeWord(c, f.d, f.isSigned === 1 ? b.s32FromF64(x, rounding) : b.u32FromF64(x, rounding));
  else writeWord(c, f.d, f.isSigned === 1 ? b.s32FromF32(x, rounding) : b.u32FromF32(x, rounding));
};

/** VCVT.F<32|64>.<S|U><16|32> d, d, #fractionBits: a fixed-point operand is the low part of its register. */
export const vcvtFromFixed: Lifter<FixedPoint> = (c, { double, d, size, fractionBits }) => {
  const { b } = c;
  if (double === 1) {
    writeScalar(c, 1, d, b.f64FromFixed(b.lowWord(b.getF64(dRegister(d))), fractionBits, size));
  } else {
    writeScalar(c, 0, d, b.f32FromFixed(readWord(c, d), fractionBits, size));
  }
};

/** VCVT.<S|U><16|32>.F<32|64> d, d, #fractionBits: the result is extended to the whole register. */
export const vcvtToFixed: Lifter<FixedPoint> = (c, { double, d, size, fractionBits }) => {
  const { b } = c;
  const x = readScalar(c, double, d);
  if (double === 0) {
    writeWord(c, d, b.fixedFromF32(x, fractionBits, size));
    return;
  }
  const low = b.fixedFromF64(x, fractionBits, size);
  const high = size < 0 ? b.sar(low, b.const(31)) : b.const(0);
  writeScalar(c, 1, d, b.f64FromWords(low, high));
};

/** VCVT<B|T>.F<32|64>.F16 d, m: the bottom or top half of an S register. */
export const vcvtFromHalf: Lifter<TwoRegisters & { T: number }> = (c, { double, d, m, T }) => {
  const { b } = c;
  const half = T === 1 ? b.shr(readWord(c, m), b.const(16)) : b.and(readWord(c, m), b.const(0xffff));
  writeScalar(c, double, d, double === 1 ? b.f64FromF16(half) : b.f32FromF16(half));
};

/** VCVT<B|T>.F16.F<32|64> d, m: the other half of d stays. */
export const vcvtToHalf: Lifter<TwoRegisters & { T: number }> = (c, { double, d, m, T }) => {
  const { b } = c;
  const x = readScalar(c, double, m);
  const half = double === 1 ? b.f16FromF64(x) : b.f16FromF32(x);
  const kept = b.and(readWord(c, d), b.const(T === 1 ? 0xffff : -0x10000));
  writeWord(c, d, b.or(kept, T === 1 ? b.shl(half, b.const(16)) : half));
};

const roundTo = (c: LiftContext, f: TwoRegisters, mode: number, signalsInexact: number): void => {
  const x = readScalar(c, f.double, f.m);
  const rounded = f.double === 1 ? c.b.roundF64(x, mode, signalsInexact) : c.b.roundF32(x, mode, signalsInexact);
  writeScalar(c, f.double, f.d, rounded);
};

/** `imm` of the IR's round ops for FPSCR's rounding mode, and for towards zero. */
const FPSCR_MODE = 5;
const TOWARDS_ZERO = 3;
/** Ties away, ties to even, up, down: `RM` of VRINT<A|N|P|M> as the round ops count modes. */
const DIRECTED_MODES = [4, 0, 1, 2] as const;

/** VRINTR, VRINTX, VRINTZ d, m */
export const vrintr: Lifter<TwoRegisters> = (c, f) => roundTo(c, f, FPSCR_MODE, 0);
export const vrintx: Lifter<TwoRegisters> = (c, f) => roundTo(c, f, FPSCR_MODE, 1);
export const vrintz: Lifter<TwoRegisters> = (c, f) => roundTo(c, f, TOWARDS_ZERO, 0);
/** VRINT<A|N|P|M> d, m */
export const vrintDirected: Lifter<TwoRegisters & { RM: number }> = (c, f) =>
  roundTo(c, f, DIRECTED_MODES[f.RM] as number, 0);

/** VCVT<A|N|P|M>.<S32|U32>.F<32|64> d, m */
export const vcvtDirected: Lifter<TwoRegisters & { isSigned: number; RM: number }> = (c, f) => {
  const { b } = c;
  const x = readScalar(c, f.double, f.m);
  const mode = DIRECTED_MODES[f.RM] as number;
  if (f.double === 1) {
    writeWord(c, f.d, f.isSigned === 1 ? b.roundedS32FromF64(x, mode) : b.roundedU32FromF64(x, mode));
  } else {
    writeWord(c, f.d, f.isSigned === 1 ? b.roundedS32FromF32(x, mode) : b.roundedU32FromF32(x, mode));
  }
};
