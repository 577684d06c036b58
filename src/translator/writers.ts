/** How each operation with an effect is written. */
import { Word } from '../guest/cpu-state.js';
import { type IrInst, NO_VALUE } from '../ir/block.js';
import type { ImpureOp } from '../ir/opcode.js';
import { ExitReason } from '../ir/terminal.js';
import type { FunctionBuilder } from '../wasm/function-builder.js';
import { F32, F64, type MemoryOp } from '../wasm/opcode.js';
import type { BlockTranslator } from './translate-block.js';

type Writer = (t: BlockTranslator, inst: IrInst, id: number) => void;

const load =
  (op: MemoryOp): Writer =>
  (t, inst, id) => {
    const { values, region } = t;
    if (t.writeGroupedLoad(inst, id, op)) return;
    const check = region.module.support('checkRead');
    t.memory.load(id, inst.a, op, t.plan.site(id), check, t.coldExit(ExitReason.FAULT));
    values.done(inst.a);
    values.defineFromStack(id);
  };

/** How a store is done on the fast path, and by which support function off it. */
export const STORES = {
  store8: { op: 'i32_store8', slow: 'store8' },
  store16: { op: 'i32_store16', slow: 'store16' },
  store32: { op: 'i32_store', slow: 'store32' },
  storeF32: { op: 'f32_store', slow: 'store32' },
  storeF64: { op: 'f64_store', slow: 'store64' },
} as const;
export type StoreOp = keyof typeof STORES;

/** The support functions store singles by their bits. */
export const toInteger = (f: FunctionBuilder, op: MemoryOp): void => {
  if (op === 'f32_store') f.op('i32_reinterpret_f32');
};

const store =
  ({ op, slow }: (typeof STORES)[StoreOp]): Writer =>
  (t, inst, id) => {
    const { f, values, region } = t;
    if (t.writeGroupedStore(id)) return;
    const exit = t.coldExit(ExitReason.FAULT);
    const site = t.plan.site(id);
    t.memory.store(id, inst.a, inst.b, op, site, region.module.support(slow), exit, () => toInteger(f, op));
    values.done(inst.a, inst.b);
  };

const read: Writer = (t, _inst, id) => t.values.define(id);

const writeFloatWord =
  (type: typeof F32 | typeof F64): Writer =>
  (t, inst) => {
    t.values.beforeWrite(inst.imm, type === F64, inst.a);
    t.region.words.writeFloat(inst.imm, type, () => t.values.push(inst.a));
    t.values.done(inst.a);
    t.noteWrite(inst);
  };

/** Pushes an engine address, and returns the static offset to use with it. */
const hostAddress = (t: BlockTranslator, inst: IrInst): number => {
  t.values.push(inst.a);
  if (inst.imm >= 0) return inst.imm;
  t.f.i32(inst.imm).op('i32_add');
  return 0;
};

export const writers: { readonly [K in ImpureOp]: Writer } = {
  insn: (t, inst) => t.startInsn(inst),
  enter: (t, inst) => {
    const { f, region } = t;
    const exit = region.cold.code({ reason: ExitReason.YIELD, at: t.block.location, refund: 0 });
    f.i32(exit);
    region.words.read(Word.FUEL);
    f.i32(0).op('i32_le_s').brIfUnlikely(region.cold.label(t.state.early)).op('drop');
    t.values.beforeWrite(Word.FUEL, false, NO_VALUE);
    region.words.write(Word.FUEL, () => {
      region.words.read(Word.FUEL);
      f.i32(inst.imm).op('i32_sub');
    });
    t.dirty.add(Word.FUEL);
  },
  if: (t, inst, id) => {
    t.values.beforeIf(id);
    t.values.consume(inst.a);
    if (t.isRare(id)) t.f.ifUnlikely();
    else t.f.if();
  },
  endif: (t, _inst, id) => {
    t.values.beforeEndif(id);
    t.f.end();
  },
  trap: (t, inst) => {
    const exit = t.coldExit(inst.imm);
    t.f.i32(exit.code).br(exit.label);
  },
  trapIf: (t, inst) => {
    const exit = t.coldExit(inst.imm);
    t.f.i32(exit.code);
    t.values.consume(inst.a);
    t.f.brIfUnlikely(exit.label).op('drop');
  },
  callout: (t, inst) => t.writeCallout(inst),
  get: read,
  getF32: read,
  getF64: read,
  set: (t, inst) => {
    t.values.beforeWrite(inst.imm, false, inst.a);
    t.region.words.write(inst.imm, () => t.values.push(inst.a));
    t.values.done(inst.a);
    t.noteWrite(inst);
  },
  setF32: writeFloatWord(F32),
  setF64: writeFloatWord(F64),
  load8u: load('i32_load8_u'),
  load8s: load('i32_load8_s'),
  load16u: load('i32_load16_u'),
  load16s: load('i32_load16_s'),
  load32: load('i32_load'),
  loadF32: load('f32_load'),
  loadF64: load('f64_load'),
  store8: store(STORES.store8),
  store16: store(STORES.store16),
  store32: store(STORES.store32),
  storeF32: store(STORES.storeF32),
  storeF64: store(STORES.storeF64),
  checkAlign: (t, inst, id) => {
    if (!t.plan.isNeedless(id)) {
      const exit = t.coldExit(ExitReason.FAULT);
      t.memory.alignmentCheck(inst.a, inst.imm, t.region.module.support('misaligned'), exit);
    }
    t.values.done(inst.a);
  },
  checkAccess: (t, inst) => {
    const exit = t.coldExit(ExitReason.FAULT);
    const check = t.region.module.support(inst.imm2 === 1 ? 'checkWrite' : 'checkRead');
    t.memory.accessCheck(inst.a, inst.imm, check, exit);
    t.values.done(inst.a);
  },
  hostLoad32: (t, inst, id) => {
    if (!t.values.isUsed(id)) {
      t.values.consume(inst.a);
      t.f.op('drop');
      return;
    }
    const offset = hostAddress(t, inst);
    t.f.memory('i32_load', offset);
    t.values.done(inst.a);
    t.values.defineFromStack(id);
  },
  hostStore32: (t, inst) => {
    const offset = hostAddress(t, inst);
    t.values.push(inst.b);
    t.f.memory('i32_store', offset);
    t.values.done(inst.a, inst.b);
  },
};
