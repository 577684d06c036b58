/** Double-precision arithmetic: the JavaScript operation where its result is certain, else exactly. */
import {
  add,
  compare,
  divide,
  EQUAL,
  GREATER,
  LESS,
  multiply,
  multiplyAdd,
  squareRoot,
  subtract,
} from './exact-arithmetic.js';
import { F64, readBits, writeBits } from './format.js';
import { type Env, Rounding, roundingMode } from './fpscr.js';
import {
  acceptsInexact,
  canMultiplyExactly,
  isFlushed,
  isPlainF64,
  LEAST_NORMAL_F64,
  needsExactness,
  productError,
  readF64,
  roundToOdd,
  sumError,
  writeF64,
} from './number.js';

/** Beyond this TwoSum's intermediate results could overflow. */
const GREATEST_TERM = 2 ** 1022;

const fastSum = (env: Env, w: Int32Array, dst: number, x: number, y: number): boolean => {
  const fpscr = env[0];
  if (isFlushed(fpscr, x, LEAST_NORMAL_F64) || isFlushed(fpscr, y, LEAST_NORMAL_F64)) return false;
  const result = x + y;
  if (!isPlainF64(result) && !(result === 0 && roundingMode(fpscr) !== Rounding.MINUS_INFINITY)) return false;
  if (needsExactness(fpscr)) {
    if (Math.abs(x) > GREATEST_TERM || Math.abs(y) > GREATEST_TERM) return false;
    if (sumError(x, y, result) !== 0 && !acceptsInexact(env)) return false;
  }
  writeF64(w, dst, result);
  return true;
};

export const addF64 = (env: Env, w: Int32Array, dst: number, a: number, b: number): void => {
  if (fastSum(env, w, dst, readF64(w, a), readF64(w, b))) return;
  writeBits(F64, w, dst, add(F64, env, readBits(F64, w, a), readBits(F64, w, b)));
};

export const subF64 = (env: Env, w: Int32Array, dst: number, a: number, b: number): void => {
  if (fastSum(env, w, dst, readF64(w, a), -readF64(w, b))) return;
  writeBits(F64, w, dst, subtract(F64, env, readBits(F64, w, a), readBits(F64, w, b)));
};

const fastProduct = (env: Env, w: Int32Array, dst: number, x: number, y: number): boolean => {
  const fpscr = env[0];
  if (isFlushed(fpscr, x, LEAST_NORMAL_F64) || isFlushed(fpscr, y, LEAST_NORMAL_F64)) return false;
  const result = x * y;
  const isZero = (x === 0 || y === 0) && result === 0;
  if (!isPlainF64(result) && !isZero) return false;
  if (needsExactness(fpscr) && !isZero) {
    if (!canMultiplyExactly(x, y)) return false;
    if (productError(x, y, result) !== 0 && !acceptsInexact(env)) return false;
  }
  writeF64(w, dst, result);
  return true;
};

export const mulF64 = (env: Env, w: Int32Array, dst: number, a: number, b: number): void => {
  if (fastProduct(env, w, dst, readF64(w, a), readF64(w, b))) return;
  writeBits(F64, w, dst, multiply(F64, env, readBits(F64, w, a), readBits(F64, w, b)));
};

/** Whether `x` is exactly `q * y`. */
const isProduct = (x: number, q: number, y: number): boolean => {
  const product = q * y;
  return product === x && productError(q, y, product) === 0;
};

const fastQuotient = (env: Env, w: Int32Array, dst: number, x: number, y: number): boolean => {
  const fpscr = env[0];
  if (isFlushed(fpscr, x, LEAST_NORMAL_F64) || isFlushed(fpscr, y, LEAST_NORMAL_F64)) return false;
  const result = x / y;
  const isZero = x === 0 && result === 0;
  if (y === Infinity || y === -Infinity || (!isPlainF64(result) && !isZero)) return false;
  if (needsExactness(fpscr) && !isZero) {
    if (!canMultiplyExactly(result, y)) return false;
    if (!isProduct(x, result, y) && !acceptsInexact(env)) return false;
  }
  writeF64(w, dst, result);
  return true;
};

export const divF64 = (env: Env, w: Int32Array, dst: number, a: number, b: number): void => {
  if (fastQuotient(env, w, dst, readF64(w, a), readF64(w, b))) return;
  writeBits(F64, w, dst, divide(F64, env, readBits(F64, w, a), readBits(F64, w, b)));
};

const fastSquareRoot = (env: Env, w: Int32Array, dst: number, x: number): boolean => {
  if (isFlushed(env[0], x, LEAST_NORMAL_F64)) return false;
  const result = Math.sqrt(x);
  if (!isPlainF64(result) && x !== 0) return false;
  if (needsExactness(env[0]) && x !== 0) {
    if (!canMultiplyExactly(result, result)) return false;
    if (!isProduct(x, result, result) && !acceptsInexact(env)) return false;
  }
  writeF64(w, dst, result);
  return true;
};

export const sqrtF64 = (env: Env, w: Int32Array, dst: number, a: number): void => {
  if (fastSquareRoot(env, w, dst, readF64(w, a))) return;
  writeBits(F64, w, dst, squareRoot(F64, env, readBits(F64, w, a)));
};

/** A term beside which the product's and the sum's rounding errors are exact. */
const isTerm = (z: number): boolean => z === 0 || canMultiplyExactly(z, 1);

/**
 * z + x * y rounded once (Boldo and Melquiond, "Emulation of FMA and correctly rounded sums", 2008): product and sums
 * without error, the small terms rounded to odd, one last rounding.
 */
const fastMultiplyAdd = (env: Env, w: Int32Array, dst: number, z: number, x: number, y: number): boolean => {
  if (!canMultiplyExactly(x, y) || !isTerm(z)) return false;
  const product = x * y;
  const productLow = productError(x, y, product);
  const inner = z + productLow;
  const innerLow = sumError(z, productLow, inner);
  const high = product + inner;
  const highLow = sumError(product, inner, high);
  const rest = innerLow + highLow;
  const restError = sumError(innerLow, highLow, rest);
  const low = roundToOdd(rest, restError);
  const result = high + low;
  if (!canMultiplyExactly(result, 1)) return false;
  const exact = !needsExactness(env[0]) || (restError === 0 && sumError(high, low, result) === 0);
  if (!exact && !acceptsInexact(env)) return false;
  writeF64(w, dst, result);
  return true;
};

export const fmaF64 = (env: Env, w: Int32Array, dst: number, a: number, b: number, c: number): void => {
  if (fastMultiplyAdd(env, w, dst, readF64(w, a), readF64(w, b), readF64(w, c))) return;
  writeBits(F64, w, dst, multiplyAdd(F64, env, readBits(F64, w, a), readBits(F64, w, b), readBits(F64, w, c)));
};

export const cmpF64 = (env: Env, w: Int32Array, dst: number, a: number, b: number, _c: number, imm: number): void => {
  const x = readF64(w, a);
  const y = readF64(w, b);
  const fpscr = env[0];
  if (
    isFlushed(fpscr, x, LEAST_NORMAL_F64) ||
    isFlushed(fpscr, y, LEAST_NORMAL_F64) ||
    (x !== y && !(x < y || x > y))
  ) {
    w[dst] = compare(F64, env, readBits(F64, w, a), readBits(F64, w, b), imm !== 0);
  } else {
    w[dst] = x === y ? EQUAL : x < y ? LESS : GREATER;
  }
};
