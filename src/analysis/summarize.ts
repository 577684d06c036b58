import { hex } from '../bits.js';
import type { ModuleNote } from '../events/event.js';
import type { RecordedEnd, RecordedHeader } from '../trace/messages.js';
import { type TraceItem, TraceReader } from '../trace/reader.js';
import { type CallFilters, CallStats, type FunctionTest } from './call-stats.js';
import { Coverage, type CoverageRow } from './coverage.js';
import {
  type BlockRow,
  blockCounts,
  blockRows,
  type CallsiteRow,
  callsiteCounts,
  callsiteRows,
} from './edge-tables.js';
import { ProbeCounts, type ProbeRow, SyscallCounts, type SyscallRow } from './note-tables.js';
import { TraceSymbols } from './symbolize.js';

export type SummaryTable = 'function' | 'module' | 'thread' | 'callsite' | 'syscall' | 'probe' | 'block';
export type SortKey = 'calls' | 'returns' | 'total' | 'self' | 'min' | 'max' | 'mean' | 'deepest' | 'symbol';

export interface SummarizeOptions {
  /** The table to make; functions when left out. */
  readonly by?: SummaryTable;
  readonly sort?: SortKey;
  /** Rows of the table at most. */
  readonly top?: number;
  readonly coverage?: boolean;
  /** Rows of functions to keep, by module or name; costs are not affected. */
  readonly rows?: FunctionTest;
  /** Only these threads. */
  readonly threads?: readonly number[];
  /** Subtrees to count or to leave out. */
  readonly filters?: CallFilters;
}

/** Costs are instructions. min, max and mean are of one finished activation, inclusive; 0 when none finished. */
export interface FunctionRow {
  readonly symbol: string;
  readonly module: string;
  readonly offset: string;
  readonly calls: number;
  readonly returns: number;
  readonly unwound: number;
  readonly total: number;
  readonly self: number;
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  readonly deepest: number;
}

export interface ModuleRow {
  readonly module: string;
  readonly functions: number;
  readonly calls: number;
  readonly self: number;
}

export interface ThreadRow {
  readonly tid: number;
  readonly name: string;
  readonly insns: number;
  readonly events: number;
  readonly calls: number;
  readonly returns: number;
  readonly deepest: number;
}

export interface TraceFacts {
  readonly file: string;
  readonly program: string;
  readonly argv: readonly string[];
  readonly buildId: string;
  /** Undefined while the trace has no end. */
  readonly exit: { readonly reason: string; readonly code?: number; readonly signal?: number } | undefined;
  readonly insns: number;
  readonly events: number;
  readonly threads: number;
  readonly deepestStack: number;
  readonly complete: boolean;
  readonly lost: number;
  readonly incomplete?: { readonly intactPackets: number; readonly intactEvents: number; readonly reason: string };
}

export interface Summary {
  readonly schema: 'armstalk.summary/1';
  readonly trace: TraceFacts;
  readonly by: SummaryTable;
  readonly sort: SortKey;
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
}

/**
 * One table of what one or more traces hold, each read once from front to back in constant memory; all segments together.
 * Throws TraceFormatError when the bytes of one are not a trace.
 */
export const summarize = async (
  traces: TraceReader | readonly TraceReader[],
  options: SummarizeOptions = {},
): Promise<Summary> => {
  const readers = traces instanceof TraceReader ? [traces] : traces;
  const fold = new SummaryFold(options);
  for (const reader of readers) for await (const item of reader.items()) fold.add(item);
  return fold.summary(readers);
};

class SummaryFold {
  private readonly options: SummarizeOptions;
  private readonly by: SummaryTable;
  private readonly symbols = new TraceSymbols();
  private readonly stats: CallStats;
  private readonly callsites = callsiteCounts();
  private readonly blocks = blockCounts();
  private readonly coverage = new Coverage();
  private readonly syscalls = new SyscallCounts();
  private readonly probes = new ProbeCounts();
  private readonly modules: ModuleNote[] = [];
  private readonly threadNames = new Map<number, string>();
  private end: RecordedEnd | undefined;
  private lastEnd: RecordedEnd | undefined;
  private segments = 0;
  private insns = 0;
  private lost = 0;
  private latestClock = 0;

  constructor(options: SummarizeOptions) {
    this.options = options;
    this.by = options.by ?? 'function';
    this.stats = new CallStats(this.symbols, options.filters);
  }

  add(item: TraceItem): void {
    if (item.type === 'chunk') this.addChunk(item);
    else if (item.type === 'symbols') this.symbols.addSymbols(item.symbols);
    else if (item.type === 'header') this.begin(item.header);
    else if (item.type === 'end') this.end = item.end;
    else if (item.type === 'note') this.addNote(item);
  }

  summary(readers: readonly TraceReader[]): Summary {
    this.endSegment();
    const { top } = this.options;
    const [name, rows] = this.table();
    return {
      schema: 'armstalk.summary/1',
      trace: this.facts(readers),
      by: this.by,
      sort: this.options.sort ?? 'self',
      rowCount: rows.length,
      [name]: top === undefined ? rows : rows.slice(0, top),
      ...(this.options.coverage ? { coverage: this.coverage.rows(this.modules) } : {}),
    };
  }

