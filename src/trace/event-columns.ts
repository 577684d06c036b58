import type { EventMask } from '../events/event.js';
import type { StalkerEvent } from '../events/ring.js';

/** Distinct (kind, location, target) of one chunk, numbered from 1; row 0 is unused. */
export interface EdgeColumns {
  count: number;
  kind: Uint8Array;
  /** u32. */
  location: Uint32Array;
  /** 0 for a return whose target is the shadow stack's. */
  target: Uint32Array;
}

/**
 * The decoded events of one chunk, all of one thread, in order. The arrays belong to the reader and are overwritten by
 * the next chunk; the first `count` entries count. `edge` leads to `edges`, for work that need be done only once per
 * distinct event.
 */
export interface EventColumns {
  tid: number;
  count: number;
  kind: Uint8Array;
  location: Uint32Array;
  target: Uint32Array;
  depth: Int32Array;
  clock: Float64Array;
  /** Instructions this thread had retired. */
  threadClock: Float64Array;
  edge: Int32Array;
  edges: EdgeColumns;
  /** Return addresses open before the first event, outermost first; the innermost of them when there are many. */
  openReturns: readonly number[];
  /** Shadow stack depth before the first event. */
  openDepth: number;
}

export const createColumns = (capacity: number): EventColumns => ({
  tid: 0,
  count: 0,
  kind: new Uint8Array(capacity),
  location: new Uint32Array(capacity),
  target: new Uint32Array(capacity),
  depth: new Int32Array(capacity),
  clock: new Float64Array(capacity),
  threadClock: new Float64Array(capacity),
  edge: new Int32Array(capacity),
  edges: { count: 0, kind: new Uint8Array(1), location: new Uint32Array(1), target: new Uint32Array(1) },
  openReturns: [],
  openDepth: 0,
});

/** One event as an object, for callers who want objects and not speed. */
export const eventAt = (columns: EventColumns, index: number): StalkerEvent => ({
  kind: columns.kind[index] as EventMask,
  tid: columns.tid,
  location: columns.location[index] as number,
  target: columns.target[index] as number,
  depth: columns.depth[index] as number,
  clock: columns.clock[index] as number,
});
