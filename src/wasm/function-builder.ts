/**
 * Writes one function body. Locals are handles that can be given back and reused; labels are values that stay right
 * whatever is opened between, so nobody counts branch depth. A `set` directly followed by a `get` of the same local
 * becomes one `tee`.
 */
import { ByteBuffer } from './byte-buffer.js';
import {
  type BlockType,
  Control,
  EMPTY,
  Memory,
  type MemoryOp,
  Plain,
  type PlainOp,
  Saturating,
  type SaturatingOp,
  type ValueType,
} from './opcode.js';

/** A function: an imported one by its index, one the module defines by its number plus DEFINED. */
export type FunctionRef = number;
export const DEFINED = 0x100_0000;

/** Index of a parameter or local. */
export type Local = number;
/** A branch target: how many constructs were open when it was made. */
export type Label = number;

export class FunctionBuilder {
  private readonly code = new ByteBuffer(512);
  private readonly types: ValueType[] = [];
  private readonly free = new Map<ValueType, Local[]>();
  private readonly parameterCount: number;
  private readonly relocations: { offset: number; defined: number }[] = [];
  /** Offsets of branches that are seldom taken, in `code`. */
  private readonly unlikely: number[] = [];
  private height = 0;
  /** Where the last `set` ended, for the tee peephole. */
  private setEnd = -1;
  private setLocal = -1;
  private setStart = 0;

  constructor(parameterCount: number) {
    this.parameterCount = parameterCount;
  }

  // -- locals --------------------------------------------------------------------------------------------------------

  /** A local whose content is whatever its last user left (zero when fresh). */
  allocate(type: ValueType): Local {
    const reused = this.free.get(type)?.pop();
    if (reused !== undefined) return reused;
    this.types.push(type);
    return this.parameterCount + this.types.length - 1;
  }

  /** Gives a local back for reuse. */
  release(local: Local): void {
    const type = this.types[local - this.parameterCount] as ValueType;
    const list = this.free.get(type);
    if (list === undefined) this.free.set(type, [local]);
    else list.push(local);
  }

  get(local: Local): this {
    if (this.setEnd === this.code.length && this.setLocal === local) {
      this.code.patch(this.setStart, Control.local_tee);
      this.setEnd = -1;
      return this;
    }
    return this.indexed(Control.local_get, local);
  }

  set(local: Local): this {
    this.setStart = this.code.length;
    this.setLocal = local;
    this.indexed(Control.local_set, local);
    this.setEnd = this.code.length;
    return this;
  }

  tee(local: Local): this {
    return this.indexed(Control.local_tee, local);
  }

  // -- control -------------------------------------------------------------------------------------------------------

  block(type: BlockType = EMPTY): Label {
    return this.open(Control.block, type);
  }

  loop(type: BlockType = EMPTY): Label {
    return this.open(Control.loop, type);
  }

  if(type: BlockType = EMPTY): Label {
    return this.open(Control.if, type);
  }

  /** An `if` whose condition is seldom true, or a branch seldom taken: engines that read branch hints move it aside. */
  ifUnlikely(type: BlockType = EMPTY): Label {
    this.unlikely.push(this.code.length);
    return this.open(Control.if, type);
  }

  brIfUnlikely(label: Label): this {
    this.unlikely.push(this.code.length);
    return this.brIf(label);
  }

  else(): this {
    this.code.byte(Control.else);
    return this;
  }

  end(): this {
    this.code.byte(Control.end);
    this.height--;
    return this;
  }

  br(label: Label): this {
    return this.indexed(Control.br, this.height - label);
  }

  brIf(label: Label): this {
    return this.indexed(Control.br_if, this.height - label);
  }

  /** Pops an index; an index past `labels` goes to `otherwise`. */
  brTable(labels: readonly Label[], otherwise: Label): this {
    this.code.byte(Control.br_table);
    this.code.u32(labels.length);
    for (const label of labels) this.code.u32(this.height - label);
    this.code.u32(this.height - otherwise);
    return this;
  }