  private begin(header: RecordedHeader): void {
    this.probes.declare(header.probes);
    if (this.segments++ === 0) return;
    this.endSegment();
    this.symbols.clear();
  }

  private endSegment(): void {
    this.insns += this.end?.clock ?? this.latestClock;
    this.lost += this.end?.lost ?? 0;
    this.stats.endSegment(this.end?.clock ?? 0);
    this.lastEnd = this.end;
    this.end = undefined;
    this.latestClock = 0;
  }

  private addChunk({ columns }: Extract<TraceItem, { type: 'chunk' }>): void {
    if (this.options.threads && !this.options.threads.includes(columns.tid)) return;
    this.stats.add(columns);
    if (columns.count > 0) this.latestClock = Math.max(this.latestClock, columns.clock[columns.count - 1] as number);
    if (this.by === 'callsite') this.callsites.add(columns);
    if (this.by === 'block') this.blocks.add(columns);
    if (this.options.coverage) this.coverage.add(columns);
  }

  private addNote({ note }: Extract<TraceItem, { type: 'note' }>): void {
    if (note.type === 'syscall') this.syscalls.add(note);
    else if (note.type === 'probe') this.probes.add(note);
    else if (note.type === 'module') {
      this.symbols.addModule(note);
      this.modules.push(note);
    } else if (note.type === 'thread' && note.name) this.threadNames.set(note.tid, note.name);
  }

  private table(): readonly [string, readonly unknown[]] {
    switch (this.by) {
      case 'function':
        return ['functions', this.functionRows()];
      case 'module':
        return ['modules', this.moduleRows()];
      case 'thread':
        return ['threads', this.threadRows()];
      case 'callsite':
        return ['callsites', callsiteRows(this.callsites, this.symbols)];
      case 'syscall':
        return ['syscalls', this.syscalls.rows()];
      case 'probe':
        return ['probes', this.probes.rows()];
      case 'block':
        return ['blocks', blockRows(this.blocks, this.symbols)];
    }
  }

  private functionRows(): readonly FunctionRow[] {
    const keep = this.options.rows ?? (() => true);
    const rows = this.stats.functions.rows
      .filter(({ info, calls, self }) => (calls > 0 || self > 0) && keep(info))
      .map(({ info, min, sum, ...costs }) => {
        const finished = costs.returns + costs.unwound;
        return {
          symbol: info.symbol,
          module: info.module,
          offset: hex(info.offset),
          ...costs,
          min: finished === 0 ? 0 : min,
          mean: finished === 0 ? 0 : sum / finished,
        };
      });
    return sortRows(rows, this.options.sort ?? 'self');
  }

  private moduleRows(): readonly ModuleRow[] {
    const rows = new Map<string, { module: string; functions: number; calls: number; self: number }>();
    for (const { module, calls, self } of this.functionRows()) {
      const row = rows.get(module) ?? { module, functions: 0, calls: 0, self: 0 };
      row.functions++;
      row.calls += calls;
      row.self += self;
      rows.set(module, row);
    }
    return [...rows.values()].sort((a, b) => b.self - a.self || compareText(a.module, b.module));
  }

  private threadRows(): readonly ThreadRow[] {
    return [...this.stats.ended]
      .map(({ tid, ownClock, events, calls, returns, deepest }) => {
        const name = this.threadNames.get(tid) ?? '';
        return { tid, name, insns: ownClock, events, calls, returns, deepest };
      })
      .sort((a, b) => a.tid - b.tid);
  }

  private facts(readers: readonly TraceReader[]): TraceFacts {
    const header = readers[0]?.headers[0];
    const torn = readers.find(({ integrity }) => !integrity.complete)?.integrity;
    const sum = (of: (reader: TraceReader) => number): number => readers.reduce((total, each) => total + of(each), 0);
    const intactEvents = sum(({ integrity }) => integrity.intactEvents);
    const intactPackets = sum(({ integrity }) => integrity.intactPackets);
    const { ended: threads } = this.stats;
    return {
      file: readers.map(({ name }) => name).join(' '),
      program: header?.program ?? '',
      argv: header?.argv ?? [],
      buildId: this.modules[0]?.buildId ?? '',
      exit: this.lastEnd && exitOf(this.lastEnd),
      insns: this.insns,
      events: intactEvents,
      threads: threads.length,
      deepestStack: threads.reduce((deepest, thread) => Math.max(deepest, thread.deepest), 0),
      complete: torn === undefined,
      lost: this.lost,
      ...(torn ? { incomplete: { intactPackets, intactEvents, reason: torn.reason ?? '' } } : {}),
    };
  }
}

export const exitOf = ({ reason, exitCode, signal }: RecordedEnd): TraceFacts['exit'] => ({
  reason,
  ...(exitCode === undefined ? {} : { code: exitCode }),
  ...(signal === 0 ? {} : { signal }),
});

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const sortRows = (rows: FunctionRow[], key: SortKey): readonly FunctionRow[] =>
  rows.sort((a, b) => {
    const order = key === 'symbol' ? compareText(a.symbol, b.symbol) : b[key] - a[key];
    return order || b.total - a.total || compareText(a.symbol, b.symbol) || compareText(a.offset, b.offset);
  });
