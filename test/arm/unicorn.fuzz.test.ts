/** Random instruction words, through our lifter and through Unicorn: same registers, flags and memory. */
import { beforeAll, describe, expect, it } from 'vitest';
import { decode, findRow, isUnpredictable } from '../../src/arm/decode.js';
import type { Row } from '../../src/arm/encoding.js';
import { A32 } from '../../src/arm/tables/a32.js';
import { T16 } from '../../src/arm/tables/t16.js';
import { T32 } from '../../src/arm/tables/t32.js';
import { hex, type Isa } from '../../src/bits.js';
import { ExitReason } from '../../src/ir/terminal.js';
import { fuzzSeed, Random } from '../support/random.js';
import {
  CORTEX_A15,
  CPU_MAX,
  hasUnicorn,
  UC_EXCEPTION,
  UC_FETCH_PROTECTED,
  UC_FETCH_UNMAPPED,
  UC_INSN_INVALID,
  UC_OK,
} from '../support/unicorn.js';
import { DATA_BYTES, type Instruction, Lockstep, nameOf, type Outcome, thumbInstruction } from './lockstep.js';
import { randomBytes, randomState, wordOf } from './samples.js';

const SAMPLES = Number(process.env.ARMSTALK_FUZZ_WORDS ?? 100_000);

interface Found {
  readonly isa: Isa;
  readonly instruction: Instruction;
  readonly outcome: Outcome;
  readonly inIt: boolean;
}

/** Why a difference with Unicorn is not one of meaning. The first that applies is counted. */
const EXCLUSIONS: Record<string, (f: Found) => boolean> = {
  'UNPREDICTABLE: we refuse it, QEMU mostly runs it': ({ isa, instruction, outcome, inIt }) =>
    outcome.reason === ExitReason.UNDEFINED && refuses(isa, instruction, inIt),
  'UNDEFINED under a condition that fails: QEMU tests the condition first': ({ isa, instruction, outcome, inIt }) =>
    outcome.reason === ExitReason.UNDEFINED &&
    outcome.status === UC_OK &&
    (inIt || (isa === 'arm' && instruction.word >>> 28 < 14)),
  'IT by itself: Unicorn does not count it and runs on': ({ isa, instruction }) =>
    nameOf(isa, instruction).endsWith('IT T1'),
  'from an IT block to A32: Unicorn miscounts and runs on': ({ outcome, inIt }) => inIt && outcome.endsInA32,
  'debug coprocessor 14: QEMU lets user mode read DBGDRAR, and takes LDC for the MRRC that does': ({
    instruction,
    outcome,
  }) =>
    ((instruction.word >>> 24) & 15) >= 12 &&
    ((instruction.word >>> 8) & 15) === 14 &&
    outcome.reason === ExitReason.UNDEFINED,
  'T32 store with Rn = 15: UNDEFINED, but QEMU stores relative to the pc': ({ isa, instruction, outcome }) =>
    isa === 'thumb' &&
    (instruction.word & 0xff1f_0000) >>> 0 === 0xf80f_0000 &&
    outcome.reason === ExitReason.UNDEFINED,
  'VFP and NEON space: Unicorn has them switched off here, they have their own suite': ({ isa, instruction }) =>
    isFloatingSpace(isa, instruction.word),
  'ARMv8 acquire and release: not in a Cortex-A15, see their own test': ({ isa, instruction, outcome }) =>
    /^(LDA|STL)/.test(nameOf(isa, instruction)) && outcome.status === UC_INSN_INVALID,
  'YIELD, WFE, WFI: Unicorn stops at them': ({ isa, instruction, outcome }) =>
    nameOf(isa, instruction).startsWith('NOP') && outcome.status === UC_INSN_INVALID,
  'r13 in a T32 exclusive: UNPREDICTABLE in ARMv7, an ordinary register in ARMv8': ({ isa, instruction, outcome }) =>
    isa === 'thumb' && /^(LDREX|STREX)/.test(nameOf(isa, instruction)) && outcome.status === UC_INSN_INVALID,
  'LDM, STM, LDRD, STRD, STREX, LDA, STL at an odd address: Unicorn does not check alignment there': ({
    isa,
    instruction,
    outcome,
  }) => outcome.isAlignmentFault && /^(LDM|STM|PUSH|POP|LDRD|STRD|STREX|STL|LDA)/.test(nameOf(isa, instruction)),
};

const refuses = (isa: Isa, { word, sizeBytes }: Instruction, inIt: boolean): boolean => {
  const found = findRow(word, isa, sizeBytes);
  return found !== undefined && (isUnpredictable(word, found) || (inIt && found.row.neverInIt));
};

/** Coprocessors 10 and 11, and the NEON encodings. */
const isFloatingSpace = (isa: Isa, word: number): boolean => {
  const isCoprocessor = ((word >>> 24) & 15) >= 12 && ((word >>> 24) & 15) < 15 && ((word >>> 9) & 7) === 5;
  if (isa === 'arm')
    return isCoprocessor || word >>> 25 === 0x79 || (word >>> 24 === 0xf4 && ((word >>> 20) & 1) === 0);
  return isCoprocessor || ((word >>> 24) & 0xef) === 0xef || (word >>> 24 === 0xf9 && ((word >>> 20) & 1) === 0);
};

