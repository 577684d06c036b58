/** The tables themselves: every row can be reached, no row hides another, names are unique. */
import { describe, expect, it } from 'vitest';
import { decode, findRow, isWideThumb } from '../../src/arm/decode.js';
import { extractFields, parsePicture, type Row, row } from '../../src/arm/encoding.js';
import { nop } from '../../src/arm/lift/status.js';
import { BlockLifter } from '../../src/arm/lift-block.js';
import { A32 } from '../../src/arm/tables/a32.js';
import { T16 } from '../../src/arm/tables/t16.js';
import { T32 } from '../../src/arm/tables/t32.js';
import { hex, type Isa } from '../../src/bits.js';
import { makeLocation } from '../../src/ir/location.js';
import { verifyBlock } from '../../src/ir/verify.js';
import { Random } from '../support/random.js';
import { wordOf } from './samples.js';

const TABLES = [
  ['A32', 'arm', A32],
  ['T16', 'thumb', T16],
  ['T32', 'thumb', T32],
] as const;

const matches = (candidate: Row, word: number): boolean => {
  if ((word & candidate.mask) !== candidate.expect) return false;
  if (candidate.hasCond && word >>> 28 === 15) return false;
  return candidate.when === undefined || candidate.when(extractFields(candidate, word));
};

/** Whether `special` fixes every bit `general` fixes, and more. */
const refines = (special: Row, general: Row): boolean =>
  (special.mask & general.mask) === general.mask && special.mask !== general.mask;

const ONE_INSN = { itGroups: 'separate', maxInsns: 1 } as const;

/** The halfwords of an instruction at 0x1000. */
const codeOf =
  (isa: Isa, word: number, sizeBytes: number) =>
  (addr: number): number => {
    const isHigh = sizeBytes === 4 && (isa === 'arm') === (addr === 0x1002);
    return (isHigh ? word >>> 16 : word) & 0xffff;
  };

describe.each(TABLES)('the %s table', (_name, isa, table) => {
  const random = new Random(1);

  it('gives every row at least one word that decodes to it', () => {
    const lost = table.filter((candidate) => {
      for (let i = 0; i < 2000; i++) {
        if (decode(wordOf(candidate, random), isa, candidate.sizeBytes)?.row === candidate) return false;
      }
      return true;
    });
    expect(lost.map((r) => r.name)).toEqual([]);
  });

  it('has no two rows for one word, unless one of them is a special case of the other', () => {
    const clashes = new Set<string>();
    for (const candidate of table) {
      for (let i = 0; i < 100; i++) {
        const word = wordOf(candidate, random);
        const found = findRow(word, isa, candidate.sizeBytes)?.row;
        if (found === undefined) continue;
        for (const other of table) {
          if (other !== found && matches(other, word) && !refines(found, other)) {
            clashes.add(`${hex(word)}: ${found.name} and ${other.name}`);
          }
        }
      }
    }
    expect([...clashes].slice(0, 10)).toEqual([]);
  });

  it('lifts every row to IR that is well formed', () => {
    const wrong = new Set<string>();
    for (const candidate of table) {
      for (let i = 0; i < 20; i++) {
        const word = wordOf(candidate, random);
        const readCode = codeOf(isa, word, candidate.sizeBytes);
        const lifter = new BlockLifter(makeLocation(0x1000, isa === 'thumb'), readCode, {}, ONE_INSN);
        while (lifter.next() !== undefined) lifter.keep();
        for (const block of lifter.finish()) {
          const problem = verifyBlock(block);
          if (problem !== undefined) wrong.add(`${hex(word)} ${candidate.name}: ${problem}`);
        }
      }
    }
    expect([...wrong].slice(0, 10)).toEqual([]);
  });

  it('lists no picture twice', () => {
    const pictures = table.map((r) => r.picture);
    expect(pictures.filter((picture, i) => pictures.indexOf(picture) !== i)).toEqual([]);
  });

  it('fixes or names every bit once', () => {
    for (const candidate of table) {
      let seen = candidate.mask | candidate.shouldMask;
      expect(candidate.mask & candidate.shouldMask).toBe(0);
      for (const { shift, width } of candidate.fields) {
        const bits = (2 ** width - 1) << shift;
        expect(seen & bits).toBe(0);
        seen |= bits;
      }
      expect(seen >>> 0).toBe(2 ** (candidate.sizeBytes * 8) - 1);
    }
  });
});

describe('a bit picture', () => {
  it('gives mask, expected value, should-be bits and fields', () => {
    expect(parsePicture('1011 Rn:3 S (01) 000000')).toEqual({
      mask: 0xf03f,
      expect: 0xb000,
      shouldMask: 0x00c0,
      shouldBe: 0x0040,
      fields: [
        { name: 'Rn', shift: 9, width: 3 },
        { name: 'S', shift: 8, width: 1 },
      ],
      width: 16,
    });
  });

  it('of the wrong width is refused', () => {
    expect(() => row('bad', '0000 Rd:4', nop).mask).toThrow("8 bits in the picture '0000 Rd:4'");
  });
});

describe('decode', () => {
  it('takes a word whose should-be bits differ as UNPREDICTABLE, so not at all', () => {
    expect(decode(0xe1a0_0001 | 0, 'arm', 4)?.row.name).toBe('MOV (register) A1');
    expect(decode(0xe1a1_0001 | 0, 'arm', 4)).toBeUndefined();
    expect(findRow(0xe1a1_0001 | 0, 'arm', 4)?.row.name).toBe('MOV (register) A1');
  });

  it('tells 32-bit Thumb instructions by their first halfword', () => {
    expect([0xe7ff, 0xe800, 0xf000, 0xffff, 0xbf00].map(isWideThumb)).toEqual([false, true, true, true, false]);
  });
});
