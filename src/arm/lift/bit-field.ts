/** Extension, bit fields and bit counting (ARM DDI 0406C A4.4.7, A4.4.8). */
import type { ValueId } from '../../ir/terminal.js';
import type { Lifter } from '../encoding.js';
import type { LiftContext } from '../lift-context.js';

interface Extended {
  readonly Rd: number;
  readonly Rm: number;
  /** Right rotation in bits: 0, 8, 16 or 24. */
  readonly rotation: number;
}

type Extension = (c: LiftContext, value: ValueId) => ValueId;

const sext8x2: Extension = ({ b }, x) => {
  const low = b.and(b.sext8(x), b.const(0xffff));
  return b.or(b.and(b.sar(b.shl(x, b.const(8)), b.const(8)), b.const(0xffff_0000)), low);
};

const rotated = (c: LiftContext, f: Extended): ValueId => {
  const m = c.reg(f.Rm);
  return f.rotation === 0 ? m : c.b.ror(m, c.const(f.rotation));
};

/** `op Rd, Rm, ROR #rotation` */
const extend =
  (extension: Extension): Lifter<Extended> =>
  (c, f) =>
    c.setReg(f.Rd, extension(c, rotated(c, f)));

/** `op Rd, Rn, Rm, ROR #rotation` */
const extendAdd =
  (extension: Extension): Lifter<Extended & { Rn: number }> =>
  (c, f) =>
    c.setReg(f.Rd, c.b.add(c.reg(f.Rn), extension(c, rotated(c, f))));

/** The same on halfword lanes: sums do not carry from the low one into the high one. */
const extendAddHalves =
  (extension: Extension): Lifter<Extended & { Rn: number }> =>
  (c, f) => {
    const { b } = c;
    const n = c.reg(f.Rn);
    const x = extension(c, rotated(c, f));
    const low = b.and(b.add(n, x), c.const(0xffff));
    const high = b.add(b.and(n, c.const(0xffff_0000)), b.and(x, c.const(0xffff_0000)));
    c.setReg(f.Rd, b.or(high, low));
  };

const sext8: Extension = (c, x) => c.b.sext8(x);
const sext16: Extension = (c, x) => c.b.sext16(x);
const masked =
  (mask: number): Extension =>
  (c, x) =>
    c.b.and(x, c.const(mask));

export const sxtb = extend(sext8);
export const sxth = extend(sext16);
export const sxtb16 = extend(sext8x2);
export const uxtb = extend(masked(0xff));
export const uxth = extend(masked(0xffff));
export const uxtb16 = extend(masked(0x00ff_00ff));
export const sxtab = extendAdd(sext8);
export const sxtah = extendAdd(sext16);
export const sxtab16 = extendAddHalves(sext8x2);
export const uxtab = extendAdd(masked(0xff));
export const uxtah = extendAdd(masked(0xffff));
export const uxtab16 = extendAddHalves(masked(0x00ff_00ff));

const oneOperand =
  (op: 'clz' | 'rbit' | 'rev' | 'rev16'): Lifter<{ Rd: number; Rm: number }> =>
  (c, f) =>
    c.setReg(f.Rd, c.b[op](c.reg(f.Rm)));

export const clz = oneOperand('clz');
export const rbit = oneOperand('rbit');
export const rev = oneOperand('rev');
export const rev16 = oneOperand('rev16');

/** REVSH Rd, Rm */
export const revsh: Lifter<{ Rd: number; Rm: number }> = (c, f) => c.setReg(f.Rd, c.b.sext16(c.b.rev16(c.reg(f.Rm))));

interface Extract {
  readonly Rd: number;
  readonly Rn: number;
  readonly lsb: number;
  readonly widthm1: number;
}

/** Whether the field of SBFX or UBFX reaches past bit 31. */
export const isFieldTooWide = (f: { lsb: number; widthm1: number }): boolean => f.lsb + f.widthm1 > 31;

const extract =
  (op: 'sar' | 'shr'): Lifter<Extract> =>
  (c, f) => {
    const { b } = c;
    const left = b.shl(c.reg(f.Rn), c.const(31 - f.lsb - f.widthm1));
    c.setReg(f.Rd, b[op](left, c.const(31 - f.widthm1)));
  };

/** SBFX Rd, Rn, #lsb, #width */
export const sbfx = extract('sar');

/** UBFX Rd, Rn, #lsb, #width */
export const ubfx: Lifter<Extract> = (c, f) => {
  if (f.lsb + f.widthm1 === 31) c.setReg(f.Rd, c.b.shr(c.reg(f.Rn), c.const(f.lsb)));
  else c.setReg(f.Rd, c.b.and(c.b.shr(c.reg(f.Rn), c.const(f.lsb)), c.const(2 ** (f.widthm1 + 1) - 1)));
};

const fieldMask = (f: { lsb: number; msb: number }): number => ((2 ** (f.msb - f.lsb + 1) - 1) << f.lsb) | 0;

/** BFC Rd, #lsb, #width */
export const bfc: Lifter<{ Rd: number; lsb: number; msb: number }> = (c, f) =>
  c.setReg(f.Rd, c.b.and(c.reg(f.Rd), c.const(~fieldMask(f))));

/** BFI Rd, Rn, #lsb, #width */
export const bfi: Lifter<{ Rd: number; Rn: number; lsb: number; msb: number }> = (c, f) => {
  const { b } = c;
  const mask = fieldMask(f);
  const inserted = b.and(b.shl(c.reg(f.Rn), c.const(f.lsb)), c.const(mask));
  c.setReg(f.Rd, b.or(b.and(c.reg(f.Rd), c.const(~mask)), inserted));
};
