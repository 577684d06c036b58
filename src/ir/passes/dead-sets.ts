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
    if (inst.op === 'endif') this.outer.push(new Set(this.words));
    else if (inst.op === 'if') this.leaveConditional();
    else if ((OPS[inst.op].effects & (MAY_EXIT | HOST_CALL)) !== 0) this.words.clear();
    else if (isSet(inst)) return this.write(inst);
    else if (isGet(inst)) for (let n = 0; n < (WIDTH[inst.op] as number); n++) this.words.delete(inst.imm + n);
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

const terminalUses = (terminal: Terminal): ValueId[] => {
  const uses: ValueId[] = [];
  if ('cond' in terminal && terminal.cond !== undefined) uses.push(terminal.cond);
  if (terminal.kind === 'indirect') uses.push(terminal.target);
  return uses;
};

const findKept = (block: IrBlock): boolean[] => {
  const overwritten = new Overwritten();
  const used = new Set<ValueId>(terminalUses(block.terminal));
  const kept: boolean[] = [];
  for (let id = block.insts.length - 1; id >= 0; id--) {
    const inst = block.insts[id] as IrInst;
    if ((isPure(inst.op) || isGet(inst)) && !used.has(id)) continue;
    if (overwritten.step(inst)) continue;
    kept[id] = true;
    for (const arg of [inst.a, inst.b, inst.c]) used.add(arg);
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
  const moved: ValueId[] = [];
  const at = (id: ValueId): ValueId => (id === NO_VALUE ? NO_VALUE : (moved[id] as ValueId));
  const insts: IrInst[] = [];
  block.insts.forEach((inst, id) => {
    if (!kept[id]) return;
    moved[id] = insts.length;
    insts.push({ ...inst, a: at(inst.a), b: at(inst.b), c: at(inst.c) });
  });
  block.insts = insts;
  block.terminal = renumberTerminal(block.terminal, at);
};
