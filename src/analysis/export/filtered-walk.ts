import { EventKind } from '../../events/event.js';
import type { EventColumns } from '../../trace/event-columns.js';
import { CallFilter } from '../call-filter.js';
import type { ClockRange, ReadFilters, Verdict } from '../filters.js';
import type { FunctionTable } from '../function-table.js';
import type { TraceSymbols } from '../symbolize.js';
import type { ThreadListener, ThreadTime } from './format.js';
import { type WalkFrame, WalkThread } from './walk-thread.js';

export type Listen = (tid: number, time: ThreadTime) => ThreadListener | undefined;

/**
 * CallWalk for a part of the calls, by the rules of FilteredStats: a call that is left out counts into the function that
 * made it. A call is held back until it is known that it costs enough and leads where it should; what is held is the
 * stack, never what happened in it.
 */
export class FilteredWalk extends CallFilter<WalkFrame, WalkThread> {
  private readonly functions: FunctionTable;
  private readonly listen: Listen;
  private readonly minCost: number;
  private shown = new Uint8Array(0);

  constructor(
    functions: FunctionTable,
    symbols: TraceSymbols,
    { filters, range }: { readonly filters: ReadFilters; readonly range: ClockRange | undefined },
    listen: Listen,
  ) {
    super(symbols, filters, range);
    this.functions = functions;
    this.listen = listen;
    this.minCost = filters.minCost ?? 0;
  }

  /** Takes events of one thread; answers, by index, which of them the filters let through. */
  add(columns: EventColumns, from: number, to: number): Uint8Array {
    const { clock, threadClock, kind, depth, location, target } = columns;
    if (this.shown.length < to) this.shown = new Uint8Array(2 * to);
    const { shown } = this;
    shown.fill(0, from, to);
    if (from >= to) return shown;
    const thread = this.threads.get(columns.tid) ?? this.begin(columns, from);
    for (let i = from; i < to && !thread.isOver; i++) {
      this.advance(thread, clock[i] as number, threadClock[i] as number);
      if (thread.clock > this.range.to) this.endRange(thread);
      const isInside = thread.clock >= this.range.from && !thread.isOver;
      if (thread.isOver) break;
      if (kind[i] === EventKind.CALL)
        this.call(thread, location[i] as number, target[i] as number, depth[i] as number, isInside);
      if (isInside && this.isShown(thread)) shown[i] = 1;
      if (kind[i] === EventKind.RET) this.leaveTo(thread, depth[i] as number);
    }
    return shown;
  }

  /** Closes what still runs when a process ended at `clock`: the thread that ran last ran until then. */
  endSegment(clock: number): void {
    const last = this.latest;
    if (last && clock > last.clock && !last.isOver) {
      this.advance(last, clock, last.ownClock + clock - last.clock);
      if (clock > this.range.to) this.endRange(last);
    }
    for (const thread of this.threads.values()) while (thread.height > 0) this.pop(thread);
    this.threads.clear();
    this.forgetAddresses();
  }

  /** Addresses may mean other functions from here on. */
  forgetAddresses(): void {
    this.functions.forgetAddresses();
    this.verdicts.forgetAddresses();
  }

  protected override mayShow(verdict: Verdict): boolean {
    return verdict.isVisible;
  }

  /** A thread's first events: the calls open before are known from the chunk. */
  private begin({ tid, openReturns, openDepth, clock, threadClock, location }: EventColumns, at: number): WalkThread {
    const thread = new WalkThread(tid);
    this.threads.set(tid, thread);
    const startsHere = openDepth === 0 && openReturns.length === 0;
    const [now, own] = [clock[at] as number, threadClock[at] as number];
    thread.clock = startsHere ? Math.max(0, now - own) : now;
    thread.ownClock = startsHere ? 0 : own;
    thread.time.clock = thread.clock;
    thread.time.ownClock = thread.ownClock;
    thread.listener = this.listen(tid, thread.time);
    thread.base = openDepth - openReturns.length;
    for (const address of openReturns) this.enter(thread, this.verdicts.of(address), address, 0, false);
    const first = location[at] as number;
    const frame = this.enter(thread, this.verdicts.of(first), first, 0, false);
    frame.isWhole = startsHere && now >= this.range.from;
    this.openWorthy(thread);
    return thread;
  }

