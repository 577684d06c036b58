/** Flattens a block's IR for the cold tier: values get word indices, registers are read in place, dead copies vanish. */
import { Word } from '../guest/cpu-state.js';
import { type IrBlock, type IrInst, NO_VALUE } from '../ir/block.js';
import { type Location, locationIsThumb, locationItState, locationPc } from '../ir/location.js';
import { HOST_CALL, isPure, MAY_EXIT, OPS, STRUCTURE } from '../ir/opcode.js';
import { ExitReason } from '../ir/terminal.js';
import {
  BRANCH,
  CONSTANT_POOL,
  CONSTANT_POOL_END,
  type ColdCode,
  EXIT_OTHERWISE,
  EXIT_TO,
  INDIRECT,
  MOVE,
  MOVE_WIDE,
  opNumber,
  STOP,
  STRIDE,
  TO,
} from './cold-code.js';

/** Constant words in use, by value. One pool serves every block of one state area. */
export class ConstantPool {
  private readonly index = new Map<number, number>();
  private next: number = CONSTANT_POOL;
  private readonly words: Int32Array;

  constructor(words: Int32Array) {
    this.words = words;
  }

  /** Word that holds `value`, or undefined when the pool is full. */
  wordOf(value: number): number | undefined {
    const known = this.index.get(value);
    if (known !== undefined) return known;
    if (this.next === CONSTANT_POOL_END) return undefined;
    const word = this.next++;
    this.words[word] = value;
    this.index.set(value, word);
    return word;
  }
}

const isGet = (inst: IrInst): boolean => inst.op === 'get' || inst.op === 'getF32' || inst.op === 'getF64';
const isSet = (inst: IrInst): boolean => inst.op === 'set' || inst.op === 'setF32' || inst.op === 'setF64';
/** Of a `get`. */
const isWide = (inst: IrInst): boolean => inst.op === 'getF64';
const uses = (inst: IrInst, value: number): boolean => inst.a === value || inst.b === value || inst.c === value;

/** Whether `inst` may change state word `word` (or the one after, for a wide value). */
const mayWrite = (inst: IrInst, word: number, wide: boolean): boolean => {
  if (!isSet(inst)) return inst.op === 'enter' ? word === Word.FUEL : (OPS[inst.op].effects & HOST_CALL) !== 0;
  const last = inst.imm + (inst.op === 'setF64' ? 1 : 0);
  return inst.imm <= word + (wide ? 1 : 0) && last >= word;
};

class Binder {
  private readonly out: number[] = [];
  private readonly insnStart: number[] = [];
  private readonly insnPc: number[] = [];
  private readonly where: Int32Array;
  private readonly lastUse: Int32Array;
  /** Value of a pure op that is computed straight into this state word; its `set` is then dropped. */
  private readonly direct = new Map<number, number>();
  private readonly dropped = new Set<number>();
  private nextSlot: number = Word.SLOTS;
  private readonly block: IrBlock;
  private readonly constants: ConstantPool;

  constructor(block: IrBlock, constants: ConstantPool) {
    this.block = block;
    this.constants = constants;
    this.where = new Int32Array(block.insts.length);
    this.lastUse = this.findLastUses();
  }

  bind(): ColdCode {
    const { insts, terminal } = this.block;
    this.findDirectSets();
    const openIfs: number[] = [];
    for (let i = 0; i < insts.length; i++) {
      const inst = insts[i] as IrInst;
      if (inst.op === 'if') openIfs.push(this.out.length);
      if (inst.op === 'endif') this.out[(openIfs.pop() as number) + 5] = this.out.length;
      else this.flatten(inst, i);
    }
    const { to, otherwise } = this.terminal(terminal);
    return {
      code: Int32Array.from(this.out),
      location: this.block.location,
      insnCount: this.block.insnCount,
      insnStart: Int32Array.from(this.insnStart),
      insnPc: Uint32Array.from(this.insnPc),
      itStates: this.block.itStates,
      to,
      otherwise,
    };
  }

