import { describe, expect, it } from 'vitest';
import * as exact from '../../src/ir/fp/exact-arithmetic.js';
import { F32, F64, type Format, readBits, writeBits } from '../../src/ir/fp/format.js';
import { type FloatingFunction, floating } from '../../src/ir/fp.js';
import { fuzzSeed } from '../support/random.js';

const SEED = fuzzSeed('floating-point paths');
const COUNT = Number(process.env.ARMSTALK_FUZZ_COUNT ?? 20_000);

const random = (seed: number) => {
  let x = seed | 1;
  return (): number => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return x;
  };
};

type Exact = (f: Format, env: Int32Array, a: bigint, b: bigint, c: bigint) => bigint;

const PAIRS: [string, FloatingFunction, Format, Exact][] = (['F32', 'F64'] as const).flatMap((t) => {
  const f = t === 'F32' ? F32 : F64;
  return [
    [`add${t}`, floating[`add${t}`], f, exact.add],
    [`sub${t}`, floating[`sub${t}`], f, exact.subtract],
    [`mul${t}`, floating[`mul${t}`], f, exact.multiply],
    [`div${t}`, floating[`div${t}`], f, exact.divide],
    [`sqrt${t}`, floating[`sqrt${t}`], f, exact.squareRoot],
    [`fma${t}`, floating[`fma${t}`], f, exact.multiplyAdd],
  ] as [string, FloatingFunction, Format, Exact][];
});

/**
 * Ordinary numbers, where the path through JavaScript numbers is taken: exponents near each other, mantissas that are
 * often short (so that results are exact, or halfway) and sums that cancel against the product of the other two.
 */
const operands = (f: Format, w: Int32Array, next: () => number): void => {
  const wide = f.width === 64;
  for (const at of [2, 4, 6]) {
    const x = (1 + (next() >>> 0) / 2 ** 32) * 2 ** ((next() >> 3) % 12) * ((next() & 1) === 0 ? 1 : -1);
    const kept = (next() >>> 1) % (f.fractionBits + 1);
    const step = 2 ** (Math.floor(Math.log2(Math.abs(x))) - kept);
    const short = Math.round(x / step) * step;
    const tail = (next() & 1) === 0 ? 0 : step * (next() / 2 ** 40);
    put(w, at, wide, short + tail);
  }
  if ((next() & 1) === 0) put(w, 2, wide, -(get(w, 4, wide) * get(w, 6, wide)));
  if ((next() & 3) === 0) w[2] = (w[2] as number) ^ (1 << ((next() >>> 1) % 4));
};

/**
 * A product that misses the midpoint between an odd number and its neighbour by less than doubles can say beside it:
 * (1 + k ulp) * (1 - k ulp) half an ulp below. A rounding of the low part to nearest would land on the midpoint.
 */
const nearMidpoint = (f: Format, w: Int32Array, next: () => number): void => {
  const wide = f.width === 64;
  const ulp = 2 ** -f.fractionBits;
  const scale = 2 ** ((next() >> 3) % 12);
  const k = (1 + ((next() >>> 1) % 6)) * ulp;
  const sign = (next() & 1) === 0 ? 1 : -1;
  put(w, 2, wide, (1 + ulp * ((next() >>> 1) % 4)) * scale);
  put(w, 4, wide, (1 + k) * scale * sign);
  put(w, 6, wide, (1 - k) * (ulp / 2));
};

const view = new DataView(new ArrayBuffer(8));
const put = (w: Int32Array, at: number, wide: boolean, x: number): void => {
  if (wide) view.setFloat64(0, x, true);
  else view.setFloat32(0, x, true);
  w[at] = view.getInt32(0, true);
  w[at + 1] = wide ? view.getInt32(4, true) : 0;
};
const get = (w: Int32Array, at: number, wide: boolean): number => {
  view.setInt32(0, w[at] as number, true);
  view.setInt32(4, w[at + 1] as number, true);
  return wide ? view.getFloat64(0, true) : view.getFloat32(0, true);
};

/** FPSCR in which the number path may be taken: IXC clear or set, FZ and DN any; sometimes another rounding mode. */
const makeFpscr = (next: () => number): number => {
  const modes = (next() & 0x0300_0010) | 0;
  return (next() & 7) === 0 ? modes | (next() & (3 << 22)) : modes;
};

describe(`the number path agrees with the exact path in result and flags (seed ${SEED})`, () => {
  it.each(PAIRS)('%s', (name, fast, f, slow) => {
    const next = random(SEED);
    const wrong: object[] = [];
    const w = new Int32Array(10);
    const env = new Int32Array(1);
    const exactEnv = new Int32Array(1);
    for (let k = 0; k < COUNT; k++) {
      if (k % 8 === 0) nearMidpoint(f, w, next);
      else operands(f, w, next);
      env[0] = exactEnv[0] = makeFpscr(next);
      const before = Array.from(w);
      fast(env, w, 0, 2, 4, 6, 0, 0);
      writeBits(f, w, 8, slow(f, exactEnv, readBits(f, w, 2), readBits(f, w, 4), readBits(f, w, 6)));
      const same = w[0] === w[8] && (f.width === 32 || w[1] === w[9]) && env[0] === exactEnv[0];
      if (!same && wrong.length < 5) wrong.push({ name, before, after: Array.from(w), fpscr: [env[0], exactEnv[0]] });
    }
    expect(wrong).toEqual([]);
  });
});
