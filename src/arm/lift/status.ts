/** Status registers, CP15 and the instructions that stop the program (ARM DDI 0406C B9.3, B3.17, A8.8.224). */
import { Psr, Word } from '../../guest/cpu-state.js';
import type { ValueId } from '../../ir/terminal.js';
import { ExitReason } from '../../ir/terminal.js';
import type { Lifter } from '../encoding.js';
import type { LiftContext } from '../lift-context.js';

/** The four GE bits at bits 19..16, from their mask. */
const geBits = (c: LiftContext): ValueId => {
  const { b } = c;
  const ge = b.get(Word.GE);
  const lane = (shift: number, bit: number): ValueId => b.and(b.shr(ge, b.const(shift)), b.const(bit));
  const four = b.or(b.or(lane(7, 1), lane(14, 2)), b.or(lane(21, 4), lane(28, 8)));
  return b.shl(four, b.const(16));
};

/** MRS Rd, CPSR: flags, GE, E and user mode; T and IT read as zero. */
export const mrs: Lifter<{ Rd: number }> = (c, f) => {
  const { b } = c;
  const at = (value: ValueId, bit: number): ValueId => b.shl(value, b.const(bit));
  const sign = (word: number): ValueId => b.shr(b.get(word), b.const(31));
  const nz = b.or(at(sign(Word.NF), 31), at(b.eqz(b.get(Word.ZF)), 30));
  const cv = b.or(at(b.get(Word.CF), 29), at(sign(Word.VF), 28));
  const q = at(b.ne(b.get(Word.QF), b.const(0)), 27);
  const rest = b.const(Psr.USER | (c.bigEndian ? Psr.E : 0));
  c.setReg(f.Rd, b.or(b.or(b.or(nz, cv), b.or(q, geBits(c))), rest));
};

const writeFlags = (c: LiftContext, value: ValueId): void => {
  const { b } = c;
  const part = (shift: 'shl' | 'shr', n: number): ValueId => b[shift](value, b.const(n));
  const zf = b.eqz(b.and(value, b.const(Psr.Z)));
  const cf = b.and(part('shr', 29), b.const(1));
  b.set(value, Word.NF);
  b.set(zf, Word.ZF);
  b.set(cf, Word.CF);
  b.set(part('shl', 3), Word.VF);
  b.set(b.and(value, b.const(Psr.Q)), Word.QF);
};

const writeGe = (c: LiftContext, value: ValueId): void => {
  const { b } = c;
  const bit = (from: number, to: number): ValueId => b.shl(b.and(b.shr(value, b.const(from)), b.const(1)), b.const(to));
  b.set(b.or(b.or(bit(16, 7), bit(17, 15)), b.or(bit(18, 23), bit(19, 31))), Word.GE);
};

/** MSR CPSR_<fields>, value: user mode may write the flags (f) and GE (s); E by SETEND only. */
const writeCpsr = (c: LiftContext, mask: number, value: ValueId): void => {
  if ((mask & 8) !== 0) writeFlags(c, value);
  if ((mask & 4) !== 0) writeGe(c, value);
};

export const msrRegister: Lifter<{ Rn: number; mask: number }> = (c, f) => writeCpsr(c, f.mask, c.reg(f.Rn));
export const msrImmediate: Lifter<{ imm: number; mask: number }> = (c, f) => writeCpsr(c, f.mask, c.const(f.imm));

/** SETEND LE, BE */
export const setend: Lifter<{ E: number }> = (c, f) => {
  c.b.set(c.const(f.E), Word.BIG_ENDIAN);
  c.ending = { kind: 'setend', bigEndian: f.E === 1 };
};

/** MRC p15, 0, Rt, c13, c0, 3 (TPIDRURO) or 2 (TPIDRURW) */
export const readThreadId: Lifter<{ Rt: number; readOnly: number }> = (c, f) =>
  c.setReg(f.Rt, c.b.get(f.readOnly === 1 ? Word.TPIDRURO : Word.TPIDRURW));

/** MCR p15, 0, Rt, c13, c0, 2 (TPIDRURW) */
export const writeThreadId: Lifter<{ Rt: number }> = (c, f) => {
  c.b.set(c.reg(f.Rt), Word.TPIDRURW);
};

/** Barriers, hints, preloads and CPS in user mode: nothing to do. */
export const nop: Lifter<object> = () => {};

/** SVC #imm */
export const svc: Lifter<{ imm: number }> = (c, f) => {
  c.ending = { kind: 'svc', imm: f.imm };
};

/** BKPT #imm, and UDF with the numbers Linux takes for breakpoints */
export const breakpoint: Lifter<object> = (c) => c.trap(ExitReason.BREAKPOINT);

/** UDF #imm */
export const udf: Lifter<object> = (c) => c.trap(ExitReason.UNDEFINED);
