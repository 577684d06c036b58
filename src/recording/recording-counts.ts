/** What was recorded, by kind. */
import { EventKind } from '../events/event.js';
import type { TraceWriter } from '../trace/writer.js';
import type { EventSelection } from './event-selection.js';
import { withoutUndefined } from './without-undefined.js';

/** Kinds that were not asked for are absent. */
export interface RecordingCounts {
  readonly threads: number;
  readonly calls?: number;
  readonly returns?: number;
  readonly execs?: number;
  readonly blocks?: number;
  readonly compiled?: number;
  readonly syscalls: number;
  readonly probeHits: number;
  readonly incidents: number;
}

/** `calls` is given when they were counted elsewhere. */
export const recordingCounts = (
  { kindCounts, syscalls, probeHits, incidents }: TraceWriter['totals'],
  { mask }: EventSelection,
  { threads, calls }: { readonly threads: number; readonly calls: number | undefined },
): RecordingCounts => {
  const counted = (kind: number, index: number): number | undefined =>
    (mask & kind) === 0 ? undefined : kindCounts[index];
  return withoutUndefined({
    threads,
    calls: calls ?? counted(EventKind.CALL, 0),
    returns: counted(EventKind.RET, 1),
    execs: counted(EventKind.EXEC, 2),
    blocks: counted(EventKind.BLOCK, 3),
    compiled: counted(EventKind.COMPILE, 4),
    syscalls,
    probeHits,
    incidents,
  }) as unknown as RecordingCounts;
};
