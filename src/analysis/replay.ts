import { EventKind, type Note, type ProbeValue } from '../events/event.js';
import type { StalkerEvent } from '../events/ring.js';
import { type EventColumns, eventAt } from '../trace/event-columns.js';
import type { RecordedEnd, RecordedHeader } from '../trace/messages.js';
import { openRange } from '../trace/range-source.js';
import { TraceReader } from '../trace/reader.js';
import { type MergedItem, mergeByClock, noteClock } from './clock-merge.js';
import type { ClockRange, ReadFilters } from './filters.js';
import { ReplayTree } from './replay-tree.js';
import { type FunctionInfo, type NameOptions, type Place, TraceSymbols } from './symbolize.js';

/** `tree`: calls with their costs and notes among them; `flat`: every event; `notes`: system calls, signals and the like. */
export type ReplayView = 'tree' | 'flat' | 'notes';

export interface ReplayOptions {
  readonly view?: ReplayView;
  readonly filters?: ReadFilters;
  readonly range?: ClockRange;
  /** Where names come from besides the trace. */
  readonly names?: NameOptions;
  /** Only these threads. */
  readonly threads?: readonly number[];
}

/** How a call ended, when not by returning: unwound, or not before the run or the range was over. */
export type Leaving = 'returned' | 'unwound' | 'running' | 'cut';

interface Timed {
  readonly clock: number;
  readonly tid: number;
}

interface Lined extends Timed {
  readonly depth: number;
}

interface Left {
  readonly leaving: Leaving;
  readonly insns?: number;
  /** The signal that killed the process while the call ran. */
  readonly signal?: number;
}

interface Resulting {
  /** What a probe saw the call return. */
  readonly result?: ProbeValue;
}

/** A line of a replay. Costs are instructions of the thread, the function's callees included; absent when not known. */
export type ReplayRecord =
  | (Lined & { readonly type: 'open'; readonly function: FunctionInfo; readonly args?: ProbeValues })
  | (Lined & Left & Resulting & { readonly type: 'call'; readonly function: FunctionInfo; readonly args?: ProbeValues })
  | (Lined & Left & Resulting & { readonly type: 'close'; readonly function: FunctionInfo })
  | (Lined & { readonly type: 'note'; readonly note: Note; readonly at?: Place })
  | (Timed & {
      readonly type: 'event';
      readonly event: StalkerEvent;
      readonly location: Place;
      readonly target?: Place;
    })
  /** Calls that were open before a range. */
  | (Timed & { readonly type: 'context'; readonly stack: readonly FunctionInfo[] })
  | { readonly type: 'header'; readonly header: RecordedHeader }
  | { readonly type: 'end'; readonly end: RecordedEnd };

export type ProbeValues = readonly ProbeValue[];

/**
 * What happened, in order, all threads together by the clock, in batches of lines. Throws TraceFormatError when the bytes
 * are not a trace.
 */
export async function* replayTrace(
  reader: TraceReader,
  options: ReplayOptions = {},
): AsyncGenerator<readonly ReplayRecord[]> {
  const replay = new Replay(options);
  for await (const item of mergeByClock(reader.items({ decode: replay.needsEvents }))) {
    const records = replay.take(item);
    if (records.length > 0) yield records;
    if (replay.isOver) return;
  }
  const rest = replay.finish();
  if (rest.length > 0) yield rest;
}

/**
 * A reader for a file of which only a range of clocks is wanted: where it has an index, the rest is not read. Throws the
 * system's own error when the file cannot be read.
 */
export const openForReplay = (path: string, range: ClockRange | undefined): TraceReader => {
  const source = range && openRange(path, range.from, range.to);
  return TraceReader.open(source ?? path, path);
};

class Replay {
  /** Nothing more will come out of this trace. */
  isOver = false;
  private readonly options: ReplayOptions;
  private readonly view: ReplayView;
  private readonly symbols = new TraceSymbols();
  private readonly tree: ReplayTree;
  private records: ReplayRecord[] = [];
  private end: RecordedEnd | undefined;
  private segments = 0;
  private isPastRange = false;

