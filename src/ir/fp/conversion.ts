/** The conversion ops: formats, integers and fixed point; the JavaScript number where it is certain, else exactly. */
import { convert, fromFixed, toFixed } from './exact-conversion.js';
import { F16, F32, F64, type Format, readBits, writeBits } from './format.js';
import { type Env, Fpscr, Rounding, roundingMode } from './fpscr.js';
import {
  acceptsInexact,
  isFlushed,
  isPlainF32,
  LEAST_NORMAL_F32,
  LEAST_NORMAL_F64,
  nearestInteger,
  readF32,
  readF64,
  writeF32,
  writeF64,
} from './number.js';

type ReadNumber = (w: Int32Array, at: number) => number;
type Conversion = (
  env: Env,
  w: Int32Array,
  dst: number,
  a: number,
  b: number,
  c: number,
  imm: number,
  imm2: number,
) => void;

export const f64FromF32: Conversion = (env, w, dst, a) => {
  const x = readF32(w, a);
  if (isPlainF32(x) || x === 0) writeF64(w, dst, x);
  else writeBits(F64, w, dst, convert(F32, F64, env, readBits(F32, w, a)));
};

export const f32FromF64: Conversion = (env, w, dst, a) => {
  const x = readF64(w, a);
  const result = Math.fround(x);
  const certain = (isPlainF32(result) && (result === x || acceptsInexact(env))) || x === 0;
  if (certain) writeF32(w, dst, result);
  else writeBits(F32, w, dst, convert(F64, F32, env, readBits(F64, w, a)));
};

const between =
  (from: Format, to: Format): Conversion =>
  (env, w, dst, a) =>
    writeBits(to, w, dst, convert(from, to, env, readBits(from, w, a)));

export const f32FromF16 = between(F16, F32);
export const f16FromF32 = between(F32, F16);
export const f64FromF16 = between(F16, F64);
export const f16FromF64 = between(F64, F16);

/** The integer `value` divided by 2 ** fractionBits, to single precision. */
const integerToF32 = (
  env: Env,
  w: Int32Array,
  dst: number,
  value: number,
  fractionBits: number,
  mode: number,
): void => {
  const wide = value * 2 ** -fractionBits;
  const result = Math.fround(wide);
  if (result === wide) writeF32(w, dst, result);
  else writeBits(F32, w, dst, fromFixed(F32, env, value, fractionBits, mode));
};

export const f32FromS32: Conversion = (env, w, dst, a) => integerToF32(env, w, dst, w[a], 0, roundingMode(env[0]));
export const f32FromU32: Conversion = (env, w, dst, a) =>
  integerToF32(env, w, dst, w[a] >>> 0, 0, roundingMode(env[0]));
export const f64FromS32: Conversion = (_env, w, dst, a) => writeF64(w, dst, w[a]);
export const f64FromU32: Conversion = (_env, w, dst, a) => writeF64(w, dst, w[a] >>> 0);

/** The fixed-point operand in word `x`: its low `|size|` bits, signed when `size` is negative. */
const fixedOperand = (x: number, size: number): number => {
  switch (size) {
    case 16:
      return x & 0xffff;
    case -16:
      return (x << 16) >> 16;
    case 32:
      return x >>> 0;
    default:
      return x;
  }
};

export const f32FromFixed: Conversion = (env, w, dst, a, _b, _c, imm, imm2) =>
  integerToF32(env, w, dst, fixedOperand(w[a], imm2), imm, Rounding.NEAREST);
export const f64FromFixed: Conversion = (_env, w, dst, a, _b, _c, imm, imm2) =>
  writeF64(w, dst, fixedOperand(w[a], imm2) * 2 ** -imm);

/** `x` (of a value not flushed) as an integer within the bounds to `w[dst]`; false when only the exact path can tell. */
const fastToInteger = (
  env: Env,
  w: Int32Array,
  dst: number,
  x: number,
  mode: number,
  least: number,
  greatest: number,
): boolean => {
  if (mode !== Rounding.ZERO && mode !== Rounding.NEAREST) return false;
  if (!(x > least - 1 && x < greatest + 1)) return false;
  const result = mode === Rounding.ZERO ? Math.trunc(x) : nearestInteger(x);
  if (result < least || result > greatest) return false;
  if (result !== x) env[0] |= Fpscr.IXC;
  w[dst] = result;
  return true;
};

/** How an op's `imm` and FPSCR give its rounding mode. */
type ModeOf = (imm: number, fpscr: number) => number;

const zeroOrFpscr: ModeOf = (imm, fpscr) => (imm === 0 ? Rounding.ZERO : roundingMode(fpscr));
const asGiven: ModeOf = (imm) => imm;

/** A source format and how its numbers are read. */
type Source = readonly [format: Format, readNumber: ReadNumber, leastNormal: number];
const SINGLE: Source = [F32, readF32, LEAST_NORMAL_F32];
const DOUBLE: Source = [F64, readF64, LEAST_NORMAL_F64];

const toInteger =
  ([from, readNumber, leastNormal]: Source, signed: boolean, modeOf: ModeOf): Conversion =>
  (env, w, dst, a, _b, _c, imm) => {
    const least = signed ? -(2 ** 31) : 0;
    const greatest = signed ? 2 ** 31 - 1 : 2 ** 32 - 1;
    const mode = modeOf(imm, env[0]);
    const x = readNumber(w, a);
    if (!isFlushed(env[0], x, leastNormal) && fastToInteger(env, w, dst, x, mode, least, greatest)) return;
    w[dst] = toFixed(from, env, readBits(from, w, a), 0, mode, least, greatest);
  };

export const s32FromF32 = toInteger(SINGLE, true, zeroOrFpscr);
export const u32FromF32 = toInteger(SINGLE, false, zeroOrFpscr);
export const s32FromF64 = toInteger(DOUBLE, true, zeroOrFpscr);
export const u32FromF64 = toInteger(DOUBLE, false, zeroOrFpscr);
export const roundedS32FromF32 = toInteger(SINGLE, true, asGiven);
export const roundedU32FromF32 = toInteger(SINGLE, false, asGiven);
export const roundedS32FromF64 = toInteger(DOUBLE, true, asGiven);
export const roundedU32FromF64 = toInteger(DOUBLE, false, asGiven);

const toFixedPoint =
  ([from, readNumber, leastNormal]: Source): Conversion =>
  (env, w, dst, a, _b, _c, imm, imm2) => {
    const width = Math.abs(imm2);
    const least = imm2 < 0 ? -(2 ** (width - 1)) : 0;
    const greatest = 2 ** (imm2 < 0 ? width - 1 : width) - 1;
    const x = readNumber(w, a);
    if (!isFlushed(env[0], x, leastNormal)) {
      if (fastToInteger(env, w, dst, x * 2 ** imm, Rounding.ZERO, least, greatest)) return;
    }
    w[dst] = toFixed(from, env, readBits(from, w, a), imm, Rounding.ZERO, least, greatest);
  };

export const fixedFromF32 = toFixedPoint(SINGLE);
export const fixedFromF64 = toFixedPoint(DOUBLE);
