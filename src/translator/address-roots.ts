/**
 * Addresses of one block as a root plus a constant, so that it shows which accesses lie near each other. Roots are named
 * by a value; two reads of a register between which nothing writes it are the same root.
 */
import { Word } from '../guest/cpu-state.js';
import type { IrBlock, IrInst } from '../ir/block.js';
import type { ValueId } from '../ir/terminal.js';

export interface RootedAddress {
  readonly root: ValueId;
  readonly offset: number;
}

export class AddressRoots {
  private readonly insts: readonly IrInst[];
  /** Values that are not their own root. */
  private readonly known = new Map<ValueId, RootedAddress>();
  /** What each general register holds, as far as that is certain. */
  private readonly held = new Map<number, RootedAddress>();
  /** Registers written in each conditional region that is open. */
  private readonly open: Set<number>[] = [];

  constructor({ insts }: IrBlock) {
    this.insts = insts;
    for (const [id, inst] of insts.entries()) this.note(inst, id);
  }

  of(value: ValueId): RootedAddress {
    return this.known.get(value) ?? { root: value, offset: 0 };
  }

  private note(inst: IrInst, id: ValueId): void {
    switch (inst.op) {
      case 'get':
        if (inst.imm < Word.PC) this.noteRead(inst.imm, id);
        return;
      case 'set':
        if (inst.imm < Word.PC) this.noteWrite(inst.imm, this.of(inst.a));
        return;
      case 'callout':
        for (let word = 0; word < Word.PC; word++) this.noteWrite(word, undefined);
        return;
      case 'if':
        this.open.push(new Set());
        return;
      case 'endif':
        // Past the region it may have been run or not.
        for (const word of this.open.pop() as Set<number>) this.noteWrite(word, undefined);
        return;
      case 'add':
      case 'sub':
        this.noteSum(inst, id);
        return;
      default:
    }
  }

  private noteRead(word: number, id: ValueId): void {
    const value = this.held.get(word);
    if (value === undefined) this.held.set(word, { root: id, offset: 0 });
    else this.known.set(id, value);
  }

  private noteWrite(word: number, value: RootedAddress | undefined): void {
    this.open.at(-1)?.add(word);
    if (value === undefined) this.held.delete(word);
    else this.held.set(word, value);
  }

  private noteSum({ op, a, b }: IrInst, id: ValueId): void {
    const constant = this.insts[b] as IrInst;
    if (constant.op !== 'const') return;
    const { root, offset } = this.of(a);
    this.known.set(id, { root, offset: (op === 'add' ? offset + constant.imm : offset - constant.imm) | 0 });
  }
}
