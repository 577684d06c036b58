/** What summarize counts through filters is what replay shows through the same ones; ranges add up to the whole. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { ReadFilters } from '../../src/analysis/filters.js';
import { openForReplay, type ReplayRecord, replayTrace } from '../../src/analysis/replay.js';
import { type FunctionRow, type SummarizeOptions, summarize } from '../../src/analysis/summarize.js';
import type { TreeRow } from '../../src/analysis/summary-rows.js';
import { openRange } from '../../src/trace/range-source.js';
import { TraceReader } from '../../src/trace/reader.js';
import { randomFrom } from '../support/event-stream.js';
import { fuzzSeed } from '../support/random.js';
import { someFilters, trace } from '../support/random-filters.js';

const ROUNDS = 60;
const scratch = mkdtempSync(join(tmpdir(), 'armstalk-filters-'));
afterAll(() => rmSync(scratch, { recursive: true }));

interface Shown {
  calls: number;
  total: number;
  self: number;
}

/** What the lines of a replay say of each function. */
const fromReplay = (records: readonly ReplayRecord[]): Map<string, Shown> => {
  const rows = new Map<string, Shown>();
  const stacks = new Map<number, { name: string; callees: number }[]>();
  const leave = (tid: number, name: string, insns: number): void => {
    const stack = stacks.get(tid) ?? [];
    const row = rows.get(name) ?? { calls: 0, total: 0, self: 0 };
    rows.set(name, row);
    const { callees } = stack.pop() as { callees: number };
    row.self += insns - callees;
    row.calls++;
    if (!stack.some((frame) => frame.name === name)) row.total += insns;
    const caller = stack.at(-1);
    if (caller) caller.callees += insns;
  };
  for (const record of records) {
    if (record.type !== 'open' && record.type !== 'call' && record.type !== 'close') continue;
    const { tid } = record;
    const name = record.function.symbol;
    if (record.type !== 'close') stacks.set(tid, [...(stacks.get(tid) ?? []), { name, callees: 0 }]);
    if (record.type !== 'open') leave(tid, name, record.insns as number);
  }
  return rows;
};

const summaryRows = async (bytes: Buffer, options: SummarizeOptions): Promise<Map<string, FunctionRow>> => {
  const { functions = [] } = await summarize(TraceReader.open([bytes]), options);
  return new Map(functions.map((row) => [row.symbol, row]));
};

const flat = (rows: readonly TreeRow[] = []): readonly TreeRow[] => rows.flatMap((row) => [row, ...flat(row.children)]);

