import { expect, it } from 'vitest';
import {
  LANES,
  PREFIXES,
  parallelByLane,
  parallelGe,
  parallelGeByLane,
  parallelKind,
  parallelResult,
} from '../../src/ir/parallel.js';
import { fuzzSeed } from '../support/random.js';

const SEED = fuzzSeed('parallel');
const BYTES = [0, 1, 0x7f, 0x80, 0x81, 0xfe, 0xff];

/** xorshift32; every fourth word is made of bytes at the edges. */
const wordSource = (seed: number) => {
  let state = seed | 0;
  const next = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state;
  };
  const edge = (): number => BYTES[(next() >>> 0) % BYTES.length] as number;
  return () => ((next() & 3) === 0 ? edge() | (edge() << 8) | (edge() << 16) | (edge() << 24) : next());
};

it(`whole-word shortcuts equal the lane by lane meaning (seed ${SEED})`, () => {
  const word = wordSource(SEED);
  for (let round = 0; round < 20_000; round++) {
    const [a, b] = [word(), word()];
    for (const prefix of PREFIXES) {
      for (const lanes of LANES) {
        const kind = parallelKind(prefix, lanes);
        if (parallelResult(kind, a, b) !== parallelByLane(kind, a, b)) expect.fail(`${prefix}${lanes} ${a} ${b}`);
        if (prefix !== 's' && prefix !== 'u') continue;
        if (parallelGe(kind, a, b) !== parallelGeByLane(kind, a, b)) expect.fail(`GE of ${prefix}${lanes} ${a} ${b}`);
      }
    }
  }
});
