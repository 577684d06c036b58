import type { EventMask } from '../events/event.js';
import type { EventBatch } from '../events/ring.js';
import type { EventSink } from '../events/sink.js';
import { selectRecords } from '../events/tee-sink.js';

/**
 * A script's sink on top of the one that records the thread in any case. Events go to both, each getting its kinds; the life
 * of the one below is not the script's business.
 */
export class StackedSink implements EventSink {
  readonly mask: EventMask;
  private readonly below: EventSink;
  private readonly above: EventSink | undefined;

  constructor(below: EventSink, above?: EventSink) {
    this.below = below;
    this.above = above;
    this.mask = below.mask | (above?.mask ?? 0);
  }

  start(tid: number): void {
    this.above?.start?.(tid);
  }

  process(batch: EventBatch): void {
    for (const sink of [this.below, this.above]) {
      if (sink === undefined) continue;
      const selected = sink.mask === this.mask ? batch : selectRecords(batch, sink.mask);
      if (selected.count > 0) sink.process(selected);
    }
  }

  flush(): void {
    this.below.flush?.();
    this.above?.flush?.();
  }

  stop(tid: number): void {
    this.above?.stop?.(tid);
  }
}
