/** Whether our decoder and Capstone read a word alike: length, operation, and what it does to the flow of control. */

import { findRow, isUnpredictable, isWideThumb } from '../../src/arm/decode.js';
import type { Role } from '../../src/arm/encoding.js';
import { hex, type Isa } from '../../src/bits.js';
import { type FlowKind, flowKind } from '../oracle/control-flow.js';
import type { Disassembled } from '../support/capstone.js';
import { isMnemonicOf } from './mnemonics.js';

/** Instructions Capstone knows and we take for UNDEFINED, each for a reason. */
const NOT_OURS: readonly (readonly [why: string, mnemonic: RegExp])[] = [
  ['NEON, its own room on the plan', /^v|^aes|^sha|^fldm|^fstm|^f[a-z]+m[dx]/],
  ['privileged or UNPREDICTABLE in user mode', /^(rfe|srs|smc|hvc|eret|subs|movs|dcps|hlt|esb|setpan|cps)/],
  ['system registers and coprocessors other than CP15 thread ids and barriers', /^(mcr|mrc|mcrr|mrrc|cdp|ldc|stc)/],
  ['banked and SPSR forms of MRS and MSR', /^(mrs|msr)/],
  ['user-register and exception-return forms of LDM and STM', /^(ldm|stm|push|pop)/],
  ['ARMv8 checksums', /^crc32/],
  ['ARMv8 speculation barriers', /^(sb|bxaut|bti|pac|aut|dfb|tsb)/],
];

/** Instructions Capstone does not know, each for a reason. */
const NOT_THEIRS: readonly (readonly [why: string, row: RegExp])[] = [
  ['allocated as no-operation hints, LLVM never names them', /^unallocated memory hint/],
  ['gone in ARMv8, whose mode Capstone needs for LDA and STL', /^SWP/],
  ['LLVM names only some of the permanently undefined', /^UDF/],
  ['PLD (literal) with the bit that would make it PLDW', /^PLD \(literal\)/],
  ['FLDMX and FSTMX of d16 and above', /^V(LDM|STM)/],
];

export const wordAt = (bytes: Uint8Array, offset: number, isa: Isa): { word: number; sizeBytes: 2 | 4 } => {
  const half = (at: number): number => (bytes[at] as number) | ((bytes[at + 1] ?? 0) << 8);
  const first = half(offset);
  if (isa === 'arm') return { word: first | (half(offset + 2) << 16), sizeBytes: 4 };
  return isWideThumb(first) ? { word: (first << 16) | half(offset + 2), sizeBytes: 4 } : { word: first, sizeBytes: 2 };
};

export const bytesOf = (isa: Isa, word: number, sizeBytes: 2 | 4): Uint8Array => {
  const out = new Uint8Array(sizeBytes);
  const halves = sizeBytes === 2 ? [word] : isa === 'arm' ? [word, word >>> 16] : [word >>> 16, word];
  halves.forEach((half, i) => {
    out[2 * i] = half & 0xff;
    out[2 * i + 1] = (half >>> 8) & 0xff;
  });
  return out;
};

/** `problem` when the readings differ; `excluded` when one side is known not to have the instruction, and why. */
interface Verdict {
  readonly problem?: string;
  readonly excluded?: string;
}

const AGREED: Verdict = {};

/** What each of the oracle's kinds of flow is among our roles. */
const ROLES: Readonly<Record<FlowKind, readonly Role[]>> = {
  plain: ['none', 'it', 'exclusiveLoad', 'exclusiveStore'],
  branch: ['jump', 'jumpIf'],
  call: ['call'],
  return: ['jump'],
  indirect: ['jump'],
};

/** Holds our reading of a word against Capstone's. Words the architecture leaves open agree with anything. */
export const compareReadings = (
  isa: Isa,
  word: number,
  sizeBytes: 2 | 4,
  theirs: Disassembled | undefined,
): Verdict => {
  const found = findRow(word, isa, sizeBytes);
  if (found !== undefined && isUnpredictable(word, found)) return { excluded: 'UNPREDICTABLE' };
  if (theirs === undefined) {
    if (found === undefined) return { excluded: 'no instruction for either' };
    const known = NOT_THEIRS.find(([, row]) => row.test(found.row.name));
    return known ? { excluded: known[0] } : { problem: `${hex(word)} is ${found.row.name}, Capstone knows none` };
  }
  const text = `${theirs.mnemonic} ${theirs.operands}`;
  if (found === undefined) {
    const known = NOT_OURS.find(([, mnemonic]) => mnemonic.test(theirs.mnemonic));
    return known ? { excluded: known[0] } : { problem: `${hex(word)} is '${text}', we know none` };
  }
  const { row, fields } = found;
  if (theirs.sizeBytes !== sizeBytes) return { problem: `${hex(word)} has ${theirs.sizeBytes} bytes ('${text}')` };
  if (!isMnemonicOf(row, theirs.mnemonic)) return { problem: `${hex(word)} is '${text}', not ${row.name}` };
  const role = typeof row.role === 'function' ? row.role(fields) : row.role;
  const flow = flowKind(theirs.mnemonic.replace(/\.w$/, ''), theirs.operands);
  return ROLES[flow].includes(role) ? AGREED : { problem: `${hex(word)}, '${text}', is ${flow}, not ${role}` };
};

/** What is wrong with our reading of a word, given Capstone's; undefined when they agree. */
export const disagreement = (
  isa: Isa,
  word: number,
  sizeBytes: 2 | 4,
  theirs: Disassembled | undefined,
): string | undefined => compareReadings(isa, word, sizeBytes, theirs).problem;
