import { EventKind } from '../events/event.js';
import type { EventColumns } from '../trace/event-columns.js';
import { type FunctionCost, FunctionTable } from './function-table.js';
import type { FunctionInfo, TraceSymbols } from './symbolize.js';
import { COUNTED, DROPPED, OUTSIDE, ThreadStack } from './thread-stack.js';

export type FunctionTest = (info: FunctionInfo) => boolean;

export interface CallFilters {
  /** Only these functions and what they call. */
  readonly only?: FunctionTest;
  /** Not these functions nor what they call. */
  readonly without?: FunctionTest;
}

/** Frames a stack holds at most; what is below no longer matters to costs above. */
const MAX_HEIGHT = 1 << 20;

/**
 * Folds calls and returns into costs by function, chunk by chunk. An instruction belongs to the function on top of its
 * thread's stack when it retired; a thread's clock stands still while others run. Code that runs before a thread's first
 * recorded call belongs to the function it is in.
 */
export class CallStats {
  readonly functions: FunctionTable;
  /** Threads of the segments that have ended. */
  readonly ended: ThreadStack[] = [];
  private readonly threads = new Map<number, ThreadStack>();
  private readonly filters: CallFilters;
  private readonly chosen: (boolean | undefined)[] = [];
  private readonly dropped: (boolean | undefined)[] = [];
  private edgeFunction = new Int32Array(0);

  constructor(symbols: TraceSymbols, filters: CallFilters = {}) {
    this.functions = new FunctionTable(symbols);
    this.filters = filters;
  }

  add(columns: EventColumns): void {
    if (columns.count === 0) return;
    const thread = this.thread(columns);
    this.resolveEdges(columns);
    const { kind, depth, edge, threadClock, count } = columns;
    const { edgeFunction } = this;
    for (let i = 0; i < count; i++) {
      const type = kind[i] as number;
      if (type === EventKind.CALL) {
        this.advance(thread, threadClock[i] as number);
        if (thread.depth !== depth[i]) this.settle(thread, depth[i] as number);
        this.enter(thread, edgeFunction[edge[i] as number] as number);
      } else if (type === EventKind.RET) {
        this.advance(thread, threadClock[i] as number);
        this.leaveTo(thread, depth[i] as number);
      }
    }
    thread.events += count;
    thread.clock = columns.clock[count - 1] as number;
    this.advance(thread, Math.max(thread.ownClock, threadClock[count - 1] as number));
  }

  /** Closes what still runs when a process ended at `clock`: the thread that ran last ran until then. */
  endSegment(clock: number): void {
    const last = [...this.threads.values()].reduce<ThreadStack | undefined>(
      (latest, thread) => (latest === undefined || thread.clock > latest.clock ? thread : latest),
      undefined,
    );
    if (last && clock > last.clock) this.advance(last, last.ownClock + clock - last.clock);
    for (const thread of this.threads.values()) {
      while (thread.height > 0) this.pop(thread, 'open');
      this.ended.push(thread);
    }
    this.threads.clear();
    this.functions.forgetAddresses();
  }

  private thread(columns: EventColumns): ThreadStack {
    let thread = this.threads.get(columns.tid);
    if (thread === undefined) {
      thread = new ThreadStack(columns.tid);
      this.threads.set(columns.tid, thread);
      const first = this.functions.indexOf(columns.location[0] as number);
      thread.base = columns.openDepth;
      thread.push(first, this.standingUnder(first, OUTSIDE));
      if (thread.standing[0] === COUNTED) thread.enter(first);
    }
    return thread;
  }

  private resolveEdges({ edges }: EventColumns): void {
    if (this.edgeFunction.length <= edges.count) this.edgeFunction = new Int32Array(edges.count * 2 + 1);
    for (let edge = 1; edge <= edges.count; edge++) {
      if (((edges.kind[edge] as number) & EventKind.CALL) === 0) continue;
      this.edgeFunction[edge] = this.functions.indexOf(edges.target[edge] as number);
    }
  }

  /** The top function's instructions up to `ownClock`. */
  private advance(thread: ThreadStack, ownClock: number): void {
    const top = thread.height - 1;
    const cost = ownClock - thread.ownClock;
    if (thread.standing[top] === COUNTED) (this.functions.rows[thread.fn[top] as number] as FunctionCost).self += cost;
    thread.ownClock = ownClock;
  }

  private enter(thread: ThreadStack, fn: number): void {
    const standing = this.standingUnder(fn, thread.standing[thread.height - 1] as number);
    if (thread.height === MAX_HEIGHT) this.settle(thread, thread.depth - 1);
    thread.push(fn, standing);
    thread.calls++;
    thread.deepest = Math.max(thread.deepest, thread.depth);
    if (standing !== COUNTED) return;
    const row = this.functions.rows[fn] as FunctionCost;
    row.calls++;
    row.deepest = Math.max(row.deepest, thread.enter(fn));
  }

  /** A return after which the recorded depth is `depth`; the last frame to go is the one that returned. */
  private leaveTo(thread: ThreadStack, depth: number): void {
    thread.returns++;
    if (depth < thread.depth - 1) this.settle(thread, depth + 1);
    if (depth === thread.depth - 1 && thread.height > 1) this.pop(thread, 'returned');
    else this.settle(thread, depth);
  }

  /** Makes the stack agree with a recorded depth: frames above it were unwound; missing ones are unknown. */
  private settle(thread: ThreadStack, depth: number): void {
    while (thread.height > 1 && thread.depth > depth) this.pop(thread, 'unwound');
    thread.base += depth - thread.depth;
  }

  private pop(thread: ThreadStack, how: 'returned' | 'unwound' | 'open'): void {
    const top = --thread.height;
    if (thread.standing[top] !== COUNTED) return;
    const fn = thread.fn[top] as number;
    const row = this.functions.rows[fn] as FunctionCost;
    const cost = thread.ownClock - (thread.entry[top] as number);
    if (thread.leave(fn) === 0) row.total += cost;
    if (how === 'open') return;
    if (how === 'returned') row.returns++;
    else row.unwound++;
    row.sum += cost;
    if (cost < row.min) row.min = cost;
    if (cost > row.max) row.max = cost;
  }

  private standingUnder(fn: number, caller: number): number {
    const { only, without } = this.filters;
    if (!only && !without) return COUNTED;
    this.chosen[fn] ??= only === undefined || only(this.info(fn));
    this.dropped[fn] ??= without?.(this.info(fn)) ?? false;
    if (caller === DROPPED || this.dropped[fn]) return DROPPED;
    return caller === COUNTED || this.chosen[fn] ? COUNTED : OUTSIDE;
  }

  private info(fn: number): FunctionInfo {
    return (this.functions.rows[fn] as FunctionCost).info;
  }
}
