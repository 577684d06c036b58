import type { Note } from '../../events/event.js';
import type { EventColumns } from '../../trace/event-columns.js';
import type { RecordedEnd, RecordedHeader } from '../../trace/messages.js';
import type { FunctionTable } from '../function-table.js';
import type { FunctionInfo, TraceSymbols } from '../symbolize.js';
import type { ExportOutput } from './export-output.js';

/** When what a listener is told happened: by the process's clock and by the thread's own. */
export interface ThreadTime {
  clock: number;
  ownClock: number;
}

/** Told of one thread's calls in order. Only frames the filters let through are mentioned; they always form one stack. */
export interface ThreadListener {
  /** `fn` is called from `site` (run-time address); 0 when it already runs as the thread, or the range, begins. */
  enter(fn: number, site: number): void;
  /** The innermost frame is gone: returned, unwound, or still open when the process ended. */
  leave(fn: number): void;
  /** The innermost frame retired instructions. */
  spend(instructions: number): void;
}

export interface ThreadStart {
  readonly tid: number;
  /** As the program named it, else `thread N`. */
  readonly name: string;
  readonly segment: number;
  readonly time: Readonly<ThreadTime>;
}

/** One export under way. Every method that is there is called, in the order of the trace. */
export interface Exporter {
  begin?(header: RecordedHeader, segment: number): void;
  note?(note: Note): void;
  /** Events `from` to `to` of a chunk, all of them or those that are `shown`. */
  chunk?(columns: EventColumns, from: number, to: number, shown: Uint8Array | undefined): void;
  /** A thread runs for the first time; asked only of formats about calls. */
  thread?(start: ThreadStart): ThreadListener;
  /** A process is over; its listeners will not hear more. `end` is missing when the trace does not say how it ended. */
  endSegment?(end: RecordedEnd | undefined): void;
  /** Writes what has been held back. */
  finish(): void | Promise<void>;
}

export interface ExportJob {
  readonly out: ExportOutput;
  readonly symbols: TraceSymbols;
  /** What the numbers told to a ThreadListener stand for. */
  readonly functions: FunctionTable;
  /** How a function is called in the output. */
  readonly nameOf: (info: FunctionInfo) => string;
  /** Instructions taken for a microsecond, for viewers that know only time. */
  readonly mips: number;
  /** How many activations of a recursion callgrind shows apart. */
  readonly separateRecursion: number;
  /** Something the user should know, said once each. */
  readonly warn: (text: string) => void;
}

export interface ExportFormat {
  readonly name: string;
  readonly summary: string;
  /** Ends of file names that mean this format and no other. */
  readonly suffixes: readonly string[];
  /** Bytes that do not belong on a terminal. */
  readonly isBinary: boolean;
  /** Shows calls as stacks, which counts of calls alone do not make. */
  readonly hasCalls: boolean;
  create(job: ExportJob): Exporter;
}
