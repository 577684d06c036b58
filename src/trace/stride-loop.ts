/**
 * The encoder's hot loop as a WebAssembly function: per record a handful of loads and stores, a call of the host only
 * when the predictor misses, an edge is new or the shadow stack is not as predicted. What the numbers mean is
 * armstalk.proto's business; the rare cases are ChunkEncoder's.
 */
import { EventKind } from '../events/event.js';
import { RECORD_BYTES } from '../events/ring.js';
import { FunctionBuilder, type Local } from '../wasm/function-builder.js';
import { ModuleBuilder } from '../wasm/module-builder.js';
import { I32 } from '../wasm/opcode.js';
import { EDGE_DYNAMIC, EDGE_HAS_TARGET, HASH_FACTOR, HASH_MASK, HASH_SHIFT, KIND_BITS } from './chunk-format.js';
import { ROW, ROW_SHIFT } from './edge-table.js';
import type { EncoderMemory } from './encoder-memory.js';

/** The rare cases, in terms of the encoder that is running. */
export interface StrideHost {
  /** The row of an event that has none at hand. */
  intern(site: number, target: number): number;
  /** The event is not what the slot's first candidate says. */
  miss(slot: number, edge: number, delta: number, run: number, lastDelta: number): void;
  /** A call at another depth than expected; gives the number of frames known below it. */
  escapeCall(event: number, recorded: number, depth: number, known: number): number;
  /** A return that does not simply take the top frame; gives the number of frames known after it. */
  escapeReturn(event: number, recorded: number, depth: number, known: number, target: number): number;
}

/** Words of the state area: what one stride hands to the next. */
export const STATE = { hash: 0, run: 1, known: 2, depth: 3, previous: 4 } as const;

/** All addresses are byte addresses in the encoder memory. */
export type StrideLoop = (
  count: number,
  firstEvent: number,
  shadowBase: number,
  state: number,
  input: number,
  slots: number,
  kindCounts: number,
  edgeOf: number,
  rows: number,
  frames: number,
) => void;

const PARAMETERS = 10;
const [COUNT, FIRST, SHADOW_BASE, STATE_AT, INPUT, SLOTS, KIND_COUNTS, EDGE_OF, ROWS, FRAMES] = Array.from(
  { length: PARAMETERS },
  (_, n) => n,
) as [Local, Local, Local, Local, Local, Local, Local, Local, Local, Local];

const at = (word: number): number => word * 4;

class LoopWriter {
  private readonly module = new ModuleBuilder();
  private readonly f = new FunctionBuilder(PARAMETERS);
  private readonly hash = this.f.allocate(I32);
  private readonly run = this.f.allocate(I32);
  private readonly known = this.f.allocate(I32);
  private readonly depth = this.f.allocate(I32);
  private readonly previous = this.f.allocate(I32);
  private readonly index = this.f.allocate(I32);
  private readonly record = this.f.allocate(I32);
  private readonly site = this.f.allocate(I32);
  private readonly edge = this.f.allocate(I32);
  private readonly row = this.f.allocate(I32);
  private readonly flags = this.f.allocate(I32);
  private readonly kind = this.f.allocate(I32);
  private readonly recorded = this.f.allocate(I32);
  private readonly target = this.f.allocate(I32);
  private readonly delta = this.f.allocate(I32);
  private readonly place = this.f.allocate(I32);

  write(pages: number): Uint8Array<ArrayBuffer> {
    const { module, f } = this;
    module.importMemory('host', 'memory', pages, pages);
    const imported = (name: string, parameters: number, results: number) =>
      module.importFunction('host', name, module.type(Array(parameters).fill(I32), Array(results).fill(I32)));
    const intern = imported('intern', 2, 1);
    const miss = imported('miss', 5, 0);
    const escapeCall = imported('escapeCall', 4, 1);
    const escapeReturn = imported('escapeReturn', 5, 1);
    this.loadState();
    f.get(INPUT).set(this.record);
    const done = f.block();
    const again = f.loop();
    f.get(this.index).get(COUNT).op('i32_ge_s').brIf(done);
    this.findEdge(intern);
    this.countKind();
    this.followCalls(escapeCall, escapeReturn);
    this.predict(miss);
    f.get(this.index).i32(1).op('i32_add').set(this.index);
    f.get(this.record).i32(RECORD_BYTES).op('i32_add').set(this.record);
    f.br(again).end().end();
    this.storeState();
    const ref = module.declare(module.type(Array(PARAMETERS).fill(I32), []));
    module.define(ref, f);
    module.exportFunction('encode', ref);
    return module.finish();
  }

  private get stateLocals(): [number, Local][] {
    return [
      [STATE.hash, this.hash],
      [STATE.run, this.run],
      [STATE.known, this.known],
      [STATE.depth, this.depth],
      [STATE.previous, this.previous],
    ];
  }

  private loadState(): void {
    for (const [word, local] of this.stateLocals) this.f.get(STATE_AT).memory('i32_load', at(word)).set(local);
  }

  private storeState(): void {
    for (const [word, local] of this.stateLocals) this.f.get(STATE_AT).get(local).memory('i32_store', at(word));
  }

  private loadRow(): void {
    const { f } = this;
    f.get(ROWS)
      .get(this.edge)
      .i32(ROW_SHIFT + 2)
      .op('i32_shl', 'i32_add')
      .set(this.row);
    f.get(this.row).memory('i32_load', at(ROW.flags)).set(this.flags);
  }

