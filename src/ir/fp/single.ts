/** Single-precision arithmetic: computed in doubles, whose 53 bits make one more rounding harmless, else exactly. */
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
import { F32, readBits, writeBits } from './format.js';
import { type Env, Fpscr, Rounding, roundingMode } from './fpscr.js';
import {
  acceptsInexact,
  isFlushed,
  isPlainF32,
  LEAST_NORMAL_F32,
  needsExactness,
  readF32,
  roundToOdd,
  sumError,
  writeF32,
} from './number.js';

/** Whether terms that cancel leave +0, as the JavaScript sum does. */
const cancelsToPlus = (env: Env): boolean => roundingMode(env[0]) !== Rounding.MINUS_INFINITY;

/** Sum of x and y (not flushed) to `dst`; false when only the exact path can tell. */
const fastSum = (env: Env, w: Int32Array, dst: number, x: number, y: number): boolean => {
  const fpscr = env[0];
  if (isFlushed(fpscr, x, LEAST_NORMAL_F32) || isFlushed(fpscr, y, LEAST_NORMAL_F32)) return false;
  const wide = x + y;
  const result = Math.fround(wide);
  if (!isPlainF32(result) && !(result === 0 && cancelsToPlus(env))) return false;
  const exact = !needsExactness(fpscr) || (result === wide && sumError(x, y, wide) === 0);
  if (!exact && !acceptsInexact(env)) return false;
  writeF32(w, dst, result);
  return true;
};

export const addF32 = (env: Env, w: Int32Array, dst: number, a: number, b: number): void => {
  if (fastSum(env, w, dst, readF32(w, a), readF32(w, b))) return;
  writeBits(F32, w, dst, add(F32, env, readBits(F32, w, a), readBits(F32, w, b)));
};

export const subF32 = (env: Env, w: Int32Array, dst: number, a: number, b: number): void => {
  if (fastSum(env, w, dst, readF32(w, a), -readF32(w, b))) return;
  writeBits(F32, w, dst, subtract(F32, env, readBits(F32, w, a), readBits(F32, w, b)));
};

const fastProduct = (env: Env, w: Int32Array, dst: number, x: number, y: number): boolean => {
  const fpscr = env[0];
  if (isFlushed(fpscr, x, LEAST_NORMAL_F32) || isFlushed(fpscr, y, LEAST_NORMAL_F32)) return false;
  const wide = x * y;
  const result = Math.fround(wide);
  if (!isPlainF32(result) && wide !== 0) return false;
  if (needsExactness(fpscr) && result !== wide && !acceptsInexact(env)) return false;
  writeF32(w, dst, result);
  return true;
};

export const mulF32 = (env: Env, w: Int32Array, dst: number, a: number, b: number): void => {
  if (fastProduct(env, w, dst, readF32(w, a), readF32(w, b))) return;
  writeBits(F32, w, dst, multiply(F32, env, readBits(F32, w, a), readBits(F32, w, b)));
};

const fastQuotient = (env: Env, w: Int32Array, dst: number, x: number, y: number): boolean => {
  const fpscr = env[0];
  if (isFlushed(fpscr, x, LEAST_NORMAL_F32) || isFlushed(fpscr, y, LEAST_NORMAL_F32)) return false;
  const result = Math.fround(x / y);
  if (!isPlainF32(result) && !(x === 0 && result === 0)) return false;
  if (y === Infinity || y === -Infinity) return false;
  if (needsExactness(fpscr) && result * y !== x && !acceptsInexact(env)) return false;
  writeF32(w, dst, result);
  return true;
};

export const divF32 = (env: Env, w: Int32Array, dst: number, a: number, b: number): void => {
  if (fastQuotient(env, w, dst, readF32(w, a), readF32(w, b))) return;
  writeBits(F32, w, dst, divide(F32, env, readBits(F32, w, a), readBits(F32, w, b)));
};

const fastSquareRoot = (env: Env, w: Int32Array, dst: number, x: number): boolean => {
  if (isFlushed(env[0], x, LEAST_NORMAL_F32)) return false;
  const result = Math.fround(Math.sqrt(x));
  if (!isPlainF32(result) && x !== 0) return false;
  if (needsExactness(env[0]) && result * result !== x && !acceptsInexact(env)) return false;
  writeF32(w, dst, result);
  return true;
};

export const sqrtF32 = (env: Env, w: Int32Array, dst: number, a: number): void => {
  if (fastSquareRoot(env, w, dst, readF32(w, a))) return;
  writeBits(F32, w, dst, squareRoot(F32, env, readBits(F32, w, a)));
};

const fastMultiplyAdd = (env: Env, w: Int32Array, dst: number, z: number, x: number, y: number): boolean => {
  const fpscr = env[0];
  if ((fpscr & Fpscr.FZ) !== 0) {
    if (isFlushed(fpscr, x, LEAST_NORMAL_F32) || isFlushed(fpscr, y, LEAST_NORMAL_F32)) return false;
    if (isFlushed(fpscr, z, LEAST_NORMAL_F32)) return false;
  }
  const product = x * y;
  const wide = product + z;
  const error = sumError(product, z, wide);
  const result = Math.fround(roundToOdd(wide, error));
  if (!isPlainF32(result) && !(wide === 0 && cancelsToPlus(env))) return false;
  const exact = error === 0 && result === wide;
  if (needsExactness(fpscr) && !exact && !acceptsInexact(env)) return false;
  writeF32(w, dst, result);
  return true;
};

export const fmaF32 = (env: Env, w: Int32Array, dst: number, a: number, b: number, c: number): void => {
  if (fastMultiplyAdd(env, w, dst, readF32(w, a), readF32(w, b), readF32(w, c))) return;
  writeBits(F32, w, dst, multiplyAdd(F32, env, readBits(F32, w, a), readBits(F32, w, b), readBits(F32, w, c)));
};

export const cmpF32 = (env: Env, w: Int32Array, dst: number, a: number, b: number, _c: number, imm: number): void => {
  const x = readF32(w, a);
  const y = readF32(w, b);
  const fpscr = env[0];
  if (
    isFlushed(fpscr, x, LEAST_NORMAL_F32) ||
    isFlushed(fpscr, y, LEAST_NORMAL_F32) ||
    (x !== y && !(x < y || x > y))
  ) {
    w[dst] = compare(F32, env, readBits(F32, w, a), readBits(F32, w, b), imm !== 0);
  } else {
    w[dst] = x === y ? EQUAL : x < y ? LESS : GREATER;
  }
};
