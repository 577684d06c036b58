import type { EventMask, ModuleNote } from '../events/event.js';

/** What a trace says about the run before it began. Only `program` must be known. */
export interface TraceHeader {
  readonly toolVersion?: string;
  readonly program: string;
  readonly argv?: readonly string[];
  readonly envNames?: readonly string[];
  /** NAME=VALUE, only when recording values was asked for. */
  readonly env?: readonly string[];
  readonly cwd?: string;
  readonly cpu?: string;
  readonly seed?: number;
  readonly clock?: 'virtual' | 'host';
  readonly profile?: 'precise' | 'gum';
  readonly eventMask?: EventMask;
  /** The recorder's effective options as JSON. */
  readonly options?: string;
  readonly probes?: readonly TraceProbe[];
  readonly permissions?: readonly string[];
  /** Leave out unless the host clock was asked for: a run repeated must give the same bytes. */
  readonly startTimeMs?: number;
  readonly host?: string;
  readonly pid?: number;
  readonly parentUuid?: string;
  /** Calls are only counted. */
  readonly callSummary?: boolean;
}

export interface TraceProbe {
  readonly id: number;
  readonly spec: string;
  readonly address: number;
}

/** A header as read: absent strings are empty, absent numbers 0. */
export interface RecordedHeader extends Required<TraceHeader> {
  readonly uuid: string;
  readonly formatVersion: number;
}

export type EndReason = 'exit' | 'signal' | 'timeout' | 'limit' | 'error' | 'recovered';

/** How the run ended, for `TraceWriter.end`. */
export interface TraceSummary {
  readonly reason: EndReason;
  readonly exitCode?: number;
  readonly signal?: number;
  /** Instructions retired by all threads. */
  readonly clock: number;
  readonly lost?: number;
  readonly peakBytes?: number;
  readonly message?: string;
}

/** `TraceSummary` as recorded, with the totals the writer counted. */
export interface RecordedEnd {
  readonly reason: EndReason;
  readonly exitCode?: number;
  readonly signal: number;
  readonly clock: number;
  /** call, return, instruction, block, compile. */
  readonly kindCounts: readonly number[];
  readonly syscalls: number;
  readonly probeHits: number;
  readonly incidents: number;
  readonly lost: number;
  readonly peakBytes: number;
  readonly message: string;
}

/** A function's name. `address` is where it starts at run time, without the Thumb bit. */
export interface RecordedSymbol {
  readonly address: number;
  readonly sizeBytes: number;
  readonly name: string;
  readonly module: ModuleNote | undefined;
  /** The file's own address; the run-time address when there is no module. */
  readonly offset: number;
}

/** What is known of an address: `offset` counts from the start of the symbol; `sizeBytes` is 0 when unknown. */
export interface SymbolAnswer {
  readonly module: string;
  readonly name: string;
  readonly offset: number;
  readonly sizeBytes: number;
}

/** Answers for an address without the Thumb bit. */
export type Symbolizer = (address: number) => SymbolAnswer | undefined;

export interface IndexRow {
  /** Bytes from the first byte of the chunk's packet to the first byte of the Index packet. */
  readonly distance: number;
  readonly tid: number;
  readonly firstClock: number;
  readonly lastClock: number;
  readonly events: number;
  readonly depth: number;
  readonly kindCounts: readonly number[];
}
