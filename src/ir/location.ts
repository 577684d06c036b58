/**
 * A block's key: everything outside the code bytes that changes its translation. It is a JS number so that it can key a
 * Map: the interworking address, plus ITSTATE * 2^32 (only when execution resumes inside an IT block), plus
 * BIG_ENDIAN when data accesses are big-endian (CPSR.E).
 */
import type { GuestAddr, InterworkingAddr } from '../bits.js';

export type Location = number;

const IT_UNIT = 2 ** 32;
const BIG_ENDIAN = 2 ** 40;

export const makeLocation = (pc: GuestAddr, thumb: boolean, itState = 0, bigEndian = false): Location =>
  (pc >>> 0) + (thumb ? 1 : 0) + itState * IT_UNIT + (bigEndian ? BIG_ENDIAN : 0);

/** Interworking address: bit 0 set in Thumb state. */
export const locationAddress = (l: Location): InterworkingAddr => (l % IT_UNIT) >>> 0;
export const locationPc = (l: Location): GuestAddr => {
  const a = locationAddress(l);
  return (a & 1) !== 0 ? a - 1 : a;
};
export const locationIsThumb = (l: Location): boolean => (locationAddress(l) & 1) !== 0;
export const locationItState = (l: Location): number => Math.floor(l / IT_UNIT) & 0xff;
export const locationIsBigEndian = (l: Location): boolean => l >= BIG_ENDIAN;

/** The location of interworking address `target` with the data endianness of `from` and no IT state. */
export const locationOf = (target: InterworkingAddr, bigEndian = false): Location =>
  (target >>> 0) + (bigEndian ? BIG_ENDIAN : 0);
