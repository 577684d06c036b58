import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeRecord, type EventBatch, type StalkerEvent } from '../../src/events/ring.js';
import { eventAt } from '../../src/trace/event-columns.js';
import type { TraceHeader } from '../../src/trace/messages.js';
import { type TraceItem, TraceReader } from '../../src/trace/reader.js';
import { TraceWriter, type TraceWriterOptions } from '../../src/trace/writer.js';

export const HEADER: TraceHeader = { toolVersion: '0.0.0', program: './lock', argv: ['./lock'], clock: 'virtual' };

/** Runs `write` on a writer to a file that is gone afterwards; answers the file's bytes. */
export const recordBytes = (
  write: (writer: TraceWriter) => void,
  options: Partial<TraceWriterOptions> = {},
  header: TraceHeader = HEADER,
): Buffer => {
  const directory = mkdtempSync(join(tmpdir(), 'armstalk-trace-'));
  try {
    const path = join(directory, 'trace.pb');
    const writer = new TraceWriter({ mask: 31, ...options });
    writer.open(path, header);
    write(writer);
    return readFileSync(path);
  } finally {
    rmSync(directory, { recursive: true });
  }
};

/** What a batch means, event by event, by the definition in events/ring. */
export const eventsOf = (batch: EventBatch): StalkerEvent[] =>
  Array.from({ length: batch.count }, (_, index) => decodeRecord(batch, index));

export interface ReadTrace {
  readonly reader: TraceReader;
  readonly items: TraceItem[];
  readonly events: Map<number, StalkerEvent[]>;
}

/** Reads everything into objects; chunk items keep no columns. */
export const readTrace = async (bytes: Uint8Array | Iterable<Uint8Array>): Promise<ReadTrace> => {
  const reader = TraceReader.open(bytes instanceof Uint8Array ? [bytes] : bytes);
  const items: TraceItem[] = [];
  const events = new Map<number, StalkerEvent[]>();
  for await (const item of reader.items()) {
    items.push(item);
    if (item.type !== 'chunk') continue;
    const { columns } = item;
    const ofThread = events.get(columns.tid) ?? [];
    for (let i = 0; i < columns.count; i++) ofThread.push(eventAt(columns, i));
    events.set(columns.tid, ofThread);
  }
  return { reader, items, events };
};
