/** Multiplies and divides (ARM DDI 0406C A4.4.3, A4.4.9). */
import type { ValueId } from '../../ir/terminal.js';
import type { Lifter } from '../encoding.js';
import type { LiftContext } from '../lift-context.js';

interface Three {
  readonly Rd: number;
  readonly Rn: number;
  readonly Rm: number;
}
interface Four extends Three {
  readonly Ra: number;
}
interface Long {
  readonly RdLo: number;
  readonly RdHi: number;
  readonly Rn: number;
  readonly Rm: number;
}

/** A 64-bit value as two words. */
interface Wide {
  readonly low: ValueId;
  readonly high: ValueId;
}

const addWide = (c: LiftContext, x: Wide, y: Wide): Wide => {
  const { b } = c;
  const low = b.add(x.low, y.low);
  return { low, high: b.addHigh(b.ltU(low, x.low), x.high, y.high) };
};

const signExtended = (c: LiftContext, word: ValueId): Wide => ({ low: word, high: c.b.sar(word, c.const(31)) });

const product = (c: LiftContext, f: { Rn: number; Rm: number }, signed: boolean): Wide => {
  const { b } = c;
  const n = c.reg(f.Rn);
  const m = c.reg(f.Rm);
  return { low: b.mul(n, m), high: signed ? b.mulHighS(n, m) : b.mulHighU(n, m) };
};

const accumulator = (c: LiftContext, f: Long): Wide => ({ low: c.reg(f.RdLo), high: c.reg(f.RdHi) });

const writeWide = (c: LiftContext, f: Long, value: Wide): void => {
  c.setReg(f.RdLo, value.low);
  c.setReg(f.RdHi, value.high);
};

/** The signed bottom (0) or top (1) halfword of a value. */
const half = (c: LiftContext, value: ValueId, top: number): ValueId =>
  top === 1 ? c.b.sar(value, c.const(16)) : c.b.sext16(value);

/** Bit 0 = the sum x + y = result overflowed. */
const overflowed = (c: LiftContext, x: ValueId, y: ValueId, result: ValueId): ValueId =>
  c.b.shr(c.b.overflow(x, y, result), c.const(31));

/** Rd = product + Ra, Q on overflow; without Ra (15) just the product. */
const accumulateSetQ = (c: LiftContext, f: Four, value: ValueId): void => {
  const a = c.reg(f.Ra);
  const sum = c.b.add(value, a);
  c.setQ(overflowed(c, value, a, sum));
  c.setReg(f.Rd, sum);
};

/** MUL{S} Rd, Rn, Rm */
export const mul: Lifter<Three & { S: number }> = (c, f) => {
  const result = c.b.mul(c.reg(f.Rn), c.reg(f.Rm));
  if (c.setsFlags(f.S)) c.setNZ(result);
  c.setReg(f.Rd, result);
};

/** MLA{S} Rd, Rn, Rm, Ra */
export const mla: Lifter<Four & { S: number }> = (c, f) => {
  const result = c.b.add(c.b.mul(c.reg(f.Rn), c.reg(f.Rm)), c.reg(f.Ra));
  if (c.setsFlags(f.S)) c.setNZ(result);
  c.setReg(f.Rd, result);
};

/** MLS Rd, Rn, Rm, Ra */
export const mls: Lifter<Four> = (c, f) => c.setReg(f.Rd, c.b.sub(c.reg(f.Ra), c.b.mul(c.reg(f.Rn), c.reg(f.Rm))));

const long =
  (signed: boolean, accumulates: boolean): Lifter<Long & { S: number }> =>
  (c, f) => {
    const p = product(c, f, signed);
    const result = accumulates ? addWide(c, p, accumulator(c, f)) : p;
    if (c.setsFlags(f.S)) c.setNZ64(result.low, result.high);
    writeWide(c, f, result);
  };

/** {S|U}{MULL|MLAL}{S} RdLo, RdHi, Rn, Rm */
export const umull = long(false, false);
export const umlal = long(false, true);
export const smull = long(true, false);
export const smlal = long(true, true);

/** UMAAL RdLo, RdHi, Rn, Rm: the product plus both words, which cannot overflow 64 bits. */
export const umaal: Lifter<Long> = (c, f) => {
  const zero = c.const(0);
  const p = addWide(c, product(c, f, false), { low: c.reg(f.RdHi), high: zero });
  writeWide(c, f, addWide(c, p, { low: c.reg(f.RdLo), high: zero }));
};

interface Halves {
  readonly N: number;
  readonly M: number;
}

const halfProduct = (c: LiftContext, f: { Rn: number; Rm: number } & Halves): ValueId =>
  c.b.mul(half(c, c.reg(f.Rn), f.N), half(c, c.reg(f.Rm), f.M));

/** SMUL<x><y> Rd, Rn, Rm */
export const smulHalf: Lifter<Three & Halves> = (c, f) => c.setReg(f.Rd, halfProduct(c, f));

/** SMLA<x><y> Rd, Rn, Rm, Ra */
export const smlaHalf: Lifter<Four & Halves> = (c, f) => accumulateSetQ(c, f, halfProduct(c, f));

/** SMLAL<x><y> RdLo, RdHi, Rn, Rm */
export const smlalHalf: Lifter<Long & Halves> = (c, f) =>
  writeWide(c, f, addWide(c, accumulator(c, f), signExtended(c, halfProduct(c, f))));

