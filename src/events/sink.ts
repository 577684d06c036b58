import type { EventMask, Note } from './event.js';
import type { CallBatch, CompactBatch, EventBatch } from './ring.js';

/**
 * A consumer of events. Five verbs as in Frida, a batch at a time, plus `note` for the rare kinds. Calls are synchronous
 * and in the order of the guest's execution per thread; a slow sink slows the guest, it never loses anything.
 */
export interface EventSink {
  /** Which kinds this sink wants; asked once, when a thread is followed. */
  readonly mask: EventMask;
  /** A thread is followed from here on. */
  start?(tid: number): void;
  process(batch: EventBatch): void;
  /** Present in a sink that would rather have compact records where they suffice; it must take both. */
  processCompact?(batch: CompactBatch): void;
  /** Present in a sink that wants CALL alone, and of that only where it was and where it went; it must take both. */
  processCalls?(batch: CallBatch): void;
  note?(note: Note): void;
  /** Hands everything held back to the consumer (called at faults, signals, exits and on request). */
  flush?(): void;
  /** The thread is no longer followed; no more batches of it. */
  stop?(tid: number): void;
}
