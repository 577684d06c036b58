/**
 * Removes state writes that nobody can see (a flag set again before any exit, read or host call) and then the values
 * that nobody uses. What may exit must find every word, so only the stretch between exits is looked at.
 */
import { type IrBlock, type IrInst, NO_VALUE } from '../block.js';
import { HOST_CALL, isPure, MAY_EXIT, OPS } from '../opcode.js';
import type { Terminal, ValueId } from '../terminal.js';

const WIDTH: { readonly [op: string]: number } = { get: 1, getF32: 1, getF64: 2, set: 1, setF32: 1, setF64: 2 };
const isSet = (inst: IrInst): boolean => inst.op === 'set' || inst.op === 'setF32' || inst.op === 'setF64';
const isGet = (inst: IrInst): boolean => inst.op === 'get' || inst.op === 'getF32' || inst.op === 'getF64';

/** Words certain to be written again before anyone looks, scanning a block backwards. */
class Overwritten {
  private words = new Set<number>();
  private readonly outer: Set<number>[] = [];

  /** Goes back over `inst`; tells whether it is a write without effect. */
  step(inst: IrInst): boolean {
    if (isSet(inst)) return this.write(inst);
    if (isGet(inst)) for (let n = 0; n < (WIDTH[inst.op] as number); n++) this.words.delete(inst.imm + n);
    else if (inst.op === 'endif') this.outer.push(new Set(this.words));
    else if (inst.op === 'if') this.leaveConditional();
    else if ((OPS[inst.op].effects & (MAY_EXIT | HOST_CALL)) !== 0) this.words.clear();
    return false;
  }

  private write(inst: IrInst): boolean {
    let isDead = true;
    for (let n = 0; n < (WIDTH[inst.op] as number); n++) {
      if (!this.words.has(inst.imm + n)) isDead = false;
      this.words.add(inst.imm + n);
    }
    return isDead;
  }

  /** Before a conditional region a word is overwritten only if it is on both paths. */
  private leaveConditional(): void {
    const around = this.outer.pop() as Set<number>;
    this.words = new Set([...this.words].filter((word) => around.has(word)));
  }
}

/** 1 at the values that the terminal uses. */
const usedByTerminal = ({ insts, terminal }: IrBlock): Uint8Array => {
  const used = new Uint8Array(insts.length);
  if ('cond' in terminal && terminal.cond !== undefined) used[terminal.cond] = 1;
  if (terminal.kind === 'indirect') used[terminal.target] = 1;
  return used;
};

/** 1 at the instructions that somebody needs. */
const findKept = (block: IrBlock): Uint8Array => {
  const { insts } = block;
  const overwritten = new Overwritten();
  const used = usedByTerminal(block);
  const kept = new Uint8Array(insts.length);
  for (let id = insts.length - 1; id >= 0; id--) {
    const inst = insts[id] as IrInst;
    if (used[id] === 0 && (isGet(inst) || isPure(inst.op))) continue;
    if (overwritten.step(inst)) continue;
    kept[id] = 1;
    if (inst.a !== NO_VALUE) used[inst.a] = 1;
    if (inst.b !== NO_VALUE) used[inst.b] = 1;
    if (inst.c !== NO_VALUE) used[inst.c] = 1;
  }
  return kept;
};

const renumberTerminal = (terminal: Terminal, at: (id: ValueId) => ValueId): Terminal => {
  if (terminal.kind === 'indirect') {
    const cond = terminal.cond === undefined ? {} : { cond: at(terminal.cond) };
    return { ...terminal, ...cond, target: at(terminal.target) };
  }
  if (terminal.kind === 'branch') return { ...terminal, cond: at(terminal.cond) };
  if (terminal.kind === 'svc' && terminal.cond !== undefined) return { ...terminal, cond: at(terminal.cond) };
  return terminal;
};

/** Rewrites `block` in place; values are renumbered. */
export const removeDeadSets = (block: IrBlock): void => {
  const kept = findKept(block);
  const moved = new Int32Array(kept.length);
  const at = (id: ValueId): ValueId => (id === NO_VALUE ? NO_VALUE : (moved[id] as ValueId));
  const { insts } = block;
  let count = 0;
  for (let id = 0; id < kept.length; id++) {
    if (kept[id] === 0) continue;
    const inst = insts[id] as IrInst;
    inst.a = at(inst.a);
    inst.b = at(inst.b);
    inst.c = at(inst.c);
    moved[id] = count;
    insts[count++] = inst;
  }
  insts.length = count;
  block.terminal = renumberTerminal(block.terminal, at);
};
