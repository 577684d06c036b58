import { EventKind } from '../events/event.js';
import {
  COMPACT_WORDS,
  type CompactBatch,
  DEPTH,
  type EventBatch,
  FRAME_BYTES,
  RECORD_WORDS,
  type SiteTable,
  UNMATCHED,
} from '../events/ring.js';
import { ByteColumn } from './byte-column.js';
import { HASH_MASK, KIND_BITS, KIND_ORDER, MAX_OPEN_RETURNS } from './chunk-format.js';
import { EdgeTable, ROW } from './edge-table.js';
import { EncoderMemory } from './encoder-memory.js';
import { CHUNK } from './schema.js';
import {
  COLUMN_BYTES_PER_EVENT,
  makeStrideLoops,
  SLOT_WORDS,
  STATE,
  STATE_WORDS,
  type StrideLoop,
} from './stride-loop.js';

/** A chunk as bytes of an EventChunk message, valid until the next event, and what the index and Packed say of it. */
export interface EncodedChunk {
  readonly tid: number;
  readonly bytes: Uint8Array;
  readonly events: number;
  readonly firstClock: number;
  readonly lastClock: number;
  readonly depth: number;
  readonly kindCounts: readonly number[];
}

/** What an encoder carries from chunk to chunk. */
export interface EncoderCarry {
  readonly tid: number;
  readonly depth: number;
  readonly floor: number;
  readonly frames: Int32Array;
  readonly lastClock: number;
  readonly elsewhere: number;
  readonly pendingDepth: number;
  readonly pendingTarget: number | undefined;
}

export interface ChunkLimits {
  /** Events of a full chunk. */
  readonly events: number;
  /** Column bytes of a full chunk; overrun by at most one stride of events. */
  readonly bytes: number;
}

/** Events between two looks at the size of the columns, and at most between two returns of the hot loop. */
const STRIDE = 2048;
const COLUMN_WORDS = 4096;
/** Above every depth: the next call or return comes to `settle`. */
const UNSETTLED = 0x7fff_ffff;

function once<T extends object>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

/** Clock differences below this are safe in int32 arithmetic. */
const REACH = 2 ** 30;

const clockAt = ({ words, sites, clockBase }: EventBatch | CompactBatch, word: number): number =>
  clockBase - (words[word + 1] as number) - (sites.clockAdjust[words[word] as number] as number);

/** The memory and the loops that all encoders share, made when the first one is. */
const engine = once(() => {
  const memory = new EncoderMemory();
  const loops = makeStrideLoops(memory, {
    intern: (site, target) => running.encoder.edges.intern(running.sites, site, target),
    adjust: (site, top, target) => running.encoder.adjust(site, (top - running.shadowBase) / FRAME_BYTES, target),
    settle: (event, row, depth) => running.encoder.settle(event, row, depth),
    settleFull: (event, row, depth, recorded, target) =>
      running.encoder.settleFull(event, row, depth, recorded, target),
  });
  return { memory, loops, input: memory.allocate(STRIDE * RECORD_WORDS) };
});

/** Whose stride the loop is at. */
let running: { readonly encoder: ChunkEncoder; readonly sites: SiteTable; readonly shadowBase: number };

type Column = 'runs' | 'edgeIndex' | 'clockDelta';

/** Turns one thread's ring records into chunks: dictionary, predictor and shadow stack as armstalk.proto describes them. */
export class ChunkEncoder {
  readonly tid: number;
  readonly edges = new EdgeTable(engine().memory);
  events = 0;
  firstClock = 0;
  /** Clock of the latest event, kept from chunk to chunk. */
  lastClock = 0;
  elsewhere = 0;

  private readonly limits: ChunkLimits;
  /** Written by the loop, from where `state` says. */
  private readonly columns: Record<Column, Int32Array> = {
    runs: engine().memory.allocate(COLUMN_WORDS),
    edgeIndex: engine().memory.allocate(COLUMN_WORDS),
    clockDelta: engine().memory.allocate(COLUMN_WORDS),
  };
  private readonly escape = new ByteColumn();
  private readonly switches = new ByteColumn();
  private readonly jumps = new ByteColumn();
  private readonly out = new ByteColumn(1 << 14);
  /** Per slot: first candidate's edge and delta, second candidate's edge and delta. */
  private readonly slots = engine().memory.allocate((HASH_MASK + 1) * SLOT_WORDS);
  private readonly kindCounts = engine().memory.allocate(KIND_BITS + 1);
  private readonly state = engine().memory.allocate(STATE_WORDS);
  private lastEscape = 0;
  private lastSwitch = 0;
  private lastJump = 0;
  private firstElsewhere = 0;
  /** Return addresses by depth; those below `floor` are not known to a reader of the chunk. */
  private frames = engine().memory.allocate(512);
  private floor = 0;
  private openDepth = 0;
  private openReturns: number[] = [];
  /** What compact records say of the next call or return. */
  private pendingDepth = -1;
  private pendingTarget: number | undefined;

