import { EventKind } from '../events/event.js';
import {
  EDGE_DYNAMIC,
  EDGE_HAS_RETURN,
  EDGE_HAS_TARGET,
  HASH_FACTOR,
  HASH_MASK,
  HASH_SHIFT,
  KIND_BITS,
  MAX_EVENTS,
  MAX_OPEN_RETURNS,
  predictedReturn,
} from './chunk-format.js';
import { createColumns, type EventColumns } from './event-columns.js';
import { decodeMessage } from './message-decoder.js';
import { VarintCursor } from './varint-cursor.js';

const SLOT_WORDS = 4;
const NEVER = Number.POSITIVE_INFINITY;

interface RawChunk {
  readonly tid: number;
  readonly firstClock: number;
  readonly events: number;
  readonly openReturns: readonly number[];
  readonly depth: number;
  readonly elsewhere: number;
  readonly edgeKind: Uint8Array;
  readonly edgeLocation: Uint8Array;
  readonly edgeTarget: Uint8Array;
  readonly runs: Uint8Array;
  readonly edgeIndex: Uint8Array;
  readonly clockDelta: Uint8Array;
  readonly escape: Uint8Array;
  readonly switch: Uint8Array;
  readonly clockJump: Uint8Array;
  readonly edgeReturn: Uint8Array;
}

/** Fields left packed, to be walked event by event. */
export const COLUMNS: ReadonlySet<string> = new Set([
  'edgeLocation',
  'edgeTarget',
  'runs',
  'edgeIndex',
  'clockDelta',
  'escape',
  'switch',
  'clockJump',
  'edgeReturn',
]);

/** The mirror of ChunkEncoder: EventChunk bytes to columns, which it owns and reuses. */
export class ChunkDecoder {
  private columns: EventColumns = createColumns(1 << 12);
  private readonly slots = new Int32Array((HASH_MASK + 1) * SLOT_WORDS);
  private readonly location = new VarintCursor();
  private readonly target = new VarintCursor();
  private readonly runs = new VarintCursor();
  private readonly edgeIndex = new VarintCursor();
  private readonly clockDelta = new VarintCursor();
  private readonly escape = new VarintCursor();
  private readonly switches = new VarintCursor();
  private readonly jumps = new VarintCursor();
  private readonly edgeReturn = new VarintCursor();
  private returns = new Int32Array(1);
  private lastDelta = new Int32Array(1);
  private frameReturn = new Int32Array(256);
  private run = 0;
  private code = 0;
  private known = 0;
  private depth = 0;
  private nextEscape = NEVER;

  /**
   * Columns valid until the next call. Throws RangeError when the chunk contradicts itself or claims more than a reader
   * accepts.
   */
  decode(bytes: Uint8Array): EventColumns {
    const raw = decodeMessage('EventChunk', bytes, COLUMNS) as unknown as RawChunk;
    if (raw.events > MAX_EVENTS) throw new RangeError(`a chunk of ${raw.events} events is too large`);
    if (raw.openReturns.length > MAX_OPEN_RETURNS) throw new RangeError('too many open returns');
    this.openCursors(raw);
    this.reserve(raw.events);
    this.readEdges(raw.edgeKind, raw.events);
    this.openFrames(raw);
    const { columns } = this;
    columns.tid = raw.tid;
    columns.count = raw.events;
    columns.openReturns = raw.openReturns;
    columns.openDepth = raw.depth;
    this.slots.fill(0);
    this.decodeEvents(raw.events, raw.firstClock);
    this.finishClocks(raw.events, raw.elsewhere);
    return columns;
  }

  private openCursors(raw: RawChunk): void {
    this.location.open(raw.edgeLocation);
    this.target.open(raw.edgeTarget);
    this.runs.open(raw.runs);
    this.edgeIndex.open(raw.edgeIndex);
    this.clockDelta.open(raw.clockDelta);
    this.escape.open(raw.escape);
    this.switches.open(raw.switch);
    this.jumps.open(raw.clockJump);
    this.edgeReturn.open(raw.edgeReturn);
  }

  private reserve(events: number): void {
    if (this.columns.kind.length < events) this.columns = createColumns(events);
  }

  private readEdges(kinds: Uint8Array, events: number): void {
    if (kinds.length > events) throw new RangeError('more edges than events');
    const { edges } = this.columns;
    const count = kinds.length;
    if (edges.kind.length <= count) {
      edges.kind = new Uint8Array(count + 1);
      edges.location = new Uint32Array(count + 1);
      edges.target = new Uint32Array(count + 1);
    }
    if (this.returns.length <= count) {
      this.returns = new Int32Array(count + 1);
      this.lastDelta = new Int32Array(count + 1);
    }
    this.lastDelta.fill(0);
    edges.count = count;
    let location = 0;
    for (let edge = 1; edge <= count; edge++) {
      const flags = kinds[edge - 1] as number;
      location = (location + this.location.nextSigned()) >>> 0;
      edges.kind[edge] = flags & (KIND_BITS | EDGE_HAS_TARGET);
      edges.location[edge] = location;
      edges.target[edge] = flags & EDGE_HAS_TARGET ? (location + this.target.nextSigned()) >>> 0 : 0;
      this.returns[edge] =
        flags & EDGE_HAS_RETURN
          ? (location + this.edgeReturn.nextSigned()) | 0
          : predictedReturn(location, (flags & EDGE_DYNAMIC) !== 0);
    }
  }

  private openFrames(raw: RawChunk): void {
    this.known = raw.openReturns.length;
    while (this.frameReturn.length < this.known) this.growFrames();
    this.frameReturn.set(raw.openReturns.map((address) => address | 0));
    this.depth = raw.depth;
    this.nextEscape = this.escape.atEnd ? NEVER : this.escape.next();
  }

