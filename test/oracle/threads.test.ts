/**
 * The event oracle for threads. How qemu-arm interleaves them differs from run to run, so what is compared is what a
 * schedule cannot change: the calls and returns of each thread while it is inside a function whose control flow depends
 * on nobody else, and the blocks of the program's own functions. Threads are matched in the order of their creation.
 */
import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parseElf } from '../../src/elf/parse-elf.js';
import { repository } from '../support/cli.js';
import { ORACLE_CPU } from '../support/qemu.js';
import { compile } from '../support/toolchain.js';
import { firstDifference } from './compare.js';
import { recordRun } from './record-run.js';
import { recordedRun } from './recorded-events.js';
import { type FlowEvent, referenceRun } from './reference-events.js';

const THREADS = 4;
const OWN_FUNCTIONS = ['fib', 'ascending', 'descending', 'leave', 'escape', 'work'];

const scratch = realpathSync(mkdtempSync(join(tmpdir(), 'armstalk-threads-')));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** The events from the call of the function at `entry` to its return, both included. The thread's number is left out. */
const activation = (events: readonly FlowEvent[], entry: number): FlowEvent[] => {
  const first = events.findIndex(({ kind, target }) => kind === 'call' && target === entry);
  expect(first).toBeGreaterThanOrEqual(0);
  const { depth } = events[first] as FlowEvent;
  const last = events.findIndex((event, n) => n > first && event.kind === 'ret' && event.depth === depth);
  expect(last).toBeGreaterThan(first);
  return events.slice(first, last + 1).map((event) => ({ ...event, thread: 0 }));
};

describe('the threads of a static glibc program', () => {
  it.each([
    ['-marm', '-O0'],
    ['-marm', '-O2'],
    ['-mthumb', '-O0'],
    ['-mthumb', '-O3'],
  ] as const)('call and return as they do under qemu-arm (%s %s)', { timeout: 300_000 }, async (isa, level) => {
    const source = readFileSync(`${repository}test/oracle/programs/thread-work.c`, 'utf8');
    const program = compile('thread-work', source, { flags: [isa, level], libraries: ['-lm'] });
    const trace = join(scratch, 'trace.pb');
    // A quantum this small switches threads in the middle of everything.
    const run = await recordRun(program, { quantum: 50 }, trace);
    const reference = await referenceRun(program, { cpu: ORACLE_CPU, threads: true });
    expect(run.stdout.toString()).toBe(reference.result.stdout.toString());
    expect(run.status).toBe(0);
    const ours = await recordedRun(trace);
    const lists = [...ours.events.values()];
    const theirs = [...reference.events.values()];
    expect([lists.length, theirs.length]).toEqual([THREADS + 1, THREADS + 1]);

    const { symbols } = parseElf(readFileSync(program), program);
    const [entry] = symbols.addressesOf('work') as [number];
    const differences: string[] = [];
    let events = 0;
    for (let n = 1; n <= THREADS; n++) {
      const [mine, other] = [lists[n], theirs[n]].map((list) => activation(list as FlowEvent[], entry));
      const difference = firstDifference(mine as FlowEvent[], other as FlowEvent[]);
      if (difference !== undefined) differences.push(`thread ${n}: ${difference}`);
      events += (other as FlowEvent[]).length;
    }
    expect(differences.join('\n')).toBe('');
    expect(events).toBeGreaterThan(500);

    const isOwn = (key: string): boolean =>
      OWN_FUNCTIONS.includes(symbols.lookup(Number.parseInt(key, 16))?.name ?? '');
    const ownBlocks = (keys: Iterable<string>): string[] => [...keys].filter(isOwn).sort();
    expect(ownBlocks(ours.blocks)).toEqual(ownBlocks(reference.blocks));
    expect(ownBlocks(ours.blocks).length).toBeGreaterThan(OWN_FUNCTIONS.length);
  });
});
