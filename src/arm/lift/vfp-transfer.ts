/** VFP registers to and from memory and core registers, and FPSCR (ARM DDI 0406C A8.8.332 to A8.8.349, A8.8.368 and on). */
import { dRegister, Psr, sRegister, Word } from '../../guest/cpu-state.js';
import type { ValueId } from '../../ir/terminal.js';
import type { Lifter } from '../encoding.js';
import type { LiftContext } from '../lift-context.js';
import type { RegisterRun, VfpAddress } from '../vfp-operands.js';
import { forgetScalar, readScalar, writeScalar } from './vfp.js';

/** FPSCR bits a VMSR changes; NZCV are kept apart. No half-precision arithmetic, so no FZ16. */
const FPSCR_WRITABLE = 0x0ff7_009f;
const FPSCR_NZCV = -0x1000_0000;

// -- memory ------------------------------------------------------------------------------------------------------------

interface BaseRegister {
  readonly Rn: number;
}

/** VLDR d, [Rn, #offset]. Words even for a double: four-byte alignment is enough, and needed. */
export const vldr: Lifter<VfpAddress & BaseRegister> = (c, { double, d, Rn, offset }) => {
  const address = c.offset(c.base(Rn), offset);
  c.checkAlign(address, 4);
  writeScalar(c, double, d, double === 1 ? c.loadF64(address) : c.loadF32(address));
};

/** VSTR d, [Rn, #offset] */
export const vstr: Lifter<VfpAddress & BaseRegister> = (c, { double, d, Rn, offset }) => {
  const address = c.offset(c.base(Rn), offset);
  c.checkAlign(address, 4);
  store(c, double, address, d);
};

const store = (c: LiftContext, double: number, address: ValueId, d: number): void => {
  if (double === 1) c.storeF64(address, readScalar(c, 1, d));
  else c.storeF32(address, readScalar(c, 0, d));
};

/** Lowest address of a run, checked for alignment, and the base register's value after it. */
const runAddress = (c: LiftContext, f: RegisterRun & BaseRegister): { start: ValueId; end: ValueId } => {
  const base = c.base(f.Rn);
  const other = c.offset(base, f.decrement === 1 ? -f.sizeBytes : f.sizeBytes);
  const start = f.decrement === 1 ? other : base;
  c.checkAlign(start, 4);
  return { start, end: other };
};

/** VLDM<IA|DB> Rn{!}, {d...}; VPOP; FLDMX */
export const vldm: Lifter<RegisterRun & BaseRegister> = (c, f) => {
  const { start, end } = runAddress(c, f);
  const stride = f.double === 1 ? 8 : 4;
  const loaded: ValueId[] = [];
  for (let k = 0; k < f.count; k++) {
    const address = c.offset(start, k * stride);
    loaded.push(f.double === 1 ? c.loadF64(address) : c.loadF32(address));
  }
  loaded.forEach((value, k) => {
    writeScalar(c, f.double, f.d + k, value);
  });
  if (f.wback === 1) c.setReg(f.Rn, end);
};

/** VSTM<IA|DB> Rn{!}, {d...}; VPUSH; FSTMX */
export const vstm: Lifter<RegisterRun & BaseRegister> = (c, f) => {
  const { start, end } = runAddress(c, f);
  const stride = f.double === 1 ? 8 : 4;
  for (let k = 0; k < f.count; k++) store(c, f.double, c.offset(start, k * stride), f.d + k);
  if (f.wback === 1) c.setReg(f.Rn, end);
};

// -- core registers ----------------------------------------------------------------------------------------------------

/** State word of lane `x` of D register `d`. */
const laneWord = (d: number, x: number): number => dRegister(d) + x;

const wordFrom = (c: LiftContext, word: number): ValueId => c.b.bitsFromF32(c.b.getF32(word));
const wordTo = (c: LiftContext, word: number, value: ValueId): void => {
  c.b.setF32(c.b.f32FromBits(value), word);
};

