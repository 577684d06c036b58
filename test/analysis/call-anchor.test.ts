/** `@main~`: the clock of a call, against the list of all events; and what is said where there is none. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CallAnchor, findRange } from '../../src/analysis/call-anchor.js';
import { summarize } from '../../src/analysis/summarize.js';
import { hex } from '../../src/bits.js';
import { EventKind } from '../../src/events/event.js';
import type { StalkerEvent } from '../../src/events/ring.js';
import type { TraceHeader } from '../../src/trace/messages.js';
import { TraceReader } from '../../src/trace/reader.js';
import type { TraceWriterOptions } from '../../src/trace/writer.js';
import { playProgram, SyntheticMachine } from '../support/event-stream.js';
import { fuzzSeed } from '../support/random.js';
import { HEADER, readTrace, recordBytes } from '../support/trace-file.js';

const scratch = mkdtempSync(join(tmpdir(), 'armstalk-anchor-'));
afterAll(() => rmSync(scratch, { recursive: true }));

/** Functions begin each 256 bytes from 0x10000; those with an odd number have no symbol. */
const functionOf = (address: number): number => (address - 0x10000) >> 8;
const nameOf = (fn: number): string => (fn % 2 === 0 ? `f${fn}` : hex(0x10000 + fn * 0x100));

const record = (
  drive: (machine: SyntheticMachine) => void,
  options: Partial<TraceWriterOptions> = {},
  header: TraceHeader = HEADER,
): Buffer =>
  recordBytes(
    (writer) => {
      writer.symbolizer = (address) => {
        const fn = functionOf(address);
        return fn % 2 === 0 ? { module: '', name: `f${fn}`, offset: address & 255, sizeBytes: 256 } : undefined;
      };
      const machine = new SyntheticMachine((batch) => writer.process(batch), { tellsElsewhere: true });
      drive(machine);
      machine.flush();
      writer.end({ reason: 'exit', exitCode: 0, clock: machine.clock });
    },
    { chunkEvents: 64, ...options },
    header,
  );

const anchor = (fn: number): CallAnchor => {
  const name = nameOf(fn);
  return { test: ({ symbol }) => symbol === name, text: `@${name}`, isNamed: fn % 2 === 0 };
};

const file = (name: string, bytes: Uint8Array): string => {
  const path = join(scratch, name);
  writeFileSync(path, bytes);
  return path;
};

/** First clock at or after `from` at which one of `threads` calls `fn`; its first function is called when a thread starts. */
const firstCall = (events: Map<number, StalkerEvent[]>, fn: number, from: number, threads?: number[]): number => {
  let first = Number.POSITIVE_INFINITY;
  for (const [tid, list] of events) {
    if (threads && !threads.includes(tid)) continue;
    for (const { kind, target, clock } of list) {
      if (kind === EventKind.CALL && functionOf(target) === fn && clock >= from) first = Math.min(first, clock);
    }
  }
  return first;
};

