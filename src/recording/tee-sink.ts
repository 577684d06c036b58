import type { Note } from '../events/event.js';
import type { EventBatch } from '../events/ring.js';
import type { EventSink } from '../events/sink.js';

/** Hands everything to several sinks, in their order. The mask is what any of them wants. */
export class TeeSink implements EventSink {
  readonly mask: number;
  private readonly sinks: readonly EventSink[];

  constructor(sinks: readonly EventSink[]) {
    this.sinks = sinks;
    this.mask = sinks.reduce((mask, sink) => mask | sink.mask, 0);
  }

  start(tid: number): void {
    for (const sink of this.sinks) sink.start?.(tid);
  }

  process(batch: EventBatch): void {
    for (const sink of this.sinks) sink.process(batch);
  }

  note(note: Note): void {
    for (const sink of this.sinks) sink.note?.(note);
  }

  flush(): void {
    for (const sink of this.sinks) sink.flush?.();
  }

  stop(tid: number): void {
    for (const sink of this.sinks) sink.stop?.(tid);
  }
}
