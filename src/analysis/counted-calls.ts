import { UsageError } from '../errors.js';
import type { CallSummaryNote } from '../events/event.js';
import type { Cost, CostRows } from './cost-rows.js';
import type { ThreadCosts } from './thread-costs.js';

/** Calls of which a trace only says how often they happened: they have no costs, and no order to filter them by. */
export class CountedCalls {
  /** Whether there were any. */
  isPresent = false;
  private readonly table: CostRows;
  private readonly ofThread = new Map<number, number>();
  private readonly needsOrder: boolean;

  /** `needsOrder`: what is asked for cannot be told from counts; the first ones then throw UsageError. */
  constructor(table: CostRows, needsOrder: boolean) {
    this.table = table;
    this.needsOrder = needsOrder;
  }

  add({ tid, calls }: CallSummaryNote): void {
    if (this.needsOrder) {
      throw new UsageError('this trace holds only how often each call happened, not in which order or at what cost', {
        hint: 'filters, ranges and trees need a trace recorded without --events call-summary',
      });
    }
    this.isPresent = true;
    let all = 0;
    for (const [location, target, count] of calls) {
      (this.table.rows[this.table.ofCall(location, target)] as Cost).calls += count;
      all += count;
    }
    this.ofThread.set(tid, (this.ofThread.get(tid) ?? 0) + all);
  }

  endSegment(ended: ThreadCosts): void {
    for (const [tid, calls] of this.ofThread) ended.add({ tid, insns: 0, events: 0, calls, returns: 0, deepest: 0 });
    this.ofThread.clear();
  }
}
