import { EventKind } from '../events/event.js';
import type { EventColumns } from '../trace/event-columns.js';
import type { CallForest } from './call-forest.js';
import type { CommonStack } from './common-stack.js';
import type { FlowKeys } from './flow-keys.js';

/** Runs of calls kept of one activation at most, and frames. */
const MAX_RUNS = 1 << 16;
const MAX_LEVELS = 1 << 20;

/** One event, kept. */
export interface FlowStep {
  readonly kind: number;
  readonly location: number;
  readonly target: number;
  readonly clock: number;
}

export const stepAt = (columns: EventColumns, at: number): FlowStep => ({
  kind: columns.kind[at] as number,
  location: columns.location[at] as number,
  target: columns.target[at] as number,
  clock: columns.clock[at] as number,
});

/**
 * What one trace does after the place where two parted: for every function open there, the calls it still makes until it
 * returns, as pairs (subtree, how often in a row).
 */
export class SideTree {
  /** By level of the common stack. */
  readonly after: number[][];
  /** The first call or return. */
  firstTransfer: FlowStep | undefined;
  overflowed = false;
  private readonly forest: CallForest;
  private readonly base: number;
  /** Functions and calls of the frames entered since, above the common frames still open. */
  private readonly functions: number[] = [];
  private readonly children: number[][] = [];
  private common: number;

  constructor(forest: CallForest, stack: CommonStack) {
    this.forest = forest;
    this.base = stack.depthAt(0);
    this.common = stack.height;
    this.after = Array.from({ length: stack.height }, () => []);
  }

  /** Takes the events from `from` on. */
  consume(columns: EventColumns, from: number, keys: FlowKeys): void {
    const { kind, depth, target, edge, count } = columns;
    for (let i = from; i < count; i++) {
      const type = kind[i] as number;
      if (type > EventKind.RET || edge[i] === 0) continue;
      this.firstTransfer ??= stepAt(columns, i);
      const level = (depth[i] as number) - this.base;
      if (type === EventKind.CALL) this.enter(level + 1, keys.function(target[i] as number));
      else this.closeTo(level);
    }
  }

  /** Closes what still runs. */
  finish(): void {
    this.closeTo(this.common - 1);
  }

  private enter(level: number, fn: number): void {
    this.closeTo(level - 1);
    if (this.functions.length >= MAX_LEVELS) return;
    this.functions.push(fn);
    this.children.push([]);
  }

  /** Makes `level` the innermost frame. */
  private closeTo(level: number): void {
    while (this.functions.length > 0 && this.common + this.functions.length - 1 > level) this.closeFrame();
    if (this.common - 1 > level) this.common = Math.max(1, level + 1);
  }

  private closeFrame(): void {
    const fn = this.functions.pop() as number;
    const node = this.forest.intern(fn, this.children.pop() as number[]);
    const siblings = this.children.at(-1) ?? (this.after[this.common - 1] as number[]);
    const last = siblings.length - 2;
    if (last >= 0 && siblings[last] === node) siblings[last + 1] = (siblings[last + 1] as number) + 1;
    else if (last < 2 * MAX_RUNS) siblings.push(node, 1);
    else this.overflowed = true;
  }
}
