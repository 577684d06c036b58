import type { Note } from './event.js';
import { type EventBatch, RECORD_WORDS } from './ring.js';
import type { EventSink } from './sink.js';

/** The records of `batch` whose kind is in `mask`, copied; the batch itself when that is all of them. */
const selectRecords = (batch: EventBatch, mask: number): EventBatch => {
  const { words, count, sites } = batch;
  const wanted = (index: number): boolean => (sites.kind[words[index * RECORD_WORDS]] & mask) !== 0;
  let selected = 0;
  for (let index = 0; index < count; index++) if (wanted(index)) selected++;
  if (selected === count) return batch;
  const copy = new Int32Array(selected * RECORD_WORDS);
  for (let index = 0, to = 0; index < count; index++) {
    if (!wanted(index)) continue;
    copy.set(words.subarray(index * RECORD_WORDS, (index + 1) * RECORD_WORDS), to);
    to += RECORD_WORDS;
  }
  return { ...batch, words: copy, count: selected };
};

/** Hands everything to several sinks, in their order, and to each only the kinds it wants. */
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
    for (const sink of this.sinks) {
      const selected = sink.mask === this.mask ? batch : selectRecords(batch, sink.mask);
      if (selected.count > 0) sink.process(selected);
    }
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
