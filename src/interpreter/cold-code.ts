/**
 * What the cold tier runs: a block's IR flattened into one Int32Array, six words an instruction. Values live in state
 * words above `Word.SLOTS`; registers and flags are state words too, so an operand is simply a word index and reading a
 * register costs nothing. Constants sit in a pool of state words shared by all blocks.
 */
import { CPU_STATE_BYTES } from '../guest/layout.js';
import type { IrBlock } from '../ir/block.js';
import type { Location } from '../ir/location.js';
import { OPS, type Op } from '../ir/opcode.js';

/** Words of one flattened instruction: opcode, destination, three operands, immediate. */
export const STRIDE = 6;

/** Numbers of the IR ops in flattened code, in the order of the op table. */
export const OP_NAMES = Object.keys(OPS) as Op[];
export const opNumber = Object.fromEntries(OP_NAMES.map((name, index) => [name, index])) as Record<Op, number>;

/** Ops that exist only in flattened code. */
export const TO = OP_NAMES.length;
export const BRANCH = TO + 1;
export const INDIRECT = TO + 2;
export const STOP = TO + 3;
/** Copies one or two words. */
export const MOVE = TO + 4;
export const MOVE_WIDE = TO + 5;

/** Which way a block was left with ExitReason.NEXT. */
export const EXIT_TO = 0;
export const EXIT_OTHERWISE = 1;
export const EXIT_INDIRECT = 2;

/** First constant word, and how many there are. */
export const CONSTANT_POOL = 0x4000;
export const CONSTANT_POOL_END = CPU_STATE_BYTES / 4;

export interface ColdCode {
  readonly code: Int32Array;
  readonly location: Location;
  readonly insnCount: number;
  /** Position in `code` where guest instruction `i` starts, ascending; and its address. */
  readonly insnStart: Int32Array;
  readonly insnPc: Uint32Array;
  readonly itStates: IrBlock['itStates'];
  /** Successors of a direct terminal. */
  readonly to: Location;
  readonly otherwise: Location;
}
