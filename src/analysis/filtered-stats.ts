import { EventKind } from '../events/event.js';
import type { EdgeColumns, EventColumns } from '../trace/event-columns.js';
import { CallFilter } from './call-filter.js';
import type { CallTree } from './call-tree.js';
import { addActivation, type Cost, type CostRows, type Leaving } from './cost-rows.js';
import { type FilteredFrame, FilteredThread } from './filtered-thread.js';
import type { ClockRange, ReadFilters, Verdict } from './filters.js';
import type { TraceSymbols } from './symbolize.js';
import { ThreadCosts } from './thread-costs.js';

export interface FilteredStatsOptions {
  readonly filters: ReadFilters;
  /** Gathers costs by path, besides. */
  readonly tree?: CallTree | undefined;
  /** Told how often each event of a chunk happened where the filters let it through. */
  readonly onEdges?: ((edges: EdgeColumns, counts: Uint32Array) => void) | undefined;
}

/**
 * CallStats for a part of the calls. An activation is counted when it ends: only then it is known whether it cost
 * enough, and whether it led anywhere.
 */
export class FilteredStats extends CallFilter<FilteredFrame, FilteredThread> {
  readonly table: CostRows;
  readonly ended = new ThreadCosts();
  private readonly tree: CallTree | undefined;
  private readonly onEdges: FilteredStatsOptions['onEdges'];
  private edgeCounts = new Uint32Array(0);

  constructor(table: CostRows, symbols: TraceSymbols, options: FilteredStatsOptions) {
    super(symbols, options.filters);
    this.table = table;
    this.tree = options.tree;
    this.onEdges = options.onEdges;
  }

  /** Only what happens between two clocks counts from here on. */
  useRange(range: ClockRange): void {
    this.range = range;
  }

  /** Events from `from` to `to` of a chunk; of one thread, in order. */
  add(columns: EventColumns, from = 0, to = columns.count): void {
    const { clock, threadClock, kind, depth, edge } = columns;
    if (from >= to) return;
    const thread = this.threads.get(columns.tid) ?? this.begin(columns, from);
    if (from === 0) this.resolveEdges(thread, columns.edges);
    const counts = this.onEdges && this.clearedCounts(columns.edges);
    for (let i = from; i < to; i++) {
      const type = kind[i] as number;
      this.advance(thread, clock[i] as number, threadClock[i] as number);
      if (thread.clock > this.range.to) break;
      const isInside = thread.clock >= this.range.from;
      const at = edge[i] as number;
      if (type === EventKind.CALL) this.call(thread, at, depth[i] as number, isInside);
      if (isInside && this.isShown(thread)) {
        thread.events++;
        if (counts) counts[at] = (counts[at] as number) + 1;
      }
      if (type === EventKind.RET) this.leaveTo(thread, depth[i] as number);
    }
    if (counts) this.onEdges?.(columns.edges, counts);
  }

  /** Closes what still runs when a process ended at `clock`: the thread that ran last ran until then. */
  endSegment(clock: number): void {
    const last = this.latest;
    if (last && clock > last.clock) this.advance(last, clock, last.ownClock + clock - last.clock);
    for (const thread of this.threads.values()) {
      while (thread.height > 0) this.pop(thread, 'open');
      this.ended.add(thread);
    }
    this.threads.clear();
    this.forgetAddresses();
  }

  /** Addresses may mean other functions from here on. */
  forgetAddresses(): void {
    this.table.forgetAddresses();
    this.verdicts.forgetAddresses();
  }

  protected override mayShow(verdict: Verdict): boolean {
    return !verdict.isHidden;
  }

  private clearedCounts({ count }: EdgeColumns): Uint32Array {
    if (this.edgeCounts.length <= count) this.edgeCounts = new Uint32Array(count * 2 + 1);
    return this.edgeCounts.fill(0, 0, count + 1);
  }

  private resolveEdges(thread: FilteredThread, { count, kind, location, target }: EdgeColumns): void {
    if (thread.edgeRow.length <= count) thread.edgeRow = new Int32Array(count * 2 + 1);
    for (let edge = 1; edge <= count; edge++) {
      if (((kind[edge] as number) & EventKind.CALL) === 0) continue;
      thread.edgeRow[edge] = this.table.ofCall(location[edge] as number, target[edge] as number);
      thread.edgeVerdict[edge] = this.verdicts.of(target[edge] as number);
    }
  }

