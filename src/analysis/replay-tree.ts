import type { Note, ProbeNote } from '../events/event.js';
import type { EventColumns } from '../trace/event-columns.js';
import type { RecordedEnd } from '../trace/messages.js';
import { type ClockRange, type ReadFilters, standingUnder, Verdicts } from './filters.js';
import { probeResult } from './probe-text.js';
import type { Leaving, ReplayRecord } from './replay.js';
import { ReplayLines } from './replay-lines.js';
import { type ReplayFrame, ReplayThread } from './replay-thread.js';
import type { TraceSymbols } from './symbolize.js';
import { COUNTED, OUTSIDE } from './thread-stack.js';

/** Frames of one thread at most; deeper calls are not shown. */
const MAX_HEIGHT = 1 << 20;

/**
 * Calls and returns to lines. A call is held back until something shows that it deserves a line of its own kind: what
 * happens inside it opens it, its return makes it a line with a cost, and one that was too cheap vanishes.
 */
export class ReplayTree {
  private readonly filters: ReadFilters;
  private readonly range: ClockRange | undefined;
  private readonly lines: ReplayLines;
  private readonly minCost: number;
  /** Whether a call's first callee shows that it is worth a line. */
  private readonly isEager: boolean;
  private readonly verdicts: Verdicts;
  private threads = new Map<number, ReplayThread>();
  /** What killed the process that has ended. */
  private signal = 0;
  /** The thread whose stretch this is. */
  private current: ReplayThread | undefined;

  constructor(
    symbols: TraceSymbols,
    filters: ReadFilters,
    range: ClockRange | undefined,
    emit: (record: ReplayRecord) => void,
  ) {
    this.filters = filters;
    this.range = range;
    this.lines = new ReplayLines(symbols, filters, range, emit);
    this.verdicts = new Verdicts(symbols, filters);
    this.minCost = filters.minCost ?? 0;
    this.isEager = this.minCost === 0 && filters.caller === undefined;
  }

  /** Addresses may mean other functions from here on. */
  forgetAddresses(): void {
    this.verdicts.forgetAddresses();
  }

  /** Whether the filters let pass what a thread does at the moment. */
  isShownNow(tid: number): boolean {
    const top = this.threads.get(tid)?.top;
    const { only, depth, caller } = this.filters;
    if (top === undefined) return only === undefined && caller === undefined;
    if (top.standing !== COUNTED || !top.verdict.isVisible) return false;
    return (depth === undefined || top.depth < depth) && (caller === undefined || top.verdict.isGoal);
  }

  /** Events of one thread follow, from `at` on. */
  beginStretch(columns: EventColumns, at: number): void {
    const thread = this.threads.get(columns.tid) ?? this.begin(columns, at);
    if (this.current !== undefined && this.current !== thread) this.lines.interrupted.add(this.current);
    this.lines.interrupted.delete(thread);
    this.current = thread;
  }

  call(columns: EventColumns, at: number): void {
    const thread = this.current as ReplayThread;
    this.advance(thread, columns, at);
    const depth = columns.depth[at] as number;
    if (thread.depth !== depth) this.settle(thread, depth);
    if (thread.height >= MAX_HEIGHT) thread.skipped++;
    else this.enter(thread, columns.target[at] as number);
  }

  ret(columns: EventColumns, at: number): void {
    const thread = this.current as ReplayThread;
    this.advance(thread, columns, at);
    const depth = columns.depth[at] as number;
    if (depth < thread.depth - 1) this.settle(thread, depth + 1);
    if (depth === thread.depth - 1 && thread.skipped > 0) thread.skipped--;
    else if (depth === thread.depth - 1 && thread.height > 1) this.leave(thread, 'returned');
    else this.settle(thread, depth);
  }

  note(note: Exclude<Note, { type: 'module' }>): void {
    const thread = this.threads.get(note.tid);
    if (note.type === 'signal' && note.action === 'fatal') this.signal = note.signo;
    if (note.type !== 'thread' || this.wantsThreadNote(note)) this.showNote(note, thread);
    if (note.type === 'thread' && note.what === 'exit' && thread !== undefined) this.endThread(thread, note.clock);
  }

  private showNote(note: Exclude<Note, { type: 'module' }>, thread: ReplayThread | undefined): void {
    const top = thread?.top;
    if (top === undefined) {
      if (this.filters.only === undefined && this.filters.caller === undefined) this.lines.note(note, 0);
      return;
    }
    if (note.type === 'probe' && note.phase !== 'return' && isAtEntry(note, top)) {
      top.probe = top.probe === undefined ? note : { ...note, values: [...top.probe.values, ...note.values] };
      return;
    }
    if (note.type === 'probe' && note.phase === 'return' && top.probe?.location === note.location) {
      top.result = probeResult(note);
      return;
    }
    if (top.standing !== COUNTED || this.filters.caller !== undefined || this.lines.isTooDeep(top.inner)) return;
    this.lines.introduce(thread as ReplayThread);
    this.lines.openWorthy(thread as ReplayThread);
    if (this.minCost > 0 && this.lines.hasPending(thread as ReplayThread)) return;
    this.lines.letOthersSpeak(thread as ReplayThread);
    this.lines.note(note, top.inner);
  }

