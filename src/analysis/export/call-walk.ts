import { EventKind } from '../../events/event.js';
import type { EventColumns } from '../../trace/event-columns.js';
import type { FunctionTable } from '../function-table.js';
import { ThreadStack } from '../thread-stack.js';
import type { ThreadListener } from './format.js';

/** Frames a stack holds at most, as in CallStats. */
const MAX_HEIGHT = 1 << 20;

interface Walker {
  readonly stack: ThreadStack;
  readonly listener: ThreadListener;
}

/**
 * Turns calls and returns into frames entered and left, by the rules of CallStats: the numbers of an export are those of
 * `summarize`. Calls without a return (longjmp, exceptions) are left when the recorded depth says so.
 */
export class CallWalk {
  private readonly functions: FunctionTable;
  private readonly listen: (stack: ThreadStack) => ThreadListener;
  private readonly walkers = new Map<number, Walker>();
  private edgeFunction = new Int32Array(0);

  constructor(functions: FunctionTable, listen: (stack: ThreadStack) => ThreadListener) {
    this.functions = functions;
    this.listen = listen;
  }

  add(columns: EventColumns): void {
    const { count } = columns;
    if (count === 0) return;
    const walker = this.walker(columns);
    const { stack } = walker;
    this.resolveEdges(columns);
    const { kind, depth, edge, clock, threadClock, location } = columns;
    const { edgeFunction } = this;
    for (let i = 0; i < count; i++) {
      const type = kind[i] as number;
      if (type === EventKind.CALL) {
        advance(walker, clock[i] as number, threadClock[i] as number);
        if (stack.depth !== depth[i]) settle(walker, depth[i] as number);
        this.enter(walker, edgeFunction[edge[i] as number] as number, location[i] as number);
      } else if (type === EventKind.RET) {
        advance(walker, clock[i] as number, threadClock[i] as number);
        leaveTo(walker, depth[i] as number);
      }
    }
    advance(walker, clock[count - 1] as number, Math.max(stack.ownClock, threadClock[count - 1] as number));
  }

  /** Closes what still runs when a process ended at `clock`: the thread that ran last ran until then. */
  endSegment(clock: number): void {
    const walkers = [...this.walkers.values()];
    const last = walkers.reduce<Walker | undefined>(
      (latest, walker) => (latest === undefined || walker.stack.clock > latest.stack.clock ? walker : latest),
      undefined,
    );
    if (last && clock > last.stack.clock) advance(last, clock, last.stack.ownClock + clock - last.stack.clock);
    for (const walker of walkers) while (walker.stack.height > 0) pop(walker);
    this.walkers.clear();
    this.functions.forgetAddresses();
  }

  private walker(columns: EventColumns): Walker {
    let walker = this.walkers.get(columns.tid);
    if (walker === undefined) {
      const stack = new ThreadStack(columns.tid);
      stack.base = columns.openDepth;
      stack.clock = Math.max(0, (columns.clock[0] as number) - (columns.threadClock[0] as number));
      walker = { stack, listener: this.listen(stack) };
      this.walkers.set(columns.tid, walker);
      const first = this.functions.indexOf(columns.location[0] as number);
      stack.push(first, 0);
      walker.listener.enter(first, 0);
    }
    return walker;
  }

  private resolveEdges({ edges }: EventColumns): void {
    if (this.edgeFunction.length <= edges.count) this.edgeFunction = new Int32Array(edges.count * 2 + 1);
    for (let edge = 1; edge <= edges.count; edge++) {
      if (((edges.kind[edge] as number) & EventKind.CALL) === 0) continue;
      this.edgeFunction[edge] = this.functions.indexOf(edges.target[edge] as number);
    }
  }

  private enter(walker: Walker, fn: number, site: number): void {
    const { stack } = walker;
    if (stack.height === MAX_HEIGHT) settle(walker, stack.depth - 1);
    stack.push(fn, 0);
    walker.listener.enter(fn, site);
  }
}

const advance = ({ stack, listener }: Walker, clock: number, ownClock: number): void => {
  listener.spend(ownClock - stack.ownClock);
  stack.ownClock = ownClock;
  stack.clock = clock;
};

/** A return after which the recorded depth is `depth`. */
const leaveTo = (walker: Walker, depth: number): void => {
  const { stack } = walker;
  if (depth < stack.depth - 1) settle(walker, depth + 1);
  if (depth === stack.depth - 1 && stack.height > 1) pop(walker);
  else settle(walker, depth);
};

/** Makes the stack agree with a recorded depth: frames above it were unwound; missing ones are unknown. */
const settle = (walker: Walker, depth: number): void => {
  const { stack } = walker;
  while (stack.height > 1 && stack.depth > depth) pop(walker);
  stack.base += depth - stack.depth;
};

const pop = ({ stack, listener }: Walker): void => {
  const top = --stack.height;
  listener.leave(stack.fn[top] as number);
};
