/**
 * The receiving end of `Stalker.follow`: a queue of records that is delivered at intervals, when it is full, on flush and
 * at the end. First the summary of calls, then the records. Nothing is ever dropped.
 */
import type { EventMask } from '../events/event.js';
import type { EventBatch } from '../events/ring.js';
import type { EventSink } from '../events/sink.js';
import type { HostCallbacks } from '../stalker/host-callbacks.js';
import { forEachEvent, GumEventQueue, summarizeCalls } from './gum-event.js';

export interface Receivers {
  readonly onReceive?: (events: ArrayBuffer) => void;
  readonly onCallSummary?: (summary: Record<string, number>) => void;
}

export class ScriptSink implements EventSink {
  readonly mask: EventMask;
  private readonly receivers: Receivers;
  private readonly queue: GumEventQueue;
  private readonly intervalMs: number;
  private readonly callbacks: HostCallbacks;
  private timer: NodeJS.Timeout | undefined;

  /** What a receiver throws goes to `callbacks`; its delivery is lost, the others are not. */
  constructor(
    mask: EventMask,
    receivers: Receivers,
    callbacks: HostCallbacks,
    { capacity, intervalMs }: { readonly capacity: number; readonly intervalMs: number },
  ) {
    this.callbacks = callbacks;
    this.mask = mask;
    this.receivers = receivers;
    this.queue = new GumEventQueue(capacity);
    this.intervalMs = intervalMs;
  }

  start(): void {
    if (this.intervalMs > 0) this.timer = setInterval(() => this.flush(), this.intervalMs).unref();
  }

  process(batch: EventBatch): void {
    forEachEvent(batch, this.mask, (event) => {
      if (this.queue.isFull) this.flush();
      this.queue.push(event);
    });
  }

  flush(): void {
    if (this.queue.isEmpty) return;
    const { onReceive, onCallSummary } = this.receivers;
    const buffer = this.queue.take();
    if (onCallSummary !== undefined) {
      this.callbacks.run('sink', undefined, onCallSummary, () => onCallSummary(summarizeCalls(buffer)));
    }
    if (onReceive !== undefined) this.callbacks.run('sink', undefined, onReceive, () => onReceive(buffer));
  }

  stop(): void {
    clearInterval(this.timer);
    this.flush();
  }
}
