import { expect, test } from 'vitest';
import { parseElf } from '../../src/elf/parse-elf.js';
import { ElfFormatError } from '../../src/errors.js';
import { Ehdr, sampleBytes } from './patched.js';

const SEED = 20_240_229;
const RUNS = 200;
/** Far above what a parse of half a megabyte takes, below what anyone would call a hang. */
const LIMIT_MS = 2_000;

/** mulberry32: the same mutations on every machine. */
const randomFrom = (seed: number) => {
  let state = seed;
  return (below: number): number => {
    state = (state + 0x6d2b79f5) | 0;
    let x = Math.imul(state ^ (state >>> 15), 1 | state);
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x;
    return ((x ^ (x >>> 14)) >>> 0) % below;
  };
};

const INTERESTING = [0, 1, 0x7f, 0x80, 0xff];

/** Half of the hits land in the headers, the rest anywhere; now and then the file is cut as well. */
const mutate = (whole: Buffer, random: (below: number) => number): Buffer => {
  const bytes = Buffer.from(random(8) === 0 ? whole.subarray(0, random(whole.length)) : whole);
  const tables = [0, whole.readUInt32LE(Ehdr.PHOFF), whole.readUInt32LE(Ehdr.SHOFF)];
  const hits = 1 + random(6);
  for (let hit = 0; hit < hits && bytes.length > 0; hit++) {
    const at = random(2) === 0 ? tables[random(3)] + random(256) : random(bytes.length);
    if (at < bytes.length) bytes[at] = random(2) === 0 ? INTERESTING[random(INTERESTING.length)] : random(256);
  }
  return bytes;
};

/** Uses everything a parsed file offers, so that lazy parts are reached too. */
const readAll = (bytes: Buffer): 'parsed' | 'refused' => {
  try {
    const elf = parseElf(bytes, 'mutant');
    elf.symbols.lookup(elf.entry);
    elf.symbols.addressesOf('main');
    JSON.stringify([
      elf.sections,
      elf.attributes,
      elf.dynamic,
      elf.buildId,
      elf.interpreter,
      elf.symbols.functions().length,
    ]);
    return 'parsed';
  } catch (error) {
    if (error instanceof ElfFormatError) return 'refused';
    throw error;
  }
};

test.each(['hello-thumb', 'lock-arm'])(
  `${RUNS} mutants of %s (seed ${SEED}) parse or are refused, quickly`,
  (sample) => {
    const whole = sampleBytes(sample);
    const random = randomFrom(SEED);
    const outcomes = { parsed: 0, refused: 0 };
    for (let run = 0; run < RUNS; run++) {
      const mutant = mutate(whole, random);
      const started = performance.now();
      outcomes[readAll(mutant)]++;
      expect(performance.now() - started, `mutant ${run}`).toBeLessThan(LIMIT_MS);
    }
    expect(outcomes.parsed).toBeGreaterThan(10);
    expect(outcomes.refused).toBeGreaterThan(10);
  },
);
