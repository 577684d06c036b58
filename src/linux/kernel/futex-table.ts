/**
 * Who waits on which futex word (futex(2)). Private and shared futexes are the same thing here, there is one process.
 * Waiters are woken in the order they came. The table knows no tasks: a waiter is a token the caller polls.
 */
export class FutexWaiter {
  addr: number;
  readonly bitset: number;
  /** Set by a wake; the waiter has left the table then. */
  woken = false;
  /** Tid waiting for a priority-inheritance futex; 0 otherwise. */
  readonly tid: number;

  constructor(addr: number, bitset: number, tid = 0) {
    this.addr = addr;
    this.bitset = bitset;
    this.tid = tid;
  }
}

export class FutexTable {
  private readonly queues = new Map<number, FutexWaiter[]>();

  /** A new waiter at the end of the queue of `addr`. */
  wait(addr: number, bitset: number, tid = 0): FutexWaiter {
    const waiter = new FutexWaiter(addr, bitset, tid);
    this.enqueue(waiter);
    return waiter;
  }

  /** Takes a waiter out that gave up (timeout, signal). */
  cancel(waiter: FutexWaiter): void {
    const queue = this.queues.get(waiter.addr);
    if (queue === undefined) return;
    const index = queue.indexOf(waiter);
    if (index >= 0) queue.splice(index, 1);
    if (queue.length === 0) this.queues.delete(waiter.addr);
  }

  /** Wakes at most `count` waiters whose bitset meets `bitset`; gives how many. */
  wake(addr: number, count: number, bitset: number): number {
    return this.takeMatching(addr, count, bitset).length;
  }

  /** Wakes the first waiter and gives it; undefined when nobody waits. */
  wakeOne(addr: number): FutexWaiter | undefined {
    return this.takeMatching(addr, 1, -1)[0];
  }

  /** Moves at most `count` waiters from one word to another without waking them; gives how many. */
  requeue(from: number, to: number, count: number): number {
    const queue = this.queues.get(from) ?? [];
    const moved = queue.splice(0, count);
    if (queue.length === 0) this.queues.delete(from);
    for (const waiter of moved) {
      waiter.addr = to;
      this.enqueue(waiter);
    }
    return moved.length;
  }

  hasWaiters(addr: number): boolean {
    return this.queues.has(addr);
  }

  private enqueue(waiter: FutexWaiter): void {
    const queue = this.queues.get(waiter.addr);
    if (queue === undefined) this.queues.set(waiter.addr, [waiter]);
    else queue.push(waiter);
  }

  private takeMatching(addr: number, count: number, bitset: number): FutexWaiter[] {
    const queue = this.queues.get(addr);
    if (queue === undefined) return [];
    const taken: FutexWaiter[] = [];
    const kept = queue.filter((waiter) => {
      if (taken.length >= count || (waiter.bitset & bitset) === 0) return true;
      taken.push(waiter);
      return false;
    });
    for (const waiter of taken) waiter.woken = true;
    if (kept.length === 0) this.queues.delete(addr);
    else this.queues.set(addr, kept);
    return taken;
  }
}
