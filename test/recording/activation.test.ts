/** Recordings that start where a place is reached. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { EventKind, type RecordOptions, record, type StalkerEvent } from '../../src/index.js';
import { sample } from '../support/cli.js';
import { isLongRun } from '../support/long-run.js';
import { RECORD_TIERS, recordedRun } from '../support/recorded-run.js';

const scratch = mkdtempSync(join(tmpdir(), 'armstalk-activation-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const { CALL, RET, BLOCK } = EventKind;
const EVENTS = { mask: CALL | RET | BLOCK, syscalls: true, signals: true };
const TIERS = RECORD_TIERS;

const run = async (name: string, options: RecordOptions = {}) => {
  const { items, ...rest } = await recordedRun(scratch, name, { events: EVENTS, ...options });
  const syscalls = items.flatMap((item) => (item.type === 'note' && item.note.type === 'syscall' ? [item.note] : []));
  return { ...rest, syscalls };
};

const of = (list: ReadonlyMap<number, StalkerEvent[]>, tid = 1000): StalkerEvent[] => list.get(tid) ?? [];
const shown = ({ kind, location, target, clock }: StalkerEvent): string =>
  `${kind} ${location.toString(16)} ${target.toString(16)} ${clock}`;

/** Open calls before event number `index`. */
const depthBefore = (events: readonly StalkerEvent[], index: number): number => {
  const last = events.slice(0, index).findLast(({ kind }) => kind === CALL || kind === RET);
  return last === undefined ? 0 : last.depth + Number(last.kind === CALL);
};

/** What every thread but the first calls, in the order of the second one's calls. */
const sharedTargets = (events: ReadonlyMap<number, StalkerEvent[]>): number[] => {
  const callsOf = (list: readonly StalkerEvent[]) =>
    new Set(list.filter(({ kind }) => kind === CALL).map(({ target }) => target));
  const [, ...others] = [...events.values()].map(callsOf);
  return [...(others[0] ?? [])].filter((target) => others.every((calls) => calls.has(target)));
};

describe('followFrom', () => {
  test.each([
    ['lock-thumb', 'check_pin'],
    ['lock-arm', 'check_pin'],
    ['fib-thumb', 'main'],
    ['longjmp-thumb', 'square'],
    ['tail-call-arm', 'print_line'],
    ['crash-thumb', 'scribble'],
  ])('%s from %s: the rest of the whole run, in every tier', async (name, place) => {
    const whole = await run(name);
    const { probes } = await record(sample(name), { probes: [place], stdin: Buffer.from('4711\n'), stdout: () => {} });
    const point = probes[0]?.addresses[0];
    const first = of(whole.events).findIndex(({ kind, location }) => kind === BLOCK && location === point);
    expect(first).toBeGreaterThan(0);
    const start = depthBefore(of(whole.events), first);
    const expected = of(whole.events).slice(first);
    for (const tier of TIERS) {
      const part = await run(name, { ...tier, followFrom: place });
      expect([part.text, part.end, part.instructions]).toEqual([whole.text, whole.end, whole.instructions]);
      expect(of(part.events).map(shown)).toEqual(expected.map(shown));
      // No frame of a call before is known: depths count from here, and returns past it leave 0.
      let lowest = start;
      for (const [index, event] of of(part.events).entries()) {
        const before = expected[index] as StalkerEvent;
        if (event.kind === BLOCK) continue;
        lowest = Math.min(lowest, before.depth);
        expect(event.depth).toBe(before.depth - lowest);
      }
      expect(part.syscalls).toEqual(whole.syscalls.filter(({ clock }) => clock >= (expected[0] as StalkerEvent).clock));
    }
  });

  test('an address in the middle of what would be one block', async () => {
    const whole = await run('fib-thumb');
    const { location, target } = of(whole.events).find(
      (event) => event.kind === BLOCK && event.target - event.location >= 8 && event.clock > 1000,
    ) as StalkerEvent;
    const middle = location - 1 + 4;
    const bytes = [];
    for (const tier of TIERS) {
      const part = await run('fib-thumb', { ...tier, followFrom: `0x${middle.toString(16)}/thumb` });
      expect(of(part.events)[0]).toMatchObject({ kind: BLOCK, location: middle + 1, target });
      bytes.push(part.bytes);
    }
    for (const one of bytes) expect(one.equals(bytes[0] as Buffer)).toBe(true);
  });

  // As long as all others here together: `npm run test:long` has it.
  test.runIf(isLongRun)('one thread that gets there starts the recording of all', async () => {
    const whole = await run('threads-thumb');
    // What two threads begin with: the second one's start is when the first already waits.
    const [turn] = sharedTargets(whole.events);
    expect(turn).toBeGreaterThan(0);
    const bytes = [];
    for (const tier of TIERS) {
      const part = await run('threads-thumb', { ...tier, followFrom: `@0x${turn.toString(16)}` });
      expect(part.text).toBe(whole.text);
      expect([...part.events.keys()].sort()).toEqual([...whole.events.keys()].sort());
      const clocks = [...part.events.values()].map((events) => events[0]?.clock ?? 0);
      const points = [...whole.events.values()].flatMap((events) => events.map(({ clock }) => clock));
      expect(Math.min(...clocks)).toBeGreaterThan(Math.min(...points));
      bytes.push(part.bytes);
    }
    for (const one of bytes) expect(one.equals(bytes[0] as Buffer)).toBe(true);
  });

  test('a place that is never reached leaves a whole trace without events', async () => {
    const part = await run('lock-thumb', { followFrom: '__assert_fail' });
    expect([part.exitCode, part.text]).toEqual([0, 'unlocked\n']);
    expect([part.events.size, part.syscalls.length, part.counts?.calls]).toEqual([0, 0, 0]);
  });

  test.each([
    ['no_such_function', 'there is no place no_such_function to follow from'],
    ['mem*', /^mem\* is \d+ places: 0x/],
    ['!', 'cannot make sense of the place "!"'],
  ])('%s is refused before anything runs', async (followFrom, message) => {
    await expect(run('lock-thumb', { followFrom })).rejects.toThrow(message);
  });
});