  private findEdge(intern: number): void {
    const { f } = this;
    f.get(this.record).memory('i32_load', 0).set(this.site);
    f.get(EDGE_OF).get(this.site).i32(2).op('i32_shl', 'i32_add').memory('i32_load').set(this.edge);
    this.loadRow();
    f.get(this.edge).op('i32_eqz');
    f.get(this.flags).i32(EDGE_DYNAMIC).op('i32_and').i32(0).op('i32_ne');
    f.get(this.row).memory('i32_load', at(ROW.target)).get(this.record).memory('i32_load', 8).op('i32_ne');
    f.op('i32_and', 'i32_or');
    f.if();
    f.get(this.site).get(this.record).memory('i32_load', 8).call(intern).set(this.edge);
    this.loadRow();
    f.end();
  }

  private countKind(): void {
    const { f } = this;
    f.get(this.flags).i32(KIND_BITS).op('i32_and').set(this.kind);
    f.get(KIND_COUNTS).get(this.kind).i32(2).op('i32_shl', 'i32_add').set(this.place);
    f.get(this.place).get(this.place).memory('i32_load').i32(1).op('i32_add').memory('i32_store');
  }

  private followCalls(escapeCall: number, escapeReturn: number): void {
    const { f } = this;
    f.get(this.kind).i32(EventKind.RET).op('i32_le_u');
    f.if();
    f.get(this.record).memory('i32_load', 12).get(SHADOW_BASE).op('i32_sub').i32(3).op('i32_shr_s').set(this.recorded);
    f.get(this.kind).i32(EventKind.CALL).op('i32_eq');
    f.if();
    this.followCall(escapeCall);
    f.else();
    this.followReturn(escapeReturn);
    f.end().end();
  }

  private pushEvent(): void {
    this.f.get(FIRST).get(this.index).op('i32_add');
  }

  private followCall(escapeCall: number): void {
    const { f } = this;
    f.get(this.recorded).get(this.depth).op('i32_ne');
    f.if();
    this.pushEvent();
    f.get(this.recorded).get(this.depth).get(this.known).call(escapeCall).set(this.known);
    f.end();
    f.get(FRAMES).get(this.known).i32(3).op('i32_shl', 'i32_add').set(this.place);
    f.get(this.place).get(this.edge).memory('i32_store');
    f.get(this.place).get(this.row).memory('i32_load', at(ROW.returns)).memory('i32_store', 4);
    f.get(this.known).i32(1).op('i32_add').set(this.known);
    f.get(this.recorded).i32(1).op('i32_add').set(this.depth);
  }

  private followReturn(escapeReturn: number): void {
    const { f } = this;
    f.get(this.row).memory('i32_load', at(ROW.target)).get(this.record).memory('i32_load', 8);
    f.get(this.flags).i32(EDGE_HAS_TARGET).op('i32_and', 'select').set(this.target);
    f.get(this.known).i32(0).op('i32_gt_s');
    f.get(this.recorded).get(this.depth).i32(1).op('i32_sub', 'i32_eq', 'i32_and');
    // With no frame known this reads the word before the frames, which is nobody's.
    f.get(FRAMES).get(this.known).i32(3).op('i32_shl', 'i32_add').i32(4).op('i32_sub').memory('i32_load');
    f.get(this.target).op('i32_eq', 'i32_and');
    f.if();
    f.get(this.known).i32(1).op('i32_sub').set(this.known);
    f.else();
    this.pushEvent();
    f.get(this.recorded).get(this.depth).get(this.known).get(this.target).call(escapeReturn).set(this.known);
    f.end();
    f.get(this.recorded).set(this.depth);
  }

  private predict(miss: number): void {
    const { f } = this;
    f.get(this.previous);
    f.get(this.record).memory('i32_load', 4).get(this.row).memory('i32_load', at(ROW.adjust)).op('i32_add');
    f.tee(this.previous).op('i32_sub').set(this.delta);
    f.get(SLOTS).get(this.hash).i32(4).op('i32_shl', 'i32_add').set(this.place);
    f.get(this.place).memory('i32_load').get(this.edge).op('i32_eq');
    f.get(this.place).memory('i32_load', 4).get(this.delta).op('i32_eq', 'i32_and');
    f.if();
    f.get(this.run).i32(1).op('i32_add').set(this.run);
    f.else();
    f.get(this.hash).i32(2).op('i32_shl').get(this.edge).get(this.delta).get(this.run);
    f.get(this.row).memory('i32_load', at(ROW.lastDelta)).call(miss);
    f.i32(0).set(this.run);
    f.end();
    f.get(this.row).get(this.delta).memory('i32_store', at(ROW.lastDelta));
    f.get(this.hash).i32(HASH_SHIFT).op('i32_shl');
    f.get(this.edge).i32(HASH_FACTOR).op('i32_mul', 'i32_xor').i32(HASH_MASK).op('i32_and').set(this.hash);
  }
}

/** The loop over `memory`, calling `host` for the rare cases. */
export const makeStrideLoop = ({ memory }: EncoderMemory, host: StrideHost): StrideLoop => {
  const pages = memory.buffer.byteLength / 65536;
  const module = new WebAssembly.Module(new LoopWriter().write(pages));
  const imports = {
    memory,
    intern: (site: number, target: number) => host.intern(site, target),
    miss: (slot: number, edge: number, delta: number, run: number, lastDelta: number) =>
      host.miss(slot, edge, delta, run, lastDelta),
    escapeCall: (event: number, recorded: number, depth: number, known: number) =>
      host.escapeCall(event, recorded, depth, known),
    escapeReturn: (event: number, recorded: number, depth: number, known: number, target: number) =>
      host.escapeReturn(event, recorded, depth, known, target),
  };
  return new WebAssembly.Instance(module, { host: imports }).exports.encode as StrideLoop;
};