describe('an anchor', () => {
  test.each(['with', 'without'])('is the first call there is, %s an index', async (index) => {
    const seed = fuzzSeed('anchor');
    for (let round = 0; round < 3; round++) {
      const threads = 1 + (round % 3);
      const bytes = record((machine) =>
        playProgram(machine, { events: 1200, seed: seed + round, threads, wild: 0.02 }),
      );
      const path = file(`${index}.pb`, index === 'with' ? bytes : bytes.subarray(0, bytes.length - 5));
      const { events } = await readTrace(bytes);
      const starts = new Set([...events.values()].map(([first]) => functionOf((first as StalkerEvent).location)));
      let found = 0;
      for (let fn = 0; fn < 40; fn++) {
        if (starts.has(fn)) continue;
        const where = `ARMSTALK_SEED=${seed} round ${round} ${nameOf(fn)}`;
        const from = firstCall(events, fn, 0);
        if (from === Number.POSITIVE_INFINITY) continue;
        const next = (fn + 7) % 40;
        const to = firstCall(events, next, from + 1);
        expect(await findRange(path, { from: anchor(fn), to: 1e9 }), where).toEqual({ from, to: 1e9 });
        const between = findRange(path, { from: anchor(fn), to: anchor(next) });
        if (to === Number.POSITIVE_INFINITY) await expect(between, where).rejects.toThrow(/never called|no function/);
        else expect(await between, where).toEqual({ from, to });
        const own = firstCall(events, fn, 0, [1]);
        const alone = findRange(path, { from: anchor(fn), to: 1e9 }, { threads: [1] });
        if (own === Number.POSITIVE_INFINITY) await expect(alone, where).rejects.toThrow(/never called|no function/);
        else expect((await alone).from, where).toBe(own);
        found++;
      }
      expect(found).toBeGreaterThan(10);
    }
  });

  test('at what a thread begins with is the start of the thread', async () => {
    const bytes = record((machine) => {
      machine.run(10);
      machine.call(0x10010, 0x10200);
      machine.switchTo(2);
      machine.run(5);
      machine.call(0x10410, 0x10200);
    });
    const path = file('begin.pb', bytes);
    expect(await findRange(path, { from: anchor(0), to: anchor(4) })).toEqual({ from: 0, to: 11 });
    expect(await findRange(path, { from: 0, to: anchor(2) })).toEqual({ from: 0, to: 11 });
    expect(await findRange(path, { from: 12, to: anchor(2) })).toEqual({ from: 12, to: 17 });
  });
});

describe('several traces', () => {
  test('may each have a range of their own', async () => {
    const counted = async (...ranges: [number, number][]): Promise<number> => {
      const bytes = record((machine) => playProgram(machine, { events: 1000, seed: 5 }));
      const readers = ranges.map(() => TraceReader.open([bytes]));
      const { functions = [] } = await summarize(readers, { range: ranges.map(([from, to]) => ({ from, to })) });
      return functions.reduce((sum, { self }) => sum + self, 0);
    };
    expect(await counted([100, 199])).toBe(100);
    expect(await counted([100, 199], [300, 309])).toBe(110);
    expect(await counted([300, 309], [0, 0], [100, 199])).toBe(110);
  });
});

describe('what cannot be found', () => {
  let path = '';
  beforeAll(() => {
    path = file(
      'few.pb',
      record((machine) => {
        machine.run(10);
        machine.call(0x10010, 0x10200);
        machine.ret(0x10220, 0x10014);
      }),
    );
  });
  const range = (from: CallAnchor | number, to: CallAnchor | number = 1e9, where = path) =>
    findRange(where, { from, to });

  test('is said to be unknown, or never called', async () => {
    await expect(range(anchor(6))).rejects.toMatchObject({ code: 'usage', message: `${path} knows no function @f6` });
    await expect(range(anchor(7))).rejects.toThrow('knows no function @0x10700');
    await expect(range(12, anchor(2))).rejects.toThrow(`@f2 is never called in ${path} after clock 12`);
    await expect(range(anchor(2), 5)).rejects.toThrow(
      'the range ends at clock 5, before it begins (@f2 is first called at clock 11)',
    );
  });

  test('is not looked for where nothing was recorded in order', async () => {
    const blocks = file(
      'blocks.pb',
      record(
        (machine) => machine.block(0x10200, 0x10208, 3),
        { mask: EventKind.BLOCK },
        {
          ...HEADER,
          eventMask: EventKind.BLOCK,
        },
      ),
    );
    await expect(range(anchor(4), 1e9, blocks)).rejects.toThrow('recorded without calls in their order');
  });

  test('is not looked for in what is read once, nor in several recordings', async () => {
    await expect(range(anchor(2), 1e9, '-')).rejects.toThrow('standard input can be read only once, and @f2');
    await expect(range(anchor(2), 1e9, '/dev/null')).rejects.toThrow('/dev/null can be read only once');
    const one = record((machine) => machine.call(0x10010, 0x10200));
    const two = file('two.pb', Buffer.concat([one, one]));
    await expect(range(anchor(2), 1e9, two)).rejects.toThrow('holds 2 recordings, each with a clock of its own');
    await expect(range(anchor(2), 1e9, join(scratch, 'absent.pb'))).rejects.toThrow('ENOENT');
  });
});
