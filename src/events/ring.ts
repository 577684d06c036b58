/**
 * Ring records: what instrumented code stores, four words each, at RING_HEAD. Everything known when a block is compiled
 * lives in the site table, so a record carries a site number and what only the running code knows.
 *
 *   word 0  site
 *   word 1  FUEL as it stood (the block's instructions already subtracted)
 *   word 2  target, when the site is dynamic; else not written
 *   word 3  SHADOW_TOP: of a CALL before its push, of a RET after its pop
 *
 * clock = batch.clockBase - fuel - site.clockAdjust; depth = (word 3 - batch.shadowBase) / FRAME_BYTES.
 */
import type { EventMask } from './event.js';

export const RECORD_WORDS = 4;
export const RECORD_BYTES = RECORD_WORDS * 4;
/** A shadow frame: return address (interworking) and sp at the call. */
export const FRAME_BYTES = 8;

/** One row per place an event can come from; numbers are engine-wide and never reused. */
export class SiteTable {
  count = 0;
  /** EventKind bit. */
  kind = new Uint8Array(1024);
  /** 1 when the target is in the record instead of the table. */
  dynamic = new Uint8Array(1024);
  /** Interworking address of the instruction, or start of the block. */
  location = new Uint32Array(1024);
  /** Interworking target of a static CALL, or end of the block. */
  target = new Uint32Array(1024);
  /** Instructions of the block after the event's own: already subtracted from FUEL but not retired yet. */
  clockAdjust = new Int32Array(1024);

  add(kind: EventMask, location: number, target: number | undefined, clockAdjust: number): number {
    const site = this.count++;
    if (site === this.kind.length) this.grow();
    this.kind[site] = kind;
    this.dynamic[site] = target === undefined ? 1 : 0;
    this.location[site] = location;
    this.target[site] = target ?? 0;
    this.clockAdjust[site] = clockAdjust;
    return site;
  }

  private grow(): void {
    const size = this.kind.length * 2;
    const copy = <T extends Uint8Array | Uint32Array | Int32Array>(from: T, to: T): T => {
      to.set(from);
      return to;
    };
    this.kind = copy(this.kind, new Uint8Array(size));
    this.dynamic = copy(this.dynamic, new Uint8Array(size));
    this.location = copy(this.location, new Uint32Array(size));
    this.target = copy(this.target, new Uint32Array(size));
    this.clockAdjust = copy(this.clockAdjust, new Int32Array(size));
  }
}

/**
 * Records of one thread in the order they happened. The words are a view into the ring, valid only during
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
