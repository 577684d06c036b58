/**
 * The encoder's hot loop as WebAssembly, one function for each layout of ring records: per event a handful of loads and
 * stores, no host call as long as its edge is known and the shadow stack is as predicted. What the numbers mean is
 * armstalk.proto's business; the rare cases are ChunkEncoder's.
 */
import { COMPACT_WORDS, DEPTH, RECORD_BYTES } from '../events/ring.js';
import { FunctionBuilder, type FunctionRef, type Label, type Local } from '../wasm/function-builder.js';
import { I32, I64 } from '../wasm/opcode.js';
import { EDGE_HAS_TARGET, HASH_MASK, HASH_SHIFT, KIND_ORDER } from './chunk-format.js';
import { ROW, SITE_FIXED, SLOT_SHIFT, TALLY_BITS } from './edge-table.js';
import { at, ofRow, STATE } from './stride-state.js';

/** Those of a StrideLoop. */
export const PARAMETERS = 10;
const [FIRST, SHADOW_BASE, STATE_AT, INPUT, END, SLOTS, KIND_COUNTS, EDGE_OF, ROWS, HEADS] = Array.from(
  { length: PARAMETERS },
  (_, n) => n,
) as [Local, Local, Local, Local, Local, Local, Local, Local, Local, Local];

export interface StrideFunctions {
  readonly intern: FunctionRef;
  readonly adjust: FunctionRef;
  readonly settle: FunctionRef;
  readonly settleFull: FunctionRef;
  readonly miss: FunctionRef;
  readonly resolve: FunctionRef;
}

/**
 * The loop itself holds no call, so that everything it carries stays in registers; what is rare leaves it, is dealt with
 * and comes back in at the next record.
 */
export class LoopWriter {
  private readonly f = new FunctionBuilder(PARAMETERS);
  /** Byte offset of the predictor's slot. */
  private readonly hash = this.f.allocate(I32);
  /** Number of the event after the latest that was not predicted: a run begins there. */
  private readonly runStart = this.f.allocate(I32);
  private readonly depth = this.f.allocate(I32);
  private readonly floor = this.f.allocate(I32);
  private readonly previous = this.f.allocate(I32);
  private readonly frames = this.f.allocate(I32);
  /** Where the records would begin if all were as short as most: tells an event's number from its address. */
  private readonly origin = this.f.allocate(I32);
  private readonly record = this.f.allocate(I32);
  private readonly site = this.f.allocate(I32);
  private readonly edge = this.f.allocate(I32);
  private readonly row = this.f.allocate(I32);
  private readonly biased = this.f.allocate(I32);
  private readonly recorded = this.f.allocate(I32);
  private readonly target = this.f.allocate(I32);
  private readonly delta = this.f.allocate(I32);
  private readonly place = this.f.allocate(I32);
  private readonly tally = this.f.allocate(I64);
  private readonly functions: StrideFunctions;
  private readonly isCompact: boolean;

  constructor(functions: StrideFunctions, isCompact: boolean) {
    this.functions = functions;
    this.isCompact = isCompact;
  }

  write(): FunctionBuilder {
    const { f } = this;
    this.loadState();
    f.get(INPUT).tee(this.record).set(this.origin);
    f.get(ROWS).i32(SITE_FIXED).op('i32_sub').set(this.biased);
    const done = f.block();
    const outer = f.loop();
    const unsettled = f.block();
    const missed = f.block();
    const unresolved = f.block();
    const unknown = f.block();
    const again = f.loop();
    f.get(this.record).get(END).op('i32_ge_u').brIf(done);
    this.findEdge(unknown, unresolved);
    this.updateClock();
    f.get(SLOTS).get(this.hash).op('i32_add').set(this.place);
    f.get(this.place).memory('i32_load').get(this.edge).op('i32_ne').brIf(missed);
    f.get(this.place).memory('i32_load', 4).get(this.delta).op('i32_ne').brIf(missed);
    f.get(this.row).get(this.delta).memory('i32_store', ofRow(ROW.lastDelta));
    this.advance(unsettled);
    f.br(again).end().end();
    this.dealWithUnknown();
    f.br(outer).end();
    this.resolveDynamic();
    f.end();
    f.get(STATE_AT).get(this.place).get(this.edge).get(this.delta);
    this.pushRun();
    f.get(this.row).call(this.functions.miss);
    this.pushNumber();
    f.i32(1).op('i32_add').set(this.runStart);
    this.advance(unsettled);
    f.br(outer).end();
    this.dealWithUnsettled();
    f.br(outer).end().end();
    this.storeState();
    this.countKinds();
    return f;
  }

