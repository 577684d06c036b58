/**
 * The shadow stack as a reader of the chunk has it: return addresses by depth, in the encoder memory, where the hot loop
 * follows it as long as events are as predicted. The other cases come here, and are told to the reader as escapes.
 */
import { EventKind } from '../events/event.js';
import { UNMATCHED } from '../events/ring.js';
import { ByteColumn } from './byte-column.js';
import { KIND_BITS, MAX_OPEN_RETURNS } from './chunk-format.js';
import { ROW } from './edge-table.js';
import type { EncoderMemory } from './encoder-memory.js';
import { STATE, STRIDE } from './stride-state.js';

/** Above every depth: the next call or return comes to `settle`. */
const UNSETTLED = 0x7fff_ffff;

/** What goes on from chunk to chunk. */
export interface FrameCarry {
  readonly depth: number;
  readonly floor: number;
  readonly frames: Int32Array;
  readonly pendingDepth: number;
  readonly pendingTarget: number | undefined;
}

export class FrameStack {
  /** Of the chunk: its depth at the beginning, and the frames known there, outermost first. */
  openDepth = 0;
  openReturns: readonly number[] = [];
  readonly escape = new ByteColumn();
  private readonly memory: EncoderMemory;
  /** The encoder's state words; depth, floor and the frames' address are kept there. */
  private readonly state: Int32Array;
  /** Return addresses by depth; those below `floor` are not known to a reader of the chunk. */
  private frames: Int32Array;
  private floor = 0;
  private lastEscape = 0;
  /** What compact records say of the next call or return. */
  private pendingDepth = -1;
  private pendingTarget: number | undefined;

  constructor(memory: EncoderMemory, state: Int32Array) {
    this.memory = memory;
    this.state = state;
    this.frames = memory.allocate(512);
  }

  dispose(): void {
    this.memory.release(this.frames);
  }

  get depth(): number {
    return this.state[STATE.depth] as number;
  }

  carry(): FrameCarry {
    const { depth, floor, pendingDepth, pendingTarget } = this;
    return { depth, floor, frames: this.frames.slice(0, depth), pendingDepth, pendingTarget };
  }

  resume({ depth, floor, frames, pendingDepth, pendingTarget }: FrameCarry): void {
    this.reserve(depth);
    this.frames.set(frames);
    this.state[STATE.depth] = depth;
    this.floor = floor;
    this.pendingDepth = pendingDepth;
    this.pendingTarget = pendingTarget;
    this.publishFloor();
  }

  /** A chunk begins. */
  begin(): void {
    const { depth } = this;
    this.openDepth = depth;
    this.floor = Math.max(this.floor, depth - MAX_OPEN_RETURNS);
    this.publishFloor();
    this.openReturns = [...this.frames.subarray(this.floor, depth)];
  }

  /** The chunk is over; the frames stay. */
  end(): void {
    this.escape.clear();
    this.lastEscape = 0;
  }

  /** Makes room for a stack this deep. */
  reserve(depth: number): void {
    if (depth >= this.frames.length) this.frames = this.memory.grow(this.frames, depth + 1);
    this.state[STATE.frames] = this.frames.byteOffset;
  }

  /** A compact record that is no event: what it says waits for the next call or return. */
  adjust(site: number, depth: number, target: number): void {
    this.pendingDepth = depth;
    if (site === UNMATCHED) this.pendingTarget = target;
    this.publishFloor();
  }

  /** A compact event after which the depth is `depth` by its own looks; answers what it really is. */
  settle(event: number, row: number, depth: number): number {
    const kind = this.memory.word(row, ROW.flags) & KIND_BITS;
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
    const kind = this.memory.word(row, ROW.flags) & KIND_BITS;
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
    this.frames[recorded] = this.memory.word(row, ROW.returns);
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
    this.reserve(recorded + STRIDE);
  }

  private publishFloor(): void {
    const isSettled = this.pendingDepth < 0 && this.pendingTarget === undefined;
    this.state[STATE.floor] = isSettled ? this.floor : UNSETTLED;
  }
}
