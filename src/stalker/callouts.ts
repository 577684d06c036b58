/** Host functions that translated code can call, by number. Numbers are reused after `release`. */
export type Callout = () => void;

export class CalloutTable {
  private readonly functions: (Callout | undefined)[] = [];
  private readonly free: number[] = [];

  get size(): number {
    return this.functions.length - this.free.length;
  }

  add(callout: Callout): number {
    const id = this.free.pop() ?? this.functions.length;
    this.functions[id] = callout;
    return id;
  }

  release(id: number): void {
    if (this.functions[id] === undefined) return;
    this.functions[id] = undefined;
    this.free.push(id);
  }

  /** Runs callout `id`; one that was released while its block was still running does nothing. */
  call(id: number): void {
    this.functions[id]?.();
  }
}
