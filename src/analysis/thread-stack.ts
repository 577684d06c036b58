/** Where a frame stands with respect to the filters: not reached yet, counted, or inside a dropped subtree. */
export const OUTSIDE = 0;
export const COUNTED = 1;
export const DROPPED = 2;

/**
 * One thread's calls while its events are folded. Depth is the recorded one; the stack holds the frames from `base` up,
 * so that a trace that begins in the middle, or whose depth jumps, costs no memory.
 */
export class ThreadStack {
  readonly tid: number;
  /** Functions of the frames, the thread's first one at the bottom. */
  fn = new Int32Array(64);
  /** The thread's clock when the frame was entered. */
  entry = new Float64Array(64);
  /** OUTSIDE, COUNTED or DROPPED. */
  standing = new Uint8Array(64);
  height = 0;
  /** Recorded depth of the frame above the bottom one. */
  base = 0;
  ownClock = 0;
  clock = 0;
  calls = 0;
  returns = 0;
  events = 0;
  deepest = 0;
  private active = new Int32Array(64);

  constructor(tid: number) {
    this.tid = tid;
  }

  /** Recorded depth as the stack stands. */
  get depth(): number {
    return this.base + this.height - 1;
  }

  /** Instructions counted: all of them. */
  get insns(): number {
    return this.ownClock;
  }

  push(fn: number, standing: number): void {
    if (this.height === this.fn.length) this.grow();
    this.fn[this.height] = fn;
    this.entry[this.height] = this.ownClock;
    this.standing[this.height] = standing;
    this.height++;
  }

  /** Counts an activation of `fn` in; answers how many there are now. */
  enter(fn: number): number {
    if (fn >= this.active.length) {
      const grown = new Int32Array(Math.max(fn + 1, this.active.length * 2));
      grown.set(this.active);
      this.active = grown;
    }
    const now = (this.active[fn] as number) + 1;
    this.active[fn] = now;
    return now;
  }

  /** Counts an activation out; answers how many are left. */
  leave(fn: number): number {
    const left = (this.active[fn] as number) - 1;
    this.active[fn] = left;
    return left;
  }

  private grow(): void {
    const size = this.fn.length * 2;
    const copy = <T extends Int32Array | Float64Array | Uint8Array>(from: T, to: T): T => {
      to.set(from);
      return to;
    };
    this.fn = copy(this.fn, new Int32Array(size));
    this.entry = copy(this.entry, new Float64Array(size));
    this.standing = copy(this.standing, new Uint8Array(size));
  }
}
