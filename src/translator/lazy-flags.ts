/**
 * Flags of a comparison or addition, kept as its operands. `cmp x, y` writes four words that mostly nobody reads: the
 * branch after it has become a comparison of its own. So a region's blocks are rewritten: such a write becomes FLAG_X =
 * x, FLAG_Y = y, FLAGS_FORM = difference, and stands for N and Z of x - y, its carry and its overflow. The four words are
 * computed where one is read, or written alone; while FLAGS_FORM is not 0 they hold nothing. Between regions it may be
 * anything; the host always finds it 0 (see `settleFlags`).
 */
import { Word } from '../guest/cpu-state.js';
import { type IrBlock, type IrInst, NO_VALUE } from '../ir/block.js';
import { evaluate } from '../ir/eval.js';
import { isPure, type Op } from '../ir/opcode.js';
import type { Terminal, ValueId } from '../ir/terminal.js';
import type { BlockEdges } from './state-flow.js';

const { NF, ZF, CF, VF, FLAGS_FORM, FLAG_X, FLAG_Y } = Word;
export const FLAG_WORDS: readonly number[] = [NF, ZF, CF, VF];
export const OPERAND_WORDS: readonly number[] = [FLAG_X, FLAG_Y];

/** What FLAGS_FORM holds. */
const DIFFERENCE = 1;
const SUM = 2;

/** Computes the flag words, if they are not there. */
export const settleFlags = (words: Int32Array): void => {
  const form = words[FLAGS_FORM];
  if (form === 0) return;
  const x = words[FLAG_X] as number;
  const y = words[FLAG_Y] as number;
  const result = form === DIFFERENCE ? (x - y) | 0 : (x + y) | 0;
  words[NF] = result;
  words[ZF] = result;
  words[CF] = form === DIFFERENCE ? evaluate.leU(y, x, 0, 0) : evaluate.ltU(result, x, 0, 0);
  words[VF] = form === DIFFERENCE ? evaluate.overflowSub(x, y, result, 0) : evaluate.overflow(x, y, result, 0);
  words[FLAGS_FORM] = 0;
};

const isFlag = (word: number): boolean => word >= NF && word <= VF;
const isOfFlag = ({ op, imm }: IrInst): boolean => (op === 'set' || op === 'get') && isFlag(imm);

/** The forms the flags may have at some point, a bit each: several when it depends on the way there. */
const PLAIN = 1;
const formBit = (form: number): number => 1 << form;
const ANY = PLAIN | formBit(DIFFERENCE) | formBit(SUM);

interface Operation {
  readonly form: number;
  readonly x: ValueId;
  readonly y: ValueId;
}

/** The one operation whose flags the written words are, if they are. */
const operationOf = (insts: readonly IrInst[], written: ReadonlyMap<number, ValueId>): Operation | undefined => {
  const result = written.get(NF) as ValueId;
  const carry = insts[written.get(CF) ?? NO_VALUE];
  const overflow = insts[written.get(VF) ?? NO_VALUE];
  if (result === undefined || written.get(ZF) !== result || carry === undefined || overflow?.c !== result)
    return undefined;
  const { op, a: x, b: y } = overflow;
  const sum = insts[result] as IrInst;
  const isOf = (name: Op) => sum.op === name && sum.a === x && sum.b === y;
  const right = insts[y] as IrInst;
  if (op === 'overflowSub') {
    // x - 0 has become x.
    const isDifference = isOf('sub') || (result === x && right.op === 'const' && right.imm === 0);
    return isDifference && carry.op === 'leU' && carry.a === y && carry.b === x
      ? { form: DIFFERENCE, x, y }
      : undefined;
  }
  const isSum = op === 'overflow' && isOf('add') && carry.op === 'ltU' && carry.a === result && carry.b === x;
  return isSum ? { form: SUM, x, y } : undefined;
};

/** Rewrites one block, and finds the forms at its end. */
class Rewriter {
  forms: number;
  private readonly block: IrBlock;
  private readonly out: IrInst[] = [];
  private readonly moved: ValueId[] = [];
  /** Forms before the conditional regions that are open. */
  private readonly before: number[] = [];

  constructor(block: IrBlock, forms: number) {
    this.block = block;
    this.forms = forms;
  }

  run(): IrBlock {
    const { insts } = this.block;
    for (let id = 0; id < insts.length; ) id = this.step(id);
    return { ...this.block, insts: this.out, terminal: this.terminal(this.block.terminal) };
  }

  /** Handles the instruction, or the run of flag writes that begins with it; answers the next one. */
  private step(id: number): number {
    const inst = this.block.insts[id] as IrInst;
    if (isOfFlag(inst)) {
      if (inst.op === 'set') return this.write(id);
      this.moved[id] = this.read(inst.imm);
      return id + 1;
    }
    this.copy(id);
    if (inst.op === 'if') this.before.push(this.forms);
    else if (inst.op === 'endif') this.forms |= this.before.pop() as number;
    // The host leaves plain flags.
    else if (inst.op === 'callout') this.forms = PLAIN;
    return id + 1;
  }

  private at(id: ValueId): ValueId {
    return id === NO_VALUE ? NO_VALUE : (this.moved[id] as ValueId);
  }

  private copy(id: number): void {
    const inst = this.block.insts[id] as IrInst;
    this.moved[id] = this.out.push({ ...inst, a: this.at(inst.a), b: this.at(inst.b), c: this.at(inst.c) }) - 1;
  }

