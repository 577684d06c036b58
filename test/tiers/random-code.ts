/**
 * Random guest code that ends: any computation and memory instruction of the tables, in IT blocks and under conditions,
 * inside forward branches, bounded loops, calls (of the other instruction set too) and jump tables.
 *
 * r0 to r5, r12, flags and floating registers are anyone's. r7 to r9 point into data and move by write-back only, r6 is a
 * small index, r10 and r11 count loops, LR is free outside of subroutines. The code ends with SVC.
 */
import { decode } from '../../src/arm/decode.js';
import type { Row } from '../../src/arm/encoding.js';
import { endsBlock } from '../../src/arm/insn.js';
import { BlockLifter } from '../../src/arm/lift-block.js';
import { A32 } from '../../src/arm/tables/a32.js';
import { T16 } from '../../src/arm/tables/t16.js';
import { T32 } from '../../src/arm/tables/t32.js';
import type { Isa } from '../../src/bits.js';
import { Word } from '../../src/guest/cpu-state.js';
import type { IrBlock } from '../../src/ir/block.js';
import { makeLocation } from '../../src/ir/location.js';
import { wordOf } from '../arm/samples.js';
import type { Random } from '../support/random.js';

const FREE = [0, 1, 2, 3, 4, 5, 12, 14];
const POINTERS = [7, 8, 9];
const INDEX = 6;
const OUTER = 10;
const INNER = 11;

/** Left out: control (made here with labels), what changes the machine's mode, and what Unicorn keeps to itself. */
const EXCLUDED =
  /^(B|BL|BX|BXJ|BLX) |^(CBZ|TBB|SVC|BKPT|UDF|NOP|IT|SETEND|CPS|MCR|MRC|SWP|LDREX|STREX|LDAEX|STLEX|CLREX|VMSR|unallocated)/;
/** ARMv8: a Cortex-A15 does not have them. */
const TOO_NEW = /^(VSEL|VMAXNM|VMINNM|VRINT|VCVTA|LDA|STL)/;
/** Unicorn forgets the rest of the IT block at an ISB. */
const isUnfitForIt = ({ name, neverInIt, unconditional }: Row): boolean =>
  neverInIt || unconditional || name.startsWith('ISB');
const isUsable = ({ name }: Row): boolean => !EXCLUDED.test(name) && !TOO_NEW.test(name);
const isTooNew = (word: number, { name }: Row): boolean => name.startsWith('VCVTB') && (word & 0x100) !== 0;

export interface Instruction {
  readonly word: number;
  readonly sizeBytes: 2 | 4;
  readonly name: string;
}

// -- single instructions -----------------------------------------------------------------------------------------------

const setField = (word: number, row: Row, name: string, value: number): number => {
  const field = row.fields.find((f) => f.name === name);
  if (field === undefined) return word;
  const mask = (2 ** field.width - 1) << field.shift;
  return (word & ~mask) | ((value << field.shift) & mask);
};

/** Makes an immediate offset a multiple of 8, where the encoding has bytes. */
const alignOffset = (word: number, row: Row): number =>
  ['imm12', 'imm8', 'imm4L'].reduce((aligned, name) => {
    const field = row.fields.find((f) => f.name === name);
    return field === undefined || row.name.startsWith('V') ? aligned : aligned & ~(7 << field.shift);
  }, word);

