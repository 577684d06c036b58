import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { mergeByClock, noteClock } from '../../src/analysis/clock-merge.js';
import { openForReplay, type ReplayOptions, type ReplayRecord, replayTrace } from '../../src/analysis/replay.js';
import { summarize } from '../../src/analysis/summarize.js';
import type { Note } from '../../src/events/event.js';
import type { StalkerEvent } from '../../src/events/ring.js';
import { eventAt } from '../../src/trace/event-columns.js';
import { openRange } from '../../src/trace/range-source.js';
import { TraceReader } from '../../src/trace/reader.js';
import type { TraceWriter } from '../../src/trace/writer.js';
import { playProgram, randomFrom, SyntheticMachine } from '../support/event-stream.js';
import { fuzzSeed } from '../support/random.js';
import { readTrace, recordBytes } from '../support/trace-file.js';

const scratch = mkdtempSync(join(tmpdir(), 'armstalk-replay-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const at = (fn: number, offset = 0): number => 0x10000 + fn * 0x100 + offset;

const record = (drive: (machine: SyntheticMachine, writer: TraceWriter) => void, chunkEvents = 1 << 18): Buffer =>
  recordBytes(
    (writer) => {
      const machine = new SyntheticMachine((batch) => writer.process(batch), { tellsElsewhere: true });
      drive(machine, writer);
      machine.flush();
      writer.end({ reason: 'exit', exitCode: 0, clock: machine.clock });
    },
    { chunkEvents },
  );

const play = async (source: Uint8Array | TraceReader, options?: ReplayOptions): Promise<ReplayRecord[]> => {
  const reader = source instanceof Uint8Array ? TraceReader.open([source]) : source;
  const records: ReplayRecord[] = [];
  for await (const batch of replayTrace(reader, options)) records.push(...batch);
  return records;
};

const shape = (records: readonly ReplayRecord[]): string[] =>
  records.flatMap((each) => {
    if (each.type === 'open' || each.type === 'call' || each.type === 'close') {
      const mark = { open: '{', call: '', close: '}' }[each.type];
      return [`${each.tid} ${' '.repeat(each.depth)}${each.function.symbol}${mark}`];
    }
    return each.type === 'note' ? [`${each.tid} ${' '.repeat(each.depth)}(${each.note.type})`] : [];
  });

const signal = (tid: number, clock: number): Note => ({
  type: 'signal',
  tid,
  clock,
  signo: 10,
  code: 0,
  pc: at(1),
  address: 0,
  action: 'handler',
});

const random = (seed: number, threads: number, chunkEvents: number): Buffer =>
  record((machine, writer) => {
    const pick = randomFrom(seed);
    for (let round = 0; round < 6; round++) {
      playProgram(machine, { events: 400, seed: seed + round, threads, wild: 0.02, blocks: true });
      writer.note(signal(1 + Math.floor(pick() * threads), machine.clock));
    }
  }, chunkEvents);

describe('threads', () => {
  test('come in the order of the clock, a call that others interrupt in two pieces', async () => {
    const bytes = record((machine, writer) => {
      machine.call(at(0, 4), at(1));
      machine.switchTo(2);
      machine.call(at(0, 8), at(2));
      machine.ret(at(2, 8), at(0, 12));
      machine.switchTo(1);
      machine.flush();
      writer.note(signal(1, machine.clock));
      machine.call(at(1, 4), at(3));
      machine.ret(at(3, 4), at(1, 8));
      machine.ret(at(1, 12), at(0, 8));
    });
    expect(shape(await play(bytes))).toEqual([
      '1 0x10004{',
      '1  0x10100{',
      '2 0x10008{',
      '2  0x10200',
      '1   (signal)',
      '1   0x10300',
      '1  0x10100}',
      '1 0x10004}',
      '2 0x10008}',
    ]);
  });

  test('are merged without losing or moving anything, whatever the chunks', async () => {
    const seed = fuzzSeed('replay');
    for (let round = 0; round < 8; round++) {
      const bytes = random(seed + round, 1 + (round % 4), [50, 333, 5000][round % 3] as number);
      const merged = new Map<number, StalkerEvent[]>();
      let clock = 0;
      let notes = 0;
      for await (const item of mergeByClock(TraceReader.open([bytes]).items())) {
        if (item.type === 'note') {
          expect(noteClock(item.note), `seed ${seed}`).toBeGreaterThanOrEqual(clock);
          clock = noteClock(item.note);
          notes++;
        }
        if (item.type !== 'events') continue;
        const { columns, from, to } = item;
        const ofThread = merged.get(columns.tid) ?? [];
        merged.set(columns.tid, ofThread);
        for (let i = from; i < to; i++) {
          const event = eventAt(columns, i);
          expect(event.clock, `seed ${seed}`).toBeGreaterThanOrEqual(clock);
          clock = event.clock;
          ofThread.push(event);
        }
      }
      expect(notes).toBe(6);
      expect(merged, `seed ${seed}`).toEqual((await readTrace(bytes)).events);
    }
  });
});

test('the costs of all lines are what summarize adds up', async () => {
  const seed = fuzzSeed('replay');
  for (let round = 0; round < 5; round++) {
    const bytes = random(seed + round, 1 + (round % 3), 500);
    const sums = new Map<string, { calls: number; sum: number }>();
    for (const each of await play(bytes)) {
      if ((each.type !== 'call' && each.type !== 'close') || each.leaving === 'running') continue;
      const row = sums.get(each.function.symbol) ?? { calls: 0, sum: 0 };
      sums.set(each.function.symbol, { calls: row.calls + 1, sum: row.sum + (each.insns ?? 0) });
    }
    const { functions = [] } = await summarize(TraceReader.open([bytes]));
    const finished = functions.filter((row) => row.returns + row.unwound > 0);
    expect(finished.length).toBeGreaterThan(10);
    for (const { symbol, returns, unwound, mean } of finished) {
      const calls = returns + unwound;
      expect([symbol, sums.get(symbol)], `seed ${seed}`).toEqual([symbol, { calls, sum: Math.round(mean * calls) }]);
    }
  }
});

describe('a range', () => {
  test('has the very events between its ends, with and without the index', async () => {
    const seed = fuzzSeed('replay');
    const bytes = random(seed, 3, 100);
    const path = join(scratch, 'range.pb');
    writeFileSync(path, bytes);
    const all = (await play(bytes, { view: 'flat' })).filter((each) => each.type === 'event');
    const last = all.at(-1)?.clock ?? 0;
    const pick = randomFrom(seed);
    for (let round = 0; round < 10; round++) {
      const from = Math.floor(pick() * last);
      const to = from + Math.floor(pick() * (last - from));
      const range = { from, to };
      const expected = all.filter(({ clock }) => clock >= from && clock <= to);
      const events = async (reader: TraceReader) =>
        (await play(reader, { view: 'flat', range })).filter((each) => each.type === 'event');
      expect(await events(openForReplay(path, range)), `seed ${seed}`).toEqual(expected);
      expect(await events(TraceReader.open([bytes])), `seed ${seed}`).toEqual(expected);
    }
  });

  test('is read without the rest of the file, and is no damage', async () => {
    const bytes = random(7, 1, 20);
    const path = join(scratch, 'seek.pb');
    writeFileSync(path, bytes);
    const source = openRange(path, 3000, 3100);
    const reader = TraceReader.open(source ?? path);
    let chunks = 0;
    for await (const item of reader.items()) if (item.type === 'chunk') chunks++;
    expect(chunks).toBeLessThan(20);
    expect(source?.bytesRead).toBeLessThan(statSync(path).size / 2);
    expect(reader.integrity).toMatchObject({ firstBadOffset: undefined, lostPackets: 0 });
  });

  test('of a file without an index is found by reading it all', async () => {
    const bytes = random(8, 2, 100);
    const path = join(scratch, 'torn.pb');
    writeFileSync(path, bytes.subarray(0, bytes.length - 20));
    expect(openRange(path, 100, 200)).toBeUndefined();
    const records = await play(openForReplay(path, { from: 100, to: 200 }), {
      view: 'flat',
      range: { from: 100, to: 200 },
    });
    expect(records.filter(({ type }) => type === 'event').length).toBeGreaterThan(5);
  });

  test.each([0, 1, 2, 5, 9])('an index that was tampered with (%i) is not believed', (which) => {
    const bytes = Buffer.from(random(9, 1, 100));
    bytes[bytes.length - 11 - which * 7] ^= 0x55;
    bytes.writeBigUInt64LE(BigInt(which * 1000 + 11), bytes.length - 8);
    const path = join(scratch, `bad${which}.pb`);
    writeFileSync(path, bytes);
    expect(openRange(path, 100, 200)).toBeUndefined();
  });
});

describe('odd streams', () => {
  test('returns that match nothing do not make the tree deeper', async () => {
    const bytes = record((machine) => {
      for (let i = 0; i < 5; i++) machine.ret(at(1, 16), 0xffff0fa0, { pops: 0 });
      machine.call(at(1, 4), at(2));
      machine.ret(at(2, 8), 0xdead, { pops: 0 });
    });
    expect(shape(await play(bytes))).toEqual(['1 0x10110{', '1  0x10200', '1 0x10110}']);
  });

  test('frames that were jumped over are closed as unwound', async () => {
    const bytes = record((machine) => {
      machine.call(at(0), at(1));
      machine.call(at(1, 4), at(2));
      machine.call(at(2, 4), at(3));
      machine.unwind(2);
      machine.call(at(1, 8), at(4));
      machine.ret(at(4, 8), at(1, 12));
    });
    const leaving = (await play(bytes)).flatMap((each) =>
      'leaving' in each ? [`${each.function.symbol} ${each.leaving}`] : [],
    );
    expect(leaving).toEqual([
      '0x10300 unwound',
      '0x10200 unwound',
      '0x10400 returned',
      '0x10100 running',
      '0x10000 running',
    ]);
  });

  test('segments follow each other', async () => {
    const one = record((machine) => machine.call(at(0), at(1)));
    const records = await play(Buffer.concat([one, one]));
    expect(records.map(({ type }) => type)).toEqual([
      'header',
      'open',
      'call',
      'close',
      'end',
      'header',
      'open',
      'call',
      'close',
      'end',
    ]);
  });

  test('many notes without events are given out without being held', async () => {
    const bytes = recordBytes((writer) => {
      for (let clock = 1; clock < 40_000; clock++) writer.note(signal(1, clock));
      writer.end({ reason: 'exit', exitCode: 0, clock: 40_000 });
    });
    let count = 0;
    for await (const batch of replayTrace(TraceReader.open([bytes]))) {
      for (const each of batch) if (each.type === 'note' && each.clock === count + 1) count++;
    }
    expect(count).toBe(39_999);
  });
});
