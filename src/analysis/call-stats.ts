import { EventKind } from '../events/event.js';
import type { EventColumns } from '../trace/event-columns.js';
import { addActivation, type Cost, type CostRows, type Leaving } from './cost-rows.js';
import { ThreadCosts } from './thread-costs.js';
import { ThreadStack } from './thread-stack.js';

/** Frames a stack holds at most; what is below no longer matters to costs above. */
const MAX_HEIGHT = 1 << 20;

/**
 * Folds calls and returns into costs, chunk by chunk. An instruction belongs to the function on top of its thread's stack
 * when it retired; a thread's clock stands still while others run. Code that runs before a thread's first recorded call
 * belongs to the function it is in. `FilteredStats` is the same for a part of the calls.
 */
export class CallStats {
  readonly table: CostRows;
  /** Threads of the segments that have ended. */
  readonly ended = new ThreadCosts();
  private readonly threads = new Map<number, ThreadStack>();
  private edgeRow = new Int32Array(0);

  constructor(table: CostRows) {
    this.table = table;
  }

  add(columns: EventColumns): void {
    if (columns.count === 0) return;
    const thread = this.thread(columns);
    this.resolveEdges(columns);
    const { kind, depth, edge, threadClock, count } = columns;
    const { edgeRow } = this;
    for (let i = 0; i < count; i++) {
      const type = kind[i] as number;
      if (type === EventKind.CALL) {
        this.advance(thread, threadClock[i] as number);
        if (thread.depth !== depth[i]) this.settle(thread, depth[i] as number);
        this.enter(thread, edgeRow[edge[i] as number] as number);
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
      this.ended.add(thread);
    }
    this.threads.clear();
    this.table.forgetAddresses();
  }

  private thread(columns: EventColumns): ThreadStack {
    let thread = this.threads.get(columns.tid);
    if (thread === undefined) {
      thread = new ThreadStack(columns.tid);
      this.threads.set(columns.tid, thread);
      const first = this.table.ofPlace(columns.location[0] as number);
      thread.base = columns.openDepth;
      thread.push(first, 0);
      thread.enter(first);
    }
    return thread;
  }

  private resolveEdges({ edges }: EventColumns): void {
    if (this.edgeRow.length <= edges.count) this.edgeRow = new Int32Array(edges.count * 2 + 1);
    for (let edge = 1; edge <= edges.count; edge++) {
      if (((edges.kind[edge] as number) & EventKind.CALL) === 0) continue;
      this.edgeRow[edge] = this.table.ofCall(edges.location[edge] as number, edges.target[edge] as number);
    }
  }

  /** The top function's instructions up to `ownClock`. */
  private advance(thread: ThreadStack, ownClock: number): void {
    const row = this.table.rows[thread.fn[thread.height - 1] as number] as Cost;
    row.self += ownClock - thread.ownClock;
    thread.ownClock = ownClock;
  }

  private enter(thread: ThreadStack, fn: number): void {
    if (thread.height === MAX_HEIGHT) this.settle(thread, thread.depth - 1);
    thread.push(fn, 0);
    thread.calls++;
    thread.deepest = Math.max(thread.deepest, thread.depth);
    const row = this.table.rows[fn] as Cost;
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

  private pop(thread: ThreadStack, how: Leaving): void {
    const top = --thread.height;
    const fn = thread.fn[top] as number;
    const row = this.table.rows[fn] as Cost;
    const cost = thread.ownClock - (thread.entry[top] as number);
    if (thread.leave(fn) === 0) row.total += cost;
    addActivation(row, cost, how);
  }
}
