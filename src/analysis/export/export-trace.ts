import { hex } from '../../bits.js';
import type { ModuleNote, Note, ThreadNote } from '../../events/event.js';
import type { RecordedEnd, RecordedHeader } from '../../trace/messages.js';
import type { TraceItem, TraceReader } from '../../trace/reader.js';
import { type MergedItem, mergeByClock, noteClock } from '../clock-merge.js';
import { type ClockRange, filtersCalls, type ReadFilters } from '../filters.js';
import { FunctionTable } from '../function-table.js';
import { type FunctionInfo, type NameOptions, TraceSymbols } from '../symbolize.js';
import { CallWalk } from './call-walk.js';
import { ExportOutput, type WriteBytes } from './export-output.js';
import { FilteredWalk } from './filtered-walk.js';
import type { Exporter, ExportJob, ThreadListener, ThreadTime } from './format.js';
import { EXPORT_FORMATS, type ExportFormatName } from './formats.js';

export interface ExportOptions {
  readonly to: ExportFormatName;
  readonly write: WriteBytes;
  /** What of the calls is meant, as in a replay; costs of what is left out go to its callers. Of lists, what happened in it. */
  readonly filters?: ReadFilters;
  /** Only what happened between two clocks. */
  readonly range?: ClockRange;
  /** Only these threads. */
  readonly threads?: readonly number[];
  /** Instructions taken for a microsecond by viewers that know only time; 1000, so that one is a nanosecond. */
  readonly mips?: number;
  /** How many activations of a recursion callgrind shows apart; 1. */
  readonly separateRecursion?: number;
  /** Where names come from besides the trace. */
  readonly names?: NameOptions;
  /** Told what the output cannot show. */
  readonly onWarning?: (text: string) => void;
}

export interface ExportSummary {
  readonly format: ExportFormatName;
  readonly bytes: number;
  readonly events: number;
}

/**
 * Writes a trace in another program's format, read once from front to back; what is held in memory grows with the
 * number of different functions, stacks or blocks, not with the number of events. Throws TraceFormatError when the bytes
 * are not a trace.
 */
export const exportTrace = async (reader: TraceReader, options: ExportOptions): Promise<ExportSummary> => {
  const fold = new ExportFold(options);
  for await (const item of fold.itemsOf(reader)) fold.add(item);
  return fold.finish(reader);
};

/** What a function is called: its name, or module and address when it has none. */
const plainName = ({ symbol, module, offset }: FunctionInfo): string =>
  symbol === hex(offset) && module !== '' ? `${module}!${symbol}` : symbol;

class ExportFold {
  private readonly to: ExportFormatName;
  private readonly exporter: Exporter;
  private readonly threads: readonly number[] | undefined;
  private readonly out: ExportOutput;
  private readonly symbols = new TraceSymbols();
  private readonly threadNames = new Map<number, string>();
  private readonly range: ClockRange | undefined;
  private readonly walk: CallWalk | undefined;
  private readonly filtered: FilteredWalk | undefined;
  private end: RecordedEnd | undefined;
  private segments = 0;

  constructor(options: ExportOptions) {
    this.to = options.to;
    this.symbols.use(options.names);
    this.threads = options.threads;
    this.out = new ExportOutput(options.write);
    const functions = new FunctionTable(this.symbols);
    const exporter = EXPORT_FORMATS[options.to].create(this.job(options, functions));
    this.exporter = exporter;
    const { filters = {}, range } = options;
    this.range = range;
    const isPart = range !== undefined || filters.rows !== undefined || filtersCalls(filters);
    if (isPart) {
      const listen = (tid: number, time: ThreadTime) => this.listener(tid, time);
      this.filtered = new FilteredWalk(functions, this.symbols, { filters, range }, listen);
    } else if (exporter.thread) {
      this.walk = new CallWalk(functions, (stack) => this.listener(stack.tid, stack) as ThreadListener);
    }
  }

  /** Where calls decide what is shown, notes go with what threads do at the time. */
  itemsOf(reader: TraceReader): AsyncIterable<TraceItem | MergedItem> {
    return this.filtered ? mergeByClock(this.withNames(reader.items())) : reader.items();
  }

  /** A thread's first events may have the clock of the note that names it; the name is needed before. */
  private async *withNames(items: AsyncIterable<TraceItem>): AsyncGenerator<TraceItem> {
    for await (const item of items) {
      if (item.type === 'note' && item.note.type === 'thread') this.nameThread(item.note);
      yield item;
    }
  }

  private nameThread({ tid, name }: ThreadNote): void {
    if (name) this.threadNames.set(tid, name);
  }

  add(item: TraceItem | MergedItem): void {
    if (item.type === 'chunk') {
      const { columns } = item;
      if (this.threads && !this.threads.includes(columns.tid)) return;
      this.exporter.chunk?.(columns, 0, columns.count, undefined);
      this.walk?.add(columns);
    } else if (item.type === 'events') this.addPart(item);
    else if (item.type === 'note') this.note(item.note);
    else if (item.type === 'symbols') this.symbols.addSymbols(item.symbols);
    else if (item.type === 'header') this.begin(item.header);
    else if (item.type === 'end') this.end = item.end;
  }

  async finish(reader: TraceReader): Promise<ExportSummary> {
    this.endSegment();
    await this.exporter.finish();
    this.out.flush();
    return { format: this.to, bytes: this.out.bytesWritten, events: reader.integrity.intactEvents };
  }

  private job(options: ExportOptions, functions: FunctionTable): ExportJob {
    const { onWarning } = options;
    return {
      out: this.out,
      symbols: this.symbols,
      functions,
      nameOf: plainName,
      mips: options.mips ?? 1000,
      separateRecursion: options.separateRecursion ?? 1,
      warn: onWarning ?? (() => {}),
    };
  }

  private begin(header: RecordedHeader): void {
    if (this.segments++ > 0) {
      this.endSegment();
      this.symbols.clear();
      this.threadNames.clear();
    }
    this.exporter.begin?.(header, this.segments - 1);
  }

  private addPart({ columns, from, to }: Extract<MergedItem, { type: 'events' }>): void {
    if (this.threads && !this.threads.includes(columns.tid)) return;
    const shown = this.filtered?.add(columns, from, to);
    this.exporter.chunk?.(columns, from, to, shown);
  }

  private listener(tid: number, time: ThreadTime): ThreadListener | undefined {
    const name = this.threadNames.get(tid) ?? `thread ${tid}`;
    return this.exporter.thread?.({ tid, name, segment: this.segments - 1, time });
  }

  private isMeant(note: Exclude<Note, ModuleNote>): boolean {
    if (this.threads && !this.threads.includes(note.tid)) return false;
    if (this.filtered === undefined || note.type === 'thread') return true;
    const clock = noteClock(note);
    if (this.range && (clock < this.range.from || clock > this.range.to)) return false;
    return this.filtered.isShownNow(note.tid);
  }

  private note(note: Note): void {
    if (note.type === 'module') {
      this.symbols.addModule(note);
      this.filtered?.forgetAddresses();
    } else if (!this.isMeant(note)) return;
    if (note.type === 'thread') this.nameThread(note);
    this.exporter.note?.(note);
  }

  private endSegment(): void {
    this.walk?.endSegment(this.end?.clock ?? 0);
    this.filtered?.endSegment(this.end?.clock ?? 0);
    this.exporter.endSegment?.(this.end);
    this.end = undefined;
  }
}
