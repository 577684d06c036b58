import { EventKind, type EventMask, type Note } from '../events/event.js';
import { type EventBatch, RECORD_WORDS } from '../events/ring.js';
import type { EventSink } from '../events/sink.js';

export interface Tally {
  /** Events by kind. */
  calls: number;
  returns: number;
  blocks: number;
  execs: number;
  /** Distinct starts among the blocks compiled. */
  compiled: number;
  syscalls: number;
  signals: number;
  probeHits: number;
  threads: number;
  events: number;
}

/** Counts what passes by, for the closing line and the report. */
export class TallySink implements EventSink {
  readonly mask: EventMask = 0;
  private readonly byKind = new Float64Array(32);
  private readonly starts = new Set<number>();
  private readonly notes = { syscall: 0, signal: 0, probe: 0, thread: 0, module: 0, incident: 0 };
  private events = 0;

  process(batch: EventBatch): void {
    const { words, count, sites } = batch;
    this.events += count;
    for (let index = 0; index < count; index++) {
      const site = words[index * RECORD_WORDS];
      const kind = sites.kind[site];
      this.byKind[kind]++;
      if (kind === EventKind.COMPILE) this.starts.add(sites.location[site]);
    }
  }

  note(note: Note): void {
    if (note.type !== 'thread' || note.what === 'start') this.notes[note.type]++;
  }

  get tally(): Tally {
    return {
      calls: this.byKind[EventKind.CALL],
      returns: this.byKind[EventKind.RET],
      blocks: this.byKind[EventKind.BLOCK],
      execs: this.byKind[EventKind.EXEC],
      compiled: this.starts.size,
      syscalls: this.notes.syscall,
      signals: this.notes.signal,
      probeHits: this.notes.probe,
      threads: this.notes.thread,
      events: this.events,
    };
  }
}