  private decodeEvents(events: number, firstClock: number): void {
    const { columns, slots, lastDelta } = this;
    const { kind, location, target, clock, edge: edgeColumn, edges, depth } = columns;
    const { kind: edgeKind, location: edgeLocation, target: edgeTarget } = edges;
    let hash = 0;
    let now = firstClock;
    let named = 0;
    this.nextRun();
    for (let i = 0; i < events; i++) {
      const slot = hash << 2;
      let edge: number;
      let delta: number;
      if (this.run-- > 0) {
        edge = slots[slot] as number;
        delta = slots[slot + 1] as number;
      } else {
        const code = this.code;
        if (code >= 4) {
          edge = this.edgeIndex.next() || ++named;
          delta = code === 4 ? (lastDelta[edge] ?? 0) : this.clockDelta.nextSigned();
        } else {
          const candidate = code === 1 ? slot : slot + 2;
          edge = slots[candidate] as number;
          delta = code === 2 ? (slots[candidate + 1] as number) : this.clockDelta.nextSigned();
        }
        if (code > 1) {
          slots[slot + 2] = slots[slot] as number;
          slots[slot + 3] = slots[slot + 1] as number;
          slots[slot] = edge;
        }
        slots[slot + 1] = delta;
        this.nextRun();
      }
      if (edge === 0 || edge > edges.count) throw new RangeError('an event names an edge that is not there');
      lastDelta[edge] = delta;
      hash = ((hash << HASH_SHIFT) ^ Math.imul(edge, HASH_FACTOR)) & HASH_MASK;
      now += delta;
      const flags = edgeKind[edge] as number;
      const type = flags & KIND_BITS;
      edgeColumn[i] = edge;
      kind[i] = type;
      location[i] = edgeLocation[edge] as number;
      clock[i] = now;
      if (type === EventKind.CALL) {
        target[i] = edgeTarget[edge] as number;
        depth[i] = this.enter(i, edge);
      } else if (type === EventKind.RET) {
        target[i] = this.leave(i);
        depth[i] = this.depth;
      } else {
        target[i] = edgeTarget[edge] as number;
        depth[i] = 0;
      }
    }
  }

  /** Events of code 0 and the code after them; the last run outlasts every chunk. */
  private nextRun(): void {
    if (this.runs.atEnd) {
      this.run = MAX_EVENTS;
      return;
    }
    const value = this.runs.next();
    this.run = Math.floor(value / 8);
    this.code = (value % 8) + 1;
    if (this.code > 5) throw new RangeError(`unknown event code ${this.code}`);
  }

  /** The recorded depth of the call that is event `index`. */
  private enter(index: number, edge: number): number {
    if (index === this.nextEscape) this.correctCall(index);
    if (this.known === this.frameReturn.length) this.growFrames();
    this.frameReturn[this.known++] = this.returns[edge] as number;
    return this.depth++;
  }

  private correctCall(index: number): void {
    const [correction] = this.readEscape(index);
    this.known = correction > 0 ? 0 : Math.max(0, this.known + correction);
    this.depth = (this.depth + correction) | 0;
  }

  /** The target of the return that is event `index`; `depth` becomes the recorded one. */
  private leave(index: number): number {
    if (index === this.nextEscape) return this.correctedLeave(index);
    if (this.known === 0) throw new RangeError('a return without a frame');
    this.depth--;
    return (this.frameReturn[--this.known] as number) >>> 0;
  }

  private correctedLeave(index: number): number {
    const [correction, explicit] = this.readEscape(index);
    const recorded = (Math.max(this.depth - 1, 0) + correction) | 0;
    const popped = this.depth - recorded;
    const hasFrame = popped > 0 && this.known >= popped;
    this.known = popped < 0 ? 0 : Math.max(0, this.known - popped);
    this.depth = recorded;
    if (explicit === undefined && !hasFrame) throw new RangeError('a return without a frame');
    if (explicit === undefined) return (this.frameReturn[this.known] as number) >>> 0;
    return explicit >>> 0;
  }

  private readEscape(index: number): [correction: number, target: number | undefined] {
    const value = this.escape.next();
    const zigzag = Math.floor(value / 2);
    const correction = zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2;
    const target = value % 2 === 1 ? this.escape.next() : undefined;
    this.nextEscape = this.escape.atEnd ? NEVER : index + this.escape.next();
    return [correction, target];
  }

  /** Adds what switches and jumps contribute to the clocks, of which `clock` so far holds the sum of deltas. */
  private finishClocks(events: number, elsewhere: number): void {
    const { clock, threadClock } = this.columns;
    let away = elsewhere;
    let ahead = -elsewhere;
    let at = 0;
    let switchAt = this.switches.atEnd ? NEVER : this.switches.next();
    let jumpAt = this.jumps.atEnd ? NEVER : this.jumps.next();
    while (at < events) {
      if (at === switchAt) {
        away += this.switches.nextSigned();
        switchAt = this.switches.atEnd ? NEVER : at + this.switches.next();
      }
      if (at === jumpAt) {
        ahead += this.jumps.nextSigned();
        jumpAt = this.jumps.atEnd ? NEVER : at + this.jumps.next();
      }
      const end = Math.max(at + 1, Math.min(events, switchAt, jumpAt));
      for (; at < end; at++) {
        const own = (clock[at] as number) + ahead;
        threadClock[at] = own;
        clock[at] = own + away;
      }
    }
  }

  private growFrames(): void {
    const grown = new Int32Array(this.frameReturn.length * 2);
    grown.set(this.frameReturn);
    this.frameReturn = grown;
  }
}
