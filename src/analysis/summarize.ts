import type { CallSummaryNote, ModuleNote, Note } from '../events/event.js';
import type { EventColumns } from '../trace/event-columns.js';
import type { RecordedEnd, RecordedHeader } from '../trace/messages.js';
import type { TraceItem, TraceReader } from '../trace/reader.js';
import { BlockCounts, type BlockRow } from './block-counts.js';
import { CallStats } from './call-stats.js';
import { CallTree } from './call-tree.js';
import { CallsiteTable } from './callsite-table.js';
import { type MergedItem, mergeByClock, noteClock } from './clock-merge.js';
import type { CostRows } from './cost-rows.js';
import { CountedCalls } from './counted-calls.js';
import { Coverage, type CoverageRow } from './coverage.js';
import { FilteredStats } from './filtered-stats.js';
import { type ClockRange, filtersCalls, type ReadFilters } from './filters.js';
import { FunctionTable } from './function-table.js';
import { ModuleTable } from './module-table.js';
import { ProbeCounts, type ProbeRow, SyscallCounts, type SyscallRow } from './note-tables.js';
import {
  type CallsiteRow,
  callsiteRows,
  type FunctionRow,
  functionRows,
  type ModuleRow,
  moduleRows,
  type SummaryTable,
  sortKey,
  sortRows,
  type ThreadRow,
  type TreeRow,
  threadRows,
  treeRows,
} from './summary-rows.js';
import { type NameOptions, TraceSymbols } from './symbolize.js';
import { exitOf, type TraceFacts, traceFacts } from './trace-facts.js';

export type { FunctionRow, SummaryTable };

export interface SummarizeOptions {
  /** The table to make; functions when left out. */
  readonly by?: SummaryTable;
  /** Keys of its rows to order them by, the first one first. */
  readonly sort?: readonly string[];
  /** Rows of the table at most, paths of the tree; 0 or left out: all. */
  readonly top?: number;
  readonly coverage?: boolean;
  /** All stacks merged, by function, besides the table. */
  readonly tree?: boolean;
  /** Where names come from besides the trace. */
  readonly names?: NameOptions;
  /** Only these threads. */
  readonly threads?: readonly number[];
  /** What of the calls is counted, as in a replay; `rows` only chooses rows. */
  readonly filters?: ReadFilters;
  /** Only what happened between two clocks; one range for all traces, or one for each. */
  readonly range?: ClockRange | readonly ClockRange[];
}

export interface Summary {
  readonly schema: 'armstalk.summary/1';
  readonly trace: TraceFacts;
  readonly by: SummaryTable;
  readonly sort: string;
  /** Rows there were before `top` cut them. */
  readonly rowCount: number;
  readonly functions?: readonly FunctionRow[];
  readonly modules?: readonly ModuleRow[];
  readonly threads?: readonly ThreadRow[];
  readonly callsites?: readonly CallsiteRow[];
  readonly syscalls?: readonly SyscallRow[];
  readonly probes?: readonly ProbeRow[];
  readonly blocks?: readonly BlockRow[];
  readonly coverage?: readonly CoverageRow[];
  readonly tree?: readonly TreeRow[];
}

/**
 * One table of what one or more traces hold, each read once from front to back in constant memory; all segments together.
 * Throws TraceFormatError when the bytes of one are not a trace, UsageError for a sort key its rows do not have.
 */
export const summarize = async (
  traces: TraceReader | readonly TraceReader[],
  options: SummarizeOptions = {},
): Promise<Summary> => {
  const readers = Array.isArray(traces) ? (traces as readonly TraceReader[]) : [traces as TraceReader];
  const fold = new SummaryFold(options);
  for (const [at, reader] of readers.entries()) {
    fold.nextRange = rangeAt(options.range, at);
    for await (const item of fold.itemsOf(reader)) fold.add(item);
  }
  return fold.summary(readers);
};

const rangeAt = (range: SummarizeOptions['range'], at: number): ClockRange | undefined =>
  range === undefined || 'from' in range ? range : range[at];

