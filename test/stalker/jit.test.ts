/** A guest that writes its own code and says so (cacheflush) runs right whatever the trust threshold is. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { EventKind } from '../../src/events/event.js';
import { Process } from '../../src/process/process.js';
import type { Profile } from '../../src/stalker/options.js';
import { Stalker } from '../../src/stalker/stalker.js';
import type { TierOptions } from '../../src/stalker/tiering.js';
import { compile } from '../support/toolchain.js';
import { TIERS } from '../tiers/traced-run.js';
import { CollectingSink } from './guest-code.js';

// As the program has them.
const AREA = 0x2000_0000;
const SLOTS = 6;
const SLOT_BYTES = 64;
const ROUNDS = 8;

const program = compile('jit', readFileSync(new URL('programs/jit.c', import.meta.url), 'utf8'), {
  flags: ['-O1', '-marm', '-nostdlib'],
});

/** The number of wrong results, and how often each of the program's functions was translated. */
const run = async (trust: number, profile: Profile, tier: TierOptions): Promise<[number | undefined, number[]]> => {
  const sink = new CollectingSink(EventKind.COMPILE);
  const guest = Process.spawn(program, {
    createEngine: (memory) => {
      const stalker = new Stalker(memory, tier);
      stalker.trustThreshold = trust;
      stalker.followNewThreads = { profile, events: sink.mask, sink };
      return stalker;
    },
  });
  const { exitCode } = await guest.resume();
  const compilations = Array.from({ length: SLOTS }, (_, slot) => {
    const entry = AREA + slot * SLOT_BYTES + (slot & 1);
    return sink.events.filter(({ location }) => location === entry).length;
  });
  return [exitCode, compilations];
};

describe('a guest that rewrites its functions and flushes the cache', () => {
  for (const trust of [-1, 0, 1, 5]) {
    for (const profile of ['gum', 'precise'] as const) {
      test(`runs the new ones, each translated once, with threshold ${trust} under ${profile}`, async () => {
        for (const [name, tier] of Object.entries(TIERS)) {
          expect(await run(trust, profile, tier), name).toEqual([0, Array<number>(SLOTS).fill(ROUNDS)]);
        }
      });
    }
  }
});
