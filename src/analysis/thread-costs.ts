/** Threads told apart at most; later ones are added to the row of an earlier one of the same number. */
const MAX_THREADS = 1 << 16;

/** What one thread did, as far as it was counted. */
export interface ThreadCost {
  readonly tid: number;
  insns: number;
  events: number;
  calls: number;
  returns: number;
  deepest: number;
}

/** The threads of the processes that have ended: a few numbers each, however many there are. */
export class ThreadCosts {
  readonly rows: ThreadCost[] = [];
  private readonly latest = new Map<number, ThreadCost>();

  add({ tid, insns, events, calls, returns, deepest }: ThreadCost): void {
    const row = this.rows.length < MAX_THREADS ? undefined : this.latest.get(tid);
    if (row === undefined) {
      const added = { tid, insns, events, calls, returns, deepest };
      if (this.rows.length < 2 * MAX_THREADS) this.rows.push(added);
      this.latest.set(tid, added);
      return;
    }
    row.insns += insns;
    row.events += events;
    row.calls += calls;
    row.returns += returns;
    row.deepest = Math.max(row.deepest, deepest);
  }
}