class SummaryFold {
  /** What is meant of the segments to come, and of the present one. */
  nextRange: ClockRange | undefined;
  private range: ClockRange | undefined;
  private readonly options: SummarizeOptions;
  private readonly by: SummaryTable;
  private readonly symbols = new TraceSymbols();
  private readonly functions = new FunctionTable(this.symbols);
  private readonly moduleTable = new ModuleTable(this.symbols);
  private readonly callsites = new CallsiteTable(this.symbols);
  private readonly tree = new CallTree();
  private readonly plain: CallStats;
  private readonly counted: CountedCalls;
  private readonly filtered: FilteredStats | undefined;
  private readonly blocks = new BlockCounts();
  private readonly coverage = new Coverage();
  private readonly syscalls = new SyscallCounts();
  private readonly probes = new ProbeCounts();
  private modules: ModuleNote[] = [];
  private buildId: string | undefined;
  private readonly threadNames = new Map<number, string>();
  private readonly threadsSeen = new Set<number>();
  private threads = 0;
  private end: RecordedEnd | undefined;
  private lastEnd: RecordedEnd | undefined;
  private segments = 0;
  private insns = 0;
  private lost = 0;
  private latestClock = 0;

  constructor(options: SummarizeOptions) {
    this.options = options;
    this.symbols.use(options.names);
    this.by = options.by ?? 'function';
    const { filters = {}, range, tree } = options;
    const table = this.costTable();
    this.plain = new CallStats(table);
    const needsOrder = Boolean(tree || range || filtersCalls(filters));
    this.counted = new CountedCalls(table, needsOrder);
    if (needsOrder) this.filtered = new FilteredStats(table, this.symbols, this.filterOptions());
  }

  /** Notes go with what threads do at the time only where calls decide which of them count. */
  itemsOf(reader: TraceReader): AsyncIterable<MergedItem | TraceItem> {
    const { coverage, tree, filters = {} } = this.options;
    const isOfNotes = (this.by === 'syscall' || this.by === 'probe') && !coverage && !tree;
    if (!isOfNotes) return reader.items();
    return filtersCalls(filters) ? mergeByClock(reader.items()) : reader.items({ decode: false });
  }

  add(item: MergedItem | TraceItem): void {
    if (item.type === 'chunk') this.addEvents(item.columns, 0, item.columns.count);
    else if (item.type === 'events') this.addEvents(item.columns, item.from, item.to);
    else if (item.type === 'chunk-facts') this.sawThread(item.facts.tid, item.facts.lastClock);
    else if (item.type === 'symbols') this.symbols.addSymbols(item.symbols);
    else if (item.type === 'header') this.begin(item.header);
    else if (item.type === 'end') this.end = item.end;
    else this.addNote(item.note);
  }

  summary(readers: readonly TraceReader[]): Summary {
    this.endSegment();
    const { top = 0, sort = this.counted.isPresent && this.hasCosts ? ['calls'] : undefined } = this.options;
    const [name, rows] = this.table();
    const sorted = sortRows([...rows], this.by, sort);
    return {
      schema: 'armstalk.summary/1',
      trace: this.facts(readers),
      by: this.by,
      sort: sortKey(this.by, sort),
      rowCount: rows.length,
      [name]: top === 0 ? sorted : sorted.slice(0, top),
      ...(this.options.coverage ? { coverage: this.coverage.rows() } : {}),
      ...(this.options.tree ? { tree: treeRows(this.tree, this.functions.rows, top) } : {}),
    };
  }

  private get hasCosts(): boolean {
    return ['function', 'module', 'callsite'].includes(this.by);
  }

  private costTable(): CostRows {
    if (this.by === 'module') return this.moduleTable;
    return this.by === 'callsite' ? this.callsites : this.functions;
  }

  private filterOptions() {
    const { filters = {}, tree, coverage } = this.options;
    const wantsEdges = coverage || this.by === 'block';
    const onEdges = (edges: EventColumns['edges'], counts: Uint32Array): void => {
      if (this.by === 'block') this.blocks.addCounts(edges, counts);
      if (coverage) this.coverage.add(edges, counts);
    };
    return { filters, tree: tree ? this.tree : undefined, onEdges: wantsEdges ? onEdges : undefined };
  }

