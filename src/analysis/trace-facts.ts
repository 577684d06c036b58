import type { RecordedEnd } from '../trace/messages.js';
import type { TraceReader } from '../trace/reader.js';

/** What one or more traces are, as far as reading them told. */
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
  /** 0 when calls were not looked at. */
  readonly deepestStack: number;
  readonly complete: boolean;
  readonly lost: number;
  /** Calls were only counted: rows have no costs, and 0 stands for what is not known. */
  readonly countsOnly?: boolean;
  readonly incomplete?: { readonly intactPackets: number; readonly intactEvents: number; readonly reason: string };
}

type Known = Pick<TraceFacts, 'buildId' | 'exit' | 'insns' | 'threads' | 'deepestStack' | 'lost' | 'countsOnly'>;

/** The facts of all of them together; program and arguments are the first one's. */
export const traceFacts = (readers: readonly TraceReader[], known: Known): TraceFacts => {
  const header = readers[0]?.headers[0];
  const torn = readers.find(({ integrity }) => !integrity.complete)?.integrity;
  const sum = (of: (reader: TraceReader) => number): number => readers.reduce((total, each) => total + of(each), 0);
  const intactEvents = sum(({ integrity }) => integrity.intactEvents);
  const intactPackets = sum(({ integrity }) => integrity.intactPackets);
  return {
    file: readers.map(({ name }) => name).join(' '),
    program: header?.program ?? '',
    argv: header?.argv ?? [],
    ...known,
    events: intactEvents,
    complete: torn === undefined,
    ...(torn ? { incomplete: { intactPackets, intactEvents, reason: torn.reason ?? '' } } : {}),
  };
};

export const exitOf = ({ reason, exitCode, signal }: RecordedEnd): TraceFacts['exit'] => ({
  reason,
  ...(exitCode === undefined ? {} : { code: exitCode }),
  ...(signal === 0 ? {} : { signal }),
});
