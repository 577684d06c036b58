/** Branches (ARM DDI 0406C A4.3). Offsets count from the value R15 reads as. */
import type { Lifter } from '../encoding.js';
import type { LiftContext } from '../lift-context.js';
import { branchTo, bxWritePC, linkOf } from './pc.js';

interface Offset {
  readonly offset: number;
}

/** Interworking address of `offset` from here, in this instruction set. */
const targetOf = (c: LiftContext, offset: number): number => ((c.pcRead + offset) | (c.isThumb ? 1 : 0)) >>> 0;

/** B<cond> label */
export const b: Lifter<Offset> = (c, f) => branchTo(c, targetOf(c, f.offset), 'b');

const setLink = (c: LiftContext): void => c.setReg(14, c.const(linkOf(c)));

/** BL label */
export const bl: Lifter<Offset> = (c, f) => {
  branchTo(c, targetOf(c, f.offset), 'bl');
  setLink(c);
};

/** BLX label: changes the instruction set; from T32 the offset counts from Align(PC, 4). */
export const blxImmediate: Lifter<Offset> = (c, f) => {
  const target = c.isThumb ? (c.pcRead & ~3) + f.offset : (c.pcRead + f.offset) | 1;
  branchTo(c, target >>> 0, 'blx');
  setLink(c);
};

/** BX Rm; BXJ behaves as BX where Jazelle is trivial. */
export const bx: Lifter<{ Rm: number }> = (c, f) =>
  bxWritePC(c, c.reg(f.Rm), { form: 'bx', flow: f.Rm === 14 ? 'return' : 'jump', register: f.Rm });

/** BLX Rm: LR is read before it is written. */
export const blxRegister: Lifter<{ Rm: number }> = (c, f) => {
  bxWritePC(c, c.reg(f.Rm), { form: 'blx', flow: 'call', register: f.Rm });
  setLink(c);
};

/** CBZ, CBNZ Rn, label */
export const cbz: Lifter<Offset & { Rn: number; nonZero: number }> = (c, f) => {
  const value = c.reg(f.Rn);
  branchTo(c, targetOf(c, f.offset), 'b', f.nonZero === 1 ? value : c.b.eqz(value));
};
