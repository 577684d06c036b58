/**
 * Single and double precision through JavaScript numbers. A path here may be taken when its result is certain to be the
 * architecture's: result zero or normal (strictly above the least normal number, where tininess could still show),
 * no NaN or infinity in sight, no denormal operand under FZ. Inexactness is decided by error-free transforms, and only
 * when it matters: IXC still clear, or a rounding mode other than nearest, which sends the operation to the exact path.
 */
import { type Env, Fpscr, Rounding, roundingMode } from './fpscr.js';

export const LEAST_NORMAL_F32 = 2 ** -126;
export const LEAST_NORMAL_F64 = 2 ** -1022;

/**
 * Float views over the words last worked on; in a running engine these are always the same. Reading a double through
 * its two words would wait for both stores to drain. NaN payloads never travel this way.
 */
let words: Int32Array = new Int32Array(2);
let singles: Float32Array = new Float32Array(words.buffer);
let doubles: Float64Array | undefined = new Float64Array(words.buffer);

const attach = (w: Int32Array): void => {
  words = w;
  singles = new Float32Array(w.buffer, w.byteOffset, w.length);
  doubles = w.byteOffset % 8 === 0 ? new Float64Array(w.buffer, w.byteOffset, w.length >> 1) : undefined;
};

const scratchDouble = new Float64Array(1);
const scratchWords = new Int32Array(scratchDouble.buffer);

export const readF32 = (w: Int32Array, at: number): number => {
  if (w !== words) attach(w);
  return singles[at];
};

export const writeF32 = (w: Int32Array, at: number, x: number): void => {
  if (w !== words) attach(w);
  singles[at] = x;
};

export const readF64 = (w: Int32Array, at: number): number => {
  if (w !== words) attach(w);
  if (doubles !== undefined && (at & 1) === 0) return doubles[at >> 1];
  scratchWords[0] = w[at];
  scratchWords[1] = w[at + 1];
  return scratchDouble[0];
};

export const writeF64 = (w: Int32Array, at: number, x: number): void => {
  if (w !== words) attach(w);
  if (doubles !== undefined && (at & 1) === 0) {
    doubles[at >> 1] = x;
    return;
  }
  scratchDouble[0] = x;
  w[at] = scratchWords[0];
  w[at + 1] = scratchWords[1];
};

/** Whether FZ would read this operand as zero. */
export const isFlushed = (fpscr: number, x: number, leastNormal: number): boolean =>
  (fpscr & Fpscr.FZ) !== 0 && x !== 0 && x < leastNormal && x > -leastNormal;

/** Whether `x` is far enough from denormals and infinity that only its last bit can be in question. */
export const isPlainF32 = (x: number): boolean => {
  const magnitude = Math.abs(x);
  return magnitude > LEAST_NORMAL_F32 && magnitude < Infinity;
};
export const isPlainF64 = (x: number): boolean => {
  const magnitude = Math.abs(x);
  return magnitude > LEAST_NORMAL_F64 && magnitude < Infinity;
};

/** Whether exactness must be known at all. */
export const needsExactness = (fpscr: number): boolean => (fpscr & (Fpscr.IXC | Fpscr.RMODE)) !== Fpscr.IXC;

/** Records an inexact result; false when the rounding mode makes the number just computed the wrong one. */
export const acceptsInexact = (env: Env): boolean => {
  if (roundingMode(env[0]) !== Rounding.NEAREST) return false;
  env[0] |= Fpscr.IXC;
  return true;
};

/** TwoSum: what `sum`, the rounded x + y, leaves out; exact while nothing overflows. */
export const sumError = (x: number, y: number, sum: number): number => {
  const yPart = sum - x;
  return x - (sum - yPart) + (y - yPart);
};

/** Within these magnitudes TwoProduct neither overflows nor loses low bits to underflow. */
const GREATEST_FACTOR = 2 ** 990;
const LEAST_FACTOR = 2 ** -450;

const isFactor = (x: number): boolean => {
  const magnitude = Math.abs(x);
  return magnitude > LEAST_FACTOR && magnitude < GREATEST_FACTOR;
};

export const canMultiplyExactly = (x: number, y: number): boolean => isFactor(x) && isFactor(y);

/** Dekker's TwoProduct with Veltkamp's split: what `product`, the rounded x * y, leaves out. */
export const productError = (x: number, y: number, product: number): number => {
  const xScaled = 134217729 * x;
  const xHigh = xScaled - (xScaled - x);
  const xLow = x - xHigh;
  const yScaled = 134217729 * y;
  const yHigh = yScaled - (yScaled - y);
  const yLow = y - yHigh;
  return xLow * yLow - (product - xHigh * yHigh - xLow * yHigh - xHigh * yLow);
};

/** `sum` plus its error, rounded to odd: rounding that once more to single precision is rounding once. */
export const roundToOdd = (sum: number, error: number): number => {
  if (error === 0) return sum;
  scratchDouble[0] = sum;
  if ((scratchWords[0] & 1) !== 0) return sum;
  const away = error > 0 === sum > 0;
  if (away) scratchWords[0] |= 1;
  else {
    if (scratchWords[0] === 0) scratchWords[1] -= 1;
    scratchWords[0] -= 1;
  }
  return scratchDouble[0];
};

/** x rounded to an integral value, ties to even, for |x| below 2 ** 51. */
export const nearestInteger = (x: number): number => x + 6755399441055744 - 6755399441055744;
