/** Levels kept at most; deeper calls are not remembered. */
const MAX_LEVELS = 1 << 20;

/** A call that returned: where it went, and how often in a row. */
export interface RecentCall {
  readonly target: number;
  readonly count: number;
}

/**
 * The calls open while two traces agree, and the last few calls that each of them made: what a hunk shows around the
 * place where they part. Level 0 is the thread's first function.
 */
export class CommonStack {
  height = 0;
  private base = 0;
  private readonly context: number;
  private readonly stride: number;
  private targets = new Uint32Array(64);
  /** Per level: how many runs of calls there were, then `context` pairs (target, count) used in turn. */
  private recent: Int32Array;

  constructor(context: number) {
    this.context = context;
    this.stride = 1 + 2 * context;
    this.recent = new Int32Array(64 * this.stride);
  }

  /** Begins with an address in a function whose calls are made at `depth`. */
  begin(address: number, depth: number): void {
    this.base = depth;
    this.targets[0] = address;
    this.recent[0] = 0;
    this.height = 1;
  }

  /** A call at `depth`; one from a function that is not known begins anew. */
  call(depth: number, target: number): void {
    const level = depth - this.base + 1;
    const isElsewhere = level < 1 || level > this.height;
    if (isElsewhere) this.begin(target, depth + 1);
    if (isElsewhere || level >= MAX_LEVELS) return;
    if (level === this.targets.length) this.grow();
    this.targets[level] = target;
    this.recent[level * this.stride] = 0;
    this.height = level + 1;
  }

  /**
   * A return to `target` after which the recorded depth is `depth`. Answers the entry of the function that returned, 0 when
   * it is not known.
   */
  ret(depth: number, target: number): number {
    const level = depth - this.base;
    if (level < 0) this.begin(target, depth);
    if (level < 0 || level + 1 >= this.height) return 0;
    const returned = this.targets[level + 1] as number;
    this.remember(level, returned);
    this.height = level + 1;
    return returned;
  }

  /** An address in the function at `level`: its entry, except for level 0. */
  target(level: number): number {
    return this.targets[level] as number;
  }

  /** The recorded depth of calls made at `level`. */
  depthAt(level: number): number {
    return this.base + level;
  }

  /** The last calls made at `level`, oldest first, and whether there were more. */
  recentCalls(level: number): { readonly calls: readonly RecentCall[]; readonly more: boolean } {
    const at = level * this.stride;
    const runs = this.recent[at] as number;
    const calls: RecentCall[] = [];
    for (let run = Math.max(0, runs - this.context); run < runs; run++) {
      const slot = at + 1 + 2 * (run % this.context);
      calls.push({ target: (this.recent[slot] as number) >>> 0, count: this.recent[slot + 1] as number });
    }
    return { calls, more: runs > this.context };
  }

  private remember(level: number, target: number): void {
    const { recent, context } = this;
    if (context === 0) return;
    const at = level * this.stride;
    const runs = recent[at] as number;
    const last = at + 1 + 2 * ((runs + context - 1) % context);
    if (runs > 0 && recent[last] === (target | 0)) {
      recent[last + 1] = (recent[last + 1] as number) + 1;
      return;
    }
    const slot = at + 1 + 2 * (runs % context);
    recent[at] = runs + 1;
    recent[slot] = target;
    recent[slot + 1] = 1;
  }

  private grow(): void {
    const targets = new Uint32Array(this.targets.length * 2);
    const recent = new Int32Array(this.recent.length * 2);
    targets.set(this.targets);
    recent.set(this.recent);
    this.targets = targets;
    this.recent = recent;
  }
}