  private begin(header: RecordedHeader): void {
    this.probes.declare(header.probes);
    if (this.segments++ > 0) this.endSegment();
    this.range = this.nextRange;
    if (this.range) this.filtered?.useRange(this.range);
  }

  private endSegment(): void {
    this.insns += this.end?.clock ?? this.latestClock;
    this.lost += this.end?.lost ?? 0;
    const stats = this.filtered ?? this.plain;
    stats.endSegment(this.end?.clock ?? 0);
    this.counted.endSegment(stats.ended);
    this.blocks.endSegment(this.symbols);
    this.coverage.endSegment(this.modules);
    this.lastEnd = this.end;
    this.end = undefined;
    this.latestClock = 0;
    this.threads += this.threadsSeen.size;
    this.threadsSeen.clear();
    this.modules = [];
    this.symbols.clear();
  }

  private addEvents(columns: EventColumns, from: number, to: number): void {
    const { threads } = this.options;
    if (to === 0 || (threads && !threads.includes(columns.tid))) return;
    this.sawThread(columns.tid, columns.clock[to - 1] as number);
    if (this.filtered) {
      this.filtered.add(columns, from, to);
      return;
    }
    this.plain.add(columns);
    if (this.by === 'block') this.blocks.add(columns);
    if (this.options.coverage) this.coverage.add(columns.edges);
  }

  private sawThread(tid: number, clock: number): void {
    this.latestClock = Math.max(this.latestClock, clock);
    this.threadsSeen.add(tid);
  }

  private addNote(note: Note): void {
    if (note.type === 'module') this.addModule(note);
    else if (note.type === 'call-summary') this.addCallSummary(note);
    else if (note.type === 'thread') {
      if (note.name) this.threadNames.set(note.tid, note.name);
    } else if (this.counts(note)) {
      if (note.type === 'syscall') this.syscalls.add(note);
      else if (note.type === 'probe') this.probes.add(note);
    }
  }

  private addCallSummary(note: CallSummaryNote): void {
    const { threads } = this.options;
    if (threads && !threads.includes(note.tid)) return;
    this.sawThread(note.tid, note.clock);
    this.counted.add(note);
  }

  private counts(note: Exclude<Note, ModuleNote>): boolean {
    const { threads, filters = {} } = this.options;
    const { range } = this;
    const clock = noteClock(note);
    if (threads && !threads.includes(note.tid)) return false;
    if (range && (clock < range.from || clock > range.to)) return false;
    return !filtersCalls(filters) || this.filtered === undefined || this.filtered.isShownNow(note.tid);
  }

  private addModule(note: ModuleNote): void {
    this.symbols.addModule(note);
    this.modules.push(note);
    this.buildId ??= note.buildId;
  }

  private table(): readonly [string, readonly object[]] {
    const keep = this.options.filters?.rows;
    switch (this.by) {
      case 'function':
        return ['functions', functionRows(this.functions.rows, keep)];
      case 'module':
        return ['modules', moduleRows(this.moduleTable.rows, keep)];
      case 'thread':
        return ['threads', threadRows((this.filtered ?? this.plain).ended.rows, this.threadNames)];
      case 'callsite':
        return ['callsites', callsiteRows(this.callsites.rows, keep)];
      case 'syscall':
        return ['syscalls', this.syscalls.rows()];
      case 'probe':
        return ['probes', this.probes.rows()];
      case 'block':
        return ['blocks', this.blocks.rows()];
    }
  }

  private facts(readers: readonly TraceReader[]): TraceFacts {
    const { ended } = this.filtered ?? this.plain;
    return traceFacts(readers, {
      buildId: this.buildId ?? '',
      exit: this.lastEnd && exitOf(this.lastEnd),
      insns: this.insns,
      threads: this.threads,
      deepestStack: ended.rows.reduce((deepest, thread) => Math.max(deepest, thread.deepest), 0),
      lost: this.lost,
      ...(this.counted.isPresent ? { countsOnly: true } : {}),
    });
  }
}
