import type { CallForest } from './call-forest.js';
import type { CommonStack } from './common-stack.js';
import type { FlowKeys, SharedNames } from './flow-keys.js';
import { type Aligned, alignSequences } from './sequence-align.js';
import type { SideTree } from './side-tree.js';

/** A line of a hunk. `open` and `close` stand around what differs inside a call; `more` stands for calls left out. */
export interface HunkLine {
  readonly sign: ' ' | '-' | '+';
  readonly what: 'call' | 'open' | 'close' | 'more';
  readonly depth: number;
  readonly function: string;
  readonly count: number;
}

/** Where the calls of two threads differ, from the outermost function in which they do. */
export interface TreeHunk {
  readonly thread: number;
  readonly function: string;
  readonly lines: readonly HunkLine[];
  /** True when lines or subtrees had to be left out. */
  readonly cut: boolean;
}

const MAX_LINES = 5000;
/** How far below the place of parting subtrees are looked into. */
const MAX_NESTING = 100;

/** What two threads did after they parted, as one hunk; undefined when they made the same calls. */
export const treeHunk = (
  thread: number,
  stack: CommonStack,
  trees: readonly [SideTree, SideTree],
  forest: CallForest,
  names: SharedNames,
  keys: FlowKeys,
  context: number,
): TreeHunk | undefined => new HunkMaker(stack, trees, forest, names, keys, context).make(thread);

class HunkMaker {
  private readonly stack: CommonStack;
  private readonly trees: readonly [SideTree, SideTree];
  private readonly forest: CallForest;
  private readonly names: SharedNames;
  private readonly keys: FlowKeys;
  private readonly context: number;
  private readonly lines: HunkLine[] = [];
  private cut = false;

  constructor(
    stack: CommonStack,
    trees: readonly [SideTree, SideTree],
    forest: CallForest,
    names: SharedNames,
    keys: FlowKeys,
    context: number,
  ) {
    this.stack = stack;
    this.trees = trees;
    this.forest = forest;
    this.names = names;
    this.keys = keys;
    this.context = context;
  }

  make(thread: number): TreeHunk | undefined {
    const levels = Array.from({ length: this.trees[0].after.length }, (_, level) => level);
    const differing = levels.filter((level) => !this.isSameAfter(level));
    const [top] = differing;
    if (top === undefined) return undefined;
    this.level(top, differing.at(-1) as number, 0);
    const isCut = this.cut || this.forest.overflowed || this.trees.some(({ overflowed }) => overflowed);
    return { thread, function: this.functionName(top), lines: this.lines, cut: isCut };
  }

  private after(level: number): readonly [readonly number[], readonly number[]] {
    return [this.trees[0].after[level] as number[], this.trees[1].after[level] as number[]];
  }

  private isSameAfter(level: number): boolean {
    const [old, now] = this.after(level);
    return old.length === now.length && old.every((item, at) => item === now[at]);
  }

  /** The calls of the function open at `level`: the last ones before the parting, the one it is in, those after it. */
  private level(level: number, deepest: number, depth: number): void {
    const { calls, more } = this.stack.recentCalls(level);
    if (more) this.put(' ', 'more', depth, '', 0);
    for (const { target, count } of calls) this.put(' ', 'call', depth, this.labelAt(target), count);
    if (level + 1 < this.stack.height) {
      const name = this.functionName(level + 1);
      if (level < deepest && depth < MAX_NESTING) {
        this.put(' ', 'open', depth, name, 1);
        this.level(level + 1, deepest, depth + 1);
        this.put(' ', 'close', depth, name, 1);
      } else this.put(' ', 'call', depth, name, 1);
    }
    const [old, now] = this.after(level);
    this.siblings(old, now, depth, true);
  }

  /** Two lists of pairs (subtree, how often in a row). */
  private siblings(old: ArrayLike<number>, now: ArrayLike<number>, depth: number, isTail: boolean): void {
    const aligned = alignSequences(old, now);
    aligned.forEach((part, at) => {
      if (part.type === 'same') this.same(part, depth, at === 0 && !isTail, at === aligned.length - 1);
      else this.changed(part, depth);
    });
  }

  /** Calls both made; only those near a change are shown. */
  private same({ items }: Extract<Aligned, { type: 'same' }>, depth: number, isFirst: boolean, isLast: boolean): void {
    const { context } = this;
    const runs = items.length / 2;
    const head = isFirst ? 0 : Math.min(runs, context);
    const tail = isLast ? 0 : Math.min(runs - head, context);
    const show = (run: number): void =>
      this.put(' ', 'call', depth, this.label(items[2 * run] as number), items[2 * run + 1] as number);
    for (let run = 0; run < head; run++) show(run);
    if (head + tail < runs) this.put(' ', 'more', depth, '', 0);
    for (let run = runs - tail; run < runs; run++) show(run);
  }

  /** Calls only one of them made; calls of one function on both sides are looked into. */
  private changed({ old, now }: Extract<Aligned, { type: 'changed' }>, depth: number): void {
    let taken = 0;
    for (let at = 0; at < old.length; at += 2) {
      const partner = this.partner(old[at] as number, now, taken);
      if (partner < 0) {
        this.put('-', 'call', depth, this.label(old[at] as number), old[at + 1] as number);
        continue;
      }
      for (; taken < partner; taken += 2) this.added(now, taken, depth);
      this.modified(old, at, now, partner, depth);
      taken = partner + 2;
    }
    for (; taken < now.length; taken += 2) this.added(now, taken, depth);
  }

  private added(now: readonly number[], at: number, depth: number): void {
    this.put('+', 'call', depth, this.label(now[at] as number), now[at + 1] as number);
  }

  private partner(node: number, now: readonly number[], from: number): number {
    const fn = this.forest.functionOf(node);
    for (let at = from; at < now.length; at += 2) if (this.forest.functionOf(now[at] as number) === fn) return at;
    return -1;
  }

  private modified(old: readonly number[], at: number, now: readonly number[], partner: number, depth: number): void {
    const [node, count] = [old[at] as number, old[at + 1] as number];
    const [other, otherCount] = [now[partner] as number, now[partner + 1] as number];
    const [inside, otherInside] = [this.forest.childrenOf(node), this.forest.childrenOf(other)];
    const name = this.label(node);
    if (node === other || count !== otherCount || !inside || !otherInside || depth >= MAX_NESTING) {
      const common = Math.min(count, otherCount);
      if (node === other && common > 0) this.put(' ', 'call', depth, name, common);
      const left = node === other ? common : 0;
      if (count > left) this.put('-', 'call', depth, name, count - left);
      if (otherCount > left) this.put('+', 'call', depth, name, otherCount - left);
      return;
    }
    this.put(' ', 'open', depth, name, count);
    this.siblings(inside, otherInside, depth + 1, false);
    this.put(' ', 'close', depth, name, count);
  }

  private put(sign: HunkLine['sign'], what: HunkLine['what'], depth: number, name: string, count: number): void {
    if (this.lines.length >= MAX_LINES) this.cut = true;
    else this.lines.push({ sign, what, depth, function: name, count });
  }

  private label(node: number): string {
    return this.names.label(this.forest.functionOf(node));
  }

  private labelAt(address: number): string {
    return this.names.label(this.keys.function(address));
  }

  private functionName(level: number): string {
    return this.labelAt(this.stack.target(level));
  }
}
