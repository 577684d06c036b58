import type { EventBatch } from '../../src/events/ring.js';
import { TraceWriter } from '../../src/trace/writer.js';
import { playProgram, SyntheticMachine } from './event-stream.js';
import { HEADER } from './trace-file.js';

const RECORDS = 1 << 16;

/**
 * A trace of at least `events` events, written without being held: the same stretch of a program over and over, its clock
 * going on. With `changeAt`, one block of that round goes elsewhere. Answers how many events and rounds there are.
 */
export const writeLargeTrace = (
  path: string,
  events: number,
  changeAt = -1,
): { events: number; rounds: number; clock: number } => {
  let stretch: EventBatch | undefined;
  const machine = new SyntheticMachine(
    (batch) => {
      stretch ??= { ...batch, words: batch.words.slice() };
    },
    { ringRecords: RECORDS },
  );
  playProgram(machine, { events: RECORDS, seed: 5, blocks: true });
  const batch = stretch as EventBatch;
  const changed = batch.words.slice();
  const { sites } = batch;
  const at = Array.from({ length: batch.count }, (_, i) => i).findLast(
    (i) => sites.kind[batch.words[i * 4] as number] === 8,
  );
  changed[(at ?? 0) * 4] = sites.add(8, 0xbad01, 0xbad05, 0);
  const writer = new TraceWriter({ mask: 31 });
  writer.open(path, { ...HEADER, eventMask: 27 });
  let written = 0;
  let round = 0;
  for (; written < events; round++) {
    const words = round === changeAt ? changed : batch.words;
    writer.process({ ...batch, words, clockBase: batch.clockBase + round * machine.clock });
    written += batch.count;
  }
  const clock = machine.clock * round;
  writer.end({ reason: 'exit', exitCode: 0, clock });
  return { events: written, rounds: round, clock };
};
