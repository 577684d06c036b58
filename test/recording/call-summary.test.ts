/** `call-summary`: the same calls, as often as a recording of every call has them, in every tier and for every thread. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { diffTraces, parseEventList, record, summarize, TraceReader } from '../../src/index.js';
import { CallSummarySink } from '../../src/recording/call-summary-sink.js';
import type { RecordOptions } from '../../src/recording/options.js';
import { callSummaryMessages, callSummaryNote } from '../../src/trace/note-messages.js';
import { TraceWriter } from '../../src/trace/writer.js';
import { HEADER } from '../support/trace-file.js';

const scratch = mkdtempSync(join(tmpdir(), 'armstalk-counts-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
const fileNamed = (name: string): string => join(scratch, name);

const SAMPLES = ['fib-arm', 'fib-thumb', 'futex-pingpong-thumb', 'longjmp-thumb', 'tail-call-arm'] as const;
const TIERS = { cold: { tier: 'cold' }, auto: { tier: 'auto', hotThreshold: 3 }, hot: { tier: 'hot' } } as const;
const COUNTS = parseEventList('call-summary');

const recorded = async (sample: string, name: string, options: RecordOptions = {}) => {
  const path = fileNamed(name);
  const stdin = Buffer.from('4711\n');
  return {
    path,
    ...(await record(`samples/bin/${sample}`, { output: { path }, stdin, stdout: () => {}, ...options })),
  };
};

/** Each call and how often it happened. */
const callsIn = async (path: string): Promise<string[]> => {
  const { callsites } = await summarize(TraceReader.open(path), { by: 'callsite' });
  return (callsites ?? []).map(({ from, to, calls }) => `${from.offset} ${to.offset} ${calls}`).sort();
};

describe.each(['precise', 'gum'] as const)('a call summary (%s)', (profile) => {
  test.each(SAMPLES)('of %s counts what a full recording has', async (sample) => {
    const full = await recorded(sample, 'full.pb', { profile });
    const expected = await callsIn(full.path);
    expect(expected.length).toBeGreaterThan(3);
    const bytes: Buffer[] = [];
    for (const [name, tier] of Object.entries(TIERS)) {
      const { path, counts } = await recorded(sample, `${name}.pb`, { profile, events: COUNTS, ...tier });
      expect(await callsIn(path), name).toEqual(expected);
      expect(counts?.calls, name).toBe(full.counts?.calls);
      bytes.push(readFileSync(path));
    }
    expect(bytes[1]?.equals(bytes[0] as Buffer) && bytes[2]?.equals(bytes[0] as Buffer)).toBe(true);
  });
});

describe('a call summary', () => {
  test('is the same when somebody else receives events too', async () => {
    const alone = await recorded('threads-thumb', 'alone.pb', { events: COUNTS });
    let others = 0;
    const process = ({ count }: { count: number }): void => {
      others += count;
    };
    const sink = { mask: 2, process };
    const together = await recorded('threads-thumb', 'together.pb', { events: COUNTS, sinks: () => [sink] });
    expect(others).toBeGreaterThan(100);
    expect(readFileSync(together.path).equals(readFileSync(alone.path))).toBe(true);
  });

  test('tells threads apart', async () => {
    const rowsOf = async (events?: RecordOptions['events']) => {
      const { path } = await recorded('threads-thumb', 'threads.pb', { ...(events && { events }) });
      const { threads } = await summarize(TraceReader.open(path), { by: 'thread' });
      return threads?.map(({ tid, calls }) => ({ tid, calls }));
    };
    const rows = await rowsOf(COUNTS);
    expect(rows?.length).toBeGreaterThan(2);
    expect(rows).toEqual(await rowsOf());
  });

  test('is there up to the instruction that killed the program', async () => {
    const full = await recorded('crash-thumb', 'crash-full.pb');
    const { path, crash } = await recorded('crash-thumb', 'crash.pb', { events: COUNTS });
    expect(crash).toBeDefined();
    expect(await callsIn(path)).toEqual(await callsIn(full.path));
  });

  test('has no order: filters and comparisons are refused', async () => {
    const { path } = await recorded('fib-thumb', 'order.pb', { events: COUNTS });
    const filters = { filters: { only: () => true } };
    await expect(summarize(TraceReader.open(path), filters)).rejects.toThrow(/only how often/);
    await expect(diffTraces(TraceReader.open(path), TraceReader.open(path))).rejects.toThrow(/no order to compare/);
  });

  test('does not go together with events one by one', () => {
    expect(() => parseEventList('call-summary,ret')).toThrow(/instead of recording/);
    expect(() => parseEventList('+call-summary')).toThrow(/instead of recording/);
    expect(parseEventList('call-summary,syscall')).toMatchObject({ mask: 0, syscalls: true, callSummary: true });
  });

  test('of a long run is written in parts that add up', async () => {
    const path = fileNamed('parts.pb');
    const writer = new TraceWriter({ mask: 0 });
    writer.open(path, HEADER);
    const sink = new CallSummarySink(writer);
    const sites = { kind: [1], dynamic: [0], location: [0x1001], target: [0x2001] } as never;
    const calls = (count: number) => ({ tid: 7, words: new Int32Array(count), sites });
    sink.processCalls(calls(3));
    sink.passed(2 ** 28 - 1);
    sink.processCalls(calls(4));
    sink.passed(2 ** 28);
    sink.processCalls(calls(5));
    sink.write(2 ** 28 + 9);
    writer.end({ reason: 'exit', exitCode: 0, clock: 2 ** 28 + 9 });
    const parts: unknown[] = [];
    for await (const item of TraceReader.open(path).items()) {
      if (item.type === 'note' && item.note.type === 'call-summary') parts.push([item.note.clock, item.note.calls]);
    }
    expect(parts).toEqual([
      [2 ** 28, [[0x1001, 0x2001, 7]]],
      [2 ** 28 + 9, [[0x1001, 0x2001, 5]]],
    ]);
  });

  test('with columns of different lengths is damage', () => {
    const note = { type: 'call-summary', tid: 1, clock: 2, calls: [[4, 8, 1]] } as const;
    const [message] = callSummaryMessages(note);
    expect(callSummaryNote(message as never)).toEqual(note);
    expect(() => callSummaryNote({ ...message, count: [1, 2] })).toThrow(RangeError);
  });
});
