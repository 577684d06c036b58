/** Every sample, both profiles, all five kinds of events: the three tiers print, return and record the same. */
import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { repository, sample } from '../support/cli.js';
import { isLongRun } from '../support/long-run.js';
import { expectSame, TIERS, tracedRun } from './traced-run.js';

const ALL_EVENTS = 31;
const names = readdirSync(`${repository}samples/bin`).sort();
/** What a C library makes long: in the hot tier each of its thousand blocks is compiled by itself. */
const isLarge = (name: string): boolean => /^(float|futex-pingpong|lock|threads)-/.test(name);
/** `npm test` takes the Thumb builds, under gum the ARM builds and of the large ones one; what there is one build of, both. */
const namesOf = (profile: string): string[] => {
  const [other, isTaken] = profile === 'gum' ? (['-thumb', /^lock-arm$/] as const) : (['-arm', /-thumb$/] as const);
  return names.filter((name) => isLongRun || (!name.endsWith(other) && (!isLarge(name) || isTaken.test(name))));
};
/** Runs every block once, so none is ever trusted. */
const NEVER_HOT = ['thumb-interwork'];

describe.each(['precise', 'gum'] as const)('%s events', (profile) => {
  it.each(namesOf(profile))('%s records the same bytes in every tier', async (name) => {
    const options = { stdin: '4711\n', profile, events: ALL_EVENTS };
    const cold = await tracedRun(sample(name), TIERS.cold, options);
    expect(cold.stats.hot.functions).toBe(0);
    for (const tier of [TIERS.auto, TIERS.hot]) {
      const run = await tracedRun(sample(name), tier, options);
      if (!NEVER_HOT.includes(name)) expect(run.stats.hot.functions).toBeGreaterThan(0);
      await expectSame(cold, run);
    }
  });
});

describe('compact and full records', () => {
  it.each(namesOf('gum'))('%s records the same bytes with either', async (name) => {
    const options = { stdin: '4711\n', events: ALL_EVENTS };
    const compact = await tracedRun(sample(name), TIERS.auto, options);
    await expectSame(compact, await tracedRun(sample(name), TIERS.auto, { ...options, fullRecords: true }));
  });
});

describe('threads that nobody follows share their hot code', () => {
  it.each(['threads-arm', 'futex-pingpong-thumb', 'smc-arm', 'segv-handler-thumb', 'signal-restart-arm'])(
    '%s prints and returns the same in every tier',
    async (name) => {
      const cold = await tracedRun(sample(name), TIERS.cold, { events: 0 });
      for (const tier of [TIERS.auto, TIERS.hot]) {
        await expectSame(cold, await tracedRun(sample(name), tier, { events: 0 }));
      }
    },
  );
});
