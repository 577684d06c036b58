import { type EventBatch, RECORD_WORDS, type SiteTable } from '../events/ring.js';
import { ByteColumn } from './byte-column.js';
import { HASH_MASK, KIND_BITS, KIND_ORDER, MAX_OPEN_RETURNS } from './chunk-format.js';
import { EdgeTable } from './edge-table.js';
import { EncoderMemory } from './encoder-memory.js';
import { CHUNK } from './schema.js';
import { makeStrideLoop, STATE } from './stride-loop.js';

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

export interface ChunkLimits {
  /** Events of a full chunk. */
  readonly events: number;
  /** Column bytes of a full chunk; overrun by at most one stride of events. */
  readonly bytes: number;
}

/** Events between two looks at the size of the columns. */
const STRIDE = 2048;
const SLOT_WORDS = 4;

function once<T extends object>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

/** Clock differences below this are safe in int32 arithmetic. */
const REACH = 2 ** 30;

const clockAt = ({ words, sites, clockBase }: EventBatch, index: number): number => {
  const site = words[index * RECORD_WORDS] as number;
  return clockBase - (words[index * RECORD_WORDS + 1] as number) - (sites.clockAdjust[site] as number);
};

/** The memory and the loop that all encoders share, made when the first one is. */
const engine = once(() => {
  const memory = new EncoderMemory();
  const loop = makeStrideLoop(memory, {
    intern: (site, target) => running.encoder.edges.intern(running.sites, site, target),
    miss: (slot, edge, delta, run, lastDelta) => running.encoder.miss(slot, edge, delta, run, lastDelta),
    escapeCall: (event, recorded, depth, known) => running.encoder.escapeCall(event, recorded, depth, known),
    escapeReturn: (event, recorded, depth, known, target) =>
      running.encoder.escapeReturn(event, recorded, depth, known, target),
  });
  return { memory, loop, input: memory.allocate(STRIDE * RECORD_WORDS) };
});

