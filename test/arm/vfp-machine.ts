/** VFP words through the VFP tables alone, lifted to one block and run by the cold tier. */
import type { Fields, Row } from '../../src/arm/encoding.js';
import { extractFields } from '../../src/arm/encoding.js';
import { ALWAYS, type Insn } from '../../src/arm/insn.js';
import { LiftContext } from '../../src/arm/lift-context.js';
import { VFP_A32, VFP_T32 } from '../../src/arm/tables/vfp.js';
import type { Isa } from '../../src/bits.js';
import { bindBlock } from '../../src/interpreter/bind-block.js';
import type { Machine } from '../../src/interpreter/machine.js';
import { runBlock } from '../../src/interpreter/run-block.js';
import type { IrInst } from '../../src/ir/block.js';
import { type Builder, createBuilder } from '../../src/ir/builder.js';
import { makeLocation } from '../../src/ir/location.js';

export interface DecodedVfp {
  readonly row: Row;
  readonly fields: Fields;
  /** The architecture leaves this word of the row open. */
  readonly isOpen: boolean;
}

/** The row whose picture the word fits, or undefined. No two rows may fit: that is a mistake in the table. */
export const decodeVfp = (isa: Isa, word: number): DecodedVfp | undefined => {
  const found: DecodedVfp[] = [];
  for (const row of isa === 'arm' ? VFP_A32 : VFP_T32) {
    if (((word ^ row.expect) & row.mask) !== 0 || (row.hasCond && word >>> 28 === 15)) continue;
    const raw = extractFields(row, word);
    const fields = row.operands?.(raw) ?? raw;
    if (row.when !== undefined && !row.when(fields)) continue;
    const isOpen = ((word ^ row.shouldBe) & row.shouldMask) !== 0 || (row.unpredictable?.(fields) ?? false);
    found.push({ row, fields, isOpen });
  }
  if (found.length > 1) throw new Error(`${word.toString(16)} is ${found.map((d) => d.row.name).join(' and ')}`);
  return found[0];
};

const lift = (b: Builder, isa: Isa, pc: number, word: number): void => {
  const decoded = decodeVfp(isa, word);
  if (decoded === undefined) throw new Error(`no row for ${(word >>> 0).toString(16)}`);
  const { row, fields } = decoded;
  const cond = row.hasCond ? word >>> 28 : ALWAYS;
  const insn: Insn = {
    pc,
    isa,
    word,
    sizeBytes: 4,
    row,
    fields,
    cond,
    itState: 0,
    itStart: undefined,
    role: 'none',
    group: undefined,
  };
  const c = new LiftContext(b, insn, false);
  if (cond === ALWAYS) row.lift(c, fields);
  else b.when(c.condition(cond), () => row.lift(c, fields));
};

/** The IR of consecutive instructions. */
export const liftVfp = (isa: Isa, pc: number, words: readonly number[]): IrInst[] => {
  const b = createBuilder();
  words.forEach((word, k) => {
    b.insn(pc + 4 * k, k);
    lift(b, isa, pc + 4 * k, word);
  });
  return b.insts;
};

/** Runs consecutive instructions as one block; gives the ExitReason. */
export const runVfp = (machine: Machine, isa: Isa, pc: number, words: readonly number[]): number => {
  const at = (a: number) => makeLocation(a, isa === 'thumb');
  const end = pc + 4 * words.length;
  const block = {
    location: at(pc),
    insts: liftVfp(isa, pc, words),
    terminal: { kind: 'jump', flow: 'jump', to: at(end) } as const,
    insnCount: words.length,
    sizeBytes: end - pc,
  };
  return runBlock(bindBlock(block, machine.constants), machine);
};
