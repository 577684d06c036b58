import type { Note } from '../events/event.js';
import { ChunkPool, type HeldChunk } from '../trace/held-chunk.js';
import type { TraceItem } from '../trace/reader.js';

/** Items of a trace in the order of the clock. Events come as stretches of one thread, valid until the next item. */
export type MergedItem =
  | Exclude<TraceItem, { readonly type: 'chunk' | 'chunk-facts' }>
  | { readonly type: 'events'; readonly columns: HeldChunk; readonly from: number; readonly to: number };

/** Notes held at most; a trace whose chunks are far between gives them out in part. */
const MAX_NOTES = 1 << 15;
/** Events of one stretch at most, so that what is made of it stays small. */
const MAX_STRETCH = 4096;

/** When a note takes its place among events: a system call when it returned. */
export const noteClock = (note: Note): number => (note.type === 'syscall' ? note.endClock : note.clock);

type NoteItem = Extract<TraceItem, { type: 'note' }>;

/** Order of notes; of one clock, a thread starts before and exits after all else. */
const compareNotes = ({ note: a }: NoteItem, { note: b }: NoteItem): number =>
  noteClock(a) - noteClock(b) || rankOf(a) - rankOf(b);

const rankOf = (note: Note): number => (note.type !== 'thread' ? 1 : note.what === 'start' ? 0 : 2);

/**
 * Brings threads and notes together. It counts on what the format promises: chunks come in the order of their first
 * clocks, notes no later than the next chunk after them. Only chunks that overlap are held.
 */
export async function* mergeByClock(items: AsyncIterable<TraceItem>): AsyncGenerator<MergedItem> {
  const merge = new ClockMerge();
  for await (const item of items) {
    if (item.type === 'chunk') {
      if (item.columns.count === 0) continue;
      yield* merge.takeUntil(item.columns.clock[0] as number);
      merge.addChunk(item);
    } else if (item.type === 'chunk-facts') {
      yield* merge.takeUntil(item.facts.firstClock);
    } else if (item.type === 'note' && item.note.type !== 'module') {
      merge.addNote(item);
      if (merge.isCrowded) yield* merge.takeUntil(merge.middleClock);
    } else {
      if (item.type === 'header' || item.type === 'end') yield* merge.takeUntil(Number.POSITIVE_INFINITY);
      yield item;
    }
  }
  yield* merge.takeUntil(Number.POSITIVE_INFINITY);
}

class ClockMerge {
  private readonly pool = new ChunkPool();
  private readonly chunks: HeldChunk[] = [];
  private notes: NoteItem[] = [];
  private isSorted = true;
  private latest: HeldChunk | undefined;

  get isCrowded(): boolean {
    return this.notes.length > MAX_NOTES;
  }

  /** A clock that about half of the notes come before. */
  get middleClock(): number {
    this.sortNotes();
    const middle = noteClock((this.notes[this.notes.length >> 1] as NoteItem).note);
    return Math.max(middle, noteClock((this.notes[0] as NoteItem).note) + 1);
  }

  addChunk({ columns }: Extract<TraceItem, { type: 'chunk' }>): void {
    this.chunks.push(this.pool.hold(columns));
  }

  addNote(item: NoteItem): void {
    const last = this.notes.at(-1);
    if (last !== undefined && compareNotes(last, item) > 0) this.isSorted = false;
    this.notes.push(item);
  }

  /** Everything held that comes before `limit`; of one clock, events before notes. */
  *takeUntil(limit: number): Generator<MergedItem> {
    this.sortNotes();
    let note = 0;
    for (;;) {
      const chunk = this.earliest();
      const clock = chunk === undefined ? limit : clockAt(chunk);
      const item = this.notes[note];
      const noteAt = item === undefined ? limit : noteClock(item.note);
      if (chunk !== undefined && clock < limit && clock <= noteAt) {
        yield this.stretch(chunk, limit, noteAt);
        this.drop(chunk);
      } else if (item !== undefined && noteAt < limit) {
        note++;
        yield item;
      } else break;
    }
    if (note > 0) this.notes = this.notes.slice(note);
  }

  /** Stable, so that notes of one clock stay in the order they were made. */
  private sortNotes(): void {
    if (!this.isSorted) this.notes.sort(compareNotes);
    this.isSorted = true;
  }

  /** The chunk whose next event is the earliest; of one clock, that of the thread that ran last. */
  private earliest(): HeldChunk | undefined {
    let earliest = this.latest;
    for (const chunk of this.chunks) {
      if (earliest === undefined || clockAt(chunk) < clockAt(earliest)) earliest = chunk;
    }
    this.latest = earliest;
    return earliest;
  }

  /** The chunk's next events, as long as no other chunk's come before them. */
  private stretch(chunk: HeldChunk, limit: number, noteAt: number): MergedItem {
    let others = limit;
    for (const other of this.chunks) if (other !== chunk) others = Math.min(others, clockAt(other));
    const { clock, count, next: from } = chunk;
    const last = Math.min(count, from + MAX_STRETCH);
    let to = from + 1;
    while (to < last && (clock[to] as number) < limit && (clock[to] as number) <= Math.min(noteAt, others)) to++;
    chunk.next = to;
    return { type: 'events', columns: chunk, from, to };
  }

  private drop(chunk: HeldChunk): void {
    if (chunk.next < chunk.count) return;
    this.chunks.splice(this.chunks.indexOf(chunk), 1);
    this.pool.release(chunk);
    this.latest = undefined;
  }
}

const clockAt = ({ clock, next }: HeldChunk): number => clock[next] as number;
