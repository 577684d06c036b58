/**
 * The lines of a replay: given out in order, each call opened before what happens inside it, threads told apart. Which
 * calls there are is the stack's business (replay-tree).
 */
import type { Note } from '../events/event.js';
import type { ClockRange, ReadFilters } from './filters.js';
import type { Leaving, ReplayRecord } from './replay.js';
import type { ReplayFrame, ReplayThread } from './replay-thread.js';
import type { FunctionInfo, Place, TraceSymbols } from './symbolize.js';

export class ReplayLines {
  /** Threads that have calls held back since another one ran. */
  readonly interrupted = new Set<ReplayThread>();
  private readonly symbols: TraceSymbols;
  private readonly filters: ReadFilters;
  private readonly range: ClockRange | undefined;
  private readonly emit: (record: ReplayRecord) => void;
  private readonly minCost: number;

  constructor(
    symbols: TraceSymbols,
    filters: ReadFilters,
    range: ClockRange | undefined,
    emit: (record: ReplayRecord) => void,
  ) {
    this.symbols = symbols;
    this.filters = filters;
    this.range = range;
    this.emit = emit;
    this.minCost = filters.minCost ?? 0;
  }

  isBeforeRange(thread: ReplayThread): boolean {
    return this.range !== undefined && thread.clock < this.range.from;
  }

  isTooDeep(depth: number): boolean {
    return this.filters.depth !== undefined && depth >= this.filters.depth;
  }

  /** Opens the visible calls held back below `height`. */
  openPending(thread: ReplayThread, height: number): void {
    this.introduce(thread);
    for (; thread.pendingFrom < height; thread.pendingFrom++)
      this.open(thread, thread.frames[thread.pendingFrom] as ReplayFrame);
  }

  private open(thread: ReplayThread, frame: ReplayFrame): void {
    if (!frame.isVisible || frame.isOpened) return;
    this.letOthersSpeak(thread);
    frame.isOpened = true;
    const args = frame.probe ? { args: frame.probe.values } : {};
    const { depth, clock, verdict } = frame;
    this.emit({ type: 'open', clock, tid: thread.tid, depth, function: verdict.info, ...args });
  }

  /** Opens the calls held back that have cost enough already. */
  openWorthy(thread: ReplayThread): void {
    if (this.filters.caller !== undefined) return;
    let height = thread.height;
    while (height > thread.pendingFrom) {
      const { ownClock } = thread.frames[height - 1] as ReplayFrame;
      if (!(thread.ownClock - ownClock < this.minCost)) break;
      height--;
    }
    this.openPending(thread, height);
  }

  hasPending(thread: ReplayThread): boolean {
    return thread.frames.slice(thread.pendingFrom, thread.height).some((frame) => frame.isVisible && !frame.isOpened);
  }

  /** Before a thread's line, the calls other threads have begun in the meantime. */
  letOthersSpeak(thread: ReplayThread): void {
    if (this.interrupted.size === 0) return;
    const others = [...this.interrupted];
    this.interrupted.clear();
    for (const other of others) if (other !== thread) this.openWorthy(other);
  }

  /** What was open when the range began, once for each thread. */
  introduce(thread: ReplayThread): void {
    if (this.range === undefined || thread.isIntroduced || this.isBeforeRange(thread)) return;
    thread.isIntroduced = true;
    const opened = thread.frames.slice(0, thread.height).filter((frame) => frame.isVisible && frame.isOpened);
    if (opened.length === 0) return;
    const stack: readonly FunctionInfo[] = opened.map(({ verdict }) => verdict.info);
    this.emit({ type: 'context', clock: thread.clock, tid: thread.tid, stack });
  }

  /** The end of a visible call: closes its line, or is all of it; nothing for one that was not worth it. */
  leave(thread: ReplayThread, frame: ReplayFrame, leaving: Leaving, signal: number): void {
    const cost = thread.ownClock - frame.ownClock;
    const left = {
      leaving,
      ...(Number.isNaN(cost) ? {} : { insns: cost }),
      ...(leaving === 'running' && signal !== 0 ? { signal } : {}),
      ...(frame.result === undefined ? {} : { result: frame.result }),
    };
    const { clock, tid } = thread;
    const { depth } = frame;
    const { info } = frame.verdict;
    if (frame.isOpened) {
      this.introduce(thread);
      this.letOthersSpeak(thread);
      this.emit({ type: 'close', clock, tid, depth, function: info, ...left });
    } else if (frame.verdict.isGoal && !(cost < this.minCost)) {
      this.openPending(thread, thread.height - 1);
      this.letOthersSpeak(thread);
      const args = frame.probe ? { args: frame.probe.values } : {};
      this.emit({ type: 'call', clock: frame.clock, tid, depth, function: info, ...args, ...left });
    }
  }

  /** A line for a note among calls. */
  note(note: Exclude<Note, { type: 'module' }>, depth: number): void {
    const at: Place | undefined =
      note.type === 'probe'
        ? this.symbols.place(note.location)
        : note.type === 'signal'
          ? this.symbols.place(note.pc)
          : undefined;
    this.emit({ type: 'note', clock: note.clock, tid: note.tid, depth, note, ...(at ? { at } : {}) });
  }
}