  private findLastUses(): Int32Array {
    const { insts, terminal } = this.block;
    const last = new Int32Array(insts.length).fill(-1);
    for (let i = 0; i < insts.length; i++) {
      const { a, b, c } = insts[i] as IrInst;
      if (a !== NO_VALUE) last[a] = i;
      if (b !== NO_VALUE) last[b] = i;
      if (c !== NO_VALUE) last[c] = i;
    }
    const end = insts.length;
    if ('cond' in terminal && terminal.cond !== undefined) last[terminal.cond] = end;
    if (terminal.kind === 'indirect') last[terminal.target] = end;
    return last;
  }

  /** Finds pure results that a following `set` stores, where computing into the register itself changes nothing. */
  private findDirectSets(): void {
    const { insts } = this.block;
    for (let i = 0; i < insts.length; i++) {
      const inst = insts[i] as IrInst;
      if (inst.op !== 'set') continue;
      const def = insts[inst.a] as IrInst;
      if (!isPure(def.op) || def.op === 'const' || this.direct.has(inst.a)) continue;
      if (this.canComputeInto(inst.a, i, inst.imm)) {
        this.direct.set(inst.a, inst.imm);
        this.dropped.add(i);
      }
    }
  }

  private canComputeInto(value: number, setAt: number, word: number): boolean {
    const { insts } = this.block;
    for (let j = value + 1; j < setAt; j++) {
      const inst = insts[j] as IrInst;
      if ((OPS[inst.op].effects & (MAY_EXIT | STRUCTURE | HOST_CALL)) !== 0) return false;
      if (mayWrite(inst, word, false) || this.readsWord(inst, word)) return false;
    }
    for (let j = setAt + 1; j < (this.lastUse[value] as number); j++) {
      if (mayWrite(insts[j] as IrInst, word, false)) return false;
    }
    return this.lastUse[value] !== insts.length || !this.writtenAfter(setAt, word);
  }

  private writtenAfter(at: number, word: number): boolean {
    const { insts } = this.block;
    for (let j = at + 1; j < insts.length; j++) if (mayWrite(insts[j] as IrInst, word, false)) return true;
    return false;
  }

  /** Whether `inst` reads state word `word`, by `get` or through an earlier `get` that is read in place. */
  private readsWord(inst: IrInst, word: number): boolean {
    if (isGet(inst)) return inst.imm === word || (isWide(inst) && inst.imm + 1 === word);
    return this.takesFrom(inst.a, word) || this.takesFrom(inst.b, word) || this.takesFrom(inst.c, word);
  }

  /** Whether `value` is read where state word `word` is. */
  private takesFrom(value: number, word: number): boolean {
    if (value === NO_VALUE) return false;
    const def = this.block.insts[value] as IrInst;
    if (isGet(def) && (def.imm === word || (isWide(def) && def.imm + 1 === word))) return true;
    return this.direct.get(value) === word;
  }

  /** A `get` needs a copy only when its word changes while the value is still wanted. */
  private needsCopy(index: number): boolean {
    const { insts } = this.block;
    const inst = insts[index] as IrInst;
    const last = this.lastUse[index] as number;
    const wide = isWide(inst);
    const end = Math.min(last + 1, insts.length);
    for (let j = index + 1; j < end; j++) {
      const other = insts[j] as IrInst;
      if ((j < last || !isSet(other)) && mayWrite(other, inst.imm, wide)) return true;
      // A result computed straight into this word changes it at its definition already.
      const direct = this.direct.get(j);
      const hits = direct === inst.imm || (wide && direct === inst.imm + 1);
      if (hits && (j < last || !uses(other, index))) return true;
    }
    return false;
  }

  private slotFor(index: number): number {
    const wide = OPS[(this.block.insts[index] as IrInst).op].result === 'f64';
    const slot = wide ? (this.nextSlot + 1) & ~1 : this.nextSlot;
    this.nextSlot = slot + (wide ? 2 : 1);
    if (this.nextSlot > CONSTANT_POOL) throw new Error('block has more values than the interpreter has slots');
    this.where[index] = slot;
    return slot;
  }

