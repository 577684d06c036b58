/**
 * Ranges that begin or end with the first call of a function. The trace is read up to that call before it is read for
 * its own sake; chunks are decoded only once a symbol that is meant has come up, because a trace names what a chunk
 * refers to in front of it.
 */
import { statSync } from 'node:fs';
import { UsageError } from '../errors.js';
import { EventKind } from '../events/event.js';
import type { EventColumns } from '../trace/event-columns.js';
import type { RecordedHeader, RecordedSymbol } from '../trace/messages.js';
import { openRange } from '../trace/range-source.js';
import { type TraceItem, TraceReader } from '../trace/reader.js';
import { type ClockRange, type FunctionTest, Verdicts } from './filters.js';
import { type NameOptions, TraceSymbols } from './symbolize.js';

/** The first call of any function that `test` is true for. */
export interface CallAnchor {
  readonly test: FunctionTest;
  /** What errors call it. */
  readonly text: string;
  /** No function without a symbol is meant. */
  readonly isNamed?: boolean;
}

/** Clocks, or calls to be found in the trace; both ends included. */
export interface AnchoredRange {
  readonly from: number | CallAnchor;
  readonly to: number | CallAnchor;
}

export interface AnchorOptions {
  /** Where names come from besides the trace. */
  readonly names?: NameOptions;
  /** Only calls of these threads. */
  readonly threads?: readonly number[];
}

const FOREVER = Number.POSITIVE_INFINITY;

/**
 * The clocks of `range` in the trace at `path`: of its first call where a function is meant, for the end the first one
 * after the beginning. What a thread begins with counts as called there. Throws UsageError for a function that is not
 * known or not called, for a file of several recordings, and for what can be read only once (a pipe, `-`);
 * TraceFormatError when the bytes are not a trace.
 */
export const findRange = async (
  path: string,
  { from, to }: AnchoredRange,
  options: AnchorOptions = {},
): Promise<ClockRange> => {
  const anchor = typeof from === 'number' ? to : from;
  if (typeof anchor !== 'number') await checkFile(path, anchor);
  const first = typeof from === 'number' ? from : await firstCall(path, from, 0, options);
  const last = typeof to === 'number' ? to : await firstCall(path, to, first + 1, options);
  if (first > last) {
    const where = typeof from === 'number' ? '' : ` (${from.text} is first called at clock ${counted(first)})`;
    throw new UsageError(`the range ends at clock ${counted(last)}, before it begins${where}`);
  }
  return { from: first, to: last };
};

const counted = (clock: number): string => clock.toLocaleString('en-US');

/** Clocks begin anew with each recording, so one range cannot mean a call in each of them. */
const checkFile = async (path: string, { text }: CallAnchor): Promise<void> => {
  const stat = path === '-' ? undefined : statSync(path, { throwIfNoEntry: false });
  if (path === '-' || stat?.isFile() === false) {
    const what = path === '-' ? 'standard input' : path;
    throw new UsageError(`${what} can be read only once, and ${text} has to be looked for first`, {
      hint: 'write the trace to a file, or give clocks',
    });
  }
  let segments = 0;
  for await (const item of openPart(path, FOREVER).items({ decode: false })) if (item.type === 'header') segments++;
  if (segments < 2) return;
  throw new UsageError(`${path} holds ${segments} recordings, each with a clock of its own: which ${text} is meant?`, {
    hint: 'give clocks',
  });
};

/** A reader that may leave out what happened before `from`. */
const openPart = (path: string, from: number): TraceReader =>
  TraceReader.open((from > 0 ? openRange(path, from, FOREVER) : undefined) ?? path, path);

const firstCall = async (path: string, anchor: CallAnchor, from: number, options: AnchorOptions): Promise<number> => {
  const search = new CallSearch(anchor, from, options);
  for await (const item of openPart(path, from).items(search)) {
    search.take(item);
    if (search.isOver) break;
  }
  if (search.clock === FOREVER) throw search.failure(path);
  return search.clock;
};

