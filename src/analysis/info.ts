import type { CallSummaryNote, ModuleNote, Note, ThreadNote } from '../events/event.js';
import type { RecordedEnd, RecordedHeader } from '../trace/messages.js';
import type { TraceIntegrity, TraceReader } from '../trace/reader.js';
import { exitOf, type TraceFacts } from './trace-facts.js';

export interface SegmentInfo {
  readonly header: RecordedHeader;
  readonly modules: readonly ModuleNote[];
  readonly exit: TraceFacts['exit'];
  readonly insns: number;
  readonly threads: readonly number[];
  readonly chunks: number;
  readonly counts: {
    readonly call: number;
    readonly ret: number;
    readonly exec: number;
    readonly block: number;
    readonly compile: number;
    readonly syscall: number;
    readonly probe: number;
    readonly signal: number;
    readonly incident: number;
    /** Calls that were only counted. */
    readonly countedCalls: number;
  };
  readonly lost: number;
}

export interface TraceInfo {
  readonly schema: 'armstalk.info/1';
  readonly file: string;
  readonly format: string;
  readonly segments: readonly SegmentInfo[];
  readonly integrity: TraceIntegrity;
}

interface SegmentCount {
  readonly header: RecordedHeader;
  readonly modules: ModuleNote[];
  end: RecordedEnd | undefined;
  latestClock: number;
  readonly threads: Set<number>;
  chunks: number;
  readonly kinds: number[];
  readonly notes: { syscall: number; probe: number; signal: number; incident: number };
  countedCalls: number;
}

const begin = (header: RecordedHeader): SegmentCount => ({
  header,
  modules: [],
  end: undefined,
  latestClock: 0,
  threads: new Set(),
  chunks: 0,
  kinds: [0, 0, 0, 0, 0],
  notes: { syscall: 0, probe: 0, signal: 0, incident: 0 },
  countedCalls: 0,
});

/** What a trace is and how much of it is there, without decoding events. */
export const describeTrace = async (reader: TraceReader): Promise<TraceInfo> => {
  const segments: SegmentCount[] = [];
  for await (const item of reader.items({ decode: false })) {
    if (item.type === 'header') segments.push(begin(item.header));
    const segment = segments.at(-1);
    if (!segment) continue;
    if (item.type === 'end') segment.end = item.end;
    else if (item.type === 'note') {
      if (item.note.type === 'module') segment.modules.push(item.note);
      else if (item.note.type === 'call-summary') {
        segment.threads.add(item.note.tid);
        segment.countedCalls += callsIn(item.note);
      } else if (isCounted(item.note)) segment.notes[item.note.type]++;
    } else if (item.type === 'chunk-facts') {
      const { tid, lastClock, kindCounts } = item.facts;
      segment.threads.add(tid);
      segment.chunks++;
      segment.latestClock = Math.max(segment.latestClock, lastClock);
      for (const [at, count] of kindCounts.entries()) segment.kinds[at] = (segment.kinds[at] ?? 0) + count;
    }
  }
  return {
    schema: 'armstalk.info/1',
    file: reader.name,
    format: `armstalk.v${segments[0]?.header.formatVersion ?? 1}`,
    segments: segments.map(segmentInfo),
    integrity: reader.integrity,
  };
};

/** A probe that also records a result has two notes for a hit. */
const isCounted = (note: Note): note is Exclude<Note, ModuleNote | CallSummaryNote | ThreadNote> =>
  note.type !== 'module' &&
  note.type !== 'call-summary' &&
  note.type !== 'thread' &&
  !(note.type === 'probe' && note.phase === 'return');

const callsIn = ({ calls }: CallSummaryNote): number => calls.reduce((sum, [, , count]) => sum + count, 0);

const segmentInfo = (segment: SegmentCount): SegmentInfo => {
  const [call = 0, ret = 0, exec = 0, block = 0, compile = 0] = segment.kinds;
  return {
    header: segment.header,
    modules: segment.modules,
    exit: segment.end && exitOf(segment.end),
    insns: segment.end?.clock ?? segment.latestClock,
    threads: [...segment.threads].sort((a, b) => a - b),
    chunks: segment.chunks,
    counts: { call, ret, exec, block, compile, ...segment.notes, countedCalls: segment.countedCalls },
    lost: segment.end?.lost ?? 0,
  };
};
