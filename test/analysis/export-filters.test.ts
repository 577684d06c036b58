/** Exports of a part of the calls have the numbers of summarize, and the events of replay, with the same filters. */
import { describe, expect, test } from 'vitest';
import { exportTrace } from '../../src/analysis/export/export-trace.js';
import type { ExportFormatName } from '../../src/analysis/export/formats.js';
import type { ClockRange, ReadFilters } from '../../src/analysis/filters.js';
import { replayTrace } from '../../src/analysis/replay.js';
import { summarize } from '../../src/analysis/summarize.js';
import { TraceReader } from '../../src/trace/reader.js';
import { randomFrom } from '../support/event-stream.js';
import { fuzzSeed } from '../support/random.js';
import { someFilters, trace } from '../support/random-filters.js';

const ROUNDS = 40;

interface Part {
  readonly filters: ReadFilters;
  readonly range?: ClockRange;
}

const exported = async (bytes: Buffer, to: ExportFormatName, part: Part): Promise<string> => {
  const pieces: Buffer[] = [];
  await exportTrace(TraceReader.open([bytes]), { to, ...part, write: (piece) => pieces.push(Buffer.from(piece)) });
  return Buffer.concat(pieces).toString();
};

const add = (sums: Map<string, number>, name: string, more: number): void => {
  if (more !== 0) sums.set(name, (sums.get(name) ?? 0) + more);
};

const sorted = (sums: ReadonlyMap<string, number>): [string, number][] =>
  [...sums].sort(([a], [b]) => (a < b ? -1 : 1));

/** Self instructions by function. */
const summarized = async (bytes: Buffer, part: Part): Promise<[string, number][]> => {
  const { functions = [] } = await summarize(TraceReader.open([bytes]), part);
  return sorted(new Map(functions.filter(({ self }) => self > 0).map(({ symbol, self }) => [symbol, self])));
};

const folded = (text: string): [string, number][] => {
  const sums = new Map<string, number>();
  for (const line of text.split('\n').filter((one) => one !== '')) {
    const [, name = '', count] = /([^;]*) (\d+)$/.exec(line) ?? [];
    add(sums, name, Number(count));
  }
  return sorted(sums);
};

interface ChromeEvent {
  readonly ph: string;
  readonly tid: number;
  readonly name?: string;
  readonly ts: number;
  readonly tts: number;
}

/** Self instructions of frames that must nest and never go back in time. */
const chrome = (text: string): [string, number][] => {
  const sums = new Map<string, number>();
  const stacks = new Map<number, string[]>();
  const times = new Map<number, { ts: number; tts: number }>();
  for (const { ph, tid, name = '', ts, tts } of JSON.parse(text).traceEvents as readonly ChromeEvent[]) {
    if (ph !== 'B' && ph !== 'E') continue;
    const stack = stacks.get(tid) ?? [];
    const last = times.get(tid) ?? { ts, tts };
    expect(ts).toBeGreaterThanOrEqual(last.ts);
    expect(tts).toBeGreaterThanOrEqual(last.tts);
    const top = stack.at(-1);
    if (top !== undefined) add(sums, top, Math.round(1000 * (tts - last.tts)));
    if (ph === 'B') stack.push(name);
    else expect(stack.pop()).toBeDefined();
    stacks.set(tid, stack);
    times.set(tid, { ts, tts });
  }
  expect([...stacks.values()].flat()).toEqual([]);
  return sorted(sums);
};

const someRange = (random: () => number): { range?: ClockRange } => {
  const from = Math.floor(random() * 20_000);
  return random() < 0.5 ? {} : { range: { from, to: from + Math.floor(random() * 20_000) } };
};

describe('an export', () => {
  const seed = fuzzSeed('export filters');

  test(`of a part costs what summarize says of it (ARMSTALK_SEED=${seed})`, async () => {
    const random = randomFrom(seed);
    let rows = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const bytes = trace(seed + round, 1 + (round % 3));
      const part = { filters: someFilters(random), ...someRange(random) };
      const where = `round ${round}: ${Object.keys(part.filters)} ${JSON.stringify(part)}`;
      const expected = await summarized(bytes, part);
      const shorten = ([name, self]: [string, number]): [string, number] => [name.replace(/^.*!/, ''), self];
      expect(folded(await exported(bytes, 'folded', part)).map(shorten), where).toEqual(expected);
      // A subtree left out is time of nobody; the frame around it does not end for it.
      const isNested = part.filters.without === undefined && part.filters.only === undefined;
      const told = chrome(await exported(bytes, 'chrome', part)).map(shorten);
      if (isNested) expect(told, where).toEqual(expected);
      rows += expected.length;
    }
    expect(rows).toBeGreaterThan(ROUNDS);
  });

  test(`of a list has the events of replay (ARMSTALK_SEED=${seed})`, async () => {
    const random = randomFrom(seed + 1);
    for (let round = 0; round < 20; round++) {
      const bytes = trace(seed + round, 1 + (round % 3));
      const part = { filters: someFilters(random), ...someRange(random) };
      const shown: string[] = [];
      for await (const batch of replayTrace(TraceReader.open([bytes]), { view: 'flat', ...part })) {
        for (const one of batch) if (one.type === 'event') shown.push(`${one.clock} ${one.tid} ${one.location.offset}`);
      }
      const text = await exported(bytes, 'jsonl', part);
      const lines = text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line));
      const events = lines.filter(({ type }) => /^(call|ret|block|exec|compile)$/.test(type));
      const where = `round ${round}: ${Object.keys(part.filters)} ${JSON.stringify(part)}`;
      expect(
        events.map(({ clock, tid, location }) => `${clock} ${tid} ${location.offset}`),
        where,
      ).toEqual(shown);
    }
  });

  test('without modules tells their costs with those who called them', async () => {
    const bytes = trace(7, 2);
    const all = folded(await exported(bytes, 'folded', { filters: {} }));
    const total = all.reduce((sum, [, self]) => sum + self, 0);
    const rows = ({ offset }: { offset: number }): boolean => ((offset >> 8) & 1) === 0;
    const half = folded(await exported(bytes, 'folded', { filters: { rows } }));
    expect(half.length).toBeLessThan(all.length);
    expect(half.reduce((sum, [, self]) => sum + self, 0)).toBeLessThanOrEqual(total);
    for (const [name, self] of half) expect(self).toBeGreaterThanOrEqual(all.find(([one]) => one === name)?.[1] ?? 0);
  });
});
