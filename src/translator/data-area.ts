/** Layout of one translator's part of TRANSLATOR_DATA; offsets in bytes from its base. */

/** Not zero: leave at the end of the block, because translations changed under the running code. */
export const LEAVE = 0;
/** Interworking address to continue at, when a region returns DYNAMIC_EXIT. */
export const NEXT_ADDRESS = 4;
/** Operands a, b, c and the result of a floating op computed by the host: two words each, 8-byte aligned. */
export const SCRATCH = 64;
export const SCRATCH_RESULT = SCRATCH + 24;
export const SCRATCH_WORDS = 8;

/** Direct-mapped: key (interworking address), parameter, slot, unused. */
export const JUMP_CACHE = 0x1000;
export const JUMP_CACHE_ENTRIES = 8192;
export const JUMP_CACHE_ENTRY_BYTES = 16;

/** Two words a cell: parameter and slot. */
export const LINK_CELLS = JUMP_CACHE + JUMP_CACHE_ENTRIES * JUMP_CACHE_ENTRY_BYTES;
export const LINK_CELL_BYTES = 8;

export interface DataArea {
  readonly base: number;
  readonly sizeBytes: number;
}