  private emit(op: number, dst: number, a: number, b: number, c: number, imm: number): void {
    this.out.push(op, dst, a, b, c, imm);
  }

  private at(value: number): number {
    return value === NO_VALUE ? 0 : (this.where[value] as number);
  }

  private flatten(inst: IrInst, index: number): void {
    if (inst.op === 'insn') {
      this.insnStart.push(this.out.length);
      this.insnPc.push(inst.imm);
    } else if (inst.op === 'const') {
      this.flattenConst(inst, index);
    } else if (isGet(inst)) {
      this.flattenGet(inst, index);
    } else if (isSet(inst)) {
      if (!this.dropped.has(index))
        this.emit(inst.op === 'setF64' ? MOVE_WIDE : MOVE, inst.imm, this.at(inst.a), 0, 0, 0);
    } else {
      this.flattenOp(inst, index);
    }
  }

  private flattenConst(inst: IrInst, index: number): void {
    const word = this.constants.wordOf(inst.imm);
    if (word !== undefined) this.where[index] = word;
    else this.emit(opNumber.const, this.slotFor(index), 0, 0, 0, inst.imm);
  }

  private flattenGet(inst: IrInst, index: number): void {
    if (this.needsCopy(index)) this.emit(isWide(inst) ? MOVE_WIDE : MOVE, this.slotFor(index), inst.imm, 0, 0, 0);
    else this.where[index] = inst.imm;
  }

  private flattenOp(inst: IrInst, index: number): void {
    const spec = OPS[inst.op];
    if (isPure(inst.op) && this.lastUse[index] === -1) return;
    let dst = 0;
    if (spec.result !== 'void') {
      const direct = this.direct.get(index);
      if (direct === undefined) dst = this.slotFor(index);
      else dst = this.where[index] = direct;
    }
    const c = spec.args.length < 3 ? inst.imm2 : this.at(inst.c);
    this.emit(opNumber[inst.op], dst, this.at(inst.a), this.at(inst.b), c, inst.imm);
  }

  private stop(reason: number, at: Location): void {
    this.emit(STOP, reason, locationPc(at), locationIsThumb(at) ? 1 : 0, locationItState(at), 0);
  }

  private goTo(at: Location, exit: number): void {
    this.emit(TO, exit, locationPc(at), locationIsThumb(at) ? 1 : 0, locationItState(at), 0);
  }

  /** `if cond is zero, skip the next instruction`. */
  private skipUnless(cond: number): void {
    this.emit(BRANCH, 0, this.at(cond), 0, 0, this.out.length + 2 * STRIDE);
  }

  private terminal(terminal: IrBlock['terminal']): { to: Location; otherwise: Location } {
    switch (terminal.kind) {
      case 'jump':
        this.goTo(terminal.to, EXIT_TO);
        return { to: terminal.to, otherwise: 0 };
      case 'branch':
        this.skipUnless(terminal.cond);
        this.goTo(terminal.to, EXIT_TO);
        this.goTo(terminal.otherwise, EXIT_OTHERWISE);
        return { to: terminal.to, otherwise: terminal.otherwise };
      case 'indirect':
        if (terminal.cond !== undefined) this.skipUnless(terminal.cond);
        this.emit(INDIRECT, 0, this.at(terminal.target), 0, 0, 0);
        if (terminal.cond !== undefined) this.goTo(terminal.otherwise as Location, EXIT_OTHERWISE);
        return { to: 0, otherwise: terminal.otherwise ?? 0 };
      case 'svc':
        if (terminal.cond !== undefined) this.skipUnless(terminal.cond);
        this.stop(ExitReason.SVC, terminal.next);
        if (terminal.cond !== undefined) this.goTo(terminal.next, EXIT_OTHERWISE);
        return { to: terminal.next, otherwise: terminal.next };
      default:
        this.stop(terminal.reason, terminal.at);
        return { to: 0, otherwise: 0 };
    }
  }
}

/** Flattens `block`; the result runs with `runBlock`. */
export const bindBlock = (block: IrBlock, constants: ConstantPool): ColdCode => new Binder(block, constants).bind();
