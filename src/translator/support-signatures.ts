/** What the support module offers to regions. */
import { type FloatingOp, OPS } from '../ir/opcode.js';
import type { Signature } from '../wasm/module-builder.js';
import { F64, I32 } from '../wasm/opcode.js';
import { valueType } from './values.js';

const fault = (...params: Signature['params']): Signature => ({ params, results: [I32] });

export const supportSignatures = {
  /** (address, size): not zero, and the fault words set, when those bytes may not be read or written. */
  checkRead: fault(I32, I32),
  checkWrite: fault(I32, I32),
  /** (address): sets the fault words to an alignment fault; always 1. */
  misaligned: fault(I32),
  /** (address, value): the whole store, any alignment, pages with translated code announced; not zero after a fault. */
  store8: fault(I32, I32),
  store16: fault(I32, I32),
  store32: fault(I32, I32),
  store64: fault(I32, F64),
  /** (address, depth): continues at a guest address through the jump cache. */
  dispatch: fault(I32, I32),
  /** (address): leaves the translated code for the host to continue at this address. */
  leave: fault(I32),
  /** (parameter, slot): enters translated code from the host and follows returns to translated code. */
  run: fault(I32, I32),
  /** (cell, depth, engine): what an empty link cell calls. */
  unlinked: fault(I32, I32, I32),
} as const satisfies Record<string, Signature>;

export type SupportFunction = keyof typeof supportSignatures;

/** A floating op's support function takes its operands, then `imm` and `imm2`. */
export const floatingSignature = (op: FloatingOp): Signature => ({
  params: [...OPS[op].args.map(valueType), I32, I32],
  results: [valueType(OPS[op].result)],
});