  private get stateLocals(): [number, Local][] {
    return [
      [STATE.hash, this.hash],
      [STATE.depth, this.depth],
      [STATE.previous, this.previous],
    ];
  }

  private loadState(): void {
    for (const [word, local] of this.stateLocals) this.load(word, local);
    this.f.i32(0).get(STATE_AT).memory('i32_load', at(STATE.run)).op('i32_sub').set(this.runStart);
    this.loadFrames();
  }

  /** Pushes the number, in this stride, of the event whose record is `record`. */
  private pushNumber(): void {
    this.f.get(this.record).get(this.origin).op('i32_sub').i32(Math.log2(this.recordBytes)).op('i32_shr_u');
  }

  /** Pushes how many events before this one were predicted. */
  private pushRun(): void {
    this.pushNumber();
    this.f.get(this.runStart).op('i32_sub');
  }

  private get recordBytes(): number {
    return this.isCompact ? at(COMPACT_WORDS) : RECORD_BYTES;
  }

  private load(word: number, local: Local): void {
    this.f.get(STATE_AT).memory('i32_load', at(word)).set(local);
  }

  /** What a host call may have changed. */
  private loadFrames(): void {
    this.load(STATE.floor, this.floor);
    this.load(STATE.frames, this.frames);
  }

  private storeState(): void {
    const { f } = this;
    for (const [word, local] of [...this.stateLocals, [STATE.record, this.record] as const]) {
      f.get(STATE_AT).get(local).memory('i32_store', at(word));
    }
    f.get(STATE_AT);
    this.pushNumber();
    f.memory('i32_store', at(STATE.taken));
    f.get(STATE_AT);
    this.pushRun();
    f.memory('i32_store', at(STATE.run));
  }

  /** The tally's fields are wide enough for the events of one call. */
  private countKinds(): void {
    const { f } = this;
    for (const [n, kind] of KIND_ORDER.entries()) {
      f.get(KIND_COUNTS);
      f.get(this.tally)
        .i64(BigInt(n * TALLY_BITS))
        .op('i64_shr_u', 'i32_wrap_i64');
      f.i32((1 << TALLY_BITS) - 1).op('i32_and');
      f.get(KIND_COUNTS).memory('i32_load', at(kind)).op('i32_add').memory('i32_store', at(kind));
    }
  }

  /**
   * The row of the record's event. Of a dynamic target only the prediction is tried here; any other is `unresolved`. A
   * site is `unknown` at first.
   */
  private findEdge(unknown: Label, unresolved: Label): void {
    const { f } = this;
    f.get(this.record).memory('i32_load', 0).set(this.site);
    f.get(EDGE_OF).get(this.site).i32(2).op('i32_shl', 'i32_add').memory('i32_load').set(this.edge);
    f.get(this.record).memory('i32_load', 4).set(this.delta);
    f.get(this.edge).i32(SITE_FIXED).op('i32_and', 'i32_eqz');
    f.if();
    f.get(this.record).memory('i32_load', 8).set(this.target);
    f.get(this.edge).op('i32_eqz').brIf(unknown);
    f.get(SLOTS).get(this.hash).op('i32_add').memory('i32_load').set(this.edge);
    f.get(this.biased).get(this.edge).op('i32_add').set(this.row);
    f.get(this.row).memory('i32_load', ofRow(ROW.site)).get(this.site).op('i32_ne').brIf(unresolved);
    f.get(this.row).memory('i32_load', ofRow(ROW.target)).get(this.target).op('i32_ne').brIf(unresolved);
    this.passTarget();
    f.end();
    f.get(this.biased).get(this.edge).op('i32_add').set(this.row);
  }

  /** Only calls have dynamic targets of their own, and then a record as long as a full one. */
  private passTarget(): void {
    if (!this.isCompact) return;
    this.pass(() => this.f.i32(RECORD_BYTES - at(COMPACT_WORDS)));
  }

  /** Goes past bytes that are no event. */
  private pass(pushBytes: () => void): void {
    for (const local of [this.record, this.origin]) {
      this.f.get(local);
      pushBytes();
      this.f.op('i32_add').set(local);
    }
  }

  /** A dynamic target that was not predicted. */
  private resolveDynamic(): void {
    const { f } = this;
    f.get(EDGE_OF).get(ROWS).get(HEADS).get(this.site).get(this.target).call(this.functions.resolve).set(this.edge);
    f.get(this.biased).get(this.edge).op('i32_add').set(this.row);
    this.passTarget();
    this.updateClock();
    f.get(SLOTS).get(this.hash).op('i32_add').set(this.place);
  }