  constructor(tid: number, limits: ChunkLimits) {
    this.tid = tid;
    this.limits = limits;
    this.rewindColumns();
  }

  /** Gives its memory back; the encoder is not used again. */
  dispose(): void {
    const { memory } = engine();
    const { slots, kindCounts, state, frames, columns } = this;
    for (const piece of [slots, kindCounts, state, frames, ...Object.values(columns)]) memory.release(piece);
    this.edges.dispose();
  }

  /** For an encoder that goes on in this one's place. Only between chunks. */
  carry(): EncoderCarry {
    const { tid, floor, lastClock, elsewhere, pendingDepth, pendingTarget } = this;
    const depth = this.state[STATE.depth] as number;
    return {
      tid,
      depth,
      floor,
      frames: this.frames.slice(0, depth),
      lastClock,
      elsewhere,
      pendingDepth,
      pendingTarget,
    };
  }

  resume({ depth, floor, frames, lastClock, elsewhere, pendingDepth, pendingTarget }: EncoderCarry): void {
    this.reserveFrames(depth);
    this.frames.set(frames);
    this.state[STATE.depth] = depth;
    this.floor = floor;
    this.lastClock = lastClock;
    this.elsewhere = elsewhere;
    this.pendingDepth = pendingDepth;
    this.pendingTarget = pendingTarget;
    this.publishFloor();
  }

  get full(): boolean {
    return this.events >= this.limits.events || this.sizeBytes >= this.limits.bytes;
  }

  /** Takes full records from `from` on until the batch ends or the chunk is full; answers the first one not taken. */
  encode(batch: EventBatch, from: number, elsewhere: number): number {
    if (from >= batch.count) return from;
    this.open(clockAt(batch, from * RECORD_WORDS), elsewhere);
    let at = from;
    while (at < batch.count && !this.full) {
      const to = this.withinReach(batch, at, Math.min(batch.count, at + this.room));
      at += this.encodeStride(engine().loops.full, batch, at * RECORD_WORDS, to * RECORD_WORDS) / RECORD_WORDS;
    }
    return at;
  }

  /** The same for compact records; `from` and the answer count words. */
  encodeCompact(batch: CompactBatch, from: number): number {
    const { words } = batch;
    const size = words.length;
    let first = from;
    while (first < size && (words[first] as number) <= DEPTH) {
      first += words[first] === UNMATCHED ? RECORD_WORDS : COMPACT_WORDS;
    }
    if (first < size) {
      const clock = clockAt(batch, first);
      this.open(clock, batch.elsewhere);
      this.jumpTo(clock, batch.clockBase);
    }
    let at = from;
    while (at < size && !this.full) {
      const to = Math.min(size, at + this.room * COMPACT_WORDS);
      at += this.encodeStride(engine().loops.compact, batch, at, to);
    }
    return at;
  }

  /** Closes the chunk and starts the next; undefined when it holds nothing. */
  take(): EncodedChunk | undefined {
    if (this.events === 0) return undefined;
    const kindCounts = KIND_ORDER.map((kind) => this.kindCounts[kind] as number);
    const chunk: EncodedChunk = {
      tid: this.tid,
      bytes: this.message(kindCounts),
      events: this.events,
      firstClock: this.firstClock,
      lastClock: this.lastClock,
      depth: this.openDepth,
      kindCounts,
    };
    this.reset();
    return chunk;
  }

  private get sizeBytes(): number {
    const columns = this.columnLength('runs') + this.columnLength('edgeIndex') + this.columnLength('clockDelta');
    const rare = this.escape.length + this.switches.length + this.jumps.length;
    return columns + rare + this.edges.count * 8;
  }

  /** Events up to the next look at the size: the looks are at the same events however the records arrive. */
  private get room(): number {
    return Math.min(STRIDE - (this.events % STRIDE), this.limits.events - this.events);
  }

  private columnLength(column: Column): number {
    return (this.state[STATE[column]] as number) - this.columns[column].byteOffset;
  }

  private columnBytes(column: Column): Uint8Array {
    const { buffer, byteOffset } = this.columns[column];
    return new Uint8Array(buffer, byteOffset, this.columnLength(column));
  }

  private open(firstClock: number, elsewhere: number): void {
    if (this.events === 0) this.begin(firstClock, elsewhere);
    else if (elsewhere !== this.elsewhere) this.switchThread(elsewhere);
  }

