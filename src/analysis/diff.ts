import { EventKind, type SyscallNote } from '../events/event.js';
import type { EventColumns } from '../trace/event-columns.js';
import { ChunkPool } from '../trace/held-chunk.js';
import type { TraceReader } from '../trace/reader.js';
import { CallForest } from './call-forest.js';
import { type CoverageDiff, coverageDiff } from './coverage-diff.js';
import { DiffSide } from './diff-side.js';
import { type Divergence, describeParting } from './divergence.js';
import type { FunctionTest } from './filters.js';
import { type PlaceMatch, SharedNames } from './flow-keys.js';
import { type FlowRules, FlowThread } from './flow-thread.js';
import { type FunctionDiff, functionDiff } from './function-diff.js';
import type { NameOptions } from './symbolize.js';
import { type SyscallDifference, SyscallPairs } from './syscall-pairs.js';
import { exitOf, type TraceFacts } from './trace-facts.js';
import { type TreeHunk, treeHunk } from './tree-diff.js';

export interface DiffOptions {
  /** When places of the two traces are the same; by symbol when left out, so that two builds can be compared. */
  readonly match?: PlaceMatch;
  /** Stop at the first divergence: no hunks, no tables. */
  readonly firstOnly?: boolean;
  readonly coverage?: boolean;
  /** Calls shown around what differs. */
  readonly context?: number;
  /** What may differ: costs between the same events; arguments or results of system calls. */
  readonly ignore?: readonly ('clock' | 'args' | 'retval')[];
  /** Only calls of these functions and what they call; costs are then not compared. */
  readonly only?: FunctionTest;
  /** Where names come from besides the traces. */
  readonly names?: NameOptions;
  /** Only these threads. */
  readonly threads?: readonly number[];
  /** Where to look for the program's file, besides the path the trace names; files or directories. */
  readonly directories?: readonly string[];
  /** Which segments of the files; the first ones when left out. */
  readonly segments?: readonly [number, number];
}

/** What one of the traces is. */
export interface DiffedTrace {
  readonly file: string;
  readonly program: string;
  /** Of the program's file; empty when it has none. */
  readonly buildId: string;
  readonly exit: TraceFacts['exit'];
  readonly insns: number;
  readonly complete: boolean;
}

export interface TraceDiff {
  readonly schema: 'armstalk.diff/1';
  readonly same: boolean;
  /** What was compared: every block, every instruction, or only calls and returns. */
  readonly level: 'block' | 'instruction' | 'call';
  readonly old: DiffedTrace;
  readonly new: DiffedTrace;
  /** Events of threads that both have. */
  readonly commonEvents: number;
  readonly first: Divergence | undefined;
  /** Threads that differ, the one that did so first in front. */
  readonly threads: readonly Divergence[];
  readonly syscalls: SyscallDifference | undefined;
  readonly hunks: readonly TreeHunk[];
  readonly functions: readonly FunctionDiff[];
  readonly coverage?: CoverageDiff;
}

const CONTEXT = 3;

/**
 * Compares two traces in one pass over both, thread by thread, event by event. Throws TraceFormatError when the bytes of
 * one are not a trace.
 */
export const diffTraces = async (old: TraceReader, now: TraceReader, options: DiffOptions = {}): Promise<TraceDiff> =>
  new DiffRun(old, now, options).run();

class DiffRun {
  private readonly options: DiffOptions;
  private readonly names = new SharedNames();
  private readonly forest = new CallForest();
  private readonly pool = new ChunkPool();
  private readonly sides: readonly [DiffSide, DiffSide];
  private readonly threads = new Map<number, FlowThread>();
  private readonly syscalls: SyscallPairs;
  private readonly context: number;
  private mask = 0;
  private rules: FlowRules | undefined;

  constructor(old: TraceReader, now: TraceReader, options: DiffOptions) {
    this.options = options;
    const [oldSegment, newSegment] = options.segments ?? [0, 0];
    const match = options.match ?? 'symbol';
    this.sides = [
      new DiffSide(old, oldSegment, this.names, match, this.pool, options.only),
      new DiffSide(now, newSegment, this.names, match, this.pool, options.only),
    ];
    for (const side of this.sides) side.symbols.use(options.names);
    this.context = options.context ?? CONTEXT;
    this.syscalls = new SyscallPairs(options.ignore ?? []);
  }

