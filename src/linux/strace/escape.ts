/** Guest bytes as a C string literal, the way strace prints them; safe for any terminal. */

/** How many bytes of a string are shown before "...". */
export const STRING_LIMIT = 32;

const LETTERS: Readonly<Record<number, string>> = {
  9: '\\t',
  10: '\\n',
  11: '\\v',
  12: '\\f',
  13: '\\r',
  34: '\\"',
  92: '\\\\',
};

const isDigit = (byte: number | undefined): boolean => byte !== undefined && byte >= 48 && byte <= 55;

/** Octal with as few digits as the next byte allows. */
const escaped = (byte: number, next: number | undefined): string => {
  const letter = LETTERS[byte];
  if (letter !== undefined) return letter;
  if (byte >= 32 && byte < 127) return String.fromCharCode(byte);
  return `\\${byte.toString(8).padStart(isDigit(next) ? 3 : 1, '0')}`;
};

/** The quoted literal of at most `limit` bytes, followed by `...` when there are more of them. */
export const quote = (bytes: Uint8Array, limit = STRING_LIMIT, hasMore = bytes.length > limit): string => {
  const shown = bytes.subarray(0, limit);
  let text = '"';
  shown.forEach((byte, i) => {
    text += escaped(byte, shown[i + 1]);
  });
  return `${text}"${hasMore ? '...' : ''}`;
};
