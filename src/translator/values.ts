/**
 * Decides where the values of one block live. A constant or a register read is written again at each use; a pure
 * operation with one use becomes part of its user's expression; everything else gets a local until its last use. Before
 * a word changes, the pending expressions that read it are computed.
 */
import { type IrBlock, type IrInst, NO_VALUE } from '../ir/block.js';
import { isPure, OPS, type Type } from '../ir/opcode.js';
import type { ValueId } from '../ir/terminal.js';
import type { FunctionBuilder, Local } from '../wasm/function-builder.js';
import { F32, F64, I32, type ValueType } from '../wasm/opcode.js';
import { isRead } from './state-flow.js';
import type { StateWords } from './state-words.js';

export const valueType = (type: Type): ValueType => (type === 'i32' ? I32 : type === 'f32' ? F32 : F64);

/** What `mode` holds; 0 until the value is defined. */
const CONSTANT = 1;
/** A state word, read in place. */
const WORD = 2;
/** An expression still to be written. */
const PENDING = 3;
const LOCAL = 4;
/** An expression that its one user has taken. */
const WRITTEN = 5;

/** A longer expression is computed where it stands, which bounds the work of dependency checks. */
const LARGEST_EXPRESSION = 12;

export class Values {
  private readonly uses: Int32Array;
  private readonly lastUse: Int32Array;
  private readonly mode: Uint8Array;
  private readonly local: Int32Array;
  private readonly size: Uint8Array;
  /** State words an unwritten value reads; an expression answers for the expressions inside it. */
  private readonly reads = new Map<ValueId, readonly number[]>();
  private readonly closing: Int32Array;
  private readonly f: FunctionBuilder;
  private readonly words: StateWords;
  private readonly insts: readonly IrInst[];
  /** Writes a pure op's code; its arguments come through `push`. */
  private readonly writePure: (inst: IrInst) => void;

  constructor(f: FunctionBuilder, words: StateWords, block: IrBlock, writePure: (inst: IrInst) => void) {
    this.f = f;
    this.words = words;
    this.insts = block.insts;
    this.writePure = writePure;
    const count = block.insts.length;
    this.uses = new Int32Array(count);
    this.lastUse = new Int32Array(count).fill(-1);
    this.mode = new Uint8Array(count);
    this.local = new Int32Array(count);
    this.size = new Uint8Array(count);
    this.closing = this.findClosings();
    this.countUses(block);
  }

  // -- definition ----------------------------------------------------------------------------------------------------

  /** Takes note of instruction `id`, which has no effect besides its value. */
  define(id: ValueId): void {
    if (this.uses[id] === 0) return;
    const inst = this.insts[id] as IrInst;
    if (inst.op === 'const') {
      this.mode[id] = CONSTANT;
      return;
    }
    if (isRead(inst)) {
      this.mode[id] = WORD;
      this.reads.set(id, inst.op === 'getF64' ? [inst.imm, inst.imm + 1] : [inst.imm]);
      if (this.words.keyOf(inst.imm) === undefined) this.materialize(id);
      return;
    }
    this.mode[id] = PENDING;
    this.noteReads(id, inst);
    if (this.uses[id] !== 1 || (this.size[id] as number) > LARGEST_EXPRESSION) this.materialize(id);
  }

  /** Stores the value on the stack as the result of `id`, or drops it when nobody asks. */
  defineFromStack(id: ValueId): void {
    if (this.uses[id] === 0) {
      this.f.op('drop');
      return;
    }
    this.f.set(this.assignLocal(id));
  }

  /** A local for the result of `id`, to be set by the caller, whether it is used or not. */
  assignLocal(id: ValueId): Local {
    const local = this.f.allocate(this.typeOf(id));
    this.mode[id] = LOCAL;
    this.local[id] = local;
    return local;
  }

  isUsed(id: ValueId): boolean {
    return this.uses[id] !== 0;
  }

  /** Where the conditional region ends that opens at `id`. */
  closingOf(id: ValueId): number {
    return this.closing[id] as number;
  }

  constantOf(id: ValueId): number | undefined {
    const inst = this.insts[id];
    return inst?.op === 'const' ? inst.imm : undefined;
  }

  /** The instruction of a value whose code is not written yet, for recipes that look into their arguments. */
  pendingInst(id: ValueId): IrInst | undefined {
    return this.mode[id] === PENDING ? this.insts[id] : undefined;
  }

  // -- use -----------------------------------------------------------------------------------------------------------

  /** Writes code that pushes the value. Unless it is repeatable this happens once; `done` ends the use. */
  push(id: ValueId): void {
    const inst = this.insts[id] as IrInst;
    switch (this.mode[id]) {
      case CONSTANT:
        this.f.i32(inst.imm);
        return;
      case WORD:
        this.pushWord(inst);
        return;
      case LOCAL:
        this.f.get(this.local[id] as number);
        return;
      case PENDING:
        this.writePending(id);
        return;
      default:
        throw new Error(`value ${id} (${inst.op}) is used before it is defined`);
    }
  }