  constructor(options: ReplayOptions) {
    this.options = options;
    this.symbols.use(options.names);
    this.view = options.view ?? 'tree';
    const emit = (record: ReplayRecord): void => {
      if (this.view === 'tree') this.records.push(record);
    };
    this.tree = new ReplayTree(this.symbols, options.filters ?? {}, options.range, emit);
  }

  /** Lists of system calls can be had without looking into chunks, unless calls decide which are shown. */
  get needsEvents(): boolean {
    const { only, without, caller, depth } = this.options.filters ?? {};
    return this.view !== 'notes' || [only, without, caller, depth].some((filter) => filter !== undefined);
  }

  take(item: MergedItem): readonly ReplayRecord[] {
    this.records = [];
    if (item.type === 'events') this.events(item);
    else if (item.type === 'note') this.note(item.note);
    else if (item.type === 'symbols') this.symbols.addSymbols(item.symbols);
    else if (item.type === 'header') this.begin(item.header);
    else if (item.type === 'end') this.end = item.end;
    return this.records;
  }

  finish(): readonly ReplayRecord[] {
    this.records = [];
    this.endSegment();
    return this.records;
  }

  private begin(header: RecordedHeader): void {
    if (this.segments++ > 0) this.endSegment();
    this.symbols.clear();
    this.tree.forgetAddresses();
    this.end = undefined;
    this.isPastRange = false;
    this.records.push({ type: 'header', header });
  }

  private endSegment(): void {
    this.tree.endSegment(this.end);
    if (this.end !== undefined) this.records.push({ type: 'end', end: this.end });
  }

  private events({ columns, from, to }: Extract<MergedItem, { type: 'events' }>): void {
    const { threads, range } = this.options;
    const { tree } = this;
    if (threads && !threads.includes(columns.tid)) tree.passOver();
    if (this.isPastRange || (threads && !threads.includes(columns.tid))) return;
    const { clock } = columns;
    tree.beginStretch(columns, from);
    for (let i = from; i < to; i++) {
      if (range !== undefined && (clock[i] as number) > range.to) {
        this.leaveRange();
        return;
      }
      const kind = columns.kind[i] as number;
      if (kind === EventKind.CALL) tree.call(columns, i);
      if (this.view === 'flat') this.flat(columns, i);
      if (kind === EventKind.RET) tree.ret(columns, i);
    }
  }

  private leaveRange(): void {
    this.isPastRange = true;
    this.tree.endRange();
    this.isOver = this.segments <= 1;
  }

  private flat(columns: EventColumns, at: number): void {
    const clock = columns.clock[at] as number;
    const { range } = this.options;
    if ((range !== undefined && clock < range.from) || !this.tree.isShownNow(columns.tid)) return;
    const event = eventAt(columns, at);
    const { symbols } = this;
    const { kind } = event;
    if (kind !== EventKind.CALL && kind !== EventKind.RET && symbols.isHidden(event.location)) return;
    const location = symbols.place(event.location);
    const target = kind === EventKind.CALL ? symbols.callee(event.target) : symbols.place(event.target);
    this.records.push({
      type: 'event',
      clock,
      tid: event.tid,
      event,
      location,
      ...(kind === EventKind.EXEC ? {} : { target }),
    });
  }

  private note(note: Note): void {
    if (note.type === 'module') {
      this.symbols.addModule(note);
      this.tree.forgetAddresses();
      return;
    }
    if (note.type === 'call-summary') return;
    const { threads, range } = this.options;
    const clock = noteClock(note);
    if (this.isPastRange || (threads && !threads.includes(note.tid))) return;
    if (range !== undefined && clock > range.to) {
      this.leaveRange();
      return;
    }
    if (range !== undefined && clock < range.from) return;
    if (this.view === 'tree') this.tree.note(note);
    else if (!this.needsEvents || this.tree.isShownNow(note.tid)) {
      const at = note.type === 'probe' || note.type === 'signal' ? this.placeOf(note) : undefined;
      this.records.push({ type: 'note', clock, tid: note.tid, depth: 0, note, ...(at ? { at } : {}) });
    }
  }

  private placeOf(note: Extract<Note, { type: 'probe' | 'signal' }>): Place {
    return this.symbols.place(note.type === 'probe' ? note.location : note.pc);
  }
}
