/**
 * Long runs keep what they hold bounded: a guest that makes and discards code, a loop that never ends, a guest that lives
 * for hours of its own time. And code that could not run before runs once it is there. ARMSTALK_CHURN is the number of
 * discarded pieces of code, ARMSTALK_LOOP that of instructions in the loop, ARMSTALK_GUEST_SECONDS the guest's life.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { Word } from '../../src/guest/cpu-state.js';
import { Permission } from '../../src/guest/memory.js';
import { ExitReason } from '../../src/ir/terminal.js';
import type { TierOptions } from '../../src/stalker/tiering.js';
import { BASE, GuestCode, STOP } from '../stalker/guest-code.js';
import { isLongRun } from '../support/long-run.js';
import { hasCompiler } from '../support/toolchain.js';
import type { LongRun, Sample } from './lifetime-child.js';
import { TIERS } from './traced-run.js';

const CHURN = Number(process.env.ARMSTALK_CHURN ?? 2000);
const LOOP_INSNS = Number(process.env.ARMSTALK_LOOP ?? 200_000_000);
const GUEST_SECONDS = Number(process.env.ARMSTALK_GUEST_SECONDS ?? 30);
const HOUR_MS = 3_600_000;
const MB = 1e6;

const child = fileURLToPath(new URL('lifetime-child.ts', import.meta.url));

const longRun = (scenario: string, tier: TierOptions, size: number): LongRun => {
  const words = ['--expose-gc', '--import', 'tsx', child, scenario, JSON.stringify(tier), `${size}`];
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, words, { maxBuffer: 1 << 26 });
  expect({ status, signal, stderr: stderr.toString() }).toEqual({ status: 0, signal: null, stderr: '' });
  return JSON.parse(stdout.toString());
};

/** The most that was held between two points of a run, each a part of it. */
const peak = (samples: readonly Sample[], from: number, to: number, of: 'rss' | 'heap'): number =>
  Math.max(...samples.slice(Math.floor(samples.length * from), Math.ceil(samples.length * to)).map((s) => s[of]));

/**
 * The last quarter of a run takes no more than the second one. What is held comes back to the same figure after every
 * collection, within a generation of translators; resident memory also has what the host has not given back yet.
 */
const expectFlat = (samples: readonly Sample[]): void => {
  const figures = samples.map(({ rss, heap }) => `${Math.round(heap / MB)}/${Math.round(rss / MB)}`).join(' ');
  const growth = (of: 'rss' | 'heap') => peak(samples, 0.75, 1, of) - peak(samples, 0.25, 0.5, of);
  console.log(`heap/resident MB: ${figures}`);
  expect(growth('heap'), figures).toBeLessThan(10 * MB);
  expect(growth('rss'), figures).toBeLessThan(50 * MB);
};

/** What the churning program's functions sum up to. */
const expectedSum = (count: number): string => {
  let sum = 0;
  for (let i = 0; i < count; i++) {
    const high = (Math.imul(i, 0x9e37_79b1) >>> 16) << 16;
    for (let k = 0; k < 6; k++) sum = (Math.imul(sum, 31) + (((i & 0xffff) + high + k) | 0)) | 0;
  }
  return `sum ${(sum >>> 0).toString(16).padStart(8, '0')}`;
};

const tiers = isLongRun ? (['auto', 'hot'] as const) : (['auto'] as const);