  private dealWithUnknown(): void {
    const { f } = this;
    f.get(this.record).memory('i32_load', 8).set(this.target);
    if (this.isCompact) {
      f.get(this.site).i32(DEPTH).op('i32_le_u');
      f.if();
      f.get(this.site).get(this.record).memory('i32_load', 4).get(this.target).call(this.functions.adjust);
      this.loadFrames();
      // UNMATCHED is as long as a full record.
      this.pass(() => f.i32(RECORD_BYTES).i32(at(COMPACT_WORDS)).get(this.site).op('i32_eqz', 'select'));
      f.else();
    }
    f.get(this.site).get(this.target).call(this.functions.intern).op('drop');
    if (this.isCompact) f.end();
  }

  /** `delta` holds the record's FUEL, then the instructions since the event before. */
  private updateClock(): void {
    const { f } = this;
    f.get(this.previous);
    f.get(this.delta).get(this.row).memory('i32_load', ofRow(ROW.adjust)).op('i32_add');
    f.tee(this.previous).op('i32_sub').set(this.delta);
  }

  /** What every event does once it is coded; `unsettled` when the shadow stack is not as predicted. */
  private advance(unsettled: Label): void {
    const { f } = this;
    f.get(this.hash).i32(HASH_SHIFT).op('i32_shl');
    f.get(this.row)
      .memory('i32_load', ofRow(ROW.mix))
      .op('i32_xor')
      .i32(HASH_MASK << SLOT_SHIFT)
      .op('i32_and');
    f.set(this.hash);
    f.get(this.tally).get(this.row).memory('i64_load', ofRow(ROW.tally)).op('i64_add').set(this.tally);
    f.get(this.record).i32(this.recordBytes).op('i32_add').set(this.record);
    if (this.isCompact) this.followCompact(unsettled);
    else this.followFull(unsettled);
  }

  private pushFrameAddress(depth: Local): void {
    this.f.get(this.frames).get(depth).i32(2).op('i32_shl', 'i32_add');
  }

  /** What is no call writes above the top, where nothing is. */
  private followCompact(unsettled: Label): void {
    const { f } = this;
    this.pushFrameAddress(this.depth);
    f.get(this.row).memory('i32_load', ofRow(ROW.returns)).memory('i32_store');
    f.get(this.depth).get(this.row).memory('i32_load', ofRow(ROW.step)).op('i32_add').set(this.depth);
    f.get(this.depth).get(this.floor).op('i32_lt_s').brIf(unsettled);
  }

  /** `record` is the next one already. */
  private followFull(unsettled: Label): void {
    const { f } = this;
    const step = (): FunctionBuilder => f.get(this.row).memory('i32_load', ofRow(ROW.step));
    step();
    f.if();
    f.get(this.record).i32(RECORD_BYTES).op('i32_sub').memory('i32_load', 12);
    f.get(SHADOW_BASE).op('i32_sub').i32(3).op('i32_shr_s').set(this.recorded);
    step().i32(0).op('i32_gt_s');
    f.if();
    f.get(this.recorded).get(this.depth).op('i32_ne').brIf(unsettled);
    this.pushFrameAddress(this.recorded);
    f.get(this.row).memory('i32_load', ofRow(ROW.returns)).memory('i32_store');
    f.get(this.recorded).i32(1).op('i32_add').set(this.depth);
    f.else();
    this.pushTarget();
    f.set(this.target);
    f.get(this.recorded).get(this.floor).op('i32_lt_s').brIf(unsettled);
    f.get(this.recorded).get(this.depth).i32(1).op('i32_sub', 'i32_ne').brIf(unsettled);
    this.pushFrameAddress(this.recorded);
    f.memory('i32_load').get(this.target).op('i32_ne').brIf(unsettled);
    f.get(this.recorded).set(this.depth);
    f.end().end();
  }

  /** Where a return goes: its edge knows, or its record. */
  private pushTarget(): void {
    const { f } = this;
    f.get(this.row).memory('i32_load', ofRow(ROW.target));
    f.get(this.record).i32(RECORD_BYTES).op('i32_sub').memory('i32_load', 8);
    f.get(this.row).memory('i32_load', ofRow(ROW.flags)).i32(EDGE_HAS_TARGET).op('i32_and', 'select');
  }

  private dealWithUnsettled(): void {
    const { f } = this;
    f.get(FIRST);
    this.pushNumber();
    f.op('i32_add').i32(1).op('i32_sub').get(this.row);
    if (this.isCompact) f.get(this.depth).call(this.functions.settle);
    else f.get(this.depth).get(this.recorded).get(this.target).call(this.functions.settleFull);
    f.set(this.depth);
    this.loadFrames();
  }
}
