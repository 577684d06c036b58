/** FPAdd, FPMul, FPDiv, FPSqrt, FPMulAdd (ARM DDI 0406C A2.7.9 to A2.7.13) on bit patterns, exactly, in any format. */
import {
  FINITE,
  type Format,
  INFINITE,
  infinity,
  invalid,
  isNaNKind,
  processNaNs,
  QUIET_NAN,
  type Unpacked,
  unpack,
  ZERO,
  zero,
} from './format.js';
import { type Env, Fpscr, Rounding, roundingMode } from './fpscr.js';
import { round } from './round.js';

/** The sign of a sum that is exactly zero though its terms' signs differ. */
const cancelsToMinus = (env: Env): boolean => roundingMode(env[0]) === Rounding.MINUS_INFINITY;

/** Signed mantissa of `x` scaled to the exponent `exponent`, which is not above its own. */
const scaled = (x: Unpacked, exponent: number): bigint => {
  if (x.kind === ZERO) return 0n;
  const m = x.mantissa << BigInt(x.exponent - exponent);
  return x.negative ? -m : m;
};

/** Sum of two numbers that are zero or finite. */
const sum = (f: Format, x: Unpacked, y: Unpacked, env: Env): bigint => {
  if (x.kind === ZERO && y.kind === ZERO && x.negative === y.negative) return zero(f, x.negative);
  const exponent = Math.min(x.kind === ZERO ? y.exponent : x.exponent, y.kind === ZERO ? x.exponent : y.exponent);
  const total = scaled(x, exponent) + scaled(y, exponent);
  if (total === 0n) return zero(f, cancelsToMinus(env));
  return round(f, total < 0n, total < 0n ? -total : total, exponent, env);
};

/** Sum of two numbers, neither a NaN. */
const sumOrInfinity = (f: Format, x: Unpacked, y: Unpacked, env: Env): bigint => {
  if (x.kind === INFINITE && y.kind === INFINITE && x.negative !== y.negative) return invalid(f, env);
  if (x.kind === INFINITE) return infinity(f, x.negative);
  if (y.kind === INFINITE) return infinity(f, y.negative);
  return sum(f, x, y, env);
};

export const add = (f: Format, env: Env, a: bigint, b: bigint): bigint => {
  const x = unpack(f, a, env);
  const y = unpack(f, b, env);
  return processNaNs(f, [x, y], env) ?? sumOrInfinity(f, x, y, env);
};

/** FPSub: not the sum with the negated operand, which would flip a NaN's sign. */
export const subtract = (f: Format, env: Env, a: bigint, b: bigint): bigint => {
  const x = unpack(f, a, env);
  const y = unpack(f, b, env);
  return processNaNs(f, [x, y], env) ?? sumOrInfinity(f, x, { ...y, negative: !y.negative }, env);
};

const isInfinityTimesZero = (x: Unpacked, y: Unpacked): boolean =>
  (x.kind === INFINITE && y.kind === ZERO) || (x.kind === ZERO && y.kind === INFINITE);

/** The exact product of two numbers that are neither NaN nor infinity times zero. */
const product = (x: Unpacked, y: Unpacked): Unpacked => {
  const kind = Math.max(x.kind, y.kind) === INFINITE ? INFINITE : x.kind === ZERO || y.kind === ZERO ? ZERO : FINITE;
  const negative = x.negative !== y.negative;
  return { kind, negative, mantissa: x.mantissa * y.mantissa, exponent: x.exponent + y.exponent, bits: 0n };
};

export const multiply = (f: Format, env: Env, a: bigint, b: bigint): bigint => {
  const x = unpack(f, a, env);
  const y = unpack(f, b, env);
  const nan = processNaNs(f, [x, y], env);
  if (nan !== undefined) return nan;
  if (isInfinityTimesZero(x, y)) return invalid(f, env);
  const p = product(x, y);
  if (p.kind === INFINITE) return infinity(f, p.negative);
  if (p.kind === ZERO) return zero(f, p.negative);
  return round(f, p.negative, p.mantissa, p.exponent, env);
};

