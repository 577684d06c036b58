/**
 * The encoder's hot loop as WebAssembly, one function for each layout of ring records: per event a handful of loads and
 * stores, no host call as long as its edge is known and the shadow stack is as predicted. What the numbers mean is
 * armstalk.proto's business; the rare cases are ChunkEncoder's.
 */
import { COMPACT_WORDS, DEPTH, RECORD_BYTES } from '../events/ring.js';
import { FunctionBuilder, type FunctionRef, type Label, type Local } from '../wasm/function-builder.js';
import { ModuleBuilder } from '../wasm/module-builder.js';
import { I32, I64 } from '../wasm/opcode.js';
import { EDGE_HAS_TARGET, HASH_MASK, HASH_SHIFT, KIND_ORDER } from './chunk-format.js';
import {
  BUCKET_FACTOR,
  BUCKETS,
  ROW,
  ROW_SHIFT,
  SITE_DYNAMIC,
  SITE_FIXED,
  SLOT_SHIFT,
  TALLY_BITS,
} from './edge-table.js';
import type { EncoderMemory } from './encoder-memory.js';

/** The rare cases, in terms of the encoder that is running. Depths and frames are in the state words afterwards. */
export interface StrideHost {
  /** The id of an event that has none at hand. */
  intern(site: number, target: number): number;
  /** A compact record that is no event. */
  adjust(site: number, top: number, target: number): void;
  /** A compact call or return that leaves fewer frames than are known; gives the depth after it. */
  settle(event: number, row: number, depth: number): number;
  /** A full record's call or return at `depth` that is recorded at another one, or goes elsewhere; gives the depth after it. */
  settleFull(event: number, row: number, depth: number, recorded: number, target: number): number;
}

/** Words of the state area: what one stride hands to the next. */
export const STATE = {
  /** Byte offset of the predictor's slot. */
  hash: 0,
  run: 1,
  depth: 2,
  /** Frames below this depth are not known. */
  floor: 3,
  /** The clock of the event before, counted back from clockBase as FUEL is. */
  previous: 4,
  /** Byte address of frame 0. */
  frames: 5,
  /** Byte addresses where the columns go on. */
  runs: 6,
  edgeIndex: 7,
  clockDelta: 8,
  /** Rows the event sequence has named already. */
  named: 9,
  /** Where the stride ended: byte address of the next record, and how many events it took. */
  record: 10,
  taken: 11,
} as const;
export const STATE_WORDS = 12;

/** Of the predictor: first candidate's edge and delta, second candidate's edge and delta. */
export const SLOT_WORDS = (1 << SLOT_SHIFT) / 4;

/** Most bytes one event adds to a column. */
export const COLUMN_BYTES_PER_EVENT = 5;

/**
 * Takes the records that begin between `input` and `end`; the last one may reach beyond. All addresses are byte addresses
 * in the encoder memory.
 */
export type StrideLoop = (
  firstEvent: number,
  shadowBase: number,
  state: number,
  input: number,
  end: number,
  slots: number,
  kindCounts: number,
  edgeOf: number,
  rows: number,
  heads: number,
) => void;

export interface StrideLoops {
  readonly full: StrideLoop;
  readonly compact: StrideLoop;
}

const PARAMETERS = 10;
const [FIRST, SHADOW_BASE, STATE_AT, INPUT, END, SLOTS, KIND_COUNTS, EDGE_OF, ROWS, HEADS] = Array.from(
  { length: PARAMETERS },
  (_, n) => n,
) as [Local, Local, Local, Local, Local, Local, Local, Local, Local, Local];

const at = (word: number): number => word * 4;
/** Offset of a row's word from `rows` plus an edge's id. */
const ofRow = (word: number): number => word * 4;

interface Functions {
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
class LoopWriter {
  private readonly f = new FunctionBuilder(PARAMETERS);
  /** Byte offset of the predictor's slot. */
  private readonly hash = this.f.allocate(I32);
  private readonly run = this.f.allocate(I32);
  private readonly depth = this.f.allocate(I32);
  private readonly floor = this.f.allocate(I32);
  private readonly previous = this.f.allocate(I32);
  private readonly frames = this.f.allocate(I32);
  private readonly index = this.f.allocate(I32);
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
  private readonly functions: Functions;
  private readonly isCompact: boolean;

  constructor(functions: Functions, isCompact: boolean) {
    this.functions = functions;
    this.isCompact = isCompact;
  }

