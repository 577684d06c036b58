/**
 * A word and an instruction set give a row and its operands. Each set is indexed by the bits that tell most encodings
 * apart; a bucket is filled when it is first needed, most specific row first, so start-up pays for what is used.
 */
import type { Isa } from '../bits.js';
import { extractFields, type Fields, type Row } from './encoding.js';
import { A32 } from './tables/a32.js';
import { T16 } from './tables/t16.js';
import { T32 } from './tables/t32.js';

interface Decoded {
  readonly row: Row;
  readonly fields: Fields;
}

/** Number of one bits: how specific a mask is. */
const countOnes = (x: number): number => {
  const pairs = x - ((x >>> 1) & 0x5555_5555);
  const nibbles = (pairs & 0x3333_3333) + ((pairs >>> 2) & 0x3333_3333);
  return Math.imul((nibbles + (nibbles >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24;
};

/** More fixed bits first; among equals, the row with a restriction first. */
const bySpecificity = (rows: readonly Row[]): readonly Row[] => {
  const rank = new Map(rows.map((row) => [row, 2 * countOnes(row.mask) + Number(row.when !== undefined)]));
  return rows.toSorted((a, b) => (rank.get(b) as number) - (rank.get(a) as number));
};

class RowIndex {
  private readonly rows: readonly Row[];
  private readonly buckets: (readonly Row[] | undefined)[];
  private readonly indexOf: (word: number) => number;
  private readonly indexMask: number;

  /** `indexOf` depends on exactly the bits of `indexMask`. */
  constructor(rows: readonly Row[], indexMask: number, size: number, indexOf: (word: number) => number) {
    this.rows = bySpecificity(rows);
    this.buckets = new Array(size);
    this.indexMask = indexMask;
    this.indexOf = indexOf;
  }

  candidates(word: number): readonly Row[] {
    const index = this.indexOf(word);
    const known = this.buckets[index];
    if (known !== undefined) return known;
    const fixed = (row: Row): number => row.mask & this.indexMask;
    const bucket = this.rows.filter((row) => ((word ^ row.expect) & fixed(row)) === 0);
    this.buckets[index] = bucket;
    return bucket;
  }
}

const once = <T>(make: () => T): (() => T) => {
  let value: T | undefined;
  return () => {
    value ??= make();
    return value;
  };
};

/** Bits 27..20 and 7..4. */
const a32Bits = (word: number): number => ((word >>> 16) & 0xff0) | ((word >>> 4) & 15);
/** Bits 28..20 and 7..4. */
const t32Bits = (word: number): number => ((word >>> 16) & 0x1ff0) | ((word >>> 4) & 15);

const conditionalA32 = once(() => {
  return new RowIndex(
    A32.filter((r) => r.hasCond),
    0x0ff0_00f0,
    0x1000,
    a32Bits,
  );
});
const unconditionalA32 = once(() => {
  return new RowIndex(
    A32.filter((r) => !r.hasCond),
    0x0ff0_00f0,
    0x1000,
    a32Bits,
  );
});
const wideThumb = once(() => new RowIndex(T32, 0x1ff0_00f0, 0x2000, t32Bits));
const narrowThumb = once(() => new RowIndex(T16, 0xffc0, 0x400, (word) => (word >>> 6) & 0x3ff));

const indexFor = (word: number, isa: Isa, sizeBytes: 2 | 4): RowIndex => {
  if (isa === 'arm') return word >>> 28 === 15 ? unconditionalA32() : conditionalA32();
  return sizeBytes === 2 ? narrowThumb() : wideThumb();
};

/** The row a word belongs to, UNPREDICTABLE or not; undefined in unallocated space. */
export const findRow = (word: number, isa: Isa, sizeBytes: 2 | 4): Decoded | undefined => {
  const candidates = indexFor(word, isa, sizeBytes).candidates(word);
  for (let n = 0; n < candidates.length; n++) {
    const row = candidates[n] as Row;
    if ((word & row.mask) !== row.expect) continue;
    const fields = extractFields(row, word);
    if (row.when === undefined || row.when(fields)) return { row, fields };
  }
  return undefined;
};

/** Whether the architecture leaves this word of the row open. */
export const isUnpredictable = (word: number, { row, fields }: Decoded): boolean =>
  (word & row.shouldMask) !== row.shouldBe || row.unpredictable?.(fields) === true;

/**
 * The instruction a word is; undefined when it is UNDEFINED or UNPREDICTABLE. A 32-bit Thumb word has its first halfword
 * in the high half.
 */
export const decode = (word: number, isa: Isa, sizeBytes: 2 | 4): Decoded | undefined => {
  const found = findRow(word, isa, sizeBytes);
  return found === undefined || isUnpredictable(word, found) ? undefined : found;
};

/** Whether a halfword is the first of a 32-bit Thumb instruction. */
export const isWideThumb = (halfword: number): boolean => halfword >>> 11 >= 0x1d;
