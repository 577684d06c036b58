import { COMPACT_WORDS, type CompactBatch, DEPTH, type EventBatch, RECORD_WORDS, UNMATCHED } from '../events/ring.js';
import { ByteColumn } from './byte-column.js';
import { HASH_MASK, KIND_BITS, KIND_ORDER } from './chunk-format.js';
import { EdgeTable } from './edge-table.js';
import { EncoderEngine } from './encoder-engine.js';
import { type FrameCarry, FrameStack } from './frame-stack.js';
import { CHUNK } from './schema.js';
import { StrideColumns } from './stride-columns.js';
import { SLOT_WORDS, STATE, STATE_WORDS, STRIDE, type StrideLoop } from './stride-state.js';

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
  readonly lastClock: number;
  readonly elsewhere: number;
  readonly stack: FrameCarry;
}

export interface ChunkLimits {
  /** Events of a full chunk. */
  readonly events: number;
  /** Column bytes of a full chunk; overrun by at most one stride of events. */
  readonly bytes: number;
}

/** Clock differences below this are safe in int32 arithmetic. */
const REACH = 2 ** 30;

const clockAt = ({ words, sites, clockBase }: EventBatch | CompactBatch, word: number): number =>
  clockBase - (words[word + 1] as number) - (sites.clockAdjust[words[word] as number] as number);

/** Turns one thread's ring records into chunks: dictionary, predictor and shadow stack as armstalk.proto describes them. */
export class ChunkEncoder {
  readonly tid: number;
  private readonly engine = EncoderEngine.shared;
  readonly edges = new EdgeTable(this.engine.memory);
  events = 0;
  firstClock = 0;
  /** Clock of the latest event, kept from chunk to chunk. */
  lastClock = 0;
  elsewhere = 0;

  private readonly limits: ChunkLimits;
  private readonly switches = new ByteColumn();
  private readonly jumps = new ByteColumn();
  private readonly out = new ByteColumn(1 << 14);
  /** Per slot: first candidate's edge and delta, second candidate's edge and delta. */
  private readonly slots = this.engine.memory.allocate((HASH_MASK + 1) * SLOT_WORDS);
  private readonly kindCounts = this.engine.memory.allocate(KIND_BITS + 1);
  private readonly state = this.engine.memory.allocate(STATE_WORDS);
  private lastSwitch = 0;
  private lastJump = 0;
  private firstElsewhere = 0;
  private readonly columns = new StrideColumns(this.engine.memory, this.state);
  readonly stack = new FrameStack(this.engine.memory, this.state);

  constructor(tid: number, limits: ChunkLimits) {
    this.tid = tid;
    this.limits = limits;
  }

  /** Gives its memory back; the encoder is not used again. */
  dispose(): void {
    const { memory } = this.engine;
    const { slots, kindCounts, state } = this;
    this.stack.dispose();
    this.columns.dispose();
    for (const piece of [slots, kindCounts, state]) memory.release(piece);
    this.edges.dispose();
  }

  /** For an encoder that goes on in this one's place. Only between chunks. */
  carry(): EncoderCarry {
    const { tid, lastClock, elsewhere } = this;
    return { tid, lastClock, elsewhere, stack: this.stack.carry() };
  }

  resume({ lastClock, elsewhere, stack }: EncoderCarry): void {
    this.lastClock = lastClock;
    this.elsewhere = elsewhere;
    this.stack.resume(stack);
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
      at += this.encodeStride(this.engine.loops.full, batch, at * RECORD_WORDS, to * RECORD_WORDS) / RECORD_WORDS;
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
      at += this.encodeStride(this.engine.loops.compact, batch, at, to);
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
      depth: this.stack.openDepth,
      kindCounts,
    };
    this.reset();
    return chunk;
  }

  private get sizeBytes(): number {
    const rare = this.stack.escape.length + this.switches.length + this.jumps.length;
    return this.columns.sizeBytes + rare + this.edges.count * 8;
  }

  /** Events up to the next look at the size: the looks are at the same events however the records arrive. */
  private get room(): number {
    return Math.min(STRIDE - (this.events % STRIDE), this.limits.events - this.events);
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
    this.stack.begin();
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
    this.stack.reserve(this.stack.depth + STRIDE);
    this.columns.reserve();
    const { engine } = this;
    const input = engine.inputAt(batch.words, from, Math.min(batch.words.length, to + RECORD_WORDS - COMPACT_WORDS));
    state[STATE.previous] = batch.clockBase - this.lastClock;
    engine.running = { encoder: this, sites: batch.sites, shadowBase: batch.shadowBase };
    loop(
      this.events,
      batch.shadowBase,
      state.byteOffset,
      input,
      input + (to - from) * 4,
      this.slots.byteOffset,
      this.kindCounts.byteOffset,
      edges.edgeOf.byteOffset,
      edges.rows.byteOffset,
      edges.heads.byteOffset,
    );
    this.lastClock = batch.clockBase - (state[STATE.previous] as number);
    this.events += state[STATE.taken] as number;
    return ((state[STATE.record] as number) - input) >> 2;
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
      packed(this.stack.openReturns, (to, value) => to.varint(value >>> 0)),
    );
    out.tag(CHUNK.depth, 0);
    out.zigzag32(this.stack.openDepth);
    put(CHUNK.elsewhere, this.firstElsewhere);
    const { kinds, locations, targets, returns } = edges.columns();
    column(CHUNK.edgeKind, kinds.view());
    column(CHUNK.edgeLocation, locations.view());
    column(CHUNK.edgeTarget, targets.view());
    column(CHUNK.runs, this.columns.bytes('runs'));
    column(CHUNK.edgeIndex, this.columns.bytes('edgeIndex'));
    column(CHUNK.clockDelta, this.columns.bytes('clockDelta'));
    column(CHUNK.escape, this.stack.escape.view());
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
    this.stack.end();
    for (const column of [this.switches, this.jumps]) column.clear();
    this.columns.rewind();
    this.slots.fill(0);
    this.kindCounts.fill(0);
    this.state[STATE.hash] = 0;
    this.state[STATE.run] = 0;
    this.state[STATE.named] = 0;
    this.lastSwitch = 0;
    this.lastJump = 0;
    this.events = 0;
  }
}

const packed = (values: ArrayLike<number>, put: (to: ByteColumn, value: number) => void): Uint8Array => {
  const column = new ByteColumn();
  for (let i = 0; i < values.length; i++) put(column, values[i] as number);
  return column.view();
};