// Built here by gcc-arm-linux-gnueabihf. `npm test` installs it or stops; only a file run by hand goes without.
describe.runIf(hasCompiler()).each(tiers)('a long life (%s)', (name) => {
  const tier = TIERS[name];

  it(
    'of a guest that makes and discards code keeps regions, slots, cells and memory bounded',
    () => {
      const { exitCode, text, samples } = longRun('churn', tier, CHURN);
      expect({ exitCode, last: text.trim().split('\n').at(-1) }).toEqual({ exitCode: 0, last: expectedSum(CHURN) });
      expect(samples.at(-1)?.stats.hot.modules, 'every piece was hot once').toBeGreaterThan(CHURN);
      for (const { stats } of samples) {
        // 500 functions exist at a time; the rest is the program itself.
        expect(stats.hotSize.regions).toBeLessThan(900);
        expect(stats.hotSize.slots).toBeLessThan(1500);
        expect(stats.hotSize.cells).toBeLessThan(3000);
      }
      expectFlat(samples);
    },
    HOUR_MS,
  );

  it(
    'with a turn every 10 ms, threads and alarms keeps memory and translations as they were',
    () => {
      const { exitCode, text, samples, traceBytes } = longRun('hour', tier, GUEST_SECONDS);
      expect(exitCode, text).toBe(0);
      const [, turns, threads, alarms] = /(\d+) turns, (\d+) threads, (\d+) alarms/.exec(text)?.map(Number) ?? [];
      expect(turns).toBeGreaterThan(GUEST_SECONDS * 99);
      expect(threads).toBeGreaterThanOrEqual(GUEST_SECONDS - 1);
      expect(alarms).toBeGreaterThanOrEqual(GUEST_SECONDS - 1);
      // The last line of all is printed by code that has not run before.
      const [middle, last] = [samples[Math.floor(samples.length / 2)], samples.at(-2)] as [Sample, Sample];
      expect(last.stats.hotSize.regions).toBeLessThanOrEqual(middle.stats.hotSize.regions + 10);
      expectFlat(samples);
      expect(traceBytes).toBeGreaterThan(1000);
    },
    HOUR_MS,
  );

  it(
    'in a loop that never leaves hot code by itself keeps memory and translations, and records every call',
    () => {
      const { samples, events, turns } = longRun('loop', tier, LOOP_INSNS);
      expect(turns).toBeGreaterThan(LOOP_INSNS / 6);
      expect(events).toBeGreaterThanOrEqual(2 * (turns as number) - 2);
      expect(events).toBeLessThanOrEqual(2 * (turns as number));
      const [second, last] = [samples[1], samples.at(-1)] as [Sample, Sample];
      expect({ ...last.stats, dispatches: 0 }).toEqual({ ...second.stats, dispatches: 0 });
      expectFlat(samples);
    },
    HOUR_MS,
  );
});

describe.each(Object.entries(TIERS))('code that could not run before (%s)', (_name, tier) => {
  const bx = 0xe12f_ff1e;

  it.each([
    ['permanently', 0xe7f0_def0],
    ['unallocated and', 0xffff_ffff],
  ])('runs when the guest has patched a %s undefined instruction', (_kind, word) => {
    const guest = new GuestCode('start: mov r0, #1\n bx lr', { tier });
    guest.memory.view.setUint32(BASE, word, true);
    guest.words[Word.LR] = STOP;
    for (let n = 0; n < 10; n++) {
      guest.words[Word.PC] = BASE;
      expect(guest.run()).toBe(ExitReason.UNDEFINED);
    }
    guest.memory.write(BASE, Uint8Array.of(1, 0, 0xa0, 0xe3));
    expect(guest.call()).toBe(1);
  });

  it('runs when its page has been mapped', () => {
    const guest = new GuestCode('start: bx r1', { tier });
    const page = 0x50_0000;
    for (let n = 0; n < 10; n++) {
      guest.words[1] = page;
      guest.words[Word.PC] = BASE;
      expect(guest.run()).toBe(ExitReason.FETCH_FAULT);
    }
    guest.memory.setPermissions(page, 4096, Permission.READ | Permission.EXECUTE);
    guest.memory.view.setUint32(page, bx, true);
    expect(guest.call([7, page])).toBe(7);
    guest.memory.unmap(page, 4096);
    guest.words[Word.PC] = BASE;
    guest.words[1] = page;
    expect(guest.run()).toBe(ExitReason.FETCH_FAULT);
  });
});
