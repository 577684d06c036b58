/** Our decoder against Capstone's: every instruction of real programs, and random words. */

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decode } from '../../src/arm/decode.js';
import { A32 } from '../../src/arm/tables/a32.js';
import { T16 } from '../../src/arm/tables/t16.js';
import { T32 } from '../../src/arm/tables/t32.js';
import { hex, type Isa } from '../../src/bits.js';
import type { ElfFile } from '../../src/elf/elf-file.js';
import { parseElf } from '../../src/elf/parse-elf.js';
import { disassembleAll, disassembleOne } from '../support/capstone.js';
import { fuzzSeed, Random } from '../support/random.js';
import { compile, hasCompiler } from '../support/toolchain.js';
import { bytesOf, disagreement, wordAt } from './agreement.js';
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

// Built here by gcc-arm-linux-gnueabihf. `npm test` installs it or stops; only a file run by hand goes without.
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