/** Points a memory instruction at data, most of the time. */
const tame = (word: number, row: Row, random: Random): number => {
  if (/\((literal|SP )/.test(row.name) || random.chance(1)) return word;
  const pointer = row.sizeBytes === 2 ? 7 : random.pick(POINTERS);
  let tamed = setField(word, row, 'Rn', pointer);
  if (/\(register\)|^(LDRT|STRT|LDRBT|STRBT|LDRHT|STRHT|LDRSBT|LDRSHT) A2/.test(row.name)) {
    tamed = setField(setField(tamed, row, 'Rm', INDEX), row, 'imm5', random.below(4));
    tamed = setField(tamed, row, 'type', 0);
  }
  if (row.sizeBytes === 4 && !/T[1-4]$/.test(row.name) && random.chance(70)) {
    tamed = setField(setField(tamed, row, 'P', 1), row, 'W', 0);
  }
  if (random.chance(70)) tamed = alignOffset(tamed, row);
  const list = row.fields.find((f) => f.name === 'registers');
  if (list !== undefined) tamed = setField(tamed, row, 'registers', (tamed >>> list.shift) & 0x503f);
  return tamed;
};

const isWrite = (op: string): boolean => op === 'set' || op === 'setF32' || op === 'setF64';

interface Effects {
  /** The word's own row: another one's picture may cover it. */
  readonly row: Row;
  readonly touchesMemory: boolean;
  readonly writes: ReadonlySet<number>;
}

/** What an instruction alone in a block does; undefined when it is none, or changes control. */
const effectsOf = (isa: Isa, { word, sizeBytes }: { word: number; sizeBytes: 2 | 4 }): Effects | undefined => {
  const found = decode(word, isa, sizeBytes);
  if (found === undefined) return undefined;
  const halves = isa === 'arm' || sizeBytes === 2 ? [word & 0xffff, word >>> 16] : [word >>> 16, word & 0xffff];
  const lifter = new BlockLifter(
    makeLocation(0x1000, isa === 'thumb'),
    (address) => halves[(address - 0x1000) / 2],
    {},
    { itGroups: 'separate', maxInsns: 1 },
  );
  const insn = lifter.next();
  if (insn === undefined || endsBlock(insn)) return undefined;
  lifter.keep();
  const blocks = lifter.finish();
  if (blocks.length !== 1) return undefined;
  const { insts } = blocks[0] as IrBlock;
  return {
    row: found.row,
    touchesMemory: insts.some(({ op }) => /^(load|store)/.test(op)),
    writes: new Set(insts.filter(({ op }) => isWrite(op)).map(({ imm }) => imm)),
  };
};

const isAllowed = ({ touchesMemory, writes }: Effects, inSubroutine: boolean): boolean => {
  for (const word of writes) {
    if (word > 15 ? word < Word.THUMB || word >= Word.FPSCR : FREE.includes(word)) {
      if (inSubroutine && word === Word.LR) return false;
    } else if (!touchesMemory || !POINTERS.includes(word)) return false;
  }
  return true;
};

const drawOnce = (isa: Isa, rows: readonly Row[], random: Random): { word: number; sizeBytes: 2 | 4 } => {
  const row = random.pick(rows);
  const drawn = wordOf(row, random);
  const isMemory = row.fields.some(({ name }) => name === 'Rn') && /^(V?LD|V?ST)/.test(row.name);
  const word = isMemory ? tame(drawn, row, random) : drawn;
  return { word: isa === 'arm' ? word : word >>> 0, sizeBytes: row.sizeBytes };
};

export class InstructionSource {
  private readonly rows: Readonly<Record<Isa, readonly (readonly Row[])[]>>;

  constructor() {
    const kinds = (table: readonly Row[]) => {
      const rows = table.filter(isUsable);
      const floats = rows.filter(({ name }) => name.startsWith('V'));
      const memory = rows.filter(({ name }) => /^(LD|ST)/.test(name));
      return [rows.filter((row) => !floats.includes(row) && !memory.includes(row)), memory, floats];
    };
    this.rows = { arm: kinds(A32), thumb: kinds([...T16, ...T32]) };
  }

  /** One instruction that keeps the rules of this file. `inIt`: one that may stand in an IT block. */
  draw(random: Random, isa: Isa, inSubroutine: boolean, inIt = false): Instruction {
    for (;;) {
      const kind = random.below(100);
      const rows = this.rows[isa][kind < 50 ? 0 : kind < 80 ? 1 : 2] as readonly Row[];
      const instruction = drawOnce(isa, rows, random);
      const effects = effectsOf(isa, instruction);
      if (effects === undefined || !isUsable(effects.row) || isTooNew(instruction.word, effects.row)) continue;
      if (inIt && isUnfitForIt(effects.row)) continue;
      if (isAllowed(effects, inSubroutine)) return { ...instruction, name: effects.row.name };
    }
  }
}

// -- code with labels --------------------------------------------------------------------------------------------------

type Label = { at: number };
/** An instruction whose word depends on where things are. */
interface Part {
  readonly isa: Isa;
  readonly sizeBytes: 2 | 4;
  readonly name: string;
  readonly encode: (pc: number) => number;
}

const AL = 14;

const armBranch = (cond: number, link: boolean, distance: number): number =>
  (cond << 28) | (link ? 0x0b00_0000 : 0x0a00_0000) | (((distance - 8) >> 2) & 0x00ff_ffff);

/** B.W (T4, T3 with a condition), BL (T1) and BLX (T2). */
const thumbBranch = (kind: 'b' | 'bl' | 'blx', cond: number, distance: number): number => {
  const offset = distance - 4;
  const s = offset < 0 ? 1 : 0;
  if (kind === 'b' && cond !== AL) {
    const [j1, j2] = [(offset >> 18) & 1, (offset >> 19) & 1];
    const high = 0xf000 | (s << 10) | (cond << 6) | ((offset >> 12) & 0x3f);
    return ((high << 16) | 0x8000 | (j1 << 13) | (j2 << 11) | ((offset >> 1) & 0x7ff)) >>> 0;
  }
  const j1 = 1 & ~(((offset >> 23) & 1) ^ s);
  const j2 = 1 & ~(((offset >> 22) & 1) ^ s);
  const op = { b: 0x9000, bl: 0xd000, blx: 0xc000 }[kind];
  const high = 0xf000 | (s << 10) | ((offset >> 12) & 0x3ff);
  return ((high << 16) | op | (j1 << 13) | (j2 << 11) | ((offset >> 1) & 0x7ff)) >>> 0;
};

interface Subroutine {
  readonly isa: Isa;
  readonly label: Label;
}

/** Writes one piece of code, control structures and all. */
class Writer {
  readonly parts: (Part | { readonly label: Label } | 'align')[] = [];
  isa: Isa;
  private readonly source: InstructionSource;
  private readonly random: Random;
  private readonly subroutines: readonly Subroutine[];
  private inSubroutine = false;

  constructor(isa: Isa, source: InstructionSource, random: Random, subroutines: readonly Subroutine[]) {
    this.isa = isa;
    this.source = source;
    this.random = random;
    this.subroutines = subroutines;
  }

  private put(sizeBytes: 2 | 4, name: string, encode: (pc: number) => number): void {
    this.parts.push({ isa: this.isa, sizeBytes, name, encode });
  }

  private fixed(arm: number, thumb: number, thumbBytes: 2 | 4, name: string): void {
    if (this.isa === 'arm') this.put(4, name, () => arm);
    else this.put(thumbBytes, name, () => thumb);
  }

  private mark(label: Label): void {
    this.parts.push({ label });
  }

  private plain(inIt = false): void {
    const { word, sizeBytes, name } = this.source.draw(this.random, this.isa, this.inSubroutine, inIt);
    this.put(sizeBytes, name, () => word);
  }

  private branch(cond: number, to: Label): void {
    const { isa } = this;
    this.put(4, `B cond ${cond}`, (pc) =>
      isa === 'arm' ? armBranch(cond, false, to.at - pc) : thumbBranch('b', cond, to.at - pc),
    );
  }

  /** IT and one to four dependents. */
  private itBlock(): void {
    const { random } = this;
    const cond = random.below(14);
    const count = 1 + random.below(4);
    const noise = random.below(16);
    let mask = 0;
    for (let n = 1; n < count; n++) mask |= ((cond ^ ((noise >>> n) & 1)) & 1) << (4 - n);
    this.put(2, 'IT', () => 0xbf00 | (cond << 4) | mask | (1 << (4 - count)));
    for (let n = 0; n < count; n++) this.plain(true);
  }

  private skip(depth: number): void {
    const { random } = this;
    const end: Label = { at: 0 };
    if (this.isa === 'thumb' && random.chance(25)) {
      const [register, nonzero] = [random.below(6), random.below(2)];
      const body = 1 + random.below(6);
      this.put(2, 'CBZ', (pc) => {
        const offset = end.at - pc - 4;
        return 0xb100 | (nonzero << 11) | (((offset >> 6) & 1) << 9) | (((offset >> 1) & 31) << 3) | register;
      });
      for (let n = 0; n < body; n++) this.plain();
    } else {
      this.branch(random.below(14), end);
      this.items(1 + random.below(5), depth + 1);
    }
    this.mark(end);
  }

  private loop(depth: number, counter: number): void {
    const { random } = this;
    const count = 1 + random.below(9);
    const top: Label = { at: 0 };
    const t32 = 0xf04f_0000 | (counter << 8) | count;
    this.fixed(0xe3a0_0000 | (counter << 12) | count, t32, 4, 'MOV counter');
    this.mark(top);
    this.items(1 + random.below(6), depth + 1, counter === OUTER);
    // SUBS counter, counter, #1; BNE top.
    this.fixed(
      0xe250_0001 | (counter << 16) | (counter << 12),
      0xf1b0_0001 | (counter << 16) | (counter << 8),
      4,
      'SUBS',
    );
    this.branch(1, top);
  }

  private call(): void {
    const { isa, subroutines, random } = this;
    if (subroutines.length === 0 || this.inSubroutine) {
      this.plain();
      return;
    }
    const { label, isa: other } = random.pick(subroutines);
    const crosses = other !== isa;
    this.put(4, crosses ? 'BLX' : 'BL', (pc) => {
      if (isa === 'thumb') return thumbBranch(crosses ? 'blx' : 'bl', AL, label.at - (crosses ? pc & ~3 : pc));
      if (!crosses) return armBranch(AL, true, label.at - pc);
      const offset = label.at - pc - 8;
      return (0xfa00_0000 | (((offset >> 1) & 1) << 24) | ((offset >> 2) & 0x00ff_ffff)) >>> 0;
    });
  }

  /** A jump over one to four arms by the low bits of a register. */
  private table(depth: number): void {
    const { random, isa } = this;
    const register = random.below(6);
    const end: Label = { at: 0 };
    const arms: Label[] = [0, 1, 2, 3].map(() => ({ at: 0 }));
    this.fixed(0xe200_c003 | (register << 16), 0xf000_0c03 | (register << 16), 4, 'AND r12');
    if (isa === 'arm') {
      this.put(4, 'ADD pc, pc, r12, LSL #2', () => 0xe08f_f10c);
      this.put(4, 'NOP', () => 0xe1a0_0000);
      for (const arm of arms) this.branch(AL, arm);
    } else {
      const base: Label = { at: 0 };
      this.put(4, 'TBH', () => 0xe8df_f01c);
      this.mark(base);
      for (const arm of arms) this.put(2, 'entry', () => ((arm.at - base.at) / 2) & 0xffff);
    }
    for (const arm of arms) {
      this.mark(arm);
      this.items(1, depth + 1);
      this.branch(AL, end);
    }
    this.mark(end);
  }

  items(count: number, depth: number, mayLoop = depth === 0): void {
    for (let n = 0; n < count; n++) {
      const kind = this.random.below(100);
      if (kind < 12 && depth < 4) this.skip(depth);
      else if (kind < 19 && mayLoop) this.loop(depth, depth === 0 ? OUTER : INNER);
      else if (kind < 25) this.call();
      else if (kind < 28 && depth < 3) this.table(depth);
      else if (kind < 45 && this.isa === 'thumb') this.itBlock();
      else this.plain();
    }
  }

  main(): void {
    this.items(4 + this.random.below(14), 0);
    this.fixed(0xef00_0000, 0xdf00, 2, 'SVC');
  }

  /** A leaf that keeps LR, or one that pushes it. */
  subroutine({ isa, label }: Subroutine): void {
    this.isa = isa;
    this.parts.push('align');
    this.mark(label);
    const way = this.random.below(4);
    if (way > 0) this.fixed(0xe92d_4010, 0xb510, 2, 'PUSH {r4, lr}');
    this.inSubroutine = true;
    this.items(1 + this.random.below(5), 2);
    this.inSubroutine = false;
    if (way === 0) this.fixed(0xe12f_ff1e, 0x4770, 2, 'BX lr');
    else if (way < 3) this.fixed(0xe8bd_8010, 0xbd10, 2, 'POP {r4, pc}');
    else {
      this.fixed(0xe8bd_4010, 0xe8bd_4010, 4, 'POP {r4, lr}');
      this.fixed(0xe12f_ff1e, 0x4770, 2, 'BX lr');
    }
  }

  /** Fixes every label for code at `base`, and gives the address after it. */
  private layOut(base: number): number {
    let at = base;
    for (const part of this.parts) {
      if (part === 'align') at = (at + 3) & ~3;
      else if ('label' in part) part.label.at = at;
      else at += part.sizeBytes;
    }
    return at;
  }

  assemble(base: number): RandomCode {
    const bytes = new Uint8Array(this.layOut(base) - base);
    const view = new DataView(bytes.buffer);
    const listing: string[] = [];
    let at = base;
    for (const part of this.parts) {
      if (part === 'align') at = (at + 3) & ~3;
      if (part === 'align' || 'label' in part) continue;
      const word = part.encode(at);
      listing.push(`${at.toString(16)} ${part.isa} ${(word >>> 0).toString(16)} ${part.name}`);
      if (part.sizeBytes === 2) view.setUint16(at - base, word & 0xffff, true);
      else if (part.isa === 'arm') view.setUint32(at - base, word >>> 0, true);
      else view.setUint32(at - base, ((word << 16) | (word >>> 16)) >>> 0, true);
      at += part.sizeBytes;
    }
    return { bytes, listing };
  }
}

export interface RandomCode {
  readonly bytes: Uint8Array;
  /** One line an instruction: address, instruction set, word, name. */
  readonly listing: readonly string[];
}

const other = (isa: Isa): Isa => (isa === 'arm' ? 'thumb' : 'arm');

/** Code for `base` (a multiple of 4) that is entered in `isa` state at its first byte. */
export const randomCode = (isa: Isa, base: number, source: InstructionSource, random: Random): RandomCode => {
  const subroutines = Array.from(
    { length: random.below(4) },
    (): Subroutine => ({
      isa: random.chance(70) ? isa : other(isa),
      label: { at: 0 },
    }),
  );
  const writer = new Writer(isa, source, random, subroutines);
  writer.main();
  for (const subroutine of subroutines) writer.subroutine(subroutine);
  return writer.assemble(base);
};