  /** A thread that is not shown ran. */
  passOver(): void {
    this.current = undefined;
  }

  /** Closes what still runs at the end of a run. */
  endSegment(end: RecordedEnd | undefined): void {
    if (end !== undefined) {
      this.signal = end.signal;
      this.runUntil(end.clock);
    }
    this.closeAll('running');
    this.signal = 0;
  }

  /** Closes what is open where the range ends. */
  endRange(): void {
    this.closeAll('cut');
  }

  // -- the stack -----------------------------------------------------------------------------------------------------

  /** A thread's first events: what the chunk tells of the calls open before. */
  private begin(columns: EventColumns, at: number): ReplayThread {
    const thread = new ReplayThread(columns.tid);
    this.threads.set(columns.tid, thread);
    const { openReturns, openDepth } = columns;
    const startsHere = openDepth === 0 && openReturns.length === 0;
    thread.ownClock = startsHere ? 0 : (columns.threadClock[at] as number);
    thread.clock = columns.clock[at] as number;
    thread.base = openDepth - openReturns.length;
    for (const address of openReturns) this.enterUnseen(thread, address);
    this.enter(thread, columns.location[at] as number);
    const first = thread.top as ReplayFrame;
    first.entry = 0;
    if (!startsHere) this.markUnseen(first);
    return thread;
  }

  /** The function around `address`, whose call was not seen. */
  private enterUnseen(thread: ReplayThread, address: number): void {
    this.enter(thread, address);
    this.markUnseen(thread.top as ReplayFrame);
  }

  private markUnseen(frame: ReplayFrame): void {
    frame.entry = 0;
    frame.ownClock = Number.NaN;
    if (this.range !== undefined) frame.isOpened = true;
  }

  private enter(thread: ReplayThread, target: number): void {
    const verdict = this.verdicts.of(target);
    const caller = thread.top;
    const frame = thread.push(verdict);
    frame.entry = ((verdict.info.behind || target) & ~1) >>> 0;
    frame.clock = thread.clock;
    frame.ownClock = thread.ownClock;
    frame.standing = standingUnder(caller?.standing ?? OUTSIDE, verdict);
    frame.depth = caller?.inner ?? 0;
    frame.isVisible = frame.standing === COUNTED && verdict.isVisible && !this.lines.isTooDeep(frame.depth);
    frame.inner = frame.standing === COUNTED && verdict.isVisible ? frame.depth + 1 : frame.depth;
    if (this.lines.isBeforeRange(thread)) frame.isOpened = true;
    else if (frame.isVisible && this.isEager && thread.height > 1) this.lines.openPending(thread, thread.height - 1);
  }

  private leave(thread: ReplayThread, leaving: Leaving): void {
    const frame = thread.top as ReplayFrame;
    if (!frame.isVisible || this.lines.isBeforeRange(thread)) {
      thread.pop();
      return;
    }
    this.lines.leave(thread, frame, leaving, this.signal);
    thread.pop();
  }

  /** Makes the stack agree with a recorded depth: frames above it were unwound; missing ones are unknown. */
  private settle(thread: ReplayThread, depth: number): void {
    thread.skipped = Math.max(0, Math.min(thread.skipped, thread.skipped + depth - thread.depth));
    while (thread.height > 1 && thread.depth > depth) this.leave(thread, 'unwound');
    thread.base += depth - thread.depth;
  }

  private advance(thread: ReplayThread, columns: EventColumns, at: number): void {
    thread.ownClock = columns.threadClock[at] as number;
    thread.clock = columns.clock[at] as number;
  }

  /** The thread that ran last ran until `clock`, without events. */
  private runUntil(clock: number): void {
    const { current } = this;
    if (current === undefined || clock <= current.clock) return;
    current.ownClock += clock - current.clock;
    current.clock = clock;
  }

  private endThread(thread: ReplayThread, clock: number): void {
    if (thread === this.current) this.runUntil(clock);
    while (thread.height > 0) this.leave(thread, 'running');
    this.threads.delete(thread.tid);
    this.lines.interrupted.delete(thread);
    if (thread === this.current) this.current = undefined;
  }

  private closeAll(leaving: Leaving): void {
    const { threads } = this;
    for (const thread of [...threads.values()].sort((a, b) => a.tid - b.tid)) {
      while (thread.height > 0) this.leave(thread, leaving);
    }
    this.threads = new Map();
    this.current = undefined;
    this.lines.interrupted.clear();
  }

  private wantsThreadNote({ what, parentTid, tid }: Extract<Note, { type: 'thread' }>): boolean {
    const thread = this.threads.get(tid);
    if (what === 'start') return parentTid !== undefined;
    return thread !== undefined && this.threads.size > 1;
  }
}

/** Instructions of a veneer at most. */
const MAX_VENEER_INSNS = 8;

/** A probe right where a call went, before anything else happened. */
const isAtEntry = ({ location, clock }: ProbeNote, frame: ReplayFrame): boolean =>
  frame.isVisible &&
  !frame.isOpened &&
  frame.entry === (location & ~1) >>> 0 &&
  clock - frame.clock <= (frame.verdict.info.behind ? MAX_VENEER_INSNS : 0);
