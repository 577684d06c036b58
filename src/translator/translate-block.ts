/** Writes one block's instructions; its terminal is `exits`' business. */
import { Word } from '../guest/cpu-state.js';
import { type IrBlock, type IrInst, NO_VALUE } from '../ir/block.js';
import {
  type Location,
  locationIsBigEndian,
  locationIsThumb,
  locationItState,
  locationPc,
  makeLocation,
} from '../ir/location.js';
import { type FloatingOp, isFloating, isPure, type PureOp } from '../ir/opcode.js';
import { ExitReason } from '../ir/terminal.js';
import type { FunctionBuilder, Local } from '../wasm/function-builder.js';
import { I32, type MemoryOp } from '../wasm/opcode.js';
import type { GroupMember } from './access-groups.js';
import { AccessPlan } from './access-plan.js';
import type { Frame, RegionNode } from './body.js';
import { inline } from './inline.js';
import { inlineFloating, writeFloatingMode } from './inline-floating.js';
import { type FaultExit, type GroupStore, MemoryWriter } from './memory-access.js';
import { Operands } from './operands.js';
import type { RegionContext } from './region-context.js';
import { storeWord } from './region-function.js';
import { type BlockState, depthAfter, markDirty } from './state-flow.js';
import { Values } from './values.js';
import { WordSet } from './word-set.js';
import { STORES, type StoreOp, toInteger, writers } from './writers.js';

export class BlockTranslator {
  readonly values: Values;
  readonly f: FunctionBuilder;
  readonly region: RegionContext;
  readonly block: IrBlock;
  readonly frame: Frame;
  readonly state: BlockState;
  /** What is dirty here. */
  readonly dirty: WordSet;
  private hasWritten = false;
  /** Conditional regions open. */
  private depth = 0;
  /** The instruction being translated: number in the block (-1 before the first) and address. */
  private insnIndex = -1;
  private insnPc: number;
  private readonly faultCodes = new Map<number, number>();
  private floatingMode: Local | undefined;
  readonly plan: AccessPlan;
  readonly memory: MemoryWriter;
  /** Address of the group of loads being translated. */
  private groupAddress: Local | undefined;

  constructor(region: RegionContext, node: number) {
    this.region = region;
    this.f = region.f;
    const { block, frame } = region.nodes[node] as RegionNode;
    this.block = block;
    this.frame = frame;
    this.state = region.states[node] as BlockState;
    this.dirty = this.state.dirtyIn.copy();
    this.insnPc = locationPc(this.block.location);
    this.plan = new AccessPlan(this.block);
    this.values = new Values(this.f, region.words, this.block, (inst) => this.writePure(inst));
    this.memory = new MemoryWriter(this.f, this.values);
  }

  write(): void {
    const usesMode = this.block.insts.some((inst) => isFloating(inst.op) && inlineFloating[inst.op] !== undefined);
    if (usesMode) this.floatingMode = this.f.allocate(I32);
    this.refreshFloatingMode();
    this.block.insts.forEach((inst, id) => {
      this.depth = depthAfter(inst, this.depth);
      if (isPure(inst.op)) this.values.define(id);
      else if (isFloating(inst.op)) this.writeFloating(inst, inst.op, id);
      else writers[inst.op](this, inst, id);
    });
    if (this.floatingMode !== undefined) this.f.release(this.floatingMode);
  }

  // -- exits ---------------------------------------------------------------------------------------------------------

  /** Where a cold exit of the current point goes. */
  coldExit(reason: number): FaultExit {
    let code = this.faultCodes.get(reason);
    if (code === undefined) {
      const refund = this.block.insnCount - Math.max(this.insnIndex, 0);
      code = this.region.cold.code({ reason, at: this.currentLocation(), refund });
      this.faultCodes.set(reason, code);
    }
    return { label: this.region.cold.label(this.hasWritten ? this.state.late : this.state.early), code };
  }

  /** Whether the conditional region that opens at `id` asks the host for something, which nothing frequent does. */
  isRare(id: number): boolean {
    const { insts } = this.block;
    const end = this.values.closingOf(id);
    for (let n = id; n < end; n++) if ((insts[n] as IrInst).op === 'callout') return true;
    return false;
  }

  startInsn(inst: IrInst): void {
    this.insnIndex++;
    this.insnPc = inst.imm;
    this.faultCodes.clear();
  }

  currentLocation(): Location {
    const { location } = this.block;
    if (this.insnIndex < 0) return location;
    const itState = this.insnIndex === 0 ? locationItState(location) : (this.block.itStates?.get(this.insnPc) ?? 0);
    return makeLocation(this.insnPc, locationIsThumb(location), itState, locationIsBigEndian(location));
  }

