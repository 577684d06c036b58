/**
 * Turns conditions over flags that a comparison in the same block has set into the comparison itself: `cmp x, y; bgt`
 * becomes y < x, without N, Z and V in between. The flags are still written, for whoever looks at them later. Run
 * before dead-sets, which removes what is no longer asked for.
 */
import { Word } from '../guest/cpu-state.js';
import { type IrBlock, type IrInst, NO_VALUE } from '../ir/block.js';
import { HOST_CALL, OPS } from '../ir/opcode.js';
import type { ValueId } from '../ir/terminal.js';

type Known = Map<number, ValueId>;
const FLAGS: readonly number[] = [Word.NF, Word.ZF, Word.CF, Word.VF];

/** What the flag words hold at one point, as far as values of the block tell. */
class FlagValues {
  private known: Known = new Map();
  private readonly outer: { before: Known; written: Set<number> }[] = [];

  step(inst: IrInst): void {
    if (inst.op === 'if') this.outer.push({ before: new Map(this.known), written: new Set() });
    else if (inst.op === 'endif') this.leaveConditional();
    else if (inst.op === 'set' && FLAGS.includes(inst.imm)) this.write(inst.imm, inst.a);
    else if ((OPS[inst.op].effects & HOST_CALL) !== 0) for (const word of FLAGS) this.write(word, undefined);
  }

  get(word: number): ValueId | undefined {
    return this.known.get(word);
  }

  private write(word: number, value: ValueId | undefined): void {
    if (value === undefined) this.known.delete(word);
    else this.known.set(word, value);
    for (const { written } of this.outer) written.add(word);
  }

  /** After a conditional region its values are gone, and what it wrote is uncertain. */
  private leaveConditional(): void {
    const { before, written } = this.outer.pop() as { before: Known; written: Set<number> };
    for (const word of written) before.delete(word);
    this.known = before;
  }
}

interface Comparison {
  readonly x: ValueId;
  readonly y: ValueId;
}

class Conditions {
  private readonly insts: IrInst[];
  private readonly flags = new FlagValues();
  /** What each read of a flag gives. */
  private readonly reads = new Map<ValueId, ValueId>();

  constructor(block: IrBlock) {
    this.insts = block.insts;
  }

  run(): void {
    this.insts.forEach((inst, id) => {
      this.flags.step(inst);
      if (inst.op === 'get') this.read(inst, id);
      else if (inst.op === 'eqz') this.negate(inst);
      else if (inst.op === 'ltS' && this.constant(inst.b) === 0) this.less(inst, inst.a);
      else if (inst.op === 'leS' && this.constant(inst.a) === 0) this.notLess(inst, inst.b);
      else if (inst.op === 'select') this.combine(inst);
    });
  }

  private at(id: ValueId): IrInst {
    return this.insts[id] as IrInst;
  }

  private constant(id: ValueId): number | undefined {
    const inst = this.at(id);
    return inst.op === 'const' ? inst.imm : undefined;
  }

  private replace(inst: IrInst, op: 'eq' | 'ltS' | 'leS' | 'ltU' | 'leU', a: ValueId, b: ValueId): void {
    inst.op = op;
    inst.a = a;
    inst.b = b;
    inst.c = NO_VALUE;
    inst.imm = 0;
  }

  /** A carry is a comparison already: done again it is cheaper than kept. */
  private read(inst: IrInst, id: ValueId): void {
    const value = this.flags.get(inst.imm);
    if (value === undefined) return;
    this.reads.set(id, value);
    const { op, a, b } = this.at(value);
    if (inst.imm === Word.CF && (op === 'leU' || op === 'ltU')) this.replace(inst, op, a, b);
  }

  /** x and y when the value is a flag word that holds x - y. */
  private difference(id: ValueId, word: number): (Comparison & { readonly result: ValueId }) | undefined {
    const inst = this.at(id);
    const result = inst.op === 'get' && inst.imm === word ? this.reads.get(id) : undefined;
    if (result === undefined) return undefined;
    const { op, a, b } = this.at(result);
    return op === 'sub' ? { x: a, y: b, result } : undefined;
  }

  /** x and y when the value is N xor V of x - y. */
  private signed(id: ValueId): Comparison | undefined {
    const { op, a, b } = this.at(id);
    if (op !== 'xor' || this.at(a).op !== 'get' || this.at(a).imm !== Word.NF) return undefined;
    const sign = this.reads.get(a);
    const overflow = this.at(b).op === 'get' && this.at(b).imm === Word.VF ? this.reads.get(b) : undefined;
    if (sign === undefined || overflow === undefined) return undefined;
    const v = this.at(overflow);
    if (v.op !== 'overflowSub' || v.c !== sign) return undefined;
    const r = this.at(sign);
    const isDifference = r.op === 'sub' && r.a === v.a && r.b === v.b;
    return isDifference || (sign === v.a && this.constant(v.b) === 0) ? { x: v.a, y: v.b } : undefined;
  }

  private negate(inst: IrInst): void {
    const { op, a, b } = this.at(inst.a);
    const difference = this.difference(inst.a, Word.ZF);
    if (op === 'leU') this.replace(inst, 'ltU', b, a);
    else if (op === 'ltU') this.replace(inst, 'leU', b, a);
    else if (difference !== undefined) this.replace(inst, 'eq', difference.x, difference.y);
  }

  private less(inst: IrInst, id: ValueId): void {
    const compared = this.signed(id);
    if (compared !== undefined) this.replace(inst, 'ltS', compared.x, compared.y);
  }

  private notLess(inst: IrInst, id: ValueId): void {
    const compared = this.signed(id);
    if (compared !== undefined) this.replace(inst, 'leS', compared.y, compared.x);
  }

  /** `p and not equal` with 0 for the other case, `p or equal` with 1, where p compares the same two values. */
  private combine(inst: IrInst): void {
    const { op, a, b } = this.at(inst.a);
    const rest = this.constant(inst.b);
    const z = this.zero(inst.c);
    if (z === undefined) return;
    const same = (x: ValueId, y: ValueId) => x === z.x && (y === z.y || this.bothZero(y, z.y));
    if (rest === 0 && op === 'leS' && same(b, a)) this.replace(inst, 'ltS', a, b);
    else if (rest === 0 && op === 'leU' && same(b, a)) this.replace(inst, 'ltU', a, b);
    else if (rest === 1 && op === 'ltS' && same(a, b)) this.replace(inst, 'leS', a, b);
    else if (rest === 1 && op === 'ltU' && same(a, b)) this.replace(inst, 'leU', a, b);
  }

  private bothZero(p: ValueId, q: ValueId | undefined): boolean {
    return this.constant(p) === 0 && (q === undefined || this.constant(q) === 0);
  }

  /** x and y when the value is ZF after x - y; without y it is x itself that is zero or not. */
  private zero(id: ValueId): { readonly x: ValueId; readonly y: ValueId | undefined } | undefined {
    const difference = this.difference(id, Word.ZF);
    if (difference !== undefined) return difference;
    const inst = this.at(id);
    const value = inst.op === 'get' && inst.imm === Word.ZF ? this.reads.get(id) : undefined;
    return value === undefined ? undefined : { x: value, y: undefined };
  }
}

/** Rewrites `block` in place; values keep their numbers. */
export const foldConditions = (block: IrBlock): void => new Conditions(block).run();
