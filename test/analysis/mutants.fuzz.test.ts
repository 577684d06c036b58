/**
 * Damaged and hostile traces through every reader: an answer with a warning that says where, or a TraceFormatError; in
 * bounded time and memory. ARMSTALK_MUTANTS chooses how many; ARMSTALK_SEED repeats a failure.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { diffTraces } from '../../src/analysis/diff.js';
import { exportTrace } from '../../src/analysis/export/export-trace.js';
import { EXPORT_FORMATS, type ExportFormatName } from '../../src/analysis/export/formats.js';
import { describeTrace } from '../../src/analysis/info.js';
import { openForReplay, replayTrace } from '../../src/analysis/replay.js';
import { type SummarizeOptions, summarize } from '../../src/analysis/summarize.js';
import { TraceFormatError } from '../../src/errors.js';
import { TraceReader } from '../../src/trace/reader.js';
import { repairTrace } from '../../src/trace/repair.js';
import { playProgram, randomFrom, SyntheticMachine } from '../support/event-stream.js';
import { mutantOf } from '../support/mutant-trace.js';
import { fuzzSeed } from '../support/random.js';
import { recordBytes } from '../support/trace-file.js';

const MUTANTS = Number(process.env.ARMSTALK_MUTANTS ?? 80);
/** Of processor time, so that a busy machine is no failure. */
const MAX_MS = 20_000;
const MAX_BYTES = 1.2e9;
const scratch = mkdtempSync(join(tmpdir(), 'armstalk-mutants-'));
afterAll(() => rmSync(scratch, { recursive: true }));
const [input, output] = [join(scratch, 'mutant.pb'), join(scratch, 'repaired.pb')];

const record = (codec: 'none' | 'deflate'): Buffer =>
  recordBytes(
    (writer) => {
      writer.symbolizer = (address) => ({
        module: 'm',
        name: `f${address >> 8}`,
        offset: address & 255,
        sizeBytes: 256,
      });
      const segments = [{ address: 0x10000, sizeBytes: 0x10000, fileOffset: 0, flags: 5 }];
      const module = { path: './m', name: 'm', bias: 0, start: 0x10000, end: 0x20000, entry: 0x10000, buildId: '7c' };
      writer.note({ type: 'module', clock: 0, ...module, segments });
      writer.note({ type: 'thread', tid: 1, clock: 0, what: 'start', name: 'main' });
      const machine = new SyntheticMachine((batch) => writer.process(batch));
      playProgram(machine, { events: 1500, seed: 3, threads: 2, wild: 0.02, blocks: true });
      const call = {
        tid: 1,
        clock: 50,
        endClock: 60,
        pc: 0x10010,
        number: 4,
        name: 'write',
        args: [1, 2, 3],
        result: 3,
      };
      writer.note({ type: 'syscall', ...call, text: 'write(1, "abc", 3) = 3' });
      writer.note({
        type: 'signal',
        tid: 1,
        clock: 70,
        signo: 11,
        code: 1,
        pc: 0x10020,
        address: 4,
        action: 'handler',
      });
      writer.end({ reason: 'exit', exitCode: 0, clock: machine.clock });
    },
    { chunkEvents: 200, codec },
  );

const whole = [record('none'), record('deflate')] as const;

const TABLES: readonly SummarizeOptions[] = [
  { tree: true, coverage: true },
  { by: 'module', filters: { depth: 3, minCost: 5, caller: ({ symbol }) => symbol.endsWith('3') } },
  { by: 'callsite', range: { from: 500, to: 900 } },
  { by: 'syscall', filters: { only: () => true } },
  { by: 'block' },
  { by: 'thread' },
];
const VIEWS = [{}, { view: 'flat' }, { view: 'notes' }, { range: { from: 500, to: 900 } }] as const;
const FORMATS = Object.keys(EXPORT_FORMATS) as ExportFormatName[];

/** Every reader once, by name. */
function* readers(bytes: Buffer): Generator<readonly [name: string, run: () => Promise<TraceReader | undefined>]> {
  const open = (): TraceReader => TraceReader.open([bytes], 'mutant.pb');
  const read = (run: (reader: TraceReader) => Promise<unknown>) => async (): Promise<TraceReader> => {
    const reader = open();
    await run(reader);
    return reader;
  };
  for (const options of TABLES) yield [`summarize by ${options.by}`, read((reader) => summarize(reader, options))];
  yield ['info', read(describeTrace)];
  for (const view of VIEWS) {
    yield [
      `replay ${JSON.stringify(view)}`,
      async () => {
        const options = view as Parameters<typeof replayTrace>[1] & { readonly range?: { from: number; to: number } };
        for await (const _ of replayTrace(openForReplay(input, options.range), options));
        return undefined;
      },
    ];
  }
  yield ['diff', read((reader) => diffTraces(TraceReader.open([whole[0]]), reader, { coverage: true }))];
  for (const to of FORMATS) yield [`export ${to}`, read((reader) => exportTrace(reader, { to, write: () => {} }))];
  yield [
    'repair',
    async () => {
      await repairTrace(input, output);
      const repaired = TraceReader.open(output);
      for await (const _ of repaired.items());
      expect(repaired.integrity.complete).toBe(true);
      return undefined;
    },
  ];
}

const milliseconds = ({ user, system }: NodeJS.CpuUsage): number => (user + system) / 1000;

test(`${MUTANTS} traces gone wrong break no reader`, async () => {
  const seed = fuzzSeed('mutants');
  let warned = 0;
  for (let round = 0; round < MUTANTS; round++) {
    const bytes = mutantOf(whole[round % 2] as Buffer, randomFrom(seed + round));
    writeFileSync(input, bytes);
    for (const [name, run] of readers(bytes)) {
      const where = `ARMSTALK_SEED=${seed + round - (round % 2)} ARMSTALK_MUTANTS=${1 + (round % 2)}: ${name}`;
      const begun = process.cpuUsage();
      try {
        const { integrity } = (await run()) ?? {};
        if (integrity === undefined || integrity.complete) continue;
        expect(integrity.reason, where).toMatch(/byte \d+/);
        warned++;
      } catch (error) {
        if (!(error instanceof TraceFormatError)) throw new Error(where, { cause: error });
        expect(error.offset, where).toBeGreaterThanOrEqual(0);
      }
      expect(milliseconds(process.cpuUsage(begun)), where).toBeLessThan(MAX_MS);
    }
    expect(process.memoryUsage.rss(), `ARMSTALK_SEED=${seed + round}`).toBeLessThan(MAX_BYTES);
  }
  expect(warned).toBeGreaterThan(MUTANTS);
}, 3_600_000);
