/** Keeps the stream as the model writes it; clocks are the thread's own. */
import { EventKind } from '../../../src/events/event.js';
import { decodeRecord, type EventBatch, type StalkerEvent } from '../../../src/events/ring.js';
import type { EventSink } from '../../../src/events/sink.js';

const { CALL, EXEC, BLOCK, COMPILE } = EventKind;

export class RecordingSink implements EventSink {
  readonly mask: number;
  readonly events: string[] = [];
  started = 0;
  stopped = 0;
  private readonly onBatch: () => void;

  constructor(mask: number, onBatch: () => void) {
    this.mask = mask;
    this.onBatch = onBatch;
  }

  start(): void {
    this.started++;
  }

  process(batch: EventBatch): void {
    for (let i = 0; i < batch.count; i++) this.events.push(textOf(decodeRecord(batch, i), batch.elsewhere ?? 0));
    this.onBatch();
  }

  stop(): void {
    this.stopped++;
  }
}

/** As the model writes it. */
const textOf = ({ kind, location, target, depth, clock }: StalkerEvent, elsewhere: number): string => {
  const own = clock - elsewhere;
  if (kind === BLOCK) return `${own} block ${location} ${target}`;
  if (kind === COMPILE) return `${own} compile ${location} ${target}`;
  if (kind === EXEC) return `${own - 1} exec ${location}`;
  return `${own - 1} ${kind === CALL ? 'call' : 'ret'} ${location} ${target} ${depth}`;
};