/** Bits 47..16 of a word times a halfword. */
const wordByHalf = (c: LiftContext, f: { Rn: number; Rm: number; M: number }): ValueId => {
  const { b } = c;
  const n = c.reg(f.Rn);
  const m = half(c, c.reg(f.Rm), f.M);
  return b.or(b.shl(b.mulHighS(n, m), c.const(16)), b.shr(b.mul(n, m), c.const(16)));
};

/** SMULW<y> Rd, Rn, Rm */
export const smulw: Lifter<Three & { M: number }> = (c, f) => c.setReg(f.Rd, wordByHalf(c, f));

/** SMLAW<y> Rd, Rn, Rm, Ra */
export const smlaw: Lifter<Four & { M: number }> = (c, f) => accumulateSetQ(c, f, wordByHalf(c, f));

/** Products of the bottom and of the top halfwords; M = 1 swaps Rm's first. */
const dualProducts = (c: LiftContext, f: { Rn: number; Rm: number; M: number }): [ValueId, ValueId] => {
  const n = c.reg(f.Rn);
  const m = c.reg(f.Rm);
  return [c.b.mul(half(c, n, 0), half(c, m, f.M)), c.b.mul(half(c, n, 1), half(c, m, 1 - f.M))];
};

/** SMUAD{X} Rd, Rn, Rm: Q when the sum overflows (all halfwords -32768). */
export const smuad: Lifter<Three & { M: number }> = (c, f) => {
  const [low, high] = dualProducts(c, f);
  const sum = c.b.add(low, high);
  c.setQ(overflowed(c, low, high, sum));
  c.setReg(f.Rd, sum);
};

/** SMUSD{X} Rd, Rn, Rm */
export const smusd: Lifter<Three & { M: number }> = (c, f) => {
  const [low, high] = dualProducts(c, f);
  c.setReg(f.Rd, c.b.sub(low, high));
};

/** SMLAD{X} Rd, Rn, Rm, Ra: Q when the exact sum does not fit, so two overflows in opposite directions cancel. */
export const smlad: Lifter<Four & { M: number }> = (c, f) => {
  const { b } = c;
  const [low, high] = dualProducts(c, f);
  const a = c.reg(f.Ra);
  const both = b.add(low, high);
  const sum = b.add(both, a);
  c.setQ(b.xor(overflowed(c, low, high, both), overflowed(c, both, a, sum)));
  c.setReg(f.Rd, sum);
};

/** SMLSD{X} Rd, Rn, Rm, Ra */
export const smlsd: Lifter<Four & { M: number }> = (c, f) => {
  const [low, high] = dualProducts(c, f);
  accumulateSetQ(c, f, c.b.sub(low, high));
};

/** SMLALD{X} RdLo, RdHi, Rn, Rm */
export const smlald: Lifter<Long & { M: number }> = (c, f) => {
  const [low, high] = dualProducts(c, f);
  const partial = addWide(c, accumulator(c, f), signExtended(c, low));
  writeWide(c, f, addWide(c, partial, signExtended(c, high)));
};

/** SMLSLD{X} RdLo, RdHi, Rn, Rm */
export const smlsld: Lifter<Long & { M: number }> = (c, f) => {
  const [low, high] = dualProducts(c, f);
  writeWide(c, f, addWide(c, accumulator(c, f), signExtended(c, c.b.sub(low, high))));
};

/** 1 when R asks for rounding and bit 31 of `low` is set. */
const rounding = (c: LiftContext, R: number, low: ValueId): ValueId =>
  R === 1 ? c.b.shr(low, c.const(31)) : c.const(0);

/** SMMUL{R} Rd, Rn, Rm */
export const smmul: Lifter<Three & { R: number }> = (c, f) => {
  const p = product(c, f, true);
  c.setReg(f.Rd, c.b.add(p.high, rounding(c, f.R, p.low)));
};

/** SMMLA{R} Rd, Rn, Rm, Ra */
export const smmla: Lifter<Four & { R: number }> = (c, f) => {
  const p = product(c, f, true);
  c.setReg(f.Rd, c.b.add(c.b.add(c.reg(f.Ra), p.high), rounding(c, f.R, p.low)));
};

/** SMMLS{R} Rd, Rn, Rm, Ra */
export const smmls: Lifter<Four & { R: number }> = (c, f) => {
  const { b } = c;
  const p = product(c, f, true);
  const low = b.neg(p.low);
  const high = b.sub(b.sub(c.reg(f.Ra), p.high), b.ne(p.low, c.const(0)));
  c.setReg(f.Rd, b.add(high, rounding(c, f.R, low)));
};

/** USAD8 Rd, Rn, Rm */
export const usad8: Lifter<Three> = (c, f) => c.setReg(f.Rd, c.b.usad8(c.reg(f.Rn), c.reg(f.Rm)));

/** USADA8 Rd, Rn, Rm, Ra */
export const usada8: Lifter<Four> = (c, f) => c.setReg(f.Rd, c.b.add(c.reg(f.Ra), c.b.usad8(c.reg(f.Rn), c.reg(f.Rm))));

/** SDIV Rd, Rn, Rm */
export const sdiv: Lifter<Three> = (c, f) => c.setReg(f.Rd, c.b.divS(c.reg(f.Rn), c.reg(f.Rm)));

/** UDIV Rd, Rn, Rm */
export const udiv: Lifter<Three> = (c, f) => c.setReg(f.Rd, c.b.divU(c.reg(f.Rn), c.reg(f.Rm)));
