/** Random instructions and states that exercise them: words from the rows' pictures, registers that point into data. */

import type { Row } from '../../src/arm/encoding.js';
import { Psr } from '../../src/guest/cpu-state.js';
import type { Random } from '../support/random.js';
import { DATA, DATA_BYTES, type StartState } from './lockstep.js';

/** A word of this row: fields random, should-be bits mostly as they should be, condition mostly AL. */
export const wordOf = (row: Row, random: Random): number => {
  const noise = random.word();
  let word = (noise & ~row.mask) | row.expect;
  if (!random.chance(3)) word = (word & ~row.shouldMask) | row.shouldBe;
  if (row.hasCond) {
    const cond = random.chance(60) ? 14 : random.below(15);
    word = (word & 0x0fff_ffff) | (cond << 28);
  }
  return row.sizeBytes === 2 ? word & 0xffff : word;
};

const INTERESTING = [
  0,
  1,
  -1,
  2,
  0x7fff_ffff,
  -0x8000_0000,
  0x8000,
  0x7fff,
  0xffff,
  0x80,
  0xff,
  31,
  32,
  33,
  255,
  256,
  -0x8000,
  0x8000_8000 | 0,
  0x7fff_7fff,
  0x8080_8080 | 0,
];

const registerValue = (random: Random): number => {
  const kind = random.below(100);
  if (kind < 50) return DATA + 0x2000 + (random.below(DATA_BYTES - 0x4000) & ~7);
  if (kind < 60) return DATA + 0x2000 + random.below(DATA_BYTES - 0x4000);
  if (kind < 75) return random.word();
  if (kind < 85) return random.below(64);
  return random.pick(INTERESTING);
};

/** Registers and CPSR: flags, Q, GE, now and then big-endian data; user mode. */
export const randomState = (random: Random): StartState => ({
  registers: Int32Array.from({ length: 15 }, () => registerValue(random)),
  cpsr: (random.word() & 0xf80f_0000) | (random.chance(5) ? Psr.E : 0) | Psr.USER,
});

export const randomBytes = (random: Random, count: number): Uint8Array =>
  Uint8Array.from({ length: count }, () => random.word() & 0xff);