  write(): FunctionBuilder {
    const { f } = this;
    this.loadState();
    f.get(INPUT).set(this.record);
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
    f.get(this.run).i32(1).op('i32_add').set(this.run);
    f.get(this.row).get(this.delta).memory('i32_store', ofRow(ROW.lastDelta));
    this.advance(unsettled);
    f.br(again).end().end();
    this.dealWithUnknown();
    f.br(outer).end();
    this.resolveDynamic();
    f.end();
    f.get(STATE_AT)
      .get(this.place)
      .get(this.edge)
      .get(this.delta)
      .get(this.run)
      .get(this.row)
      .call(this.functions.miss);
    f.i32(0).set(this.run);
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
      [STATE.run, this.run],
      [STATE.depth, this.depth],
      [STATE.previous, this.previous],
    ];
  }

  private loadState(): void {
    for (const [word, local] of this.stateLocals) this.load(word, local);
    this.loadFrames();
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
    const ends: [number, Local][] = [
      [STATE.record, this.record],
      [STATE.taken, this.index],
    ];
    for (const [word, local] of [...this.stateLocals, ...ends]) {
      this.f.get(STATE_AT).get(local).memory('i32_store', at(word));
    }
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
    this.f
      .get(this.record)
      .i32(RECORD_BYTES - at(COMPACT_WORDS))
      .op('i32_add')
      .set(this.record);
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
      f.i32(RECORD_BYTES).i32(at(COMPACT_WORDS)).get(this.site).op('i32_eqz', 'select');
      f.get(this.record).op('i32_add').set(this.record);
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
    f.get(this.index).i32(1).op('i32_add').set(this.index);
    f.get(this.record)
      .i32(this.isCompact ? at(COMPACT_WORDS) : RECORD_BYTES)
      .op('i32_add')
      .set(this.record);
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
    f.get(FIRST).get(this.index).op('i32_add').i32(1).op('i32_sub').get(this.row);
    if (this.isCompact) f.get(this.depth).call(this.functions.settle);
    else f.get(this.depth).get(this.recorded).get(this.target).call(this.functions.settleFull);
    f.set(this.depth);
    this.loadFrames();
  }
}

/** `put(at, value) -> at`: a varint. */
const writePut = (): FunctionBuilder => {
  const f = new FunctionBuilder(2);
  const [to, value] = [0, 1];
  const done = f.block();
  const again = f.loop();
  f.get(value).i32(128).op('i32_lt_u').brIf(done);
  f.get(to).get(value).i32(128).op('i32_or').memory('i32_store8');
  f.get(to).i32(1).op('i32_add').set(to);
  f.get(value).i32(7).op('i32_shr_u').set(value);
  f.br(again).end().end();
  f.get(to).get(value).memory('i32_store8');
  f.get(to).i32(1).op('i32_add');
  return f;
};

/** `resolve(edgeOf, rows, heads, site, target)`: the id of a dynamic event, which becomes its site's latest. */
const writeResolve = (intern: FunctionRef): FunctionBuilder => {
  const f = new FunctionBuilder(5);
  const [edgeOf, rows, heads, site, target] = [0, 1, 2, 3, 4];
  const latest = f.allocate(I32);
  const edge = f.allocate(I32);
  const row = f.allocate(I32);
  f.get(edgeOf).get(site).i32(2).op('i32_shl', 'i32_add').set(latest);
  f.get(latest)
    .memory('i32_load')
    .i32(ROW_SHIFT + 2)
    .op('i32_shr_u')
    .set(edge);
  const found = f.block();
  const rowOfEdge = (): FunctionBuilder =>
    f
      .get(rows)
      .get(edge)
      .i32(ROW_SHIFT + 2)
      .op('i32_shl', 'i32_add')
      .set(row);
  rowOfEdge();
  f.get(row).memory('i32_load', ofRow(ROW.target)).get(target).op('i32_eq').brIf(found);
  f.get(site).i32(BUCKET_FACTOR).op('i32_mul').get(target).i32(1).op('i32_shr_u', 'i32_xor');
  f.i32(BUCKETS - 1)
    .op('i32_and')
    .i32(2)
    .op('i32_shl')
    .get(heads)
    .op('i32_add')
    .memory('i32_load')
    .set(edge);
  const again = f.loop();
  f.get(edge).op('i32_eqz');
  f.if();
  f.get(site).get(target).call(intern).op('return').end();
  rowOfEdge();
  f.get(row).memory('i32_load', ofRow(ROW.site)).get(site).op('i32_eq');
  f.get(row).memory('i32_load', ofRow(ROW.target)).get(target).op('i32_eq', 'i32_and').brIf(found);
  f.get(row).memory('i32_load', ofRow(ROW.nextInHash)).set(edge);
  f.br(again).end().end();
  f.get(latest)
    .get(edge)
    .i32(ROW_SHIFT + 2)
    .op('i32_shl')
    .i32(SITE_DYNAMIC)
    .op('i32_or')
    .memory('i32_store');
  f.get(edge)
    .i32(ROW_SHIFT + 2)
    .op('i32_shl')
    .i32(SITE_FIXED)
    .op('i32_or');
  return f;
};

