/**
 * A script's sink on top of the one that records the thread in any case. Events go to both, each getting its kinds; the life
 * of the one below is not the script's business.
 */
import type { EventMask } from '../events/event.js';
import type { EventBatch } from '../events/ring.js';
import type { EventSink } from '../events/sink.js';
import { TeeSink } from '../events/tee-sink.js';

export class StackedSink implements EventSink {
  readonly mask: EventMask;
  private readonly both: TeeSink;
  private readonly above: EventSink | undefined;

  constructor(below: EventSink, above?: EventSink) {
    this.both = new TeeSink(above === undefined ? [below] : [below, above]);
    this.mask = this.both.mask;
    this.above = above;
  }

  start(tid: number): void {
    this.above?.start?.(tid);
  }

  process(batch: EventBatch): void {
    this.both.process(batch);
  }

  flush(): void {
    this.both.flush();
  }

  stop(tid: number): void {
    this.above?.stop?.(tid);
  }
}
