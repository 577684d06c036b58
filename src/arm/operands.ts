/**
 * The operand shapes encodings share, and the pseudocode functions that make them (ARM DDI 0406C A5.2.4, A6.3.2,
 * A8.4.3). A table row names one of these as its `operands`, so A32, T32 and T16 encodings of an operation meet in one
 * lifter.
 */
import { rotateRight, signExtend } from '../bits.js';

/** Shift types as encoded, and RRX, which ROR #0 encodes. */
export const Shift = { LSL: 0, LSR: 1, ASR: 2, ROR: 3, RRX: 4 } as const;

/** Carry out of an immediate operand: 0, 1 or unchanged. */
export const CARRY_UNCHANGED = -1;

export interface Immediate {
  readonly imm: number;
  readonly immCarry: number;
}
export interface ShiftedRegister {
  readonly Rm: number;
  readonly shiftType: number;
  readonly amount: number;
}
export interface RegisterShiftedRegister {
  readonly Rm: number;
  readonly shiftType: number;
  readonly Rs: number;
}
/** Result, first operand and flag setting of a data-processing instruction; comparisons ignore Rd. */
export interface Destination {
  readonly S: number;
  readonly Rd: number;
  readonly Rn: number;
}
export type DpImmediate = Destination & Immediate;
export type DpRegister = Destination & ShiftedRegister;
export type DpRegisterShifted = Destination & RegisterShiftedRegister;

/** `[Rn, #offset]`, `[Rn, #offset]!` (index, wback) or `[Rn], #offset` (wback). The offset is signed. */
export interface MemoryImmediate {
  readonly Rt: number;
  readonly Rn: number;
  readonly offset: number;
  readonly index: number;
  readonly wback: number;
}
/** The same with a shifted register, subtracted when `add` is 0. */
export interface MemoryRegister extends ShiftedRegister {
  readonly Rt: number;
  readonly Rn: number;
  readonly add: number;
  readonly index: number;
  readonly wback: number;
}
export interface RegisterList {
  readonly Rn: number;
  readonly registers: number;
  readonly wback: number;
  /** 1 = upwards (IA, IB). */
  readonly increment: number;
  /** 1 = the address moves before each transfer (IB, DB). */
  readonly before: number;
}

/** ARMExpandImm_C: an 8-bit value rotated right by twice imm12<11:8>. */
export const armExpandImm = (imm12: number): Immediate => {
  const rotation = (imm12 >>> 8) * 2;
  const imm = rotateRight(imm12 & 0xff, rotation);
  return { imm, immCarry: rotation === 0 ? CARRY_UNCHANGED : imm >>> 31 };
};

/** ThumbExpandImm_C: replicated bytes keep the carry, a rotated 8-bit value sets it to bit 31. */
const thumbExpandImm = (imm12: number): Immediate => {
  const byte = imm12 & 0xff;
  if (imm12 >>> 10 === 0) {
    const replicate = [1, 0x0001_0001, 0x0100_0100, 0x0101_0101][imm12 >>> 8] as number;
    return { imm: Math.imul(byte, replicate), immCarry: CARRY_UNCHANGED };
  }
  const imm = rotateRight(0x80 | (imm12 & 0x7f), imm12 >>> 7);
  return { imm, immCarry: imm >>> 31 };
};

/** Whether ThumbExpandImm is UNPREDICTABLE: a replicated zero byte. */
export const isThumbExpandUnpredictable = (imm12: number): boolean =>
  imm12 >>> 10 === 0 && imm12 >>> 8 !== 0 && (imm12 & 0xff) === 0;

/** DecodeImmShift. */
export const decodeImmShift = (type: number, imm5: number): { shiftType: number; amount: number } => {
  if (type === Shift.ROR && imm5 === 0) return { shiftType: Shift.RRX, amount: 1 };
  return { shiftType: type, amount: imm5 === 0 && type !== Shift.LSL ? 32 : imm5 };
};

// -- `operands` of data processing ---------------------------------------------------------------------------------------

export const armImmediate = (f: { S: number; Rd: number; Rn: number; imm12: number }): DpImmediate => ({
  S: f.S,
  Rd: f.Rd,
  Rn: f.Rn,
  ...armExpandImm(f.imm12),
});

export const armRegister = (f: {
  S: number;
  Rd: number;
  Rn: number;
  Rm: number;
  imm5: number;
  type: number;
}): DpRegister => ({ S: f.S, Rd: f.Rd, Rn: f.Rn, Rm: f.Rm, ...decodeImmShift(f.type, f.imm5) });

