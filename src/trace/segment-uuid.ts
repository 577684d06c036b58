/**
 * 32 hex digits made from the bytes of a header: two runs that were asked the same have the same. Four differently
 * seeded FNV-1a sums with a final mix; it names a segment, it does not authenticate one.
 */
export const segmentUuid = (bytes: Uint8Array): string =>
  [0x811c9dc5, 0x2b5ad4c7, 0x9f3c21e5, 0x5d8e11a3].map((seed) => sum(bytes, seed)).join('');

const sum = (bytes: Uint8Array, seed: number): string => {
  let state = seed;
  for (const byte of bytes) state = Math.imul(state ^ byte, 0x01000193) ^ (state >>> 15);
  state = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
  state = Math.imul(state ^ (state >>> 13), 0xc2b2ae35);
  return ((state ^ (state >>> 16)) >>> 0).toString(16).padStart(8, '0');
};
