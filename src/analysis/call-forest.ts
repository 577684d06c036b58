/** Subtrees and links between them kept at most; what comes after is told apart by function only. */
const MAX_NODES = 1 << 20;
const MAX_LINKS = 1 << 23;

/**
 * Call subtrees, each kept once: equal numbers, equal subtrees. Children are pairs (subtree, how often in a row), so loops
 * and repeated work cost nothing.
 */
export class CallForest {
  /** True when subtrees had to be cut off. */
  overflowed = false;
  private readonly functions: number[] = [];
  private readonly links: (Int32Array | undefined)[] = [];
  private readonly byHash = new Map<number, number>();
  private readonly cut = new Map<number, number>();
  private linkCount = 0;

  /** The subtree of a call of `fn` that made these calls. */
  intern(fn: number, children: readonly number[]): number {
    let hash = hashOf(fn, children);
    for (;;) {
      const node = this.byHash.get(hash);
      if (node === undefined) break;
      if (this.isNode(node, fn, children)) return node;
      hash++;
    }
    if (this.functions.length >= MAX_NODES || this.linkCount + children.length > MAX_LINKS) return this.cutNode(fn);
    this.linkCount += children.length;
    const node = this.add(fn, Int32Array.from(children));
    this.byHash.set(hash, node);
    return node;
  }

  functionOf(node: number): number {
    return this.functions[node] as number;
  }

  /** Pairs; undefined when they were not kept. */
  childrenOf(node: number): Int32Array | undefined {
    return this.links[node];
  }

  private add(fn: number, children: Int32Array | undefined): number {
    this.functions.push(fn);
    this.links.push(children);
    return this.functions.length - 1;
  }

  private cutNode(fn: number): number {
    this.overflowed = true;
    const node = this.cut.get(fn) ?? this.add(fn, undefined);
    this.cut.set(fn, node);
    return node;
  }

  private isNode(node: number, fn: number, children: readonly number[]): boolean {
    const links = this.links[node] as Int32Array;
    return (
      this.functions[node] === fn && links.length === children.length && links.every((link, i) => link === children[i])
    );
  }
}

/** 52 bits, as a whole number. */
const hashOf = (fn: number, children: readonly number[]): number => {
  let low = Math.imul(fn, 0x9e3779b1);
  let high = fn ^ 0x5bd1e995;
  for (let i = 0; i < children.length; i++) {
    const link = children[i] as number;
    low = Math.imul(low ^ link, 0x85ebca6b);
    low ^= low >>> 13;
    high = Math.imul(high ^ (link + i), 0xc2b2ae35);
    high ^= high >>> 15;
  }
  return (high >>> 12) * 2 ** 32 + (low >>> 0);
};