/** Whose stride the loop is at. */
let running: { readonly encoder: ChunkEncoder; readonly sites: SiteTable };

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
  private readonly runs = new ByteColumn(4096);
  private readonly edgeIndex = new ByteColumn(4096);
  private readonly clockDelta = new ByteColumn(4096);
  private readonly escape = new ByteColumn();
  private readonly switches = new ByteColumn();
  private readonly jumps = new ByteColumn();
  private readonly out = new ByteColumn(1 << 14);
  /** Per slot: first candidate's edge and delta, second candidate's edge and delta. */
  private readonly slots = engine().memory.allocate((HASH_MASK + 1) * SLOT_WORDS);
  private readonly kindCounts = engine().memory.allocate(KIND_BITS + 1);
  private readonly state = engine().memory.allocate(Object.keys(STATE).length);
  private lastEscape = 0;
  private lastSwitch = 0;
  private lastJump = 0;
  private firstElsewhere = 0;
  /** Known frames, innermost last: pairs of the call's edge (0 from an earlier chunk) and the predicted return address. */
  private frames = engine().memory.allocate(512);
  private openDepth = 0;
  private openReturns: number[] = [];

  constructor(tid: number, limits: ChunkLimits) {
    this.tid = tid;
    this.limits = limits;
  }

  /** Gives its memory back; the encoder is not used again. */
  dispose(): void {
    const { memory } = engine();
    for (const piece of [this.slots, this.kindCounts, this.state, this.frames]) memory.release(piece);
    this.edges.dispose();
  }

  get full(): boolean {
    return this.events >= this.limits.events || this.sizeBytes >= this.limits.bytes;
  }

  /** Takes records from `from` on until the batch ends or the chunk is full; answers the first record not taken. */
  encode(batch: EventBatch, from: number, elsewhere: number): number {
    if (from >= batch.count) return from;
    if (this.events === 0) this.begin(batch, from, elsewhere);
    else if (elsewhere !== this.elsewhere) this.switchThread(elsewhere);
    let at = from;
    while (at < batch.count && !this.full) {
      const room = Math.min(STRIDE, this.limits.events - this.events);
      const to = this.withinReach(batch, at, Math.min(batch.count, at + room));
      this.encodeStride(batch, at, to);
      at = to;
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
    const columns = this.runs.length + this.edgeIndex.length + this.clockDelta.length + this.escape.length;
    return columns + this.switches.length + this.jumps.length + this.edges.count * 8;
  }

  private begin(batch: EventBatch, from: number, elsewhere: number): void {
    this.firstClock = clockAt(batch, from);
    this.lastClock = this.firstClock;
    this.elsewhere = elsewhere;
    this.firstElsewhere = elsewhere;
    const known = this.state[STATE.known] as number;
    this.openDepth = this.state[STATE.depth] as number;
    const kept = Math.min(known, MAX_OPEN_RETURNS);
    this.frames.copyWithin(0, (known - kept) * 2, known * 2);
    this.openReturns = [];
    for (let frame = 0; frame < kept; frame++) {
      this.frames[frame * 2] = 0;
      this.openReturns.push(this.frames[frame * 2 + 1] as number);
    }
    this.state[STATE.known] = kept;
  }

  private switchThread(elsewhere: number): void {
    this.switches.varint(this.events - this.lastSwitch);
    this.switches.zigzag(elsewhere - this.elsewhere);
    this.lastSwitch = this.events;
    this.lastClock += elsewhere - this.elsewhere;
    this.elsewhere = elsewhere;
  }

  /**
   * The hot loop computes clock deltas in 32 bits. Answers how far from `from` it may go, after a jump of the clock when
   * even the first event is out of reach.
   */
  private withinReach(batch: EventBatch, from: number, to: number): number {
    const first = clockAt(batch, from);
    if (Math.abs(batch.clockBase - this.lastClock) >= REACH || Math.abs(first - this.lastClock) >= REACH) {
      this.jumps.varint(this.events - this.lastJump);
      this.jumps.zigzag(first - this.lastClock);
      this.lastJump = this.events;
      this.lastClock = first;
    }
    let end = to;
    while (end > from + 1 && Math.abs(clockAt(batch, end - 1) - first) >= REACH) end = from + ((end - from) >> 1);
    return end;
  }

  /** Hands a stride to the hot loop. `previous` is the clock before, counted back from clockBase like the records' fuel. */
  private encodeStride(batch: EventBatch, from: number, to: number): void {
    const { edges, state } = this;
    edges.reserve(batch.sites, to - from);
    this.reserveFrames(to - from);
    const { input, loop } = engine();
    input.set(batch.words.subarray(from * RECORD_WORDS, to * RECORD_WORDS));
    state[STATE.previous] = batch.clockBase - this.lastClock;
    running = { encoder: this, sites: batch.sites };
    loop(
      to - from,
      this.events,
      batch.shadowBase,
      state.byteOffset,
      input.byteOffset,
      this.slots.byteOffset,
      this.kindCounts.byteOffset,
      edges.edgeOf.byteOffset,
      edges.rows.byteOffset,
      this.frames.byteOffset,
    );
    this.lastClock = batch.clockBase - (state[STATE.previous] as number);
    this.events += to - from;
  }

  /** Codes 1 to 5: the event is not what the first candidate says. */
  miss(slot: number, edge: number, delta: number, run: number, lastDelta: number): void {
    const { slots } = this;
    const firstEdge = slots[slot] as number;
    const firstDelta = slots[slot + 1] as number;
    let code = 1;
    if (firstEdge !== edge) {
      if (slots[slot + 2] === edge) code = slots[slot + 3] === delta ? 2 : 3;
      else {
        code = lastDelta === delta ? 4 : 5;
        this.edgeIndex.varint(this.edges.number(edge));
      }
      slots[slot] = edge;
      slots[slot + 2] = firstEdge;
      slots[slot + 3] = firstDelta;
    }
    slots[slot + 1] = delta;
    this.runs.varint(run * 8 + code - 1);
    if (code & 1) this.clockDelta.zigzag32(delta);
  }

  private putEscape(event: number, correction: number, target: number | undefined): void {
    this.escape.varint(event - this.lastEscape);
    const zigzag = correction < 0 ? -2 * correction - 1 : 2 * correction;
    this.escape.varint(zigzag * 2 + (target === undefined ? 0 : 1));
    if (target !== undefined) this.escape.varint(target >>> 0);
    this.lastEscape = event;
  }

  /** Answers how many frames are still known below the call. */
  escapeCall(event: number, recorded: number, depth: number, known: number): number {
    this.putEscape(event, recorded - depth, undefined);
    return recorded > depth ? 0 : Math.max(0, known - (depth - recorded));
  }

  /** A return that does not simply take the top frame; answers how many frames are known after it. */
  escapeReturn(event: number, recorded: number, depth: number, known: number, target: number): number {
    const popped = depth - recorded;
    const left = popped < 0 ? 0 : Math.max(0, known - popped);
    const hasFrame = popped > 0 && known >= popped;
    const explicit = !hasFrame || this.frames[left * 2 + 1] !== target;
    const correction = recorded - Math.max(depth - 1, 0);
    if (explicit || correction !== 0) this.putEscape(event, correction, explicit ? target : undefined);
    if (explicit && hasFrame) this.edges.learnReturn(this.frames[left * 2] as number, target);
    return left;
  }

  private reserveFrames(more: number): void {
    const needed = ((this.state[STATE.known] as number) + more) * 2;
    if (needed > this.frames.length) this.frames = engine().memory.grow(this.frames, needed);
  }

  private message(kindCounts: readonly number[]): Uint8Array {
    const { out, edges } = this;
    out.clear();
    const put = (field: number, value: number): void => {
      out.tag(field, 0);
      out.varint(value);
    };
    const column = (field: number, values: ByteColumn): void => {
      if (values.length > 0) out.bytesField(field, values.view());
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
    const { kinds, locations, targets } = edges.columns();
    column(CHUNK.edgeKind, kinds);
    column(CHUNK.edgeLocation, locations);
    column(CHUNK.edgeTarget, targets);
    column(CHUNK.runs, this.runs);
    column(CHUNK.edgeIndex, this.edgeIndex);
    column(CHUNK.clockDelta, this.clockDelta);
    column(CHUNK.escape, this.escape);
    column(CHUNK.switch, this.switches);
    column(CHUNK.clockJump, this.jumps);
    put(CHUNK.lastClock, this.lastClock);
    column(
      CHUNK.kindCounts,
      packed(kindCounts, (to, value) => to.varint(value)),
    );
    return out.view();
  }

  private reset(): void {
    this.edges.clear();
    for (const column of [this.runs, this.edgeIndex, this.clockDelta, this.escape, this.switches, this.jumps])
      column.clear();
    this.slots.fill(0);
    this.kindCounts.fill(0);
    this.state[STATE.hash] = 0;
    this.state[STATE.run] = 0;
    this.lastEscape = 0;
    this.lastSwitch = 0;
    this.lastJump = 0;
    this.events = 0;
  }
}

const packed = (values: ArrayLike<number>, put: (to: ByteColumn, value: number) => void): ByteColumn => {
  const column = new ByteColumn();
  for (let i = 0; i < values.length; i++) put(column, values[i] as number);
  return column;
};
