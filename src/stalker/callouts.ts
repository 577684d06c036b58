/** Host functions that translated code can call, by number. Numbers are reused after `release`. */
export type Callout = () => void;

interface Entry {
  readonly run: Callout;
  readonly destroy: (() => void) | undefined;
}

export class CalloutTable {
  private readonly entries: (Entry | undefined)[] = [];
  private readonly free: number[] = [];

  get size(): number {
    return this.entries.length - this.free.length;
  }

  /** `destroy` runs when the number is released. */
  add(run: Callout, destroy?: () => void): number {
    const id = this.free.pop() ?? this.entries.length;
    this.entries[id] = { run, destroy };
    return id;
  }

  release(id: number): void {
    const entry = this.entries[id];
    if (entry === undefined) return;
    this.entries[id] = undefined;
    this.free.push(id);
    entry.destroy?.();
  }

  /** Runs callout `id`; one that was released while its block was still running does nothing. */
  call(id: number): void {
    this.entries[id]?.run();
  }
}
