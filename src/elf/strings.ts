/** No symbol of a sane compiler is longer; damage must not make names of megabytes. */
const MAX_STRING_BYTES = 8192;

/** The NUL-terminated string at `offset` of a string table; empty when the offset lies outside. */
export const readString = (table: Uint8Array, offset: number): string => {
  if (offset < 0 || offset >= table.length) return '';
  const limit = Math.min(table.length, offset + MAX_STRING_BYTES);
  const nul = table.subarray(offset, limit).indexOf(0);
  return Buffer.from(table.buffer, table.byteOffset + offset, nul < 0 ? limit - offset : nul).toString('utf8');
};
