import { addActivation, type Cost, type Leaving, noCost } from './cost-rows.js';

/** Paths told apart at most; calls beyond are counted with the function that makes them. */
const MAX_NODES = 1 << 20;
/** Above every row number. */
const KEY_FACTOR = 2 ** 21;

/** Costs of one path of calls: a function and all activations of it below the same callers. */
export interface CallPath extends Cost {
  readonly number: number;
  /** Row of the function in the table of costs. */
  readonly row: number;
  readonly parent: CallPath | undefined;
  /** Activations that another one of the same path called, directly or not. */
  recursive: number;
}

/**
 * All stacks of a run, merged by function. A recursion stays on the path of its outermost activation, so paths name each
 * function once and there are as few as there can be.
 */
export class CallTree {
  readonly paths: CallPath[] = [];
  private readonly numbers = new Map<number, number>();

  /** The number of the path that goes on from `parent` (-1 for none) with a call of `row`. */
  child(parent: number, row: number): number {
    const key = (parent + 1) * KEY_FACTOR + row;
    let number = this.numbers.get(key);
    if (number === undefined) {
      number = this.find(parent, row) ?? this.add(parent, row);
      if (this.numbers.size < MAX_NODES) this.numbers.set(key, number);
    }
    return number;
  }

  /** An activation of a path has ended; `outer` is how many of it are still open. `isCall`: its call was seen. */
  end(path: number, cost: number, self: number, outer: number, isCall: boolean, how: Leaving): void {
    const node = this.paths[path] as CallPath;
    node.self += self;
    node.deepest = Math.max(node.deepest, outer + 1);
    if (outer === 0) node.total += cost;
    if (!isCall) return;
    node.calls++;
    if (outer > 0) node.recursive++;
    addActivation(node, cost, how);
  }

  private find(parent: number, row: number): number | undefined {
    let at = parent < 0 ? undefined : this.paths[parent];
    while (at !== undefined && at.row !== row) at = at.parent;
    return at?.number;
  }

  private add(parent: number, row: number): number {
    const above = parent < 0 ? undefined : this.paths[parent];
    if (this.paths.length >= MAX_NODES) return Math.max(0, parent);
    const number = this.paths.length;
    this.paths.push({ number, row, parent: above, recursive: 0, ...noCost() });
    return number;
  }
}
