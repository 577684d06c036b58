/** What is mapped in the guest, as Frida's range functions tell it. */
import { UsageError } from '../errors.js';
import { attached } from './attached.js';
import { NativePointer } from './native-pointer.js';

export interface RangeDetails {
  readonly base: NativePointer;
  /** In bytes. */
  readonly size: number;
  /** `rwx`, with `-` for what is not allowed. */
  readonly protection: string;
  /** Absent for anonymous memory. `offset` and `size` are in bytes. */
  readonly file?: { readonly path: string; readonly offset: number; readonly size: number };
}

const LETTERS = 'rwx';

const protectionText = (prot: number): string =>
  [...LETTERS].map((letter, bit) => ((prot >>> bit) & 1 ? letter : '-')).join('');

/** PROT_READ is bit 0, PROT_WRITE 1, PROT_EXEC 2. Throws UsageError. */
const protectionBits = (protection: string): number => {
  const isValid =
    protection.length === 3 && [...protection].every((letter, i) => letter === '-' || letter === LETTERS[i]);
  if (!isValid) {
    throw new UsageError(`${JSON.stringify(protection)} is no protection`, { hint: "write 'r-x', 'rw-' or '---'" });
  }
  return [...protection].reduce((bits, letter, i) => bits | (letter === '-' ? 0 : 1 << i), 0);
};

/** Ranges with at least this protection, ascending. Throws UsageError on a protection that is none. */
export const rangesWith = (protection: string): RangeDetails[] => {
  const wanted = protectionBits(protection);
  return attached()
    .process.group.mm.regions.filter(({ prot }) => (prot & wanted) === wanted)
    .map(({ start, end, prot, name, offset, file }) => ({
      base: new NativePointer(start),
      size: end - start,
      protection: protectionText(prot),
      ...(file === undefined ? {} : { file: { path: name, offset, size: file.sizeBytes() } }),
    }));
};
