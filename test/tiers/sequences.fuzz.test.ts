/**
 * Random code with branches, loops, calls, IT blocks, faults and floating point: hot code against the cold tier (state,
 * memory, clock, stops, events), and both against Unicorn (state and memory). ARMSTALK_FUZZ is the number of pieces of
 * code, ARMSTALK_SEED repeats a run.
 */
import { describe, expect, it } from 'vitest';
import type { TierOptions } from '../../src/stalker/tiering.js';
import { fuzzSeed, Random } from '../support/random.js';
import { hasUnicorn } from '../support/unicorn.js';
import { Trial } from './trial.js';

const COUNT = Number(process.env.ARMSTALK_FUZZ ?? 900);
/** Pieces of code before the machines are made anew. */
const GENERATION = 1000;

/** Hot code is made at the first visit, at the second, or late: threshold and trust. */
const MODES: readonly (readonly [TierOptions, trust: number])[] = [
  [{ tier: 'hot' }, 0],
  [{ tier: 'hot' }, 1],
  [{ tier: 'auto', hotThreshold: 3 }, 1],
];

// Judged by Debian's libunicorn2. `npm test` installs it or stops; only a file run by hand goes without.
describe.runIf(hasUnicorn())('random code with control flow', () => {
  const seed = fuzzSeed('sequences');

  it.each(MODES.map(([tier, trust], mode) => [tier, trust, mode] as const))(
    'ends alike with %j and trust %i, in the cold tier and in Unicorn',
    (tier, trust, mode) => {
      const pieces = Math.ceil(COUNT / MODES.length);
      const tally: Record<string, number> = {};
      let functions = 0;
      for (let first = 0; first < pieces; first += GENERATION) {
        const trial = new Trial(tally, tier, trust);
        for (let n = 0; n < Math.min(GENERATION, pieces - first); n++) {
          const found = trial.run(new Random(seed + mode * 104_729 + (first + n) * 7919), n);
          expect(found, `ARMSTALK_SEED=${seed}, piece ${first + n}`).toEqual([]);
        }
        functions += trial.functions;
      }
      console.log(`${pieces} pieces, ${functions} functions, ${JSON.stringify(tally)}`);
      expect(functions).toBeGreaterThan(pieces / 4);
      expect(tally['to the end']).toBeGreaterThan(pieces / 4);
    },
    3_600_000,
  );
});