  private emit(op: Op, a: ValueId = NO_VALUE, b: ValueId = NO_VALUE, c: ValueId = NO_VALUE, imm = 0): ValueId {
    return this.out.push({ op, a, b, c, imm, imm2: 0 }) - 1;
  }

  private get(word: number): ValueId {
    return this.emit('get', NO_VALUE, NO_VALUE, NO_VALUE, word);
  }

  private set(value: ValueId, word: number): void {
    this.emit('set', value, NO_VALUE, NO_VALUE, word);
  }

  private constant(value: number): ValueId {
    return this.emit('const', NO_VALUE, NO_VALUE, NO_VALUE, value | 0);
  }

  private read(word: number): ValueId {
    const form = this.certainForm;
    if (form !== undefined) return this.computed(word, form);
    this.makePlain(FLAG_WORDS);
    return this.get(word);
  }

  /** The form, when it is one that stands for the words. */
  private get certainForm(): number | undefined {
    return [DIFFERENCE, SUM].find((form) => this.forms === formBit(form));
  }

  /** What a flag word would hold. */
  private computed(word: number, form: number): ValueId {
    const x = this.get(FLAG_X);
    const y = this.get(FLAG_Y);
    const isDifference = form === DIFFERENCE;
    if (word === CF && isDifference) return this.emit('leU', y, x);
    const result = this.emit(isDifference ? 'sub' : 'add', x, y);
    if (word === CF) return this.emit('ltU', result, x);
    return word === VF ? this.emit(isDifference ? 'overflowSub' : 'overflow', x, y, result) : result;
  }

  /** Gives these words what they stand for; the others are about to be written. */
  private makePlain(missing: readonly number[]): void {
    if (this.forms === PLAIN) return;
    const certain = this.certainForm;
    for (const form of missing.length === 0 ? [] : [DIFFERENCE, SUM]) {
      if ((this.forms & formBit(form)) === 0) continue;
      if (certain === undefined) this.emit('if', this.emit('eq', this.get(FLAGS_FORM), this.constant(form)));
      const values = missing.map((word) => this.computed(word, form));
      missing.forEach((word, n) => {
        this.set(values[n] as ValueId, word);
      });
      if (certain === undefined) this.emit('endif');
    }
    this.set(this.constant(0), FLAGS_FORM);
    this.forms = PLAIN;
  }

  /** A run of flag writes with nothing between them that looks at flags or may exit. */
  private write(start: number): number {
    const { insts } = this.block;
    const written = new Map<number, ValueId>();
    let end = start;
    for (; end < insts.length; end++) {
      const inst = insts[end] as IrInst;
      const isWrite = inst.op === 'set' && isFlag(inst.imm) && !written.has(inst.imm);
      if (isWrite) written.set(inst.imm, inst.a);
      else if (!isPure(inst.op)) break;
    }
    const operation = operationOf(insts, written);
    if (operation === undefined) this.makePlain(FLAG_WORDS.filter((word) => !written.has(word)));
    for (let id = start; id < end; id++) {
      if (operation === undefined || (insts[id] as IrInst).op !== 'set') this.copy(id);
    }
    if (operation !== undefined) this.writeOperation(operation);
    return end;
  }

  private writeOperation({ form, x, y }: Operation): void {
    this.set(this.at(x), FLAG_X);
    this.set(this.at(y), FLAG_Y);
    this.set(this.constant(form), FLAGS_FORM);
    this.forms = formBit(form);
  }

  private terminal(terminal: Terminal): Terminal {
    const cond = 'cond' in terminal && terminal.cond !== undefined ? { cond: this.at(terminal.cond) } : {};
    const target = terminal.kind === 'indirect' ? { target: this.at(terminal.target) } : {};
    return { ...terminal, ...cond, ...target } as Terminal;
  }
}

/** A rewritten block, and the forms at its end. */
interface Rewritten {
  readonly block: IrBlock;
  readonly forms: number;
}

/** One block rewritten for the forms it may begin with. */
class Rewrites {
  private readonly block: IrBlock;
  private readonly isConcerned: boolean;
  private readonly made: (Rewritten | undefined)[] = [];

  constructor(block: IrBlock) {
    this.block = block;
    this.isConcerned = block.insts.some((inst) => inst.op === 'callout' || isOfFlag(inst));
  }

  from(forms: number): Rewritten {
    if (!this.isConcerned) return { block: this.block, forms };
    const known = this.made[forms];
    if (known !== undefined) return known;
    const rewriter = new Rewriter(this.block, forms);
    const block = rewriter.run();
    const made = { block, forms: rewriter.forms };
    this.made[forms] = made;
    return made;
  }
}

/** The blocks of a region with lazy flags. `entries` may be reached from elsewhere. */
export const postponeFlags = (
  blocks: readonly IrBlock[],
  edges: readonly BlockEdges[],
  entries: readonly number[],
): IrBlock[] => {
  const rewrites = blocks.map((block) => new Rewrites(block));
  const forms = new Uint8Array(blocks.length);
  for (const entry of [...entries, ...edges.flatMap(({ afterCall }) => afterCall)]) forms[entry] = ANY;
  const open = new Set(forms.keys());
  for (const n of open) {
    open.delete(n);
    if (forms[n] === 0) continue;
    const after = (rewrites[n] as Rewrites).from(forms[n] as number).forms;
    for (const to of (edges[n] as BlockEdges).direct) {
      const joined = (forms[to] as number) | after;
      if (joined === forms[to]) continue;
      forms[to] = joined;
      open.add(to);
    }
  }
  return rewrites.map((rewrite, n) => rewrite.from(forms[n] || ANY).block);
};
