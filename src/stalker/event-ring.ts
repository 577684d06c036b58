/**
 * The engine's end of the event ring: where instrumented code stores records and from where they go to the live
 * thread's sink. COMPILE is recorded here by the engine itself, in order with what the code around it records.
 */
import { EventKind } from '../events/event.js';
import {
  COMPACT_WORDS,
  type CompactBatch,
  DEPTH,
  decodeRecord,
  RECORD_BYTES,
  RECORD_WORDS,
  SiteTable,
  type StalkerEvent,
  UNMATCHED,
} from '../events/ring.js';
import { Word } from '../guest/cpu-state.js';
import { EVENT_RING, EVENT_RING_BYTES } from '../guest/layout.js';
import type { GuestMemory } from '../guest/memory.js';
import type { ExecBlock } from './exec-block.js';
import type { ExecCtx } from './exec-ctx.js';
import { MAX_BLOCK_INSNS } from './options.js';

/**
 * Records one block can add after its ring check: two for every instruction, and the block's own; and what sinks cause
 * that are being handed a full ring.
 */
const RESERVE = (2 * MAX_BLOCK_INSNS + 72) * RECORD_BYTES;
const LAST = EVENT_RING + EVENT_RING_BYTES - RECORD_BYTES;

export class EventRing {
  readonly sites = new SiteTable();
  /** Retired instructions when FUEL was last set, plus that fuel: the clock is this minus FUEL. */
  clockBase = 0;
  /** Whose sink is being handed records. */
  delivering: ExecCtx | undefined;
  /** Address of the first record no sink has been handed, and where the ring is free from when there is none. */
  private first = EVENT_RING;
  private floor = EVENT_RING;
  private readonly memory: GuestMemory;
  private readonly words: Int32Array;

  constructor(memory: GuestMemory, words: Int32Array) {
    this.memory = memory;
    this.words = words;
    words[Word.RING_HEAD] = EVENT_RING | 0;
    words[Word.RING_LIMIT] = (EVENT_RING + EVENT_RING_BYTES - RESERVE) | 0;
  }

  /** Instructions retired by the whole process; inside a block, by its end. */
  get clock(): number {
    return this.clockBase - (this.words[Word.FUEL] as number);
  }

  /** Address of the record being written. */
  get head(): number {
    return (this.words[Word.RING_HEAD] as number) >>> 0;
  }

  /** Word `n` of the record being written, as u32. */
  pendingWord(n: number): number {
    return (this.memory.i32[(this.head >>> 2) + n] as number) >>> 0;
  }

  /** The full record that `live` has just written. */
  latest(live: ExecCtx): StalkerEvent {
    const end = this.head >>> 2;
    return decodeRecord({ ...this.batchOf(live, end - RECORD_WORDS, end), count: 1 }, 0);
  }

  /** Whether there are records no sink has been handed. */
  get hasRecords(): boolean {
    return this.head !== this.first;
  }

  /** Hands the records to the sink of `live`, the thread that wrote them. What is recorded meanwhile stands behind them. */
  drain(live: ExecCtx | undefined): void {
    const { first, head, floor } = this;
    if (head === first) return;
    this.first = head;
    this.floor = head;
    try {
      if (live?.sink !== undefined) this.deliver(live, first, head);
    } finally {
      this.floor = floor;
      if (!this.hasRecords) this.rewind();
    }
  }

  /** Forgets the records no sink has been handed. */
  rewind(): void {
    this.first = this.floor;
    this.words[Word.RING_HEAD] = this.floor | 0;
  }

  /** Calls the sink in the way it wants records, which lie in bytes [from, to). */
  private deliver(live: ExecCtx, from: number, to: number): void {
    const batch = this.batchOf(live, from >>> 2, to >>> 2);
    const outer = this.delivering;
    this.delivering = live;
    try {
      if (live.isCounting) live.sink?.processCalls?.(batch);
      else if (live.isCompact) live.sink?.processCompact?.(batch);
      else live.sink?.process({ ...batch, count: (to - from) / RECORD_BYTES });
    } finally {
      this.delivering = outer;
    }
  }

  /** Words `first` to `end` of guest memory as records of `live`. */
  private batchOf(live: ExecCtx, first: number, end: number): CompactBatch {
    return {
      tid: live.tid,
      words: this.memory.i32.subarray(first, end),
      sites: this.sites,
      clockBase: this.clockBase,
      shadowBase: live.shadowStack === undefined ? 0 : live.shadowStack.base | 0,
      elsewhere: live.elsewhere,
    };
  }

  /** A compact record that is no event: the next RET goes to `target`, its pop leaving SHADOW_TOP at `top`. */
  recordUnmatched(target: number, top: number): void {
    const at = this.head >>> 2;
    const { i32 } = this.memory;
    i32[at] = UNMATCHED;
    i32[at + 1] = top;
    i32[at + 2] = target;
    this.words[Word.RING_HEAD] = (this.head + RECORD_BYTES) | 0;
  }

  /** Moves the shadow stack's top otherwise than by an event. */
  setShadowTop(live: ExecCtx, top: number): void {
    this.words[Word.SHADOW_TOP] = top | 0;
    if (live.isCompact) this.recordDepth(top);
  }

  /** A compact record that is no event: SHADOW_TOP is `top` now. */
  private recordDepth(top: number): void {
    const at = this.head >>> 2;
    this.memory.i32[at] = DEPTH;
    this.memory.i32[at + 1] = top;
    this.words[Word.RING_HEAD] = (this.head + COMPACT_WORDS * 4) | 0;
  }

  /** COMPILE of a block that was just translated for the live thread. */
  recordCompile(live: ExecCtx, block: ExecBlock): void {
    if ((live.options.events & EventKind.COMPILE) === 0) return;
    const limit = this.floor === EVENT_RING ? (this.words[Word.RING_LIMIT] as number) >>> 0 : LAST;
    if (this.head > limit) this.drain(live);
    const { head } = this;
    const { i32 } = this.memory;
    i32[head >>> 2] = this.sites.add(EventKind.COMPILE, block.start, block.end, 0);
    i32[(head >>> 2) + 1] = this.words[Word.FUEL] as number;
    if (!live.isCompact) i32[(head >>> 2) + RECORD_WORDS - 1] = 0;
    this.words[Word.RING_HEAD] = (head + (live.isCompact ? COMPACT_WORDS * 4 : RECORD_BYTES)) | 0;
  }
}
