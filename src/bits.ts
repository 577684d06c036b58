/**
 * The one integer convention: inside the engine a 32-bit quantity is a JavaScript int32 (the result of `| 0`);
 * where a number is an address or leaves the engine it is a u32 (the result of `>>> 0`).
 */

/** A guest address as u32, without the Thumb bit. */
export type GuestAddr = number;

/** A guest code address as u32 whose bit 0 tells the instruction set (1 = Thumb). */
export type InterworkingAddr = number;

export type Isa = 'arm' | 'thumb';

/** `x`'s low `width` bits read as a two's complement number, as int32. */
export const signExtend = (x: number, width: number): number => (x << (32 - width)) >> (32 - width);

export const rotateRight = (x: number, n: number): number => {
  const s = n & 31;
  return s === 0 ? x | 0 : (x >>> s) | (x << (32 - s));
};

export const alignDown = (x: number, alignment: number): number => (x & -alignment) >>> 0;
export const alignUp = (x: number, alignment: number): number => ((x + alignment - 1) & -alignment) >>> 0;

/** Lower-case hex with `0x`, the way every message and JSON field of ours prints an address. */
export const hex = (x: number): string => `0x${(x >>> 0).toString(16)}`;
