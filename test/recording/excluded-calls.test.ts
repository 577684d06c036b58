/** Excluded calls in a trace: what is left is the whole run's events without those of the calls' insides. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { EventKind, type RecordOptions, record, type StalkerEvent, UsageError } from '../../src/index.js';
import { sample } from '../support/cli.js';
import { isLongRun } from '../support/long-run.js';
import { RECORD_TIERS, recordedRun } from '../support/recorded-run.js';

const scratch = mkdtempSync(join(tmpdir(), 'armstalk-excluded-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const { CALL, RET, BLOCK } = EventKind;
const EVENTS = { mask: CALL | RET | BLOCK, syscalls: false, signals: false };
const TIERS = RECORD_TIERS;

const run = (name: string, options: RecordOptions = {}) => recordedRun(scratch, name, { events: EVENTS, ...options });

const shown = ({ kind, location, target, depth, clock }: StalkerEvent): string =>
  `${kind} ${location.toString(16)} ${target.toString(16)} ${depth} ${clock}`;

/** A thread's events without what calls to `excluded` did, their returns included. */
const withoutInsides = (events: readonly StalkerEvent[], excluded: ReadonlySet<number>): string[] => {
  const left: string[] = [];
  let inside: number | undefined;
  for (const event of events) {
    if (inside !== undefined) {
      // At a lower depth it is a jump out of the call, which is as much inside.
      if (event.kind === RET && event.depth <= inside) inside = undefined;
      continue;
    }
    left.push(shown(event));
    if (event.kind === CALL && excluded.has(event.target)) inside = event.depth;
  }
  return left;
};

const addressesOf = async (name: string, functions: readonly string[]): Promise<Set<number>> => {
  const { probes } = await record(sample(name), { probes: functions, stdin: Buffer.from(''), stdout: () => {} });
  return new Set(probes.flatMap(({ addresses }) => addresses));
};

/** The target that all threads together call most often. */
const mostCalled = (events: ReadonlyMap<number, StalkerEvent[]>): number => {
  const counts = new Map<number, number>();
  for (const { kind, target } of [...events.values()].flat()) {
    if (kind === CALL) counts.set(target, (counts.get(target) ?? 0) + 1);
  }
  return [...counts].reduce((best, one) => (one[1] > best[1] ? one : best))[0];
};

