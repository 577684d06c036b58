/** FPToFixed, FixedToFP and the conversions between formats (ARM DDI 0406C A2.7.15 to A2.7.18), exactly. */
import {
  defaultNaN,
  type Format,
  INFINITE,
  infinity,
  isNaNKind,
  SIGNALING_NAN,
  type Unpacked,
  unpack,
  ZERO,
  zero,
} from './format.js';
import { type Env, Fpscr } from './fpscr.js';
import { round, roundToInteger } from './round.js';

/** A NaN of format `from` in format `to`: sign, quiet bit and as much of the payload as both have. */
const convertNaN = (from: Format, to: Format, x: Unpacked, env: Env): bigint => {
  if (x.kind === SIGNALING_NAN) env[0] |= Fpscr.IOC;
  if ((env[0] & Fpscr.DN) !== 0) return defaultNaN(to);
  const places = to.fractionBits - from.fractionBits;
  const fraction = x.bits & from.fractionMask;
  const payload = places >= 0 ? fraction << BigInt(places) : fraction >> BigInt(-places);
  return zero(to, x.negative) | defaultNaN(to) | payload;
};

/** The alternative half-precision format has neither: a NaN becomes zero, infinity the greatest number, both invalid. */
const withoutNaN = (to: Format, x: Unpacked, env: Env): bigint => {
  env[0] |= Fpscr.IOC;
  return zero(to, x.negative) | (x.kind === INFINITE ? to.signBit - 1n : 0n);
};

/** FPSingleToDouble, FPDoubleToSingle, FPHalfToSingle, FPSingleToHalf and the double-half pair. */
export const convert = (from: Format, to: Format, env: Env, bits: bigint): bigint => {
  const x = unpack(from, bits, env);
  const special = isNaNKind(x) || x.kind === INFINITE;
  if (special && to.width === 16 && (env[0] & Fpscr.AHP) !== 0) return withoutNaN(to, x, env);
  if (isNaNKind(x)) return convertNaN(from, to, x, env);
  if (x.kind === INFINITE) return infinity(to, x.negative);
  if (x.kind === ZERO) return zero(to, x.negative);
  return round(to, x.negative, x.mantissa, x.exponent, env);
};

/** FixedToFP: the integer `value` divided by 2 ** fractionBits. */
export const fromFixed = (to: Format, env: Env, value: number, fractionBits: number, mode: number): bigint => {
  if (value === 0) return 0n;
  return round(to, value < 0, BigInt(Math.abs(value)), -fractionBits, env, mode);
};

/** FPToFixed: `bits` times 2 ** fractionBits as an integer between `least` and `greatest`; NaN gives 0. */
export const toFixed = (
  from: Format,
  env: Env,
  bits: bigint,
  fractionBits: number,
  mode: number,
  least: number,
  greatest: number,
): number => {
  const x = unpack(from, bits, env);
  if (x.kind === ZERO) return 0;
  if (isNaNKind(x)) {
    env[0] |= Fpscr.IOC;
    return 0;
  }
  const huge = x.kind === INFINITE || x.exponent + fractionBits > 64;
  const rounded = huge
    ? { value: 1n << 64n, exact: true }
    : roundToInteger(x.negative, x.mantissa, x.exponent + fractionBits, mode);
  const value = x.negative ? -rounded.value : rounded.value;
  const saturated = value < BigInt(least) ? least : value > BigInt(greatest) ? greatest : Number(value);
  if (BigInt(saturated) !== value) env[0] |= Fpscr.IOC;
  else if (!rounded.exact) env[0] |= Fpscr.IXC;
  return saturated;
};
