/** A follow that only wants `onCallSummary`: calls are counted where they are recorded, none is queued. */
import { CallCounts } from '../events/call-counts.js';
import { EventKind } from '../events/event.js';
import type { CallBatch, EventBatch } from '../events/ring.js';
import type { EventSink } from '../events/sink.js';
import type { HostCallbacks } from '../stalker/host-callbacks.js';

export class CallSummarySink implements EventSink {
  readonly mask = EventKind.CALL;
  private readonly onCallSummary: (summary: Record<string, number>) => void;
  private readonly intervalMs: number;
  private readonly callbacks: HostCallbacks;
  private readonly counts = new CallCounts();
  private timer: NodeJS.Timeout | undefined;

  constructor(onCallSummary: (summary: Record<string, number>) => void, callbacks: HostCallbacks, intervalMs: number) {
    this.callbacks = callbacks;
    this.onCallSummary = onCallSummary;
    this.intervalMs = intervalMs;
  }

  start(): void {
    if (this.intervalMs > 0) this.timer = setInterval(() => this.flush(), this.intervalMs).unref();
  }

  process(batch: EventBatch): void {
    this.counts.addRecords(batch);
  }

  processCalls(batch: CallBatch): void {
    this.counts.addCalls(batch);
  }

  flush(): void {
    const summary = new Map<number, number>();
    for (const { calls } of this.counts.take()) {
      for (const [, target, count] of calls) summary.set(target, (summary.get(target) ?? 0) + count);
    }
    if (summary.size === 0) return;
    const texts = Object.fromEntries([...summary].map(([target, count]) => [`0x${target.toString(16)}`, count]));
    this.callbacks.run('sink', undefined, this.onCallSummary, () => this.onCallSummary(texts));
  }

  stop(): void {
    clearInterval(this.timer);
    this.flush();
  }
}