  private begin(firstClock: number, elsewhere: number): void {
    this.firstClock = firstClock;
    this.lastClock = firstClock;
    this.elsewhere = elsewhere;
    this.firstElsewhere = elsewhere;
    const depth = this.state[STATE.depth] as number;
    this.openDepth = depth;
    this.floor = Math.max(this.floor, depth - MAX_OPEN_RETURNS);
    this.publishFloor();
    this.openReturns = [...this.frames.subarray(this.floor, depth)];
  }

  private publishFloor(): void {
    const isSettled = this.pendingDepth < 0 && this.pendingTarget === undefined;
    this.state[STATE.floor] = isSettled ? this.floor : UNSETTLED;
  }

  private switchThread(elsewhere: number): void {
    this.switches.varint(this.events - this.lastSwitch);
    this.switches.zigzag(elsewhere - this.elsewhere);
    this.lastSwitch = this.events;
    this.lastClock += elsewhere - this.elsewhere;
    this.elsewhere = elsewhere;
  }

  /** The loops compute clock deltas in 32 bits: where the next event is out of their reach, the clock jumps there. */
  private jumpTo(clock: number, clockBase: number): void {
    if (Math.abs(clockBase - this.lastClock) < REACH && Math.abs(clock - this.lastClock) < REACH) return;
    this.jumps.varint(this.events - this.lastJump);
    this.jumps.zigzag(clock - this.lastClock);
    this.lastJump = this.events;
    this.lastClock = clock;
  }

  /** Answers how far from `from` a stride may go, after a jump of the clock when even the first event is out of reach. */
  private withinReach(batch: EventBatch, from: number, to: number): number {
    const first = clockAt(batch, from * RECORD_WORDS);
    this.jumpTo(first, batch.clockBase);
    let end = to;
    while (end > from + 1 && Math.abs(clockAt(batch, (end - 1) * RECORD_WORDS) - first) >= REACH) {
      end = from + ((end - from) >> 1);
    }
    return end;
  }

  /**
   * Hands the records that begin in words [from, to) to a hot loop; answers how many words they are. Of compact records
   * the last may reach beyond `to`. `previous` is the clock before, counted back from clockBase as FUEL is.
   */
  private encodeStride(loop: StrideLoop, batch: EventBatch | CompactBatch, from: number, to: number): number {
    const { edges, state } = this;
    edges.reserve(batch.sites, STRIDE);
    this.reserveFrames((state[STATE.depth] as number) + STRIDE);
    this.reserveColumns();
    const { input } = engine();
    const end = Math.min(batch.words.length, to + RECORD_WORDS - COMPACT_WORDS, from + input.length);
    input.set(batch.words.subarray(from, end));
    state[STATE.previous] = batch.clockBase - this.lastClock;
    running = { encoder: this, sites: batch.sites, shadowBase: batch.shadowBase };
    loop(
      this.events,
      batch.shadowBase,
      state.byteOffset,
      input.byteOffset,
      input.byteOffset + (to - from) * 4,
      this.slots.byteOffset,
      this.kindCounts.byteOffset,
      edges.edgeOf.byteOffset,
      edges.rows.byteOffset,
      edges.heads.byteOffset,
    );
    this.lastClock = batch.clockBase - (state[STATE.previous] as number);
    this.events += state[STATE.taken] as number;
    return ((state[STATE.record] as number) - input.byteOffset) >> 2;
  }

  private reserveColumns(): void {
    for (const name of ['runs', 'edgeIndex', 'clockDelta'] as const) {
      const length = this.columnLength(name);
      const needed = (length + STRIDE * COLUMN_BYTES_PER_EVENT + 3) >> 2;
      if (needed <= this.columns[name].length) continue;
      this.columns[name] = engine().memory.grow(this.columns[name], needed);
      this.state[STATE[name]] = this.columns[name].byteOffset + length;
    }
  }

  private reserveFrames(depth: number): void {
    if (depth >= this.frames.length) this.frames = engine().memory.grow(this.frames, depth + 1);
    this.state[STATE.frames] = this.frames.byteOffset;
  }

  // -- the rare cases ------------------------------------------------------------------------------------------------

  /** A compact record that is no event: what it says waits for the next call or return. */
  adjust(site: number, depth: number, target: number): void {
    this.pendingDepth = depth;
    if (site === UNMATCHED) this.pendingTarget = target;
    this.publishFloor();
  }

  /** A compact event after which the depth is `depth` by its own looks; answers what it really is. */
  settle(event: number, row: number, depth: number): number {
    const kind = engine().memory.word(row, ROW.flags) & KIND_BITS;
    if (kind > EventKind.RET) return depth;
    const { pendingDepth, pendingTarget } = this;
    this.pendingDepth = -1;
    this.pendingTarget = undefined;
    if (kind === EventKind.CALL) {
      return this.escapeCall(event, row, pendingDepth < 0 ? depth - 1 : pendingDepth, depth - 1);
    }
    const before = depth + 1;
    const isUnmatched = pendingTarget !== undefined;
    const recorded = isUnmatched ? pendingDepth : (pendingDepth < 0 ? before : pendingDepth) - 1;
    return this.escapeReturn(event, recorded, before, pendingTarget ?? (this.frames[recorded] as number));
  }