const agrees = ({ outcome }: Found): boolean => {
  const { reason, status, differences } = outcome;
  if (differences.length > 0) return false;
  switch (reason) {
    case ExitReason.NEXT:
      return status === UC_OK || status === UC_FETCH_UNMAPPED || status === UC_FETCH_PROTECTED;
    case ExitReason.SVC:
      return status === UC_EXCEPTION;
    case ExitReason.UNDEFINED:
      return status === UC_INSN_INVALID;
    case ExitReason.BREAKPOINT:
      return status === UC_INSN_INVALID || status === UC_EXCEPTION;
    default:
      return status !== UC_OK && status !== UC_INSN_INVALID;
  }
};

const describeFound = ({ isa, instruction, outcome }: Found): string =>
  `${isa} ${hex(instruction.word)} ${nameOf(isa, instruction)}: reason ${outcome.reason}${outcome.isAlignmentFault ? ' (alignment)' : ''}, uc_err ${outcome.status}; ${outcome.differences.join('; ')}`;

/** Sampling of one instruction set. */
const fuzz = (
  isa: Isa,
  rows: readonly Row[],
  seed: number,
  uniform: (random: Random) => Instruction,
  samples = SAMPLES,
  cpuModel = CORTEX_A15,
): string[] => {
  const random = new Random(seed);
  const lockstep = new Lockstep(cpuModel);
  lockstep.fillData(randomBytes(random, DATA_BYTES));
  const failures = new Map<string, string[]>();
  const excluded = new Map<string, number>();
  let valid = 0;
  for (let i = 0; i < samples; i++) {
    const instruction = random.chance(85) ? fromRow(isa, random.pick(rows), random) : uniform(random);
    const itCondition = isa === 'thumb' && random.chance(10) ? random.below(15) : undefined;
    const program =
      itCondition === undefined
        ? [instruction]
        : [{ word: 0xbf08 | (itCondition << 4), sizeBytes: 2 as const }, instruction];
    const outcome = lockstep.run(isa, program, randomState(random));
    const found = { isa, instruction, outcome, inIt: itCondition !== undefined };
    const decoded = decode(instruction.word, isa, instruction.sizeBytes);
    if (decoded !== undefined) valid++;
    if (found.inIt || nameOf(isa, instruction).endsWith('IT T1')) lockstep.leaveItBlock();
    if (decoded?.row.role === 'exclusiveLoad') lockstep.clearMonitors();
    if (decoded === undefined && nameOf(isa, instruction).includes('TPIDRURW')) lockstep.setThreadIds(1, 2);
    if (agrees(found)) continue;
    const reason = Object.keys(EXCLUSIONS).find((name) => EXCLUSIONS[name]?.(found));
    if (reason !== undefined) {
      excluded.set(reason, (excluded.get(reason) ?? 0) + 1);
      continue;
    }
    const name = nameOf(isa, instruction);
    const list = failures.get(name) ?? [];
    if (list.length < 2) list.push(`${itCondition === undefined ? '' : 'in IT: '}${describeFound(found)}`);
    failures.set(name, list);
  }
  console.log(`${isa}: ${samples} words, ${valid} valid; excluded: ${JSON.stringify(Object.fromEntries(excluded))}`);
  return [...failures.values()].flat();
};

const fromRow = (isa: Isa, row: Row, random: Random): Instruction => {
  const word = wordOf(row, random);
  return isa === 'arm' ? { word, sizeBytes: 4 } : { word, sizeBytes: row.sizeBytes };
};

const isVfp = (row: Row): boolean => row.name.startsWith('V') || row.name.startsWith('FLDM');

// Judged by Debian's libunicorn2. `npm test` installs it or stops; only a file run by hand goes without.
describe.runIf(hasUnicorn())('against Unicorn', () => {
  let seed = 0;
  beforeAll(() => {
    seed = fuzzSeed('unicorn fuzz');
  });

  it('A32 words end in the same registers, flags and memory', () => {
    const rows = A32.filter((row) => !isVfp(row));
    expect(fuzz('arm', rows, seed, (random) => ({ word: random.word(), sizeBytes: 4 }))).toEqual([]);
  });

  it('T16 words end in the same registers, flags and memory', () => {
    const uniform = (random: Random): Instruction => {
      const word = random.word() & 0xffff;
      return thumbInstruction(word >>> 11 >= 0x1d ? word & 0x7fff : word);
    };
    expect(fuzz('thumb', T16, seed + 1, uniform)).toEqual([]);
  });

  it('T32 words end in the same registers, flags and memory', () => {
    const rows = T32.filter((row) => !isVfp(row));
    const uniform = (random: Random): Instruction => {
      const first = 0xe800 + random.below(0x1800);
      return { word: (first << 16) | (random.word() & 0xffff), sizeBytes: 4 };
    };
    expect(fuzz('thumb', rows, seed + 2, uniform)).toEqual([]);
  });

  it.each([
    ['arm', A32],
    ['thumb', T32],
  ] as const)('ARMv8 acquire and release, and r13 in exclusives, do in %s what an ARMv8 does', (isa, table) => {
    const rows = table.filter((row) => /^(LDA|STL|LDREX|STREX)/.test(row.name));
    const fromRows = (random: Random) => fromRow(isa, random.pick(rows), random);
    expect(fuzz(isa, rows, seed + 3, fromRows, SAMPLES / 20, CPU_MAX)).toEqual([]);
  });
});
