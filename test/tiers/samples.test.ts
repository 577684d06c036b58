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
/** Of the large ones `npm test` takes the Thumb builds, under gum one. */
const namesOf = (profile: string): string[] => {
  const chosen = profile === 'gum' ? /^lock-arm$/ : /-thumb$/;
  return names.filter((name) => isLongRun || !isLarge(name) || chosen.test(name));
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
  it.each(namesOf('precise'))('%s records the same bytes with either', async (name) => {
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