/** `miss(state, place, edge, delta, run, row)`: codes 1 to 5, the event is not what the first candidate says. */
const writeMiss = (put: FunctionRef): FunctionBuilder => {
  const f = new FunctionBuilder(6);
  const [state, place, edge, delta, run, row] = [0, 1, 2, 3, 4, 5];
  const code = f.allocate(I32);
  const first = f.allocate(I32);
  const number = f.allocate(I32);
  const append = (word: number, push: () => void): void => {
    f.get(state);
    f.get(state).memory('i32_load', at(word));
    push();
    f.call(put).memory('i32_store', at(word));
  };
  f.i32(1).set(code);
  f.get(place).memory('i32_load').set(first);
  f.get(first).get(edge).op('i32_ne');
  f.if();
  f.get(place).memory('i32_load', at(2)).get(edge).op('i32_eq');
  f.if();
  f.i32(2).i32(3).get(place).memory('i32_load', at(3)).get(delta).op('i32_eq', 'select').set(code);
  f.else();
  f.i32(4).i32(5).get(row).memory('i32_load', ofRow(ROW.lastDelta)).get(delta).op('i32_eq', 'select').set(code);
  f.get(edge)
    .i32(ROW_SHIFT + 2)
    .op('i32_shr_u')
    .set(number);
  f.get(number).get(state).memory('i32_load', at(STATE.named)).i32(1).op('i32_add', 'i32_eq');
  f.if();
  f.get(state).get(number).memory('i32_store', at(STATE.named));
  f.i32(0).set(number);
  f.end();
  append(STATE.edgeIndex, () => f.get(number));
  f.end();
  f.get(place).get(first).memory('i32_store', at(2));
  f.get(place).get(place).memory('i32_load', at(1)).memory('i32_store', at(3));
  f.get(place).get(edge).memory('i32_store');
  f.end();
  f.get(place).get(delta).memory('i32_store', at(1));
  f.get(row).get(delta).memory('i32_store', ofRow(ROW.lastDelta));
  append(STATE.runs, () => f.get(run).i32(3).op('i32_shl').get(code).op('i32_add').i32(1).op('i32_sub'));
  f.get(code).i32(1).op('i32_and');
  f.if();
  append(STATE.clockDelta, () => f.get(delta).i32(1).op('i32_shl').get(delta).i32(31).op('i32_shr_s', 'i32_xor'));
  f.end();
  return f;
};

const writeModule = (pages: number): Uint8Array<ArrayBuffer> => {
  const module = new ModuleBuilder();
  module.importMemory('host', 'memory', pages, pages);
  const type = (parameters: number, results: number): number =>
    module.type(Array(parameters).fill(I32), Array(results).fill(I32));
  const imported = (name: keyof StrideHost, parameters: number, results: number): FunctionRef =>
    module.importFunction('host', name, type(parameters, results));
  const host = {
    intern: imported('intern', 2, 1),
    adjust: imported('adjust', 3, 0),
    settle: imported('settle', 3, 1),
    settleFull: imported('settleFull', 5, 1),
  };
  const put = module.declare(type(2, 1));
  module.define(put, writePut());
  const miss = module.declare(type(6, 0));
  module.define(miss, writeMiss(put));
  const resolve = module.declare(type(5, 1));
  module.define(resolve, writeResolve(host.intern));
  for (const name of ['full', 'compact'] as const) {
    const loop = module.declare(type(PARAMETERS, 0));
    module.define(loop, new LoopWriter({ ...host, miss, resolve }, name === 'compact').write());
    module.exportFunction(name, loop);
  }
  return module.finish();
};

/** The loops over `memory`, calling `host` for the rare cases. */
export const makeStrideLoops = ({ memory }: EncoderMemory, host: StrideHost): StrideLoops => {
  const pages = memory.buffer.byteLength / 65536;
  const module = new WebAssembly.Module(writeModule(pages));
  const imports = {
    memory,
    intern: (site: number, target: number) => host.intern(site, target),
    adjust: (site: number, top: number, target: number) => host.adjust(site, top, target),
    settle: (event: number, row: number, depth: number) => host.settle(event, row, depth),
    settleFull: (event: number, row: number, depth: number, recorded: number, target: number) =>
      host.settleFull(event, row, depth, recorded, target),
  };
  return new WebAssembly.Instance(module, { host: imports }).exports as unknown as StrideLoops;
};
