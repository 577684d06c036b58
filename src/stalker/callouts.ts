/**
 * Host functions that translated code can call, by number. A number that is released while some callout runs, which may be
 * one of the same block, keeps its meaning until that block has ended; then it is reused.
 */
export type Callout = () => void;

interface Entry {
  readonly run: Callout;
  readonly destroy: (() => void) | undefined;
}

export class CalloutTable {
  private readonly entries: (Entry | undefined)[] = [];
  private readonly free: number[] = [];
  /** Released, while their block may still be running. */
  private released: number[] = [];
  private running = 0;

  /** Numbers in use. */
  get size(): number {
    return this.entries.length - this.free.length - this.released.length;
  }

  /** Whether a callout is running: so is the block around it. */
  get isRunning(): boolean {
    return this.running > 0;
  }

  /** `destroy` runs when the number is given up. */
  add(run: Callout, destroy?: () => void): number {
    const id = this.free.pop() ?? this.entries.length;
    this.entries[id] = { run, destroy };
    return id;
  }

  /** No other block calls it; the one under way may. */
  release(id: number): void {
    if (this.running > 0) this.released.push(id);
    else this.drop(id);
  }

  /** Gives up the number at once: no block that calls it is under way. */
  drop(id: number): void {
    const entry = this.entries[id];
    this.entries[id] = undefined;
    this.free.push(id);
    entry?.destroy?.();
  }

  /** The block that was under way has ended. */
  settle(): void {
    if (this.running > 0 || this.released.length === 0) return;
    for (const id of this.released.splice(0)) this.drop(id);
  }

  /** Runs the callout of that number; translated code comes here. */
  call(id: number): void {
    this.running++;
    try {
      this.entries[id]?.run();
    } finally {
      this.running--;
    }
  }
}