  call(ref: FunctionRef): this {
    return this.callRef(Control.call, ref);
  }

  returnCall(ref: FunctionRef): this {
    return this.callRef(Control.return_call, ref);
  }

  callIndirect(typeIndex: number, tableIndex = 0): this {
    this.indexed(Control.call_indirect, typeIndex);
    this.code.u32(tableIndex);
    return this;
  }

  returnCallIndirect(typeIndex: number, tableIndex = 0): this {
    this.indexed(Control.return_call_indirect, typeIndex);
    this.code.u32(tableIndex);
    return this;
  }

  // -- values --------------------------------------------------------------------------------------------------------

  i32(value: number): this {
    this.code.byte(Control.i32_const);
    this.code.s32(value);
    return this;
  }

  i64(value: bigint): this {
    this.code.byte(Control.i64_const);
    this.code.s64(value);
    return this;
  }

  f32(value: number): this {
    this.code.byte(Control.f32_const);
    this.code.f32(value);
    return this;
  }

  f64(value: number): this {
    this.code.byte(Control.f64_const);
    this.code.f64(value);
    return this;
  }

  /** Appends instructions without immediates, in order. */
  op(...names: readonly PlainOp[]): this {
    for (const name of names) this.code.byte(Plain[name]);
    return this;
  }

  saturating(name: SaturatingOp): this {
    this.code.byte(0xfc);
    this.code.u32(Saturating[name]);
    return this;
  }

  /** A load or store with a static byte `offset`; any alignment is allowed at run time. */
  memory(name: MemoryOp, offset = 0): this {
    const [opcode, alignment] = Memory[name];
    this.code.byte(opcode);
    this.code.u32(alignment);
    this.code.u32(offset);
    return this;
  }

  globalGet(index: number): this {
    return this.indexed(Control.global_get, index);
  }

  globalSet(index: number): this {
    return this.indexed(Control.global_set, index);
  }

  // -- result --------------------------------------------------------------------------------------------------------

  /** Bytes of code so far. */
  get size(): number {
    return this.code.length;
  }

  /** Offsets of unlikely branches from the start of the finished body. */
  unlikelyOffsets(): readonly number[] {
    const declarations = new ByteBuffer();
    this.declareLocals(declarations);
    return this.unlikely.map((offset) => offset + declarations.length);
  }

  /** The finished body: local declarations, code, end. Throws when a construct is still open. */
  finish(importedFunctions: number): ByteBuffer {
    if (this.height !== 0) throw new Error(`${this.height} constructs still open`);
    for (const { offset, defined } of this.relocations) this.code.patchU32(offset, importedFunctions + defined);
    const body = new ByteBuffer(this.code.length + 64);
    this.declareLocals(body);
    body.append(this.code.view());
    body.byte(Control.end);
    return body;
  }

  private declareLocals(body: ByteBuffer): void {
    const runs: { type: ValueType; count: number }[] = [];
    for (const type of this.types) {
      const last = runs.at(-1);
      if (last?.type === type) last.count++;
      else runs.push({ type, count: 1 });
    }
    body.u32(runs.length);
    for (const run of runs) {
      body.u32(run.count);
      body.byte(run.type);
    }
  }

  private open(opcode: number, type: BlockType): Label {
    this.code.byte(opcode);
    this.code.byte(type);
    return ++this.height;
  }

  private callRef(opcode: number, ref: FunctionRef): this {
    if (ref < DEFINED) return this.indexed(opcode, ref);
    this.code.byte(opcode);
    this.relocations.push({ offset: this.code.length, defined: ref - DEFINED });
    this.code.paddedU32(0);
    return this;
  }

  private indexed(opcode: number, index: number): this {
    this.code.byte(opcode);
    this.code.u32(index);
    return this;
  }
}
