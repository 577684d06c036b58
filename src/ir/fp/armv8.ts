/** What ARMv8 added to scalar floating point: FPRoundInt, FPMaxNum and FPMinNum (ARM DDI 0487 shared pseudocode). */
import {
  F32,
  F64,
  type Format,
  INFINITE,
  infinity,
  isNaNKind,
  processNaNs,
  QUIET_NAN,
  readBits,
  type Unpacked,
  unpack,
  writeBits,
  ZERO,
  zero,
} from './format.js';
import { type Env, Fpscr, Rounding, roundingMode } from './fpscr.js';
import {
  isFlushed,
  LEAST_NORMAL_F32,
  LEAST_NORMAL_F64,
  nearestInteger,
  readF32,
  readF64,
  writeF32,
  writeF64,
} from './number.js';
import { round, roundToInteger } from './round.js';

type Operation = (
  env: Env,
  w: Int32Array,
  dst: number,
  a: number,
  b: number,
  c: number,
  imm: number,
  imm2: number,
) => void;

/** How a format is moved as a number. */
interface Transfer {
  readonly format: Format;
  readonly leastNormal: number;
  readonly read: (w: Int32Array, at: number) => number;
  readonly write: (w: Int32Array, at: number, x: number) => void;
}
const SINGLE: Transfer = { format: F32, leastNormal: LEAST_NORMAL_F32, read: readF32, write: writeF32 };
const DOUBLE: Transfer = { format: F64, leastNormal: LEAST_NORMAL_F64, read: readF64, write: writeF64 };

/** The op's `imm` as a rounding mode: 5 stands for FPSCR's. */
const FROM_FPSCR = 5;

const roundToIntegral = (f: Format, env: Env, bits: bigint, mode: number, signalsInexact: boolean): bigint => {
  const x = unpack(f, bits, env);
  const nan = processNaNs(f, [x], env);
  if (nan !== undefined) return nan;
  if (x.kind === INFINITE) return infinity(f, x.negative);
  if (x.kind === ZERO) return zero(f, x.negative);
  const { value, exact } = roundToInteger(x.negative, x.mantissa, x.exponent, mode);
  if (!exact && signalsInexact) env[0] |= Fpscr.IXC;
  return value === 0n ? zero(f, x.negative) : round(f, x.negative, value, 0, env);
};

/** Below this the nearest integer can be computed in numbers. */
const LARGE = 2 ** 51;

/** The magnitude `x` (below LARGE) of a number of this sign rounded to an integral value. */
const integralMagnitude = (x: number, negative: boolean, mode: number): number => {
  switch (mode) {
    case Rounding.NEAREST:
      return nearestInteger(x);
    case Rounding.PLUS_INFINITY:
      return negative ? Math.floor(x) : Math.ceil(x);
    case Rounding.MINUS_INFINITY:
      return negative ? Math.ceil(x) : Math.floor(x);
    case Rounding.TIES_AWAY:
      return x - Math.floor(x) >= 0.5 ? Math.floor(x) + 1 : Math.floor(x);
    default:
      return Math.floor(x);
  }
};

const roundOp =
  ({ format, leastNormal, read, write }: Transfer): Operation =>
  (env, w, dst, a, _b, _c, imm, imm2) => {
    const mode = imm === FROM_FPSCR ? roundingMode(env[0]) : imm;
    const x = read(w, a);
    const magnitude = Math.abs(x);
    if (!(magnitude < LARGE) || isFlushed(env[0], x, leastNormal)) {
      writeBits(format, w, dst, roundToIntegral(format, env, readBits(format, w, a), mode, imm2 !== 0));
      return;
    }
    const negative = x < 0 || Object.is(x, -0);
    const result = integralMagnitude(magnitude, negative, mode);
    if (result !== magnitude && imm2 !== 0) env[0] |= Fpscr.IXC;
    write(w, dst, negative ? -result : result);
  };

export const roundF32 = roundOp(SINGLE);
export const roundF64 = roundOp(DOUBLE);

/** A quiet NaN beside a number counts as the infinity that loses. */
const losing = (f: Format, x: Unpacked, other: Unpacked, env: Env, isMax: boolean): Unpacked =>
  x.kind === QUIET_NAN && !isNaNKind(other) ? unpack(f, infinity(f, isMax), env) : x;

/** Comparable key of a number: its pattern as a signed integer, both zeros 0. */
const ordinal = (f: Format, x: Unpacked): bigint => {
  const magnitude = x.kind === ZERO ? 0n : x.bits & ~f.signBit;
  return x.negative ? -magnitude : magnitude;
};

const select = (f: Format, env: Env, a: bigint, b: bigint, isMax: boolean): bigint => {
  const first = unpack(f, a, env);
  const second = unpack(f, b, env);
  const x = losing(f, first, second, env, isMax);
  const y = losing(f, second, first, env, isMax);
  const nan = processNaNs(f, [x, y], env);
  if (nan !== undefined) return nan;
  const takesFirst = isMax ? ordinal(f, x) > ordinal(f, y) : ordinal(f, x) < ordinal(f, y);
  const taken = takesFirst ? x : y;
  if (taken.kind !== ZERO) return taken.bits;
  return zero(f, isMax ? x.negative && y.negative : x.negative || y.negative);
};

const selectOp =
  ({ format, leastNormal, read, write }: Transfer, isMax: boolean): Operation =>
  (env, w, dst, a, b) => {
    const x = read(w, a);
    const y = read(w, b);
    const isPlain = x < y || x > y;
    if (isPlain && !isFlushed(env[0], x, leastNormal) && !isFlushed(env[0], y, leastNormal)) {
      write(w, dst, x > y === isMax ? x : y);
    } else {
      writeBits(format, w, dst, select(format, env, readBits(format, w, a), readBits(format, w, b), isMax));
    }
  };

export const maxNumF32 = selectOp(SINGLE, true);
export const minNumF32 = selectOp(SINGLE, false);
export const maxNumF64 = selectOp(DOUBLE, true);
export const minNumF64 = selectOp(DOUBLE, false);
