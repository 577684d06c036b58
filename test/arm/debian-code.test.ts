/**
 * Our decoder against Capstone's on everything in the executable sections of Debian's armhf BusyBox, libc and libm: at
 * every place an instruction can begin, in both instruction sets, so that nothing depends on telling code from data; and
 * for the libraries, where detached symbols tell them apart, instruction by instruction.
 */
import { describe, expect, it } from 'vitest';
import { decode } from '../../src/arm/decode.js';
import { hex, type Isa } from '../../src/bits.js';
import { disassembleAll, disassembleOne } from '../support/capstone.js';
import { debianPackage } from '../support/debian.js';
import { hasCompiler } from '../support/toolchain.js';
import { bytesOf, compareReadings, wordAt } from './agreement.js';
import { type CodeSection, codeSections, mappedStretches } from './debian-code.js';

const library = (name: string): string => `${debianPackage('libc6')}/lib/arm-linux-gnueabihf/${name}`;
const FILES: Readonly<Record<string, () => string>> = {
  busybox: () => `${debianPackage('busybox-static')}/bin/busybox`,
  libc: () => library('libc.so.6'),
  libm: () => library('libm.so.6'),
};

interface Tally {
  places: number;
  words: number;
  /** Words both sides read, and read alike. */
  agreed: number;
  excluded: Record<string, number>;
  wrong: string[];
}

/** Compares what stands at every place of a section; words seen before are counted, not compared again. */
const compareEveryPlace = (isa: Isa, { address, bytes }: CodeSection, seen: Set<number>, tally: Tally): void => {
  const step = isa === 'arm' ? 4 : 2;
  for (let offset = 0; offset + step <= bytes.length; offset += step) {
    const { word, sizeBytes } = wordAt(bytes, offset, isa);
    if (offset + sizeBytes > bytes.length) continue;
    tally.places++;
    // A 16-bit word is below every 32-bit Thumb one.
    const key = word >>> 0;
    if (seen.has(key)) continue;
    seen.add(key);
    tally.words++;
    const theirs = disassembleOne(isa, bytesOf(isa, word, sizeBytes));
    const { problem, excluded } = compareReadings(isa, word, sizeBytes, theirs);
    if (problem !== undefined) tally.wrong.push(`${isa} ${hex(address + offset)}: ${problem}`);
    else if (excluded !== undefined) tally.excluded[excluded] = (tally.excluded[excluded] ?? 0) + 1;
    else tally.agreed++;
  }
};

// Built here by gcc-arm-linux-gnueabihf. `npm test` installs it or stops; only a file run by hand goes without.
describe.runIf(hasCompiler())('at every place of the executable sections', () => {
  it.each([
    ['busybox', 'thumb', 500_000],
    ['busybox', 'arm', 250_000],
    ['libc', 'thumb', 400_000],
    ['libc', 'arm', 200_000],
    ['libm', 'thumb', 65_000],
    ['libm', 'arm', 32_000],
  ] as const)('of %s, read as %s code, both see the same instruction or none', (file, isa, places) => {
    const tally: Tally = { places: 0, words: 0, agreed: 0, excluded: {}, wrong: [] };
    const seen = new Set<number>();
    const sections = codeSections((FILES[file] as () => string)());
    for (const section of sections) compareEveryPlace(isa, section, seen, tally);
    const { wrong, ...figures } = tally;
    console.log(`${file} as ${isa} code: ${JSON.stringify(figures)}`);
    expect(wrong.slice(0, 20)).toEqual([]);
    const room = sections.reduce((sum, { bytes }) => sum + bytes.length, 0) / (isa === 'arm' ? 4 : 2);
    expect(tally.places).toBeGreaterThanOrEqual(room - sections.length);
    expect(tally.places).toBeGreaterThan(places);
  });
});

/** What we may take for UNDEFINED in real code. glibc picks the routines that have it by HWCAP, which is ours to say. */
const isKnownGap = (word: number, mnemonic = ''): boolean =>
  // NEON's strlen, memchr and memcpy; WLDRD and WSTRD of iWMMXt in setjmp and longjmp.
  /^v(ld1|st1|dup|ceq|and|orr|padd)\b/.test(mnemonic) || (word & 0xfe00_0f00) >>> 0 === 0xec00_0100;

/** The part of a section that a stretch of code covers. */
const cut = ({ address, bytes }: CodeSection, start: number, end: number): Uint8Array =>
  bytes.subarray(Math.max(0, start - address), Math.max(0, end - address));

// Built here by gcc-arm-linux-gnueabihf. `npm test` installs it or stops; only a file run by hand goes without.
describe.runIf(hasCompiler())('every instruction', () => {
  it.each([
    ['libc', 300_000],
    ['libm', 30_000],
  ] as const)('of %s is read as Capstone reads it', (file, floor) => {
    const path = (FILES[file] as () => string)();
    const sections = codeSections(path);
    const counts = { thumb: 0, arm: 0 };
    const refused = new Set<string>();
    const wrong: string[] = [];
    for (const { start, end, state } of mappedStretches(path)) {
      const section = sections.find(({ address, bytes }) => start >= address && start < address + bytes.length);
      if (section === undefined || state === 'data') continue;
      const bytes = cut(section, start, end);
      const theirs = disassembleAll(state, bytes, start);
      for (let offset = 0; offset < bytes.length; ) {
        const { word, sizeBytes } = wordAt(bytes, offset, state);
        counts[state]++;
        const reading = theirs.get(start + offset);
        if (decode(word, state, sizeBytes) === undefined) {
          refused.add(`${reading?.mnemonic ?? hex(word)}`);
          if (!isKnownGap(word, reading?.mnemonic))
            wrong.push(`${hex(start + offset)}: ${hex(word)} is UNDEFINED for us`);
        }
        const { problem } = compareReadings(state, word, sizeBytes, reading);
        if (problem !== undefined) wrong.push(`${hex(start + offset)}: ${problem}`);
        offset += sizeBytes;
      }
    }
    console.log(`${file}: ${JSON.stringify(counts)}; UNDEFINED for us: ${[...refused].join(' ')}`);
    expect(wrong.slice(0, 20)).toEqual([]);
    expect(counts.thumb + counts.arm).toBeGreaterThan(floor);
  });
});
