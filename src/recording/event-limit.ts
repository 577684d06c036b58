import type { EventMask } from '../events/event.js';
import type { EventBatch } from '../events/ring.js';
import type { EventSink } from '../events/sink.js';

/** Calls `onReached` once, when this many events have passed by. */
export class EventLimit implements EventSink {
  readonly mask: EventMask;
  private left: number;
  private readonly onReached: () => void;

  constructor(mask: EventMask, limit: number, onReached: () => void) {
    this.mask = mask;
    this.left = limit;
    this.onReached = onReached;
  }

  process(batch: EventBatch): void {
    const before = this.left;
    this.left -= batch.count;
    if (before > 0 && this.left <= 0) this.onReached();
  }
}