describe('filters', () => {
  const seed = fuzzSeed('summarize filters');

  test(`count what replay shows (ARMSTALK_SEED=${seed})`, async () => {
    const random = randomFrom(seed);
    let compared = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const bytes = trace(seed + round, 1 + (round % 3));
      const filters = someFilters(random);
      const where = `round ${round}, ${JSON.stringify({ ...filters, keys: Object.keys(filters) })}`;
      const records: ReplayRecord[] = [];
      for await (const batch of replayTrace(TraceReader.open([bytes]), { filters })) records.push(...batch);
      const expected = fromReplay(records);
      const rows = await summaryRows(bytes, { filters });
      const names = new Set([...expected.keys(), ...rows.keys()]);
      for (const name of names) {
        const [want, got] = [expected.get(name), rows.get(name)];
        // The function a thread begins in has a line in a replay, and was called by nobody.
        expect(got?.total ?? 0, `${where}, ${name}`).toEqual(want?.total ?? 0);
        // A replay has no line for a subtree left out; its cost is not its caller's own.
        if (filters.without === undefined) expect(got?.self ?? 0, `${where}, ${name}`).toEqual(want?.self ?? 0);
        expect((want?.calls ?? 0) - (got?.calls ?? 0), `${where}, ${name}`).toBeLessThanOrEqual(1 + (round % 3));
        expect(got?.calls ?? 0, `${where}, ${name}`).toBeLessThanOrEqual(want?.calls ?? 0);
        compared++;
      }
    }
    expect(compared).toBeGreaterThan(ROUNDS);
  });

  test(`make a tree whose paths add up to the table (ARMSTALK_SEED=${seed})`, async () => {
    const random = randomFrom(seed + 1);
    for (let round = 0; round < 20; round++) {
      const bytes = trace(seed + round, 2);
      const filters = someFilters(random);
      const { functions = [], tree } = await summarize(TraceReader.open([bytes]), { filters, tree: true });
      const paths = flat(tree);
      for (const row of functions) {
        const sum = (of: (path: TreeRow) => number): number =>
          paths.filter(({ symbol }) => symbol === row.symbol).reduce((total, path) => total + of(path), 0);
        expect([sum((path) => path.self), sum((path) => path.calls)], row.symbol).toEqual([row.self, row.calls]);
      }
      for (const path of paths) {
        for (const child of path.children) expect(path.total).toBeGreaterThanOrEqual(child.total);
        expect(new Set(path.children.map(({ symbol }) => symbol)).size).toBe(path.children.length);
      }
    }
  });

  test('leave the numbers alone where they let everything through', async () => {
    const bytes = trace(7, 2);
    const all = { only: () => true };
    expect(await summaryRows(bytes, { filters: all })).toEqual(await summaryRows(bytes, {}));
  });

  test('hold for call sites, modules, blocks and coverage', async () => {
    const bytes = trace(9, 1, 0);
    const filters: ReadFilters = { only: ({ offset }) => offset === 0x10300 };
    const table = (options: SummarizeOptions) => summarize(TraceReader.open([bytes]), { filters, ...options });
    const functions = (await table({})).functions ?? [];
    const sum = (rows: readonly { readonly self: number }[] = []): number => rows.reduce((n, { self }) => n + self, 0);
    expect(sum((await table({ by: 'callsite' })).callsites)).toBe(sum(functions));
    expect(sum((await table({ by: 'module' })).modules)).toBe(sum(functions));
    expect((await table({ by: 'thread' })).threads).toMatchObject([{ insns: sum(functions) }]);
    const count = ({ blocks = [] }: Awaited<ReturnType<typeof table>>): number =>
      blocks.reduce((n, b) => n + b.count, 0);
    const within = count(await table({ by: 'block' }));
    expect(within).toBeGreaterThan(0);
    expect(within).toBeLessThan(count(await table({ by: 'block', filters: {} })));
  });
});

describe('a range', () => {
  const bytes = trace(11, 1);
  const path = join(scratch, 'trace.pb');
  writeFileSync(path, bytes);

  test('and the ranges beside it add up to the whole', async () => {
    const whole = await summaryRows(bytes, {});
    const { insns } = (await summarize(TraceReader.open([bytes]))).trace;
    const cuts = [0, 1234, 1235, Math.floor(insns / 2), insns - 3, insns];
    const sums = new Map<string, [self: number, calls: number]>();
    for (const [at, from] of cuts.slice(0, -1).entries()) {
      const range = { from: at === 0 ? 0 : from + 1, to: cuts[at + 1] as number };
      for (const [name, { self, calls }] of await summaryRows(bytes, { range })) {
        const [before, counted] = sums.get(name) ?? [0, 0];
        sums.set(name, [before + self, counted + calls]);
      }
    }
    for (const [name, row] of whole) expect(sums.get(name), name).toEqual([row.self, row.calls]);
  });

  test('is the same read through the index, without the rest', async () => {
    const range = { from: 3000, to: 3500 };
    const { functions } = await summarize(openForReplay(path, range), { range });
    expect(functions).toEqual((await summarize(TraceReader.open([bytes]), { range })).functions);
    const source = openRange(path, range.from, range.to);
    for await (const _ of source ?? []);
    expect(source?.bytesRead).toBeLessThan(bytes.length);
  });
});
