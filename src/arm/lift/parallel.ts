/** Parallel addition and subtraction, SEL and the packing instructions (ARM DDI 0406C A4.4.6, A4.4.7). */
import { Word } from '../../guest/cpu-state.js';
import { type ParallelLanes, type ParallelPrefix, parallelKind } from '../../ir/parallel.js';
import type { Lifter } from '../encoding.js';
import { Shift, type ShiftedRegister } from '../operands.js';
import { shiftImmediate } from './data-processing.js';

interface Operands {
  readonly Rd: number;
  readonly Rn: number;
  readonly Rm: number;
}

/** `<prefix><lanes> Rd, Rn, Rm`; only the plain signed and unsigned forms set GE. */
export const parallel = (prefix: ParallelPrefix, lanes: ParallelLanes): Lifter<Operands> => {
  const kind = parallelKind(prefix, lanes);
  const setsGe = prefix === 's' || prefix === 'u';
  return (c, f) => {
    const n = c.reg(f.Rn);
    const m = c.reg(f.Rm);
    const result = c.b.parallel(n, m, kind);
    if (setsGe) c.b.set(c.b.parallelGe(n, m, kind), Word.GE);
    c.setReg(f.Rd, result);
  };
};

/** SEL Rd, Rn, Rm */
export const sel: Lifter<Operands> = (c, f) => c.setReg(f.Rd, c.b.sel(c.reg(f.Rn), c.reg(f.Rm), c.b.get(Word.GE)));

/** PKHBT Rd, Rn, Rm, LSL #n and PKHTB Rd, Rn, Rm, ASR #n */
export const pkh: Lifter<{ Rd: number; Rn: number } & ShiftedRegister> = (c, f) => {
  const { b } = c;
  const n = c.reg(f.Rn);
  const m = shiftImmediate(c, f).value;
  const [top, bottom] = f.shiftType === Shift.ASR ? [n, m] : [m, n];
  c.setReg(f.Rd, b.or(b.and(top, c.const(0xffff_0000)), b.and(bottom, c.const(0xffff))));
};