  async run(): Promise<TraceDiff> {
    const { sides } = this;
    const held: (EventColumns | SyscallNote | undefined)[] = [await sides[0].next(), await sides[1].next()];
    this.decideRules();
    for (const side of [0, 1] as const) this.take(side, held[side]);
    while (!(sides[0].isDone && sides[1].isDone) && !this.isAnswered()) {
      const side = sides[0].isDone ? 1 : sides[1].isDone || sides[0].clock <= sides[1].clock ? 0 : 1;
      this.take(side, await sides[side].next());
    }
    for (const thread of this.threads.values()) thread.finish();
    if (!this.isAnswered()) this.syscalls.finish();
    for (const side of sides) await side.close();
    return this.result();
  }

  /**
   * Only what both traces recorded can be compared. What was compiled when is the recorder's affair (it may have been
   * prefetched), and is compared only where there is nothing else.
   */
  private decideRules(): void {
    const [old, now] = this.sides;
    const both = (old.header?.eventMask ?? 0) & (now.header?.eventMask ?? 0);
    const isExact = (both & (EventKind.BLOCK | EventKind.EXEC)) !== 0;
    this.mask = both & ~EventKind.COMPILE || both;
    const compareCosts = !isExact && this.options.only === undefined && !(this.options.ignore ?? []).includes('clock');
    this.rules = { context: this.context, compareCosts };
  }

  private isAnswered(): boolean {
    const isKnown = ({ trees }: FlowThread): boolean =>
      trees?.every((tree) => tree.firstTransfer !== undefined) ?? false;
    return this.isCutShort && [...this.threads.values()].some(isKnown);
  }

  private get isCutShort(): boolean {
    return this.options.firstOnly ?? false;
  }

  private take(side: 0 | 1, item: EventColumns | SyscallNote | undefined): void {
    if (item === undefined) return;
    const { threads } = this.options;
    if (threads && !threads.includes(item.tid)) return;
    if ('type' in item) {
      this.syscalls.add(side, item);
      return;
    }
    const from = this.sides[side];
    const chunk = from.flowChunk(item, this.mask);
    if (!this.isCutShort) from.countCalls(chunk.columns);
    if (this.options.coverage) from.coverBlocks(chunk.columns);
    this.thread(item.tid).add(side, chunk);
  }

  private thread(tid: number): FlowThread {
    let thread = this.threads.get(tid);
    if (thread === undefined) {
      const [old, now] = this.sides;
      thread = new FlowThread(tid, this.rules as FlowRules, [old.keys, now.keys], this.forest, ({ columns }) =>
        this.pool.release(columns),
      );
      this.threads.set(tid, thread);
    }
    return thread;
  }

  private result(): TraceDiff {
    const [old, now] = this.sides;
    const directories = this.options.directories ?? [];
    const parted = [...this.threads.values()].filter(({ parting }) => parting !== undefined);
    const divergences = parted
      .map((thread) => ({ thread, divergence: describeParting(thread, this.sides, directories) }))
      .sort((a, b) => a.divergence.clock - b.divergence.clock);
    const functions = functionDiff(old, now, this.names);
    const { difference } = this.syscalls;
    const [oldFacts, newFacts] = [diffedTrace(old), diffedTrace(now)];
    const sameExit = JSON.stringify(oldFacts.exit) === JSON.stringify(newFacts.exit);
    return {
      schema: 'armstalk.diff/1',
      same: parted.length === 0 && difference === undefined && (sameExit || this.isCutShort),
      level: this.mask & EventKind.EXEC ? 'instruction' : this.mask & EventKind.BLOCK ? 'block' : 'call',
      old: oldFacts,
      new: newFacts,
      commonEvents: [...this.threads.values()].reduce((sum, thread) => sum + thread.commonEvents, 0),
      first: divergences[0]?.divergence,
      threads: divergences.map(({ divergence }) => divergence),
      syscalls: difference,
      hunks: this.isCutShort ? [] : divergences.flatMap(({ thread }) => this.hunk(thread)),
      functions,
      ...(this.options.coverage ? { coverage: coverageDiff(old, now) } : {}),
    };
  }

  private hunk({ tid, stack, trees }: FlowThread): TreeHunk[] {
    if (trees === undefined) return [];
    const { forest, names, context } = this;
    const hunk = treeHunk(tid, stack, trees, forest, names, this.sides[0].keys, context);
    return hunk === undefined ? [] : [hunk];
  }
}

const diffedTrace = ({ reader, header, modules, end, clock }: DiffSide): DiffedTrace => ({
  file: reader.name,
  program: header?.program ?? '',
  buildId: modules[0]?.buildId ?? '',
  exit: end && exitOf(end),
  insns: end?.clock ?? clock,
  complete: reader.integrity.complete,
});