interface CoreAndWord {
  readonly Rt: number;
  /** State word of the S register or lane. */
  readonly word: number;
}

/** VMOV Sn, Rt and VMOV.32 Dd[x], Rt */
export const vmovWordFromCore: Lifter<CoreAndWord> = (c, { Rt, word }) => wordTo(c, word, c.reg(Rt));
/** VMOV Rt, Sn and VMOV.32 Rt, Dn[x] */
export const vmovCoreFromWord: Lifter<CoreAndWord> = (c, { Rt, word }) => c.setReg(Rt, wordFrom(c, word));

/** Operands of VMOV between a core register and an S register. */
export const singleAndCore = (f: { Rt: number; N: number; Vn: number }): CoreAndWord => ({
  Rt: f.Rt,
  word: sRegister((f.Vn << 1) | f.N),
});
/** Operands of VMOV between a core register and a 32-bit lane. */
export const laneAndCore = (f: { Rt: number; high: number; Vreg: number; x: number }): CoreAndWord => ({
  Rt: f.Rt,
  word: laneWord((f.high << 4) | f.Vreg, f.x),
});

interface CorePair {
  readonly Rt: number;
  readonly Rt2: number;
  readonly M: number;
  readonly Vm: number;
}

/** VMOV Sm, Sm1, Rt, Rt2 */
export const vmovPairFromCore: Lifter<CorePair> = (c, { Rt, Rt2, M, Vm }) => {
  const word = sRegister((Vm << 1) | M);
  const first = c.reg(Rt);
  const second = c.reg(Rt2);
  wordTo(c, word, first);
  wordTo(c, word + 1, second);
};
/** VMOV Rt, Rt2, Sm, Sm1 */
export const vmovCoreFromPair: Lifter<CorePair> = (c, { Rt, Rt2, M, Vm }) => {
  const word = sRegister((Vm << 1) | M);
  c.setReg(Rt, wordFrom(c, word));
  c.setReg(Rt2, wordFrom(c, word + 1));
};
/** VMOV Dm, Rt, Rt2 */
export const vmovDoubleFromCore: Lifter<CorePair> = (c, { Rt, Rt2, M, Vm }) =>
  writeScalar(c, 1, (M << 4) | Vm, c.b.f64FromWords(c.reg(Rt), c.reg(Rt2)));
/** VMOV Rt, Rt2, Dm */
export const vmovCoreFromDouble: Lifter<CorePair> = (c, { Rt, Rt2, M, Vm }) => {
  const value = readScalar(c, 1, (M << 4) | Vm);
  c.setReg(Rt, c.b.lowWord(value));
  c.setReg(Rt2, c.b.highWord(value));
};

// -- FPSCR -------------------------------------------------------------------------------------------------------------

/** VMRS Rt, FPSCR; with Rt = 15 its NZCV go to the APSR. */
export const vmrs: Lifter<{ Rt: number }> = (c, { Rt }) => {
  const { b } = c;
  const nzcv = b.get(Word.FPSCR_NZCV);
  if (Rt !== 15) {
    c.setReg(Rt, b.or(b.get(Word.FPSCR), nzcv));
    return;
  }
  b.set(nzcv, Word.NF);
  b.set(b.eqz(b.and(nzcv, b.const(Psr.Z))), Word.ZF);
  c.setC(b.and(b.shr(nzcv, b.const(29)), b.const(1)));
  c.setV(b.shl(nzcv, b.const(3)));
};

/** VMSR FPSCR, Rt */
export const vmsr: Lifter<{ Rt: number }> = (c, { Rt }) => {
  const { b } = c;
  const value = c.reg(Rt);
  b.set(b.and(value, b.const(FPSCR_WRITABLE)), Word.FPSCR);
  b.set(b.and(value, b.const(FPSCR_NZCV)), Word.FPSCR_NZCV);
  forgetScalar(c);
};