  /** A full record's event at `depth`. */
  settleFull(event: number, row: number, depth: number, recorded: number, target: number): number {
    const kind = engine().memory.word(row, ROW.flags) & KIND_BITS;
    return kind === EventKind.CALL
      ? this.escapeCall(event, row, recorded, depth)
      : this.escapeReturn(event, recorded, depth, target);
  }

  private putEscape(event: number, correction: number, target: number | undefined): void {
    this.escape.varint(event - this.lastEscape);
    const zigzag = correction < 0 ? -2 * correction - 1 : 2 * correction;
    this.escape.varint(zigzag * 2 + (target === undefined ? 0 : 1));
    if (target !== undefined) this.escape.varint(target >>> 0);
    this.lastEscape = event;
  }

  /** A call at `depth` that is recorded at another one. Answers the depth after it. */
  private escapeCall(event: number, row: number, recorded: number, depth: number): number {
    if (recorded !== depth) this.putEscape(event, recorded - depth, undefined);
    this.moveTo(recorded, depth);
    this.frames[recorded] = engine().memory.word(row, ROW.returns);
    return recorded + 1;
  }

  /** A return from `depth` that does not simply take the top frame, or takes one that is not known. */
  private escapeReturn(event: number, recorded: number, depth: number, target: number): number {
    const hasFrame = recorded < depth && recorded >= this.floor;
    const isExplicit = !hasFrame || this.frames[recorded] !== target;
    const correction = recorded - Math.max(depth - 1, 0);
    if (isExplicit || correction !== 0) this.putEscape(event, correction, isExplicit ? target : undefined);
    this.moveTo(recorded, depth);
    return recorded;
  }

  private moveTo(recorded: number, depth: number): void {
    this.floor = recorded > depth ? recorded : Math.min(this.floor, recorded);
    this.publishFloor();
    this.reserveFrames(recorded + STRIDE);
  }

  private message(kindCounts: readonly number[]): Uint8Array {
    const { out, edges } = this;
    out.clear();
    const put = (field: number, value: number): void => {
      out.tag(field, 0);
      out.varint(value);
    };
    const column = (field: number, bytes: Uint8Array): void => {
      if (bytes.length > 0) out.bytesField(field, bytes);
    };
    put(CHUNK.tid, this.tid);
    put(CHUNK.firstClock, this.firstClock);
    put(CHUNK.events, this.events);
    column(
      CHUNK.openReturns,
      packed(this.openReturns, (to, value) => to.varint(value >>> 0)),
    );
    out.tag(CHUNK.depth, 0);
    out.zigzag32(this.openDepth);
    put(CHUNK.elsewhere, this.firstElsewhere);
    const { kinds, locations, targets, returns } = edges.columns();
    column(CHUNK.edgeKind, kinds.view());
    column(CHUNK.edgeLocation, locations.view());
    column(CHUNK.edgeTarget, targets.view());
    column(CHUNK.runs, this.columnBytes('runs'));
    column(CHUNK.edgeIndex, this.columnBytes('edgeIndex'));
    column(CHUNK.clockDelta, this.columnBytes('clockDelta'));
    column(CHUNK.escape, this.escape.view());
    column(CHUNK.switch, this.switches.view());
    column(CHUNK.clockJump, this.jumps.view());
    put(CHUNK.lastClock, this.lastClock);
    column(
      CHUNK.kindCounts,
      packed(kindCounts, (to, value) => to.varint(value)),
    );
    column(CHUNK.edgeReturn, returns.view());
    return out.view();
  }

  private reset(): void {
    this.edges.clear();
    for (const column of [this.escape, this.switches, this.jumps]) column.clear();
    this.rewindColumns();
    this.slots.fill(0);
    this.kindCounts.fill(0);
    this.state[STATE.hash] = 0;
    this.state[STATE.run] = 0;
    this.state[STATE.named] = 0;
    this.lastEscape = 0;
    this.lastSwitch = 0;
    this.lastJump = 0;
    this.events = 0;
  }

  private rewindColumns(): void {
    for (const name of ['runs', 'edgeIndex', 'clockDelta'] as const) {
      this.state[STATE[name]] = this.columns[name].byteOffset;
    }
  }
}

const packed = (values: ArrayLike<number>, put: (to: ByteColumn, value: number) => void): Uint8Array => {
  const column = new ByteColumn();
  for (let i = 0; i < values.length; i++) put(column, values[i] as number);
  return column.view();
};
