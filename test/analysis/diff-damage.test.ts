import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { diffTraces } from '../../src/analysis/diff.js';
import { openForReplay, type ReplayOptions, replayTrace } from '../../src/analysis/replay.js';
import { TraceFormatError } from '../../src/errors.js';
import { TraceReader } from '../../src/trace/reader.js';
import { playProgram, randomFrom, SyntheticMachine } from '../support/event-stream.js';
import { fuzzSeed } from '../support/random.js';
import { recordBytes } from '../support/trace-file.js';

const ROUNDS = 400;
/** Of processor time, so that a busy machine is no failure. */
const MAX_MS = 60_000;
const scratch = mkdtempSync(join(tmpdir(), 'armstalk-damage-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const whole = recordBytes(
  (writer) => {
    const machine = new SyntheticMachine((batch) => writer.process(batch));
    playProgram(machine, { events: 4000, seed: 3, threads: 2, wild: 0.02, blocks: true });
    writer.end({ reason: 'exit', exitCode: 0, clock: machine.clock });
  },
  { chunkEvents: 400, codec: 'none' },
);

/** Flips, overwrites, cuts, doubles; the checksums stay as they were, or are made useless by what they guard. */
const mutate = (random: () => number): Buffer => {
  const bytes = Buffer.from(whole);
  const somewhere = (): number => Math.floor(random() * bytes.length);
  for (let i = 0; i < 1 + random() * 8; i++) bytes[somewhere()] ^= 1 << Math.floor(random() * 8);
  const at = somewhere();
  if (random() < 0.2) return bytes.subarray(0, at);
  if (random() < 0.2) return Buffer.concat([bytes.subarray(0, at), whole]);
  if (random() < 0.2) bytes.fill(0xff, at, Math.min(at + 10, bytes.length));
  return bytes;
};

/** The number of lines; TraceFormatError is an answer, anything else is a failure. */
const lines = async (path: string, options: ReplayOptions): Promise<number | string> => {
  let count = 0;
  try {
    for await (const batch of replayTrace(openForReplay(path, options.range), options)) count += batch.length;
  } catch (error) {
    if (!(error instanceof TraceFormatError)) throw error;
    return 'not a trace';
  }
  return count;
};

test('damaged traces are replayed and compared as far as they go, without a crash', async () => {
  const seed = fuzzSeed('damaged traces');
  const random = randomFrom(seed);
  const path = join(scratch, 'damaged.pb');
  let answers = 0;
  const begun = process.cpuUsage();
  for (let round = 0; round < ROUNDS; round++) {
    const bytes = mutate(random);
    writeFileSync(path, bytes);
    const where = `ARMSTALK_SEED=${seed}, round ${round}`;
    for (const options of [{}, { view: 'flat' }, { range: { from: 2000, to: 4000 } }] as const) {
      const counted = await lines(path, options).catch((error) => {
        throw new Error(where, { cause: error });
      });
      if (typeof counted === 'number' && counted > 10) answers++;
    }
    const pair = [TraceReader.open([whole]), TraceReader.open([bytes])] as const;
    await diffTraces(...pair).catch((error) => {
      if (!(error instanceof TraceFormatError)) throw new Error(where, { cause: error });
    });
  }
  expect(answers).toBeGreaterThan(ROUNDS / 2);
  const { user, system } = process.cpuUsage(begun);
  expect((user + system) / 1000).toBeLessThan(MAX_MS);
}, 600_000);
