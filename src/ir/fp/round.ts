/** From exact values to formats and integers: FPRound and the rounding half of FPToFixed (ARM DDI 0406C A2.7). */
import { type Format, infinity, zero } from './format.js';
import { type Env, Fpscr, Rounding, roundingMode } from './fpscr.js';

const bitLength = (x: bigint): number => {
  const digits = x.toString(16);
  return digits.length * 4 + 28 - Math.clz32(Number.parseInt(digits[0], 16));
};

/** What is left below the last kept place: nothing, less than half, half, or more than half a unit. */
const NOTHING = 0;
const BELOW_HALF = 1;
const HALF = 2;
const ABOVE_HALF = 3;

const remainderOf = (x: bigint, shift: number, sticky: boolean): number => {
  const rest = BigInt.asUintN(shift, x);
  const half = 1n << BigInt(shift - 1);
  if (rest === 0n) return sticky ? BELOW_HALF : NOTHING;
  if (rest < half) return BELOW_HALF;
  return rest > half || sticky ? ABOVE_HALF : HALF;
};

const roundsUp = (mode: number, negative: boolean, odd: boolean, remainder: number): boolean => {
  switch (mode) {
    case Rounding.NEAREST:
      return remainder === ABOVE_HALF || (remainder === HALF && odd);
    case Rounding.PLUS_INFINITY:
      return remainder !== NOTHING && !negative;
    case Rounding.MINUS_INFINITY:
      return remainder !== NOTHING && negative;
    case Rounding.TIES_AWAY:
      return remainder >= HALF;
    default:
      return false;
  }
};

/** Overflow: infinity or the greatest finite number, as the rounding mode says. */
const overflowed = (f: Format, negative: boolean, mode: number, env: Env): bigint => {
  env[0] |= Fpscr.OFC | Fpscr.IXC;
  const towards = negative ? Rounding.MINUS_INFINITY : Rounding.PLUS_INFINITY;
  const toInfinity = mode === Rounding.NEAREST || mode === towards;
  return toInfinity ? infinity(f, negative) : zero(f, negative) | (f.infinity - 1n);
};

/**
 * FPRound: `mantissa * 2 ** exponent` (mantissa > 0) in format `f`. `sticky` says the true value lies strictly between
 * this mantissa and the next; the mantissa must then be at least two bits longer than the format's. Tininess is
 * detected before rounding; under FZ a tiny result is a zero with UFC alone (never in half precision).
 */
export const round = (
  f: Format,
  negative: boolean,
  mantissa: bigint,
  exponent: number,
  env: Env,
  mode: number = roundingMode(env[0]),
  sticky = false,
): bigint => {
  const top = exponent + bitLength(mantissa) - 1;
  const tiny = top < f.minExponent;
  if (tiny && (env[0] & Fpscr.FZ) !== 0 && f.width !== 16) {
    env[0] |= Fpscr.UFC;
    return zero(f, negative);
  }
  const shift = Math.max(top, f.minExponent) - f.fractionBits - exponent;
  let kept = shift > 0 ? mantissa >> BigInt(shift) : mantissa << BigInt(-shift);
  const remainder = shift > 0 ? remainderOf(mantissa, shift, sticky) : NOTHING;
  if (tiny && remainder !== NOTHING) env[0] |= Fpscr.UFC;
  if (roundsUp(mode, negative, (kept & 1n) === 1n, remainder)) kept += 1n;
  const magnitude = tiny ? kept : kept + (BigInt(top - f.minExponent) << BigInt(f.fractionBits));
  if (f.width === 16 && (env[0] & Fpscr.AHP) !== 0) {
    if (magnitude >= f.signBit) {
      env[0] |= Fpscr.IOC;
      return zero(f, negative) | (f.signBit - 1n);
    }
  } else if (magnitude >= f.infinity) {
    return overflowed(f, negative, mode, env);
  }
  if (remainder !== NOTHING) env[0] |= Fpscr.IXC;
  return zero(f, negative) | magnitude;
};

/** `mantissa * 2 ** exponent` as an integer, and whether that is exact. */
export const roundToInteger = (
  negative: boolean,
  mantissa: bigint,
  exponent: number,
  mode: number,
): { value: bigint; exact: boolean } => {
  const shift = -exponent;
  if (shift <= 0) return { value: mantissa << BigInt(exponent), exact: true };
  const kept = mantissa >> BigInt(shift);
  const remainder = remainderOf(mantissa, shift, false);
  const up = roundsUp(mode, negative, (kept & 1n) === 1n, remainder);
  return { value: up ? kept + 1n : kept, exact: remainder === NOTHING };
};
