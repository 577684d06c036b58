/**
 * LDM, STM, PUSH and POP (ARM DDI 0406C A8.8.58 to 61, A8.8.199 to 202). The lowest register goes with the lowest
 * address; the address must be word aligned. A loaded base wins over write-back, a stored base is the original one.
 */
import type { ValueId } from '../../ir/terminal.js';
import type { Lifter } from '../encoding.js';
import type { LiftContext } from '../lift-context.js';
import type { RegisterList } from '../operands.js';
import { loadWritePC } from './pc.js';

/** The register numbers of a list, ascending. */
const registersOf = (list: number): number[] => {
  const numbers: number[] = [];
  for (let n = 0; n < 16; n++) if ((list >>> n) & 1) numbers.push(n);
  return numbers;
};

/** Lowest address of the transfer and the base afterwards. */
const range = (c: LiftContext, f: RegisterList, count: number): { start: ValueId; end: ValueId } => {
  const base = c.reg(f.Rn);
  const bytes = 4 * count;
  if (f.increment === 1) return { start: c.offset(base, f.before === 1 ? 4 : 0), end: c.offset(base, bytes) };
  return { start: c.offset(base, f.before === 1 ? -bytes : 4 - bytes), end: c.offset(base, -bytes) };
};

/** LDM{IA|IB|DA|DB} Rn{!}, {registers} */
export const ldm: Lifter<RegisterList> = (c, f) => {
  const registers = registersOf(f.registers);
  const { start, end } = range(c, f, registers.length);
  c.checkAlign(start, 4);
  const values = registers.map((_n, i) => c.load32(c.offset(start, 4 * i)));
  if (registers.at(-1) === 15) {
    const pops = f.Rn === 13 && f.wback === 1 && f.increment === 1 && f.before === 0;
    const loadsSp = registers.indexOf(13);
    const spAfter = loadsSp >= 0 ? values[loadsSp] : f.wback === 1 && f.Rn === 13 ? end : undefined;
    loadWritePC(c, values.at(-1) as ValueId, { form: 'ldm', flow: 'return', pops, spAfter });
  }
  if (f.wback === 1) c.setReg(f.Rn, end);
  for (const [i, n] of registers.entries()) if (n !== 15) c.setReg(n, values[i] as ValueId);
};

/** STM{IA|IB|DA|DB} Rn{!}, {registers} */
export const stm: Lifter<RegisterList> = (c, f) => {
  const registers = registersOf(f.registers);
  const { start, end } = range(c, f, registers.length);
  c.checkAlign(start, 4);
  for (const [i, n] of registers.entries()) c.store32(c.offset(start, 4 * i), c.reg(n));
  if (f.wback === 1) c.setReg(f.Rn, end);
};
