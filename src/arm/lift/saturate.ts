/** Saturation (ARM DDI 0406C A4.4.4, A4.4.5). Whatever saturates sets Q. */
import type { ValueId } from '../../ir/terminal.js';
import type { Lifter } from '../encoding.js';
import type { LiftContext } from '../lift-context.js';
import type { ShiftedRegister } from '../operands.js';
import { shiftImmediate } from './data-processing.js';

interface Operands {
  readonly Rd: number;
  readonly Rn: number;
  readonly Rm: number;
}

/** Sets Q when saturation changed the value. */
const setQUnless = (c: LiftContext, exact: ValueId, saturated: ValueId): void => c.setQ(c.b.ne(exact, saturated));

/** QADD, QSUB Rd, Rm, Rn; QDADD, QDSUB double Rn first, which may saturate too. */
const saturating =
  (op: 'add' | 'sub', doubles: boolean): Lifter<Operands> =>
  (c, f) => {
    const { b } = c;
    const m = c.reg(f.Rm);
    const n = c.reg(f.Rn);
    const second = doubles ? b.qadd(n, n) : n;
    const result = op === 'add' ? b.qadd(m, second) : b.qsub(m, second);
    const exact = op === 'add' ? b.add(m, second) : b.sub(m, second);
    if (doubles) setQUnless(c, b.add(n, n), second);
    setQUnless(c, exact, result);
    c.setReg(f.Rd, result);
  };

export const qadd = saturating('add', false);
export const qsub = saturating('sub', false);
export const qdadd = saturating('add', true);
export const qdsub = saturating('sub', true);

/** SSAT Rd, #bits, Rm, shift #n; USAT likewise. */
const saturateWord =
  (op: 'satS' | 'satU'): Lifter<{ Rd: number; bits: number } & ShiftedRegister> =>
  (c, f) => {
    const { value } = shiftImmediate(c, f);
    const result = c.b[op](value, c.const(f.bits));
    setQUnless(c, value, result);
    c.setReg(f.Rd, result);
  };

export const ssat = saturateWord('satS');
export const usat = saturateWord('satU');

/** SSAT16 Rd, #bits, Rn: each halfword; USAT16 likewise. */
const saturateHalves =
  (op: 'satS' | 'satU'): Lifter<{ Rd: number; bits: number; Rn: number }> =>
  (c, f) => {
    const { b } = c;
    const n = c.reg(f.Rn);
    const width = c.const(f.bits);
    const low = b[op](b.sext16(n), width);
    const high = b[op](b.sar(n, c.const(16)), width);
    const result = b.or(b.shl(high, c.const(16)), b.and(low, c.const(0xffff)));
    setQUnless(c, n, result);
    c.setReg(f.Rd, result);
  };

export const ssat16 = saturateHalves('satS');
export const usat16 = saturateHalves('satU');
