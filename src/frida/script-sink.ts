/**
 * The receiving end of `Stalker.follow`: a queue of records that is delivered at intervals, when it is full, on flush and
 * at the end. First the summary of calls, then the records. Nothing is ever dropped.
 */
import type { EventMask } from '../events/event.js';
import type { EventBatch, StalkerEvent } from '../events/ring.js';
import type { EventSink } from '../events/sink.js';
import { forEachEvent, GumEventQueue, summarizeCalls } from './gum-event.js';

export interface Receivers {
  readonly onReceive?: (events: ArrayBuffer) => void;
  readonly onCallSummary?: (summary: Record<string, number>) => void;
  readonly onEvent?: (event: StalkerEvent, data: unknown) => void;
  readonly data?: unknown;
}

export class ScriptSink implements EventSink {
  readonly mask: EventMask;
  private readonly receivers: Receivers;
  private readonly queue: GumEventQueue;
  private readonly intervalMs: number;
  private timer: NodeJS.Timeout | undefined;

  constructor(mask: EventMask, receivers: Receivers, capacity: number, intervalMs: number) {
    this.mask = mask;
    this.receivers = receivers;
    this.queue = new GumEventQueue(capacity);
    this.intervalMs = intervalMs;
  }

  start(): void {
    if (this.intervalMs > 0) this.timer = setInterval(() => this.flush(), this.intervalMs).unref();
  }

  process(batch: EventBatch): void {
    const { onEvent, onReceive, onCallSummary, data } = this.receivers;
    const isQueued = onReceive !== undefined || onCallSummary !== undefined;
    forEachEvent(batch, this.mask, (event) => {
      onEvent?.(event, data);
      if (!isQueued) return;
      if (this.queue.isFull) this.flush();
      this.queue.push(event);
    });
  }

  flush(): void {
    if (this.queue.isEmpty) return;
    const { onReceive, onCallSummary } = this.receivers;
    const buffer = this.queue.take();
    onCallSummary?.(summarizeCalls(buffer));
    onReceive?.(buffer);
  }

  stop(): void {
    clearInterval(this.timer);
    this.flush();
  }
}