describe('excluded functions', () => {
  test.each([
    ['lock-thumb', ['hash_pin']],
    ['lock-arm', ['cmp_digit', 'malloc', 'puts']],
    ['lock-thumb', ['main']],
    ['fib-arm', ['print_number']],
    ['fib-thumb', ['fib']],
    ['tail-call-thumb', ['print']],
    ['tail-call-arm', ['print_number', 'outer']],
    ['longjmp-thumb', ['throw_jump']],
    ['longjmp-arm', ['throw_jump', 'print_number']],
    ['kuser-helpers-arm', ['main']],
  ])('%s without the insides of %s', async (name, functions) => {
    const whole = await run(name);
    const excluded = await addressesOf(name, functions);
    expect(excluded.size, 'the sample has these functions').toBeGreaterThan(0);
    const expected = withoutInsides(whole.events.get(1000) as StalkerEvent[], excluded);
    expect(expected.length).toBeLessThan((whole.events.get(1000) as StalkerEvent[]).length);
    for (const tier of TIERS) {
      const { events, text, end, instructions } = await run(name, { ...tier, exclude: functions });
      expect([text, end, instructions]).toEqual([whole.text, whole.end, whole.instructions]);
      expect((events.get(1000) as StalkerEvent[]).map(shown)).toEqual(expected);
    }
  });

  // As long as all others here together: `npm run test:long` has it.
  test.runIf(isLongRun)('in eight threads: the same bytes in every tier, and no insides in any thread', async () => {
    const name = 'threads-thumb';
    const whole = await run(name);
    const target = mostCalled(whole.events);
    const exclude = [`@0x${((target & ~1) >>> 0).toString(16)}+2`];
    const parts = [];
    for (const tier of TIERS) parts.push(await run(name, { ...tier, exclude }));
    const [first] = parts as [(typeof parts)[0]];
    for (const part of parts) {
      expect(part.text).toBe(whole.text);
      expect(part.bytes.equals(first.bytes)).toBe(true);
    }
    for (const [tid, events] of first.events) {
      const calls = (list: readonly StalkerEvent[] = []) =>
        list.filter((event) => event.kind === CALL && event.target === target).length;
      expect(calls(events), `calls by ${tid}`).toBe(calls(whole.events.get(tid)));
      const [call] = events.filter((event) => event.kind === CALL && event.target === target);
      if (call !== undefined)
        expect(events.some(({ kind, location }) => kind === BLOCK && location === target)).toBe(false);
    }
  });

  test('one that is left by a jump into the function that called it lasts until control comes to where it would return', async () => {
    const whole = await run('longjmp-thumb');
    const [fall] = await addressesOf('longjmp-thumb', ['fall']);
    const isFall = ({ kind, target }: StalkerEvent): boolean => kind === CALL && target === fall;
    const all = whole.events.get(1000) as StalkerEvent[];
    const first = all.findIndex(isFall);
    const returnAddress = (all[first] as StalkerEvent).location + 4;
    const resumed = all.findLastIndex(({ kind, location }) => kind === BLOCK && location === returnAddress);
    expect(resumed).toBeGreaterThan(first + 100);
    const expected = [...all.slice(0, first + 1), ...all.slice(resumed)].map(shown);
    for (const tier of TIERS) {
      const { events, text } = await run('longjmp-thumb', { ...tier, exclude: ['fall'] });
      expect(text).toBe(whole.text);
      expect((events.get(1000) as StalkerEvent[]).map(shown)).toEqual(expected);
    }
  });
});

describe('what can be excluded', () => {
  test('ranges as objdump shows them, at run time, globs, functions of a module: the same where they mean the same', async () => {
    const named = await run('lock-thumb', { exclude: ['hash_pin'] });
    const { probes } = await record(sample('lock-thumb'), {
      probes: ['hash_pin'],
      stdin: Buffer.from(''),
      stdout: () => {},
    });
    const at = ((probes[0]?.addresses[0] ?? 0) & ~1) >>> 0;
    expect(at).toBeGreaterThan(0);
    const from = `0x${at.toString(16)}`;
    const to = `0x${(at + 2).toString(16)}`;
    for (const spec of [
      `${from}-${to}`,
      `${from}~${to}`,
      `${from}+2`,
      `@${from}-${to}`,
      'hash_p?n',
      'lock*!hash_pin',
    ]) {
      const { events, notices } = await run('lock-thumb', { exclude: [spec] });
      expect(notices, spec).toEqual([]);
      expect((events.get(1000) as StalkerEvent[]).map(shown), spec).toEqual(
        (named.events.get(1000) as StalkerEvent[]).map(shown),
      );
    }
  });

  test('the whole program: only what is reached without a call is left', async () => {
    const { events, notices, exitCode } = await run('fib-thumb', { exclude: ['fib-thumb'] });
    expect([notices, exitCode]).toEqual([[], 0]);
    const calls = (events.get(1000) as StalkerEvent[]).filter(({ kind }) => kind === CALL);
    expect(calls).toHaveLength(1);
  });

  test('what matches nothing is told, and is an error with strict', async () => {
    expect((await run('hello-arm', { exclude: ['nothing_here', 'main'] })).notices).toEqual([
      'warning: the exclusion nothing_here matches nothing',
    ]);
    await expect(run('hello-arm', { exclude: ['nothing_here'], strictProbes: true })).rejects.toThrow(
      'the exclusion nothing_here matches nothing',
    );
  });

  test.each(['', '0x1040', '@main', '0x20-0x10', '0x10-0x10', '@0x10'])('%j makes no sense', async (spec) => {
    const failed = run('hello-arm', { exclude: [spec] });
    await expect(failed).rejects.toThrow(UsageError);
    await expect(failed).rejects.toThrow(/exclusion/);
  });
});