  /** A thread's first events: the calls open before are known from the chunk. */
  private begin(
    { tid, openReturns, openDepth, clock, threadClock, location }: EventColumns,
    at: number,
  ): FilteredThread {
    const thread = new FilteredThread(tid);
    this.threads.set(tid, thread);
    thread.clock = clock[at] as number;
    const startsHere = openDepth === 0 && openReturns.length === 0;
    if (!startsHere) thread.ownClock = threadClock[at] as number;
    thread.base = openDepth - openReturns.length;
    for (const address of openReturns) this.enterAt(thread, address);
    this.enterAt(thread, location[at] as number);
    (thread.top as FilteredFrame).isWhole = startsHere && thread.clock >= this.range.from;
    return thread;
  }

  private enterAt(thread: FilteredThread, address: number): void {
    this.enter(thread, this.verdicts.of(address), this.table.ofPlace(address), false);
  }

  /** The thread has run until `ownClock`, its last instruction being that of `clock`. */
  private advance(thread: FilteredThread, clock: number, ownClock: number): void {
    const inside = this.pass(thread, clock, ownClock);
    const charged = thread.top?.charged ?? -1;
    if (charged >= 0) this.charge(thread, charged, inside);
  }

  private charge(thread: FilteredThread, at: number, insns: number): void {
    const frame = thread.frames[at] as FilteredFrame;
    frame.self += insns;
    thread.insns += insns;
  }

  private call(thread: FilteredThread, edge: number, depth: number, isInside: boolean): void {
    this.beforeCall(thread, depth);
    this.enter(thread, thread.edgeVerdict[edge] as Verdict, thread.edgeRow[edge] as number, isInside);
  }

  private enter(thread: FilteredThread, verdict: Verdict, row: number, isCall: boolean): void {
    const caller = thread.top;
    const frame = thread.push(verdict, row);
    const isOutermost = this.place(thread, frame, caller, isCall);
    frame.path = caller === undefined || isOutermost ? -1 : caller.path;
    if (!frame.isShown) return;
    thread.deepest = Math.max(thread.deepest, frame.depth);
    thread.activeRows.change(row, 1);
    if (this.tree === undefined) return;
    frame.path = this.tree.child(frame.path, row);
    thread.activePaths.change(frame.path, 1);
  }

  protected override pop(thread: FilteredThread, how: Leaving): void {
    const frame = thread.frames[--thread.height] as FilteredFrame;
    const caller = thread.top;
    if (!frame.isShown) {
      if (frame.hasGoal && caller !== undefined) caller.hasGoal = true;
      return;
    }
    const outer = thread.activeRows.change(frame.row, -1);
    const outerPaths = this.tree === undefined ? 0 : thread.activePaths.change(frame.path, -1);
    const cost = thread.counted - frame.entry;
    const isCheap = frame.isWhole && cost < (this.filters.minCost ?? 0);
    if (isCheap || !(frame.verdict.isGoal || frame.hasGoal)) {
      this.handDown(thread, frame);
      return;
    }
    if (caller !== undefined) caller.hasGoal = true;
    this.count(thread, frame, cost, outer, how);
    this.tree?.end(frame.path, cost, frame.self, outerPaths, frame.isCall, how);
  }

  /** An activation that is not shown after all: its instructions are its caller's. */
  private handDown(thread: FilteredThread, frame: FilteredFrame): void {
    const charged = thread.top?.charged ?? -1;
    thread.insns -= frame.self;
    if (charged >= 0 && frame.standing === thread.top?.standing) this.charge(thread, charged, frame.self);
  }

  private count(thread: FilteredThread, frame: FilteredFrame, cost: number, outer: number, how: Leaving): void {
    const row = this.table.rows[frame.row] as Cost;
    row.self += frame.self;
    if (outer === 0) row.total += cost;
    row.deepest = Math.max(row.deepest, outer + 1);
    if (!frame.isCall) return;
    row.calls++;
    thread.calls++;
    if (how === 'returned') thread.returns++;
    addActivation(row, cost, how);
  }
}