  /** Sees to it that `push` can be called any number of times. */
  makeRepeatable(id: ValueId): void {
    if (this.mode[id] === PENDING) this.materialize(id);
  }

  /** Ends one use of each value. */
  done(...ids: readonly ValueId[]): void {
    for (const id of ids) {
      if (id === NO_VALUE) continue;
      const left = --(this.uses[id] as number);
      this.uses[id] = left;
      if (left > 0) continue;
      if (this.mode[id] === LOCAL) this.f.release(this.local[id] as number);
      else if (this.mode[id] === PENDING) this.discard(id);
      this.reads.delete(id);
    }
  }

  /** Pushes the value and ends the use. */
  consume(id: ValueId): void {
    this.push(id);
    this.done(id);
  }

  // -- order ---------------------------------------------------------------------------------------------------------

  /** State word `word` (and the next, when wide) is about to change; `except` is the value it changes to. */
  beforeWrite(word: number, wide: boolean, except: ValueId): void {
    for (const [id, reads] of this.reads) {
      if (id === except && this.uses[id] === 1) continue;
      if (reads.includes(word) || (wide && reads.includes(word + 1))) this.materialize(id);
    }
  }

  /** Any state word may change. */
  beforeHostCall(): void {
    for (const id of [...this.reads.keys()]) this.materialize(id);
  }

  /** A conditional region opens at `at`: what is needed beyond it must be computed before it. */
  beforeIf(at: number): void {
    const end = this.closing[at] as number;
    for (const id of this.unwritten()) if ((this.lastUse[id] as number) > end) this.materialize(id);
  }

  /** A conditional region closes at `at`: what was defined in it is needed by the terminal or not at all. */
  beforeEndif(at: number): void {
    for (const id of this.unwritten()) if ((this.lastUse[id] as number) > at) this.materialize(id);
  }

  // ------------------------------------------------------------------------------------------------------------------

  private *unwritten(): Iterable<ValueId> {
    for (const id of [...this.reads.keys()]) if (this.reads.has(id)) yield id;
  }

  private typeOf(id: ValueId): ValueType {
    return valueType(OPS[(this.insts[id] as IrInst).op].result as Type);
  }

  private materialize(id: ValueId): void {
    if (this.mode[id] !== PENDING && this.mode[id] !== WORD) return;
    this.push(id);
    this.reads.delete(id);
    this.f.set(this.assignLocal(id));
  }

  private pushWord(inst: IrInst): void {
    if (inst.op === 'get') this.words.read(inst.imm);
    else this.words.readFloat(inst.imm, inst.op === 'getF64' ? F64 : F32);
  }

  private writePending(id: ValueId): void {
    const inst = this.insts[id] as IrInst;
    this.reads.delete(id);
    this.mode[id] = WRITTEN;
    this.writePure(inst);
    this.done(inst.a, inst.b, inst.c);
  }

  /** An expression that nobody wants after all. */
  private discard(id: ValueId): void {
    const inst = this.insts[id] as IrInst;
    this.mode[id] = WRITTEN;
    this.done(inst.a, inst.b, inst.c);
  }

  private noteReads(id: ValueId, inst: IrInst): void {
    const words: number[] = [];
    let size = 1;
    for (const arg of [inst.a, inst.b, inst.c]) {
      if (arg === NO_VALUE || (this.mode[arg] !== WORD && this.mode[arg] !== PENDING)) continue;
      words.push(...(this.reads.get(arg) ?? []));
      size += this.size[arg] as number;
      // Its only use is in this expression, which is tracked for both.
      if (this.uses[arg] === 1) this.reads.delete(arg);
    }
    this.size[id] = size;
    this.reads.set(id, words);
  }

  private countUses(block: IrBlock): void {
    const { terminal, insts } = block;
    const end = insts.length;
    if ('cond' in terminal && terminal.cond !== undefined) this.countUse(terminal.cond, end);
    if (terminal.kind === 'indirect') this.countUse(terminal.target, end);
    for (let id = end - 1; id >= 0; id--) {
      const inst = insts[id] as IrInst;
      if ((isPure(inst.op) || isRead(inst)) && this.uses[id] === 0) continue;
      for (const arg of [inst.a, inst.b, inst.c]) if (arg !== NO_VALUE) this.countUse(arg, id);
    }
  }

  private countUse(id: ValueId, at: number): void {
    this.uses[id] = (this.uses[id] as number) + 1;
    this.lastUse[id] = Math.max(this.lastUse[id] as number, at);
  }

  private findClosings(): Int32Array {
    const closing = new Int32Array(this.insts.length);
    const open: number[] = [];
    this.insts.forEach((inst, at) => {
      if (inst.op === 'if') open.push(at);
      else if (inst.op === 'endif') closing[open.pop() as number] = at;
    });
    return closing;
  }
}
