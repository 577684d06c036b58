import type { ThreadListener } from './format.js';

/** Frames of a path told apart; what is deeper hangs below the last of them. */
export const MAX_DEPTH = 1024;
/** Paths told apart. */
const MAX_NODES = 1 << 21;
/** Above every function number. */
const KEY_FACTOR = 2 ** 21;

const grown = <T extends Int32Array | Float64Array>(from: T, to: T): T => {
  to.set(from);
  return to;
};

/**
 * Call paths, each once: a tree of functions below one root per thread, with calls and self instructions by path. Its
 * size depends on how many different paths there are, not on how many calls; beyond the limits paths are shortened in the
 * middle, so that sums by function stay exact.
 */
export class StackTree {
  count = 0;
  /** True when a path had to be shortened. */
  shortened = false;
  /** Number of the function; `-1 - N` for root N. */
  fn = new Int32Array(1024);
  parent = new Int32Array(1024);
  depth = new Int32Array(1024);
  self = new Float64Array(1024);
  calls = new Float64Array(1024);
  readonly roots: { readonly node: number; readonly tid: number; readonly name: string }[] = [];
  private readonly children = new Map<number, number>();

  /** A listener that folds a thread's calls below a root of its own; threads of the same name and number share one. */
  thread(tid: number, name: string): ThreadListener {
    const known = this.roots.find((root) => root.tid === tid && root.name === name)?.node;
    return new TreeListener(this, known ?? this.addRoot(tid, name));
  }

  child(parent: number, fn: number): number {
    const key = parent * KEY_FACTOR + fn;
    return this.children.get(key) ?? this.addChild(parent, fn, key);
  }

  /** Functions from the outermost inwards, the thread's root left out. */
  path(node: number): number[] {
    const path: number[] = [];
    for (let at = node; (this.fn[at] as number) >= 0; at = this.parent[at] as number) path.push(this.fn[at] as number);
    return path.reverse();
  }

  rootOf(node: number): (typeof this.roots)[number] {
    let at = node;
    while ((this.fn[at] as number) >= 0) at = this.parent[at] as number;
    return this.roots[-1 - (this.fn[at] as number)] as (typeof this.roots)[number];
  }

  private addRoot(tid: number, name: string): number {
    const node = this.add(0, -1 - this.roots.length, 0);
    this.roots.push({ node, tid, name });
    return node;
  }

  private addChild(parent: number, fn: number, key: number): number {
    const full = this.count >= MAX_NODES;
    if ((full && this.depth[parent] !== 0) || (this.depth[parent] as number) > MAX_DEPTH) {
      this.shortened = true;
      let above = parent;
      while ((this.depth[above] as number) > (full ? 0 : MAX_DEPTH)) above = this.parent[above] as number;
      return this.child(above, fn);
    }
    const node = this.add(parent, fn, (this.depth[parent] as number) + 1);
    this.children.set(key, node);
    return node;
  }

  private add(parent: number, fn: number, depth: number): number {
    if (this.count === this.fn.length) this.grow();
    this.fn[this.count] = fn;
    this.parent[this.count] = parent;
    this.depth[this.count] = depth;
    return this.count++;
  }

  private grow(): void {
    const size = this.fn.length * 2;
    this.fn = grown(this.fn, new Int32Array(size));
    this.parent = grown(this.parent, new Int32Array(size));
    this.depth = grown(this.depth, new Int32Array(size));
    this.self = grown(this.self, new Float64Array(size));
    this.calls = grown(this.calls, new Float64Array(size));
  }
}

/** Keeps the node of each open frame: a shortened path cannot be walked back by its parents. */
class TreeListener implements ThreadListener {
  private readonly tree: StackTree;
  private open = new Int32Array(64);
  private height = 0;
  private top: number;

  constructor(tree: StackTree, root: number) {
    this.tree = tree;
    this.top = root;
  }

  enter(fn: number, site: number): void {
    if (this.height === this.open.length) this.open = grown(this.open, new Int32Array(this.height * 2));
    this.open[this.height++] = this.top;
    this.top = this.tree.child(this.top, fn);
    if (site !== 0) this.tree.calls[this.top] = (this.tree.calls[this.top] as number) + 1;
  }

  leave(): void {
    this.top = this.open[--this.height] as number;
  }

  spend(instructions: number): void {
    this.tree.self[this.top] = (this.tree.self[this.top] as number) + instructions;
  }
}
