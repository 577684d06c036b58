import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import type { EventBatch } from '../../src/events/ring.js';
import { TraceWriter } from '../../src/trace/writer.js';
import { playProgram, SyntheticMachine } from '../support/event-stream.js';
import { HEADER } from '../support/trace-file.js';

const EVENTS = 20_000_000;
const RECORDS = 1 << 16;
const child = fileURLToPath(new URL('../support/summarize-child.ts', import.meta.url));

/** The same stretch of a program over and over, its clock going on. */
const writeLargeTrace = (path: string): number => {
  let stretch: EventBatch | undefined;
  const machine = new SyntheticMachine(
    (batch) => {
      stretch ??= { ...batch, words: batch.words.slice() };
    },
    { ringRecords: RECORDS },
  );
  playProgram(machine, { events: RECORDS, seed: 5, blocks: true });
  const batch = stretch as EventBatch;
  const writer = new TraceWriter({ mask: 31 });
  writer.open(path, HEADER);
  let written = 0;
  for (let round = 0; written < EVENTS; round++) {
    writer.process({ ...batch, clockBase: batch.clockBase + round * machine.clock });
    written += batch.count;
  }
  writer.end({ reason: 'exit', exitCode: 0, clock: machine.clock * (written / batch.count) });
  return written;
};

// Memory is measured as Linux tells it, in /proc; elsewhere there is nothing to hold the limit against.
it.skipIf(!existsSync('/proc/self/status'))('20 million events are summarised in less than 200 MB', () => {
  const directory = mkdtempSync(join(tmpdir(), 'armstalk-large-'));
  try {
    const path = join(directory, 'large.pb');
    const written = writeLargeTrace(path);
    const result = JSON.parse(execFileSync(process.execPath, ['--import', 'tsx', child, path]).toString());
    expect(result.trace).toMatchObject({ events: written, complete: true });
    expect(result.rowCount).toBeGreaterThan(20);
    expect(result.peakKb).toBeGreaterThan(10_000);
    expect(result.peakKb).toBeLessThan(200_000);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
