import type { Leaving } from './cost-rows.js';
import { type ClockRange, type ReadFilters, standingUnder, type Verdict, Verdicts } from './filters.js';
import type { TraceSymbols } from './symbolize.js';
import { COUNTED, OUTSIDE } from './thread-stack.js';

/** Frames of one thread at most; what is below no longer matters to costs above. */
const MAX_HEIGHT = 1 << 20;
const ALL: ClockRange = { from: 0, to: Number.POSITIVE_INFINITY };

/** One open call, and what the filters make of it. */
export interface FilteredCall {
  verdict: Verdict;
  /** OUTSIDE, COUNTED or DROPPED. */
  standing: number;
  /** Levels of calls above it, and above what it calls. */
  depth: number;
  inner: number;
  /** The filters show it, unless it turns out too cheap or to lead nowhere. */
  isShown: boolean;
  /** Its call was seen, in the range. */
  isCall: boolean;
  /** All of it was seen, in the range. */
  isWhole: boolean;
  /** The nearest frame from here down that is shown and so gets the costs; -1 for none. */
  charged: number;
  /** The thread's counted instructions at its entry. */
  entry: number;
}

/** One thread's open calls. */
export abstract class FilteredCalls<F extends FilteredCall> {
  readonly tid: number;
  readonly frames: F[] = [];
  height = 0;
  /** Recorded depth of the calls made by the frame at the bottom. */
  base = 0;
  clock = 0;
  /** Instructions the thread had retired; those of them inside the range. */
  ownClock = 0;
  counted = 0;

  constructor(tid: number) {
    this.tid = tid;
  }

  /** Recorded depth as the stack stands. */
  get depth(): number {
    return this.base + this.height - 1;
  }

  get top(): F | undefined {
    return this.frames[this.height - 1];
  }
}

/**
 * The rules by which part of the calls is chosen, one stack per thread: what `replay` with the same filters would give no
 * line is part of the function that called it; what lies outside the chosen subtrees is not counted at all.
 */
export abstract class CallFilter<F extends FilteredCall, T extends FilteredCalls<F>> {
  protected readonly filters: ReadFilters;
  protected readonly verdicts: Verdicts;
  protected readonly threads = new Map<number, T>();
  /** Only what happens between these clocks counts. */
  protected range: ClockRange;

  constructor(symbols: TraceSymbols, filters: ReadFilters, range: ClockRange = ALL) {
    this.filters = filters;
    this.range = range;
    this.verdicts = new Verdicts(symbols, filters);
  }

  /** Whether the filters let pass what a thread does at the moment. */
  isShownNow(tid: number): boolean {
    const thread = this.threads.get(tid);
    const { only, caller } = this.filters;
    return thread === undefined ? only === undefined && caller === undefined : this.isShown(thread);
  }

  /** Takes the top frame away. */
  protected abstract pop(thread: T, how: Leaving): void;

  protected isShown({ top }: T): boolean {
    return top?.isShown === true && (this.filters.caller === undefined || top.verdict.isGoal);
  }

  /** The thread that ran last. */
  protected get latest(): T | undefined {
    return [...this.threads.values()].reduce<T | undefined>(
      (latest, thread) => (latest === undefined || thread.clock > latest.clock ? thread : latest),
      undefined,
    );
  }

  /** The thread has run until `ownClock`, its last instruction being that of `clock`; answers how many lie inside the range. */
  protected pass(thread: T, clock: number, ownClock: number): number {
    const { from, to } = this.range;
    const first = Math.max(from, clock - (ownClock - thread.ownClock) + 1);
    const inside = Math.max(0, Math.min(to, clock) - first + 1);
    thread.ownClock = ownClock;
    thread.clock = clock;
    thread.counted += inside;
    return inside;
  }

  /** Makes room for a call that was recorded at `depth`. */
  protected beforeCall(thread: T, depth: number): void {
    if (thread.depth !== depth) this.settle(thread, depth);
    if (thread.height >= MAX_HEIGHT) this.settle(thread, thread.depth - 1);
  }

  /** Fills in what the filters say of the top frame, given its caller; answers whether it begins a chosen subtree. */
  protected place(thread: T, frame: F, caller: F | undefined, isCall: boolean): boolean {
    const { verdict } = frame;
    frame.standing = standingUnder(caller?.standing ?? OUTSIDE, verdict);
    const isCounted = frame.standing === COUNTED;
    const isOutermost = isCounted && caller?.standing !== COUNTED;
    frame.depth = caller?.inner ?? 0;
    frame.inner = isCounted && verdict.isVisible ? frame.depth + 1 : frame.depth;
    const isDeep = frame.depth >= (this.filters.depth ?? Number.POSITIVE_INFINITY);
    frame.isShown = isCounted && !isDeep && this.mayShow(verdict);
    frame.isCall = isCall;
    frame.isWhole = isCall;
    const above = isOutermost ? -1 : (caller?.charged ?? -1);
    frame.charged = frame.isShown ? thread.height - 1 : isCounted ? above : -1;
    return isOutermost;
  }

  /** Whether a chosen function gets a place of its own. */
  protected abstract mayShow(verdict: Verdict): boolean;

  /** A return after which the recorded depth is `depth`; the last frame to go is the one that returned. */
  protected leaveTo(thread: T, depth: number): void {
    if (depth < thread.depth - 1) this.settle(thread, depth + 1);
    if (depth === thread.depth - 1 && thread.height > 1) this.pop(thread, 'returned');
    else this.settle(thread, depth);
  }

  /** Makes the stack agree with a recorded depth: frames above it were unwound; missing ones are unknown. */
  protected settle(thread: T, depth: number): void {
    while (thread.height > 1 && thread.depth > depth) this.pop(thread, 'unwound');
    thread.base += depth - thread.depth;
  }
}
