/**
 * Ring records: what instrumented code stores at RING_HEAD. Everything known when a block is compiled lives in the site
 * table, so a record carries a site number and what only the running code knows. There are two layouts; a thread uses
 * one of them as long as it is followed.
 *
 * Full records, four words each, stand for themselves:
 *
 *   word 0  site
 *   word 1  FUEL as it stood (the block's instructions already subtracted)
 *   word 2  target, when the site is dynamic; else not written
 *   word 3  SHADOW_TOP: of a CALL before its push, of a RET after its pop
 *
 * clock = batch.clockBase - fuel - site.clockAdjust; depth = (word 3 - batch.shadowBase) / FRAME_BYTES.
 *
 * Compact records are for a sink that keeps a shadow stack of its own (`EventSink.processCompact`) and gets every CALL
 * and RET: two words (site, FUEL), four for a CALL whose target is dynamic (target third, the fourth is not written).
 * A RET takes the top frame. What is not so is said by a record before it, which is no event:
 *
 *   UNMATCHED, SHADOW_TOP after the pop, target, not written    before the RET that it is about
 *   DEPTH, SHADOW_TOP                                           frames were dropped, or a push did not count
 *
 * Counting records are for a sink that only asks how often each call happened (`EventSink.processCalls`): the site, and
 * the target behind it where that is dynamic. There is no clock and no shadow stack.
 */
import type { EventMask } from './event.js';

export const RECORD_WORDS = 4;
export const RECORD_BYTES = RECORD_WORDS * 4;
/** Of a compact record without a dynamic target. */
export const COMPACT_WORDS = 2;
/** A shadow frame: return address (interworking) and sp at the call. */
export const FRAME_BYTES = 8;

/** Site numbers of the compact records that are no events. */
export const UNMATCHED = 0;
export const DEPTH = 1;
const FIRST_SITE = 2;

/** One row per place an event can come from; numbers are engine-wide and never reused. Other threads may read it. */
export class SiteTable {
  count = FIRST_SITE;
  /** EventKind bit. */
  kind = new Uint8Array(new SharedArrayBuffer(1024));
  /** 1 when the target is in the record instead of the table. */
  dynamic = new Uint8Array(new SharedArrayBuffer(1024));
  /** Interworking address of the instruction, or start of the block. */
  location = new Uint32Array(new SharedArrayBuffer(4096));
  /** Interworking target of a static CALL, or end of the block. */
  target = new Uint32Array(new SharedArrayBuffer(4096));
  /** Instructions of the block after the event's own: already subtracted from FUEL but not retired yet. */
  clockAdjust = new Int32Array(new SharedArrayBuffer(4096));
  /** Interworking return address of a CALL; 0 when it is the instruction after the call's location. */
  link = new Uint32Array(new SharedArrayBuffer(4096));

  add(kind: EventMask, location: number, target: number | undefined, clockAdjust: number, link = 0): number {
    const site = this.count++;
    if (site === this.kind.length) this.grow();
    this.kind[site] = kind;
    this.dynamic[site] = target === undefined ? 1 : 0;
    this.location[site] = location;
    this.target[site] = target ?? 0;
    this.clockAdjust[site] = clockAdjust;
    this.link[site] = link;
    return site;
  }

  private grow(): void {
    const size = this.kind.length * 2;
    const copy = <T extends Uint8Array | Uint32Array | Int32Array>(from: T, to: T): T => {
      to.set(from);
      return to;
    };
    this.kind = copy(this.kind, new Uint8Array(new SharedArrayBuffer(size)));
    this.dynamic = copy(this.dynamic, new Uint8Array(new SharedArrayBuffer(size)));
    this.location = copy(this.location, new Uint32Array(new SharedArrayBuffer(size * 4)));
    this.target = copy(this.target, new Uint32Array(new SharedArrayBuffer(size * 4)));
    this.clockAdjust = copy(this.clockAdjust, new Int32Array(new SharedArrayBuffer(size * 4)));
    this.link = copy(this.link, new Uint32Array(new SharedArrayBuffer(size * 4)));
  }
}

/**
 * Full records of one thread in the order they happened. The words are a view into the ring, valid only during
 * `EventSink.process`; a sink that keeps anything copies it.
 */
export interface EventBatch {
  readonly tid: number;
  readonly words: Int32Array;
  readonly count: number;
  readonly sites: SiteTable;
  readonly clockBase: number;
  readonly shadowBase: number;
  /**
   * Instructions other threads had retired, the same for all records of the batch: clock - elsewhere is the thread's own
   * clock. Without it costs are split between threads at the nearest event.
   */
  readonly elsewhere?: number;
}

/** Compact records of one thread, otherwise as EventBatch. */
export interface CompactBatch extends Omit<EventBatch, 'count'> {
  readonly elsewhere: number;
}

/** Counting records of one thread. */
export type CallBatch = Pick<EventBatch, 'tid' | 'words' | 'sites'>;

/** One decoded event, for callers who want objects and not speed. */
export interface StalkerEvent {
  readonly kind: EventMask;
  readonly tid: number;
  /** CALL, RET, EXEC: the instruction. BLOCK, COMPILE: start of the block. */
  readonly location: number;
  /** CALL, RET: the target. BLOCK, COMPILE: end of the block. EXEC: 0. */
  readonly target: number;
  /** CALL, RET: shadow stack depth; 0 otherwise. */
  readonly depth: number;
  readonly clock: number;
}

/** Decodes record `index` of a batch. */
export const decodeRecord = (batch: EventBatch, index: number): StalkerEvent => {
  const at = index * RECORD_WORDS;
  const { words, sites } = batch;
  const site = words[at] as number;
  const kind = sites.kind[site] as number;
  const dynamic = sites.dynamic[site] !== 0;
  const hasDepth = kind <= 2;
  return {
    kind,
    tid: batch.tid,
    location: sites.location[site] as number,
    target: dynamic ? (words[at + 2] as number) >>> 0 : (sites.target[site] as number),
    depth: hasDepth ? ((words[at + 3] as number) - batch.shadowBase) / FRAME_BYTES : 0,
    clock: batch.clockBase - (words[at + 1] as number) - (sites.clockAdjust[site] as number),
  };
};
