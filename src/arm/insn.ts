/** A decoded instruction: where it is, which encoding it is, and what the rest of the engine asks about it. */
import type { GuestAddr, Isa } from '../bits.js';
import type { Fields, Role, Row } from './encoding.js';

/** Condition AL. */
export const ALWAYS = 14;

export interface Insn {
  readonly pc: GuestAddr;
  readonly isa: Isa;
  /** A 32-bit Thumb instruction has its first halfword in the high half. int32 or u32, compare bits only. */
  readonly word: number;
  readonly sizeBytes: 2 | 4;
  readonly row: Row;
  /** The operands the lifter reads. */
  readonly fields: Fields;
  /** Effective condition: the encoding's, the IT block's, or 14 (always). */
  readonly cond: number;
  /** ITSTATE<7:0> for this instruction; 0 outside an IT block. */
  readonly itState: number;
  /** Address of the IT instruction in charge, when it is known. */
  readonly itStart: GuestAddr | undefined;
  readonly role: Role;
  /** An IT instruction lifted with `itGroups: 'whole'`: its dependents. */
  readonly group: readonly Insn[] | undefined;
}

export const isExclusiveLoad = (insn: Insn): boolean => insn.role === 'exclusiveLoad';
export const isExclusiveStore = (insn: Insn): boolean => insn.role === 'exclusiveStore';
/** BL, BLX: sets LR to the instruction after it. */
export const isCall = (insn: Insn): boolean => insn.role === 'call';
/** Whether a block ends after this instruction: it may write the pc, or stands for a whole IT group. */
export const endsBlock = (insn: Insn): boolean =>
  insn.role === 'jump' || insn.role === 'jumpIf' || insn.role === 'call' || insn.group !== undefined;
export const isConditional = (insn: Insn): boolean => insn.cond !== ALWAYS;
/** Address of the instruction after this one (after the group, for a whole IT group). */
export const nextAddress = (insn: Insn): GuestAddr => {
  const last = insn.group === undefined || insn.group.length === 0 ? insn : (insn.group.at(-1) as Insn);
  return (last.pc + last.sizeBytes) >>> 0;
};