export const armRegisterShifted = (f: {
  S: number;
  Rd: number;
  Rn: number;
  Rm: number;
  Rs: number;
  type: number;
}): DpRegisterShifted => ({ S: f.S, Rd: f.Rd, Rn: f.Rn, Rm: f.Rm, Rs: f.Rs, shiftType: f.type });

interface ThumbImm {
  i: number;
  imm3: number;
  imm8: number;
}
export const thumbImm12 = (f: ThumbImm): number => (f.i << 11) | (f.imm3 << 8) | f.imm8;

export const thumbImmediate = (f: ThumbImm & { S: number; Rd: number; Rn: number }) => ({
  S: f.S,
  Rd: f.Rd,
  Rn: f.Rn,
  imm12: thumbImm12(f),
  ...thumbExpandImm(thumbImm12(f)),
});

export const thumbRegister = (f: {
  S: number;
  Rd: number;
  Rn: number;
  Rm: number;
  imm3: number;
  imm2: number;
  type: number;
}): DpRegister => ({
  S: f.S,
  Rd: f.Rd,
  Rn: f.Rn,
  Rm: f.Rm,
  ...decodeImmShift(f.type, (f.imm3 << 2) | f.imm2),
});

/** An immediate operand without carry out. */
export const plainImmediate = (Rd: number, Rn: number, imm: number, S = 0): DpImmediate => ({
  S,
  Rd,
  Rn,
  imm,
  immCarry: CARRY_UNCHANGED,
});

/** A register operand without shift. */
export const plainRegister = (Rd: number, Rn: number, Rm: number, S = 0): DpRegister => ({
  S,
  Rd,
  Rn,
  Rm,
  shiftType: Shift.LSL,
  amount: 0,
});

// -- `operands` of loads and stores ----------------------------------------------------------------------------------------

const signed = (U: number, magnitude: number): number => (U === 1 ? magnitude : -magnitude);

/** P, U, W and an offset: post-indexed (P = 0) always writes back. */
export const memoryImmediate = (
  f: { P: number; U: number; W: number; Rn: number; Rt: number },
  magnitude: number,
): MemoryImmediate => ({
  Rt: f.Rt,
  Rn: f.Rn,
  offset: signed(f.U, magnitude),
  index: f.P,
  wback: f.P === 0 || f.W === 1 ? 1 : 0,
});

/** Offset addressing without write-back. */
export const memoryOffset = (Rt: number, Rn: number, offset: number): MemoryImmediate => ({
  Rt,
  Rn,
  offset,
  index: 1,
  wback: 0,
});

export const literal = (f: { U: number; Rt: number; imm12: number }): MemoryImmediate =>
  memoryOffset(f.Rt, 15, signed(f.U, f.imm12));

export const memoryRegister = (
  f: { P: number; U: number; W: number; Rn: number; Rt: number; Rm: number },
  type = 0,
  imm5 = 0,
): MemoryRegister => ({
  Rt: f.Rt,
  Rn: f.Rn,
  Rm: f.Rm,
  ...decodeImmShift(type, imm5),
  add: f.U,
  index: f.P,
  wback: f.P === 0 || f.W === 1 ? 1 : 0,
});

/** `[Rn, Rm, LSL #amount]`. */
export const memoryRegisterOffset = (Rt: number, Rn: number, Rm: number, amount = 0): MemoryRegister => ({
  Rt,
  Rn,
  Rm,
  shiftType: Shift.LSL,
  amount,
  add: 1,
  index: 1,
  wback: 0,
});

// -- branch offsets ----------------------------------------------------------------------------------------------------------

/** imm24:'00'. */
export const armBranchOffset = (imm24: number): number => signExtend(imm24 << 2, 26);

/** S:I1:I2:imm10:imm11:'0' of the T32 B (T4), BL and BLX encodings, where I = NOT(J EOR S). */
export const thumbBranchOffset = (f: { S: number; J1: number; J2: number; imm10: number; imm11: number }): number => {
  const i1 = 1 ^ f.J1 ^ f.S;
  const i2 = 1 ^ f.J2 ^ f.S;
  return signExtend((f.S << 24) | (i1 << 23) | (i2 << 22) | (f.imm10 << 12) | (f.imm11 << 1), 25);
};
