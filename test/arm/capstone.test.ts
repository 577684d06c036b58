/** Our decoder against Capstone's: every instruction of real programs, and random words. */

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decode, findRow, isUnpredictable, isWideThumb } from '../../src/arm/decode.js';
import { A32 } from '../../src/arm/tables/a32.js';
import { T16 } from '../../src/arm/tables/t16.js';
import { T32 } from '../../src/arm/tables/t32.js';
import { hex, type Isa } from '../../src/bits.js';
import type { ElfFile } from '../../src/elf/elf-file.js';
import { parseElf } from '../../src/elf/parse-elf.js';
import { type Disassembled, disassembleAll, disassembleOne } from '../support/capstone.js';
import { fuzzSeed, Random } from '../support/random.js';
import { compile, hasCompiler } from '../support/toolchain.js';
import { isMnemonicOf } from './mnemonics.js';
import { wordOf } from './samples.js';

const PROGRAM = `
#include <stdio.h>
#include <stdlib.h>
#include <math.h>
int main(int argc, char **argv) {
  double x = argc > 1 ? atof(argv[1]) : 0.5;
  printf("%f %f %f %s\\n", sin(x), pow(x, 3), fmod(x, 0.3), getenv("HOME"));
  return 0;
}`;

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

const wordAt = (bytes: Uint8Array, offset: number, isa: Isa): { word: number; sizeBytes: 2 | 4 } => {
  const half = (at: number): number => (bytes[at] as number) | ((bytes[at + 1] ?? 0) << 8);
  const first = half(offset);
  if (isa === 'arm') return { word: first | (half(offset + 2) << 16), sizeBytes: 4 };
  return isWideThumb(first) ? { word: (first << 16) | half(offset + 2), sizeBytes: 4 } : { word: first, sizeBytes: 2 };
};

const bytesOf = (isa: Isa, word: number, sizeBytes: 2 | 4): Uint8Array => {
  const out = new Uint8Array(sizeBytes);
  const halves = sizeBytes === 2 ? [word] : isa === 'arm' ? [word, word >>> 16] : [word >>> 16, word];
  halves.forEach((half, i) => {
    out[2 * i] = half & 0xff;
    out[2 * i + 1] = (half >>> 8) & 0xff;
  });
  return out;
};

/** What is wrong with our reading of a word, given Capstone's; undefined when they agree. */
const disagreement = (
  isa: Isa,
  word: number,
  sizeBytes: 2 | 4,
  theirs: Disassembled | undefined,
): string | undefined => {
  const found = findRow(word, isa, sizeBytes);
  const text = theirs && `${theirs.mnemonic} ${theirs.operands}`;
  if (found !== undefined && isUnpredictable(word, found)) return undefined;
  if (found === undefined && theirs === undefined) return undefined;
  if (found === undefined) {
    if (NOT_OURS.some(([, mnemonic]) => mnemonic.test((theirs as Disassembled).mnemonic))) return undefined;
    return `${hex(word)} is '${text}', we know none`;
  }
  if (theirs === undefined && NOT_THEIRS.some(([, row]) => row.test(found.row.name))) return undefined;
  if (theirs === undefined) return `${hex(word)} is ${found.row.name}, Capstone knows none`;
  if (theirs.sizeBytes !== sizeBytes) return `${hex(word)} has ${theirs.sizeBytes} bytes ('${text}')`;
  if (!isMnemonicOf(found.row, theirs.mnemonic)) return `${hex(word)} is '${text}', not ${found.row.name}`;
  return undefined;
};

interface CodeRun {
  readonly isa: Isa;
  readonly start: number;
  readonly bytes: Uint8Array;
}

/** The stretches of code in a program, by mapping symbol. */
const codeRuns = (elf: ElfFile): CodeRun[] => {
  const runs: CodeRun[] = [];
  for (const section of elf.sections.filter((s) => s.isExecutable && s.name !== '.plt')) {
    const bytes = elf.bytes.subarray(section.offset, section.offset + section.sizeBytes);
    let from = 0;
    for (let at = 2; at <= bytes.length; at += 2) {
      const state = elf.symbols.stateAt(section.address + from);
      if (at < bytes.length && elf.symbols.stateAt(section.address + at) === state) continue;
      if (state === 'arm' || state === 'thumb') {
        runs.push({ isa: state, start: section.address + from, bytes: bytes.subarray(from, at) });
      }
      from = at;
    }
  }
  return runs;
};

const compareRun = (
  { isa, start, bytes }: CodeRun,
  wrong: string[],
  counts: { total: number; refused: Set<string> },
): void => {
  const theirs = disassembleAll(isa, bytes, start);
  for (let offset = 0; offset < bytes.length; ) {
    const { word, sizeBytes } = wordAt(bytes, offset, isa);
    counts.total++;
    if (decode(word, isa, sizeBytes) === undefined)
      counts.refused.add(theirs.get(start + offset)?.mnemonic ?? hex(word));
    const problem = disagreement(isa, word, sizeBytes, theirs.get(start + offset));
    if (problem !== undefined) wrong.push(`${hex(start + offset)}: ${problem}`);
    offset += sizeBytes;
  }
};

describe.runIf(hasCompiler())('every instruction of a static program', () => {
  it.each([
    ['thumb', 'hard', '-mthumb'],
    ['arm', 'hard', '-marm'],
    ['arm', 'soft', '-marm'],
  ] as const)('of glibc for %s, %s float, is read as Capstone reads it', (_isa, abi, mode) => {
    if (!hasCompiler(abi)) return;
    const path = compile(`capstone${mode}-${abi}`, PROGRAM, { abi, flags: ['-O2', mode], libraries: ['-lm'] });
    const wrong: string[] = [];
    const counts = { total: 0, refused: new Set<string>() };
    for (const run of codeRuns(parseElf(readFileSync(path), path))) compareRun(run, wrong, counts);
    console.log(`${mode} ${abi}: ${counts.total} instructions; UNDEFINED for us: ${[...counts.refused].join(' ')}`);
    expect(counts.total).toBeGreaterThan(50_000);
    expect(wrong.slice(0, 20)).toEqual([]);
  });
});

describe('a random word', () => {
  const seed = fuzzSeed('capstone');

  it.each([
    ['A32', 'arm', A32],
    ['T16', 'thumb', T16],
    ['T32', 'thumb', T32],
  ] as const)('of a %s row has the length and class Capstone gives it', (_name, isa, table) => {
    const random = new Random(seed);
    const wrong = new Map<string, string>();
    for (let i = 0; i < 20_000; i++) {
      const row = random.pick(table);
      const word = wordOf(row, random);
      const problem = disagreement(isa, word, row.sizeBytes, disassembleOne(isa, bytesOf(isa, word, row.sizeBytes)));
      if (problem !== undefined) wrong.set(row.name, problem);
    }
    expect([...wrong.values()]).toEqual([]);
  });

  it.each([
    ['A32', 'arm', 0],
    ['T32', 'thumb', 0xe800],
  ] as const)('of %s is valid for both or for neither', (_name, isa, low) => {
    const random = new Random(seed + 1);
    const wrong = new Set<string>();
    for (let i = 0; i < 20_000; i++) {
      const word =
        isa === 'arm' ? random.word() : ((low + random.below(0x1_0000 - low)) << 16) | random.below(0x1_0000);
      const problem = disagreement(isa, word, 4, disassembleOne(isa, bytesOf(isa, word, 4)));
      if (problem !== undefined) wrong.add(problem);
    }
    expect([...wrong].slice(0, 40)).toEqual([]);
  });
});
