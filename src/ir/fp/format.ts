/**
 * The three interchange formats and the way in and out of them: FPUnpack, FPProcessNaN(s) and the constants of ARM DDI
 * 0406C A2.7. Bit patterns are unsigned bigints here; this is the path for what the JS-number path cannot decide.
 */
import { type Env, Fpscr } from './fpscr.js';

export interface Format {
  readonly width: 16 | 32 | 64;
  readonly fractionBits: number;
  /** Exponent of the least normal number. */
  readonly minExponent: number;
  /** One bit, the sign; the exponent field's place; the top fraction bit, which tells quiet NaNs from signaling ones. */
  readonly signBit: bigint;
  readonly infinity: bigint;
  readonly quietBit: bigint;
  readonly fractionMask: bigint;
}

const format = (width: 16 | 32 | 64, fractionBits: number): Format => {
  const exponentBits = width - 1 - fractionBits;
  return {
    width,
    fractionBits,
    minExponent: 2 - 2 ** (exponentBits - 1),
    signBit: 1n << BigInt(width - 1),
    infinity: ((1n << BigInt(exponentBits)) - 1n) << BigInt(fractionBits),
    quietBit: 1n << BigInt(fractionBits - 1),
    fractionMask: (1n << BigInt(fractionBits)) - 1n,
  };
};

export const F16 = format(16, 10);
export const F32 = format(32, 23);
export const F64 = format(64, 52);

export const ZERO = 0;
export const FINITE = 1;
export const INFINITE = 2;
export const QUIET_NAN = 3;
export const SIGNALING_NAN = 4;

/** A number taken apart: when FINITE its magnitude is `mantissa * 2 ** exponent`, exactly. */
export interface Unpacked {
  readonly kind: number;
  readonly negative: boolean;
  readonly mantissa: bigint;
  readonly exponent: number;
  readonly bits: bigint;
}

export const isNaNKind = (x: Unpacked): boolean => x.kind >= QUIET_NAN;

export const defaultNaN = (f: Format): bigint => f.infinity | f.quietBit;
export const zero = (f: Format, negative: boolean): bigint => (negative ? f.signBit : 0n);
export const infinity = (f: Format, negative: boolean): bigint => (negative ? f.signBit | f.infinity : f.infinity);
/** Invalid Operation: the default NaN and IOC. */
export const invalid = (f: Format, env: Env): bigint => {
  env[0] |= Fpscr.IOC;
  return defaultNaN(f);
};

/** FPUnpack. Denormal inputs become zeros under FZ (not in half precision) and set IDC. AHP takes NaN and infinity away. */
export const unpack = (f: Format, bits: bigint, env: Env): Unpacked => {
  const negative = (bits & f.signBit) !== 0n;
  const fraction = bits & f.fractionMask;
  const field = Number((bits & f.infinity) >> BigInt(f.fractionBits));
  const made = (kind: number, mantissa: bigint, exponent: number): Unpacked => ({
    kind,
    negative,
    mantissa,
    exponent,
    bits,
  });
  const least = f.minExponent - f.fractionBits;
  if (field === 0) {
    if (fraction === 0n) return made(ZERO, 0n, 0);
    if ((env[0] & Fpscr.FZ) === 0 || f.width === 16) return made(FINITE, fraction, least);
    env[0] |= Fpscr.IDC;
    return made(ZERO, 0n, 0);
  }
  const alternative = f.width === 16 && (env[0] & Fpscr.AHP) !== 0;
  if ((bits & f.infinity) === f.infinity && !alternative) {
    if (fraction === 0n) return made(INFINITE, 0n, 0);
    return made((fraction & f.quietBit) !== 0n ? QUIET_NAN : SIGNALING_NAN, 0n, 0);
  }
  return made(FINITE, fraction | (f.fractionMask + 1n), least + field - 1);
};

/** FPProcessNaN: the operand quieted, or the default NaN under DN; a signaling one sets IOC. */
export const processNaN = (f: Format, x: Unpacked, env: Env): bigint => {
  if (x.kind === SIGNALING_NAN) env[0] |= Fpscr.IOC;
  return (env[0] & Fpscr.DN) !== 0 ? defaultNaN(f) : x.bits | f.quietBit;
};

/** FPProcessNaNs and FPProcessNaNs3: the first signaling operand, else the first quiet one, else undefined. */
export const processNaNs = (f: Format, operands: readonly Unpacked[], env: Env): bigint | undefined => {
  const chosen = operands.find((x) => x.kind === SIGNALING_NAN) ?? operands.find((x) => x.kind === QUIET_NAN);
  return chosen === undefined ? undefined : processNaN(f, chosen, env);
};

/** The pattern of format `f` at `w[at]` (and `w[at + 1]`). A half is the low 16 bits of its word. */
export const readBits = (f: Format, w: Int32Array, at: number): bigint => {
  if (f.width === 16) return BigInt(w[at] & 0xffff);
  if (f.width === 32) return BigInt(w[at] >>> 0);
  return (BigInt(w[at + 1] >>> 0) << 32n) | BigInt(w[at] >>> 0);
};

export const writeBits = (f: Format, w: Int32Array, at: number, bits: bigint): void => {
  w[at] = Number(bits & 0xffffffffn);
  if (f.width === 64) w[at + 1] = Number(bits >> 32n);
};