  /** The thread has run until `ownClock`, its last instruction being that of `clock`. */
  private advance(thread: WalkThread, clock: number, ownClock: number): void {
    const { from, to } = this.range;
    thread.past = Math.max(0, Math.min(ownClock - thread.ownClock, clock - to));
    const inside = this.pass(thread, clock, ownClock);
    if (clock >= from && !thread.hasReachedRange) {
      thread.hasReachedRange = true;
      thread.rangeOwnClock = ownClock - inside - thread.past;
    }
    const charged = thread.top?.charged ?? -1;
    if (charged >= 0) charge(thread, charged, inside);
    if (thread.pendingFrom < thread.height) this.openWorthy(thread);
  }

  private call(thread: WalkThread, site: number, target: number, depth: number, isInside: boolean): void {
    this.beforeCall(thread, depth);
    this.enter(thread, this.verdicts.of(target), target, site, isInside);
    this.openWorthy(thread);
  }

  private enter(thread: WalkThread, verdict: Verdict, address: number, site: number, isCall: boolean): WalkFrame {
    const caller = thread.top;
    const frame = thread.push(verdict, this.functions.indexOf(address));
    this.place(thread, frame, caller, isCall);
    frame.site = caller?.isShown === false && caller.charged >= 0 ? caller.site : site;
    return frame;
  }

  /** Tells the listener of calls held back that turn out to be worth it, and of those that led to them. */
  private openWorthy(thread: WalkThread): void {
    if (thread.clock < this.range.from) return;
    let height = thread.height;
    while (height > thread.pendingFrom && !this.isWorthy(thread, thread.frames[height - 1] as WalkFrame)) height--;
    for (; thread.pendingFrom < height; thread.pendingFrom++)
      this.open(thread, thread.frames[thread.pendingFrom] as WalkFrame);
  }

  private isWorthy(thread: WalkThread, { isShown, isWhole, verdict, entry }: WalkFrame): boolean {
    return isShown && verdict.isGoal && !(isWhole && thread.counted - entry < this.minCost);
  }

  private open(thread: WalkThread, frame: WalkFrame): void {
    if (!frame.isShown || frame.isOpen) return;
    const isOld = frame.clock < this.range.from;
    setTime(thread, isOld ? this.range.from : frame.clock, isOld ? thread.rangeOwnClock : frame.ownClock);
    frame.isOpen = true;
    thread.listener?.enter(frame.fn, frame.isCall ? frame.site : 0);
    if (frame.spent > 0) thread.listener?.spend(frame.spent);
    frame.spent = 0;
  }

  protected override pop(thread: WalkThread): void {
    const frame = thread.frames[--thread.height] as WalkFrame;
    thread.pendingFrom = Math.min(thread.pendingFrom, thread.height);
    if (!frame.isShown) return;
    if (!frame.isOpen) {
      handDown(thread, frame);
      return;
    }
    setTime(thread, thread.clock, thread.ownClock);
    thread.listener?.leave(frame.fn);
  }

  /** The thread has run past the end of the range. */
  private endRange(thread: WalkThread): void {
    thread.clock = this.range.to;
    thread.ownClock -= thread.past;
    while (thread.height > 0) this.pop(thread);
    thread.isOver = true;
  }
}

const charge = (thread: WalkThread, at: number, insns: number): void => {
  const frame = thread.frames[at] as WalkFrame;
  if (insns === 0) return;
  if (frame.isOpen) thread.listener?.spend(insns);
  else frame.spent += insns;
};

/** A call that is not shown after all: its instructions are its caller's. */
const handDown = (thread: WalkThread, frame: WalkFrame): void => {
  const { top } = thread;
  if (top !== undefined && top.charged >= 0 && top.standing === frame.standing)
    charge(thread, top.charged, frame.spent);
};

const setTime = ({ time }: WalkThread, clock: number, ownClock: number): void => {
  time.clock = clock;
  time.ownClock = ownClock;
};
