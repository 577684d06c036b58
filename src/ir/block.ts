/**
 * A block of IR: a flat list of instructions and one typed terminal. Every instruction has an index, which names its
 * result. Guest registers are state (`get`/`set`), not values, so there are no phis: a value is defined once and used
 * later in the same block, inside the same conditional region or a nested one. The one exception is a conditional
 * terminal's `target`, see ir/terminal.
 *
 * Order inside one guest instruction: all its memory accesses come before its first `set` (a store multiple may leave
 * memory half written, a register never), so a fault finds the registers as the instruction did.
 */
import type { Location } from './location.js';
import type { Op } from './opcode.js';
import type { Terminal, ValueId } from './terminal.js';

export interface IrInst {
  op: Op;
  a: ValueId;
  b: ValueId;
  c: ValueId;
  imm: number;
  imm2: number;
}

export interface IrBlock {
  readonly location: Location;
  insts: IrInst[];
  terminal: Terminal;
  /** Guest instructions in the block, failed conditions included. */
  insnCount: number;
  /** Bytes of guest code, from the block's pc. */
  sizeBytes: number;
  /** ITSTATE of the instructions that stand in an IT block, by address; what a fault there must show. */
  itStates?: ReadonlyMap<number, number>;
  /** Where its indirect jump has gone so far, as somebody noticed: a hint of what belongs to its function. */
  seenTargets?: Set<Location>;
}

/** Marks an unused argument. */
export const NO_VALUE: ValueId = -1;
