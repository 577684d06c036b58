/** What a recorded value is: how many bytes, and how they are to be read. */
import { UsageError } from '../../errors.js';

/**
 * `d` signed, `u` unsigned, `x` hexadecimal, `o` octal, `c` a character, `s` the string it points to, `p` an address, `b`
 * the bytes it points to, `f` floating point.
 */
type ValueFormat = 'd' | 'u' | 'x' | 'o' | 'c' | 's' | 'p' | 'b' | 'f';

export interface ValueType {
  readonly format: ValueFormat;
  /** Of the value itself: 1, 2, 4 or 8. */
  readonly sizeBytes: number;
  /** `b`: bytes to dump. */
  readonly dumpBytes?: number;
}

export const WORD: ValueType = { format: 'x', sizeBytes: 4 };
export const INT: ValueType = { format: 'd', sizeBytes: 4 };
export const POINTER: ValueType = { format: 'p', sizeBytes: 4 };
export const STRING: ValueType = { format: 's', sizeBytes: 4 };

const DUMP_BYTES = 16;
/** A dump is for looking at, not for copying memory. */
export const MAX_DUMP_BYTES = 4096;
const BITS = ['8', '16', '32', '64'];

/** Reads the FMT of a field: a letter, and for numbers their size in bits (`x16`), for `b` the bytes to dump (`b64`). */
export const parseFormat = (word: string): ValueType => {
  const match = /^([diuxocspbf])([0-9]*)$/.exec(word);
  if (match === null) throw badFormat(word);
  const [, letter, size] = match;
  if (letter === 'b') {
    const dumpBytes = size === '' ? DUMP_BYTES : Number(size);
    if (dumpBytes < 1 || dumpBytes > MAX_DUMP_BYTES) throw badFormat(word);
    return { format: 'b', sizeBytes: 4, dumpBytes };
  }
  const format = (letter === 'i' ? 'd' : letter) as ValueFormat;
  if (size === '') return { format, sizeBytes: format === 'c' ? 1 : format === 'f' ? 8 : 4 };
  const isSized = BITS.includes(size) && !'sp'.includes(format) && (format !== 'f' || Number(size) >= 32);
  if (!isSized) throw badFormat(word);
  return { format, sizeBytes: Number(size) / 8 };
};

const badFormat = (word: string): UsageError =>
  new UsageError(`there is no probe format ${JSON.stringify(word)}`, {
    hint: `use d, i, u, x, o or c (with 8, 16, 32 or 64 behind it for the size), f32, f64, s, p, or b with a count of bytes up to ${MAX_DUMP_BYTES}`,
  });