  // -- state ---------------------------------------------------------------------------------------------------------

  noteWrite(inst: IrInst): void {
    const word = inst.imm;
    this.hasWritten = true;
    const key = this.region.words.keyOf(word);
    if (key !== undefined) markDirty(this.dirty, this.block, inst, key, this.depth > 0);
    if (word === Word.FPSCR) this.refreshFloatingMode();
  }

  /** Calls the host with everything in memory, and takes everything from there afterwards. */
  writeCallout(inst: IrInst): void {
    const { f, region } = this;
    this.values.beforeHostCall();
    region.words.writeBack(this.dirty);
    const at = this.currentLocation();
    for (const [word, value] of [
      [Word.PC, locationPc(at)],
      [Word.THUMB, locationIsThumb(at) ? 1 : 0],
      [Word.ITSTATE, locationItState(at)],
    ] as const) {
      storeWord(f, word, () => f.i32(value));
    }
    f.i32(inst.imm).call(region.module.callout());
    if (this.depth === 0) this.dirty.clear();
    const all = new WordSet();
    region.words.forEachKey((key) => all.add(key));
    region.words.reload(all);
    this.refreshFloatingMode();
  }

  // -- operations ----------------------------------------------------------------------------------------------------

  /** A load that is a member of a group; false when it is on its own. */
  writeGroupedLoad(inst: IrInst, id: number, op: MemoryOp): boolean {
    const group = this.plan.groups.get(id);
    if (group === undefined) return false;
    const { f, values } = this;
    const index = group.members.findIndex((member) => member.id === id);
    if (index === 0) {
      const check = this.region.module.support('checkRead');
      const exit = this.coldExit(ExitReason.FAULT);
      this.groupAddress = this.memory.groupLoadCheck(id, inst.a, this.plan.site(id), check, exit);
    }
    const address = this.groupAddress as Local;
    values.done(inst.a);
    f.get(address).memory(op, (group.members[index] as GroupMember).offset);
    values.defineFromStack(id);
    if (index === group.members.length - 1) f.release(address);
    return true;
  }

  /** A store that is a member of a group: the last one writes them all. */
  writeGroupedStore(id: number): boolean {
    const group = this.plan.groups.get(id);
    if (group === undefined) return false;
    if (group.members.at(-1)?.id !== id) return true;
    const insts = group.members.map((member) => this.block.insts[member.id] as IrInst);
    const stores = group.members.map(({ offset }, n): GroupStore => {
      const { op, slow } = STORES[(insts[n] as IrInst).op as StoreOp];
      const convert = () => toInteger(this.f, op);
      return { value: (insts[n] as IrInst).b, op, offset, slow: this.region.module.support(slow), convert };
    });
    const first = (insts[0] as IrInst).a;
    this.memory.groupStore(id, first, this.plan.site(id), stores, this.coldExit(ExitReason.FAULT));
    for (const inst of insts) this.values.done(inst.a, inst.b);
    return true;
  }

  private writePure(inst: IrInst): void {
    const op = inst.op as PureOp;
    const recipe = inline[op];
    if (recipe !== undefined && recipe(this.f, new Operands(this.values, inst)) !== false) return;
    for (const arg of [inst.a, inst.b, inst.c]) {
      if (arg === NO_VALUE) this.f.i32(0);
      else this.values.push(arg);
    }
    this.f.i32(inst.imm).call(this.region.module.evaluation(op));
  }

  private writeFloating(inst: IrInst, op: FloatingOp, id: number): void {
    const { f, values } = this;
    const args = [inst.a, inst.b, inst.c].filter((arg) => arg !== NO_VALUE);
    for (const arg of args) values.makeRepeatable(arg);
    const outOfLine = () => {
      for (const arg of args) values.push(arg);
      f.i32(inst.imm).i32(inst.imm2).call(this.region.module.floating(op));
    };
    const recipe = inlineFloating[op];
    const result = values.assignLocal(id);
    if (recipe === undefined || this.floatingMode === undefined) {
      outOfLine();
      f.set(result);
    } else {
      recipe(f, new Operands(values, inst), result, this.floatingMode, outOfLine);
    }
    values.done(...args);
    if (!values.isUsed(id)) f.release(result);
  }

  private refreshFloatingMode(): void {
    if (this.floatingMode !== undefined) writeFloatingMode(this.f, this.floatingMode);
  }
}