export const divide = (f: Format, env: Env, a: bigint, b: bigint): bigint => {
  const x = unpack(f, a, env);
  const y = unpack(f, b, env);
  const nan = processNaNs(f, [x, y], env);
  if (nan !== undefined) return nan;
  if (x.kind === y.kind && x.kind !== FINITE) return invalid(f, env);
  const negative = x.negative !== y.negative;
  if (x.kind === INFINITE || y.kind === ZERO) {
    if (x.kind !== INFINITE) env[0] |= Fpscr.DZC;
    return infinity(f, negative);
  }
  if (x.kind === ZERO || y.kind === INFINITE) return zero(f, negative);
  const extra = 2 * f.fractionBits + 4;
  const dividend = x.mantissa << BigInt(extra);
  const quotient = dividend / y.mantissa;
  const sticky = quotient * y.mantissa !== dividend;
  return round(f, negative, quotient, x.exponent - y.exponent - extra, env, roundingMode(env[0]), sticky);
};

/** Largest integer whose square is not above `x`, by Newton's iteration from above. */
const integerSqrt = (x: bigint): bigint => {
  let r = 1n << BigInt((x.toString(16).length * 4) / 2 + 1);
  for (;;) {
    const next = (r + x / r) >> 1n;
    if (next >= r) return r;
    r = next;
  }
};

export const squareRoot = (f: Format, env: Env, a: bigint): bigint => {
  const x = unpack(f, a, env);
  const nan = processNaNs(f, [x], env);
  if (nan !== undefined) return nan;
  if (x.kind === ZERO) return zero(f, x.negative);
  if (x.negative) return invalid(f, env);
  if (x.kind === INFINITE) return infinity(f, false);
  const extra = 2 * f.fractionBits + 6 + (x.exponent & 1);
  const radicand = x.mantissa << BigInt(extra);
  const root = integerSqrt(radicand);
  const sticky = root * root !== radicand;
  return round(f, false, root, (x.exponent - extra) / 2, env, roundingMode(env[0]), sticky);
};

/** FPMulAdd: addend + a * b with one rounding. Infinity times zero is invalid even beside a quiet NaN addend. */
export const multiplyAdd = (f: Format, env: Env, addend: bigint, a: bigint, b: bigint): bigint => {
  const z = unpack(f, addend, env);
  const x = unpack(f, a, env);
  const y = unpack(f, b, env);
  const nan = processNaNs(f, [z, x, y], env);
  if (isInfinityTimesZero(x, y) && (nan === undefined || z.kind === QUIET_NAN)) return invalid(f, env);
  return nan ?? sumOrInfinity(f, z, product(x, y), env);
};

/** FPCompare as NZCV in bits 31 to 28. A quiet NaN is an Invalid Operation only when `signalsQuiet`. */
export const compare = (f: Format, env: Env, a: bigint, b: bigint, signalsQuiet: boolean): number => {
  const x = unpack(f, a, env);
  const y = unpack(f, b, env);
  if (isNaNKind(x) || isNaNKind(y)) {
    if (signalsQuiet || x.kind > QUIET_NAN || y.kind > QUIET_NAN) env[0] |= Fpscr.IOC;
    return UNORDERED;
  }
  const ordinal = (v: Unpacked): bigint => {
    const magnitude = v.kind === ZERO ? 0n : v.bits & ~f.signBit;
    return v.negative ? -magnitude : magnitude;
  };
  const left = ordinal(x);
  const right = ordinal(y);
  return left === right ? EQUAL : left < right ? LESS : GREATER;
};

/** NZCV of a comparison. */
export const LESS = 0x8 << 28;
export const EQUAL = 0x6 << 28;
export const GREATER = 0x2 << 28;
export const UNORDERED = 0x3 << 28;
