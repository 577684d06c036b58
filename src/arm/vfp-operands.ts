/**
 * The operand shapes of the VFP encodings: register numbers put together from their split fields (ARM DDI 0406C A7.3).
 * A shape adds to the picture's fields; tables/vfp gives a lifter both.
 */

/** Width of the operands; registers `d`, `n`, `m` are D registers when `double` is 1, else S registers. */
export interface Width {
  readonly double: number;
}
export interface Destination extends Width {
  readonly d: number;
}
export interface TwoRegisters extends Destination {
  readonly m: number;
}
export interface ThreeRegisters extends TwoRegisters {
  readonly n: number;
}

interface DFields {
  readonly sz: number;
  readonly D: number;
  readonly Vd: number;
}
interface DMFields extends DFields {
  readonly M: number;
  readonly Vm: number;
}
interface DNMFields extends DMFields {
  readonly N: number;
  readonly Vn: number;
}

/** D:Vd of a double, Vd:D of a single. */
export const registerNumber = (double: number, high: number, low4: number): number =>
  double === 1 ? (high << 4) | low4 : (low4 << 1) | high;

export const destination = (f: DFields): Destination => ({
  double: f.sz,
  d: registerNumber(f.sz, f.D, f.Vd),
});

export const twoRegisters = (f: DMFields): TwoRegisters => ({
  ...destination(f),
  m: registerNumber(f.sz, f.M, f.Vm),
});

export const threeRegisters = (f: DNMFields): ThreeRegisters => ({
  ...twoRegisters(f),
  n: registerNumber(f.sz, f.N, f.Vn),
});

/** VCVT from an integer: an S register in, `sz` tells the result. */
export const fromSingleRegister = (f: DMFields): TwoRegisters => ({
  ...destination(f),
  m: registerNumber(0, f.M, f.Vm),
});

/** VCVT to an integer or a half: `sz` tells the operand, an S register out. */
export const toSingleRegister = (f: DMFields): TwoRegisters => ({
  double: f.sz,
  d: registerNumber(0, f.D, f.Vd),
  m: registerNumber(f.sz, f.M, f.Vm),
});

/** VCVT between double (the operand when `sz` is 1) and single. */
export const otherWidth = (f: DMFields): TwoRegisters => ({
  double: f.sz,
  d: registerNumber(1 - f.sz, f.D, f.Vd),
  m: registerNumber(f.sz, f.M, f.Vm),
});

export interface FixedPoint extends Destination {
  /** Width of the fixed-point number, negative when it is signed; as in the IR. */
  readonly size: number;
  readonly fractionBits: number;
}

/** VCVT between floating and fixed point. Negative `fractionBits` are UNPREDICTABLE. */
export const fixedPoint = (f: DFields & { sx: number; U: number; imm4: number; i: number }): FixedPoint => {
  const width = f.sx === 1 ? 32 : 16;
  const fractionBits = width - ((f.imm4 << 1) | f.i);
  return { ...destination(f), size: f.U === 1 ? width : -width, fractionBits };
};

/** A word or doubleword at a base register plus or minus an offset. */
export interface VfpAddress extends Destination {
  /** Of Rn. */
  readonly offset: number;
}

export const immediateAddress = (f: DFields & { U: number; imm8: number }): VfpAddress => ({
  ...destination(f),
  offset: (f.U === 1 ? 4 : -4) * f.imm8,
});

/** `count` registers from `d` on, `sizeBytes` of memory (FLDMX and FSTMX have a word to spare). */
export interface RegisterRun extends Destination {
  readonly count: number;
  readonly sizeBytes: number;
  /** Decrement before, else increment after. */
  readonly decrement: number;
  readonly wback: number;
}

export const registerRun = (f: DFields & { P: number; W: number; imm8: number }): RegisterRun => ({
  ...destination(f),
  count: f.sz === 1 ? f.imm8 >> 1 : f.imm8,
  sizeBytes: f.imm8 * 4,
  decrement: f.P,
  wback: f.W,
});

/** No register, more than sixteen doubles, or past the end of the register file: UNPREDICTABLE. */
export const isBadRun = (f: RegisterRun): boolean =>
  f.count === 0 || f.d + f.count > 32 || (f.double === 1 && f.count > 16);