/** Looks for a call in the items of a trace. */
class CallSearch {
  /** The earliest found. */
  clock = FOREVER;
  /** Nothing earlier can come. */
  isOver = false;
  /** Whether chunks are worth a look; asked for each. */
  decode: boolean;
  private readonly anchor: CallAnchor;
  private readonly from: number;
  private readonly threads: readonly number[] | undefined;
  private readonly symbols = new TraceSymbols();
  private readonly verdicts: Verdicts;
  private readonly seen = new Set<number>();
  private header: RecordedHeader | undefined;
  private isKnown = false;

  constructor(anchor: CallAnchor, from: number, { names, threads }: AnchorOptions) {
    this.anchor = anchor;
    this.from = from;
    this.threads = threads;
    this.symbols.use(names);
    this.verdicts = new Verdicts(this.symbols, { only: anchor.test });
    this.decode = anchor.isNamed !== true || names?.lines === true || (names?.symbols ?? []).length > 0;
  }

  take(item: TraceItem): void {
    if (item.type === 'chunk') this.chunk(item.columns);
    else if (item.type === 'chunk-facts') this.isOver = item.facts.firstClock > this.clock;
    else if (item.type === 'symbols') this.addSymbols(item.symbols);
    else if (item.type === 'header') this.header = item.header;
    else if (item.type === 'note' && item.note.type === 'module') {
      this.symbols.addModule(item.note);
      this.verdicts.forgetAddresses();
    }
  }

  /** Why nothing was found. */
  failure(path: string): UsageError {
    const { text } = this.anchor;
    if (this.header !== undefined && (this.header.callSummary || (this.header.eventMask & EventKind.CALL) === 0)) {
      return new UsageError(`${path} was recorded without calls in their order: ${text} cannot be found in it`, {
        hint: 'give clocks, or record it with -e +call',
      });
    }
    if (this.isKnown || this.symbols.hasFunction(this.anchor.test)) {
      const when = this.from > 0 ? ` after clock ${counted(this.from - 1)}` : '';
      return new UsageError(`${text} is never called in ${path}${when}`);
    }
    return new UsageError(`${path} knows no function ${text}`, {
      hint: 'armstalk summarize --top 0 shows those that ran; --symbols gives a stripped program its names',
    });
  }

  private addSymbols(symbols: readonly RecordedSymbol[]): void {
    this.symbols.addSymbols(symbols);
    this.isKnown ||= symbols.some(({ address }) => this.anchor.test(this.symbols.functionAt(address)));
    this.decode ||= this.isKnown;
  }

  private chunk(columns: EventColumns): void {
    const { tid, clock, count } = columns;
    if (count === 0) return;
    this.isOver = (clock[0] as number) > this.clock;
    if (this.isOver || (this.threads && !this.threads.includes(tid))) return;
    if (!this.seen.has(tid)) this.begin(columns);
    this.seen.add(tid);
    const meant = this.meantEdges(columns);
    if (meant.size > 0) this.search(columns, meant);
  }

  /** A thread's first function is called when the thread starts. */
  private begin({ openDepth, openReturns, clock, threadClock, location }: EventColumns): void {
    if (openDepth > 0 || openReturns.length > 0 || !this.isMeant(location[0] as number)) return;
    this.found(Math.max(0, (clock[0] as number) - (threadClock[0] as number)));
  }

  private meantEdges({ edges }: EventColumns): ReadonlySet<number> {
    const meant = new Set<number>();
    for (let edge = 1; edge <= edges.count; edge++) {
      const isCall = ((edges.kind[edge] as number) & EventKind.CALL) !== 0;
      if (isCall && this.isMeant(edges.target[edge] as number)) meant.add(edge);
    }
    return meant;
  }

  private search({ clock, edge, count }: EventColumns, meant: ReadonlySet<number>): void {
    for (let i = 0; i < count && (clock[i] as number) < this.clock; i++) {
      if (meant.has(edge[i] as number)) this.found(clock[i] as number);
    }
  }

  private found(clock: number): void {
    if (clock >= this.from) this.clock = Math.min(this.clock, clock);
  }

  private isMeant(address: number): boolean {
    const { isChosen } = this.verdicts.of(address);
    this.isKnown ||= isChosen;
    return isChosen;
  }
}
