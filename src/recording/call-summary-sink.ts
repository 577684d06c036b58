import { CallCounts } from '../events/call-counts.js';
import { EventKind } from '../events/event.js';
import type { CallBatch, EventBatch } from '../events/ring.js';
import type { EventSink } from '../events/sink.js';
import type { TraceWriter } from '../trace/writer.js';

/** Instructions after which a summary is written early, so that little is lost when the recorder dies. */
const INTERVAL = 2 ** 28;

/** Records how often calls happened instead of the calls: a summary of each thread at the end, and of long runs before. */
export class CallSummarySink implements EventSink {
  readonly mask = EventKind.CALL;
  private readonly writer: TraceWriter;
  private readonly counts = new CallCounts();
  private writtenAt = 0;

  constructor(writer: TraceWriter) {
    this.writer = writer;
  }

  /** Calls counted so far. */
  get calls(): number {
    return this.counts.total;
  }

  process(batch: EventBatch): void {
    this.counts.addRecords(batch);
  }

  processCalls(batch: CallBatch): void {
    this.counts.addCalls(batch);
  }

  flush(): void {
    this.writer.flush();
  }

  /** Something else happened at `clock`, and every call before it has been counted: a good moment for a summary. */
  passed(clock: number): void {
    if (clock - this.writtenAt >= INTERVAL) this.write(clock);
  }

  /** What was counted since the last summary. */
  write(clock: number): void {
    this.writtenAt = clock;
    for (const { tid, calls } of this.counts.take()) this.writer.note({ type: 'call-summary', tid, clock, calls });
  }
}
