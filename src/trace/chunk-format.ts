/** Numbers both sides of an EventChunk agree on; armstalk.proto explains them. */
export const HASH_MASK = 0x3fff;
export const HASH_SHIFT = 2;
export const HASH_FACTOR = 0x9e35;

/** Flags beside the kind bit in `edge_kind`. */
export const EDGE_HAS_RETURN = 0x20;
export const EDGE_HAS_TARGET = 0x40;
export const EDGE_DYNAMIC = 0x80;
export const KIND_BITS = 0x1f;

/** Frames of the shadow stack a chunk carries at most. */
export const MAX_OPEN_RETURNS = 1024;

/** What a reader accepts; the writer stays far below. */
export const MAX_EVENTS = 1 << 20;
export const MAX_PACKET_BYTES = 1 << 24;
export const MAX_RAW_BYTES = 1 << 24;

/** Position of an EventKind bit in `kind_counts`. */
export const KIND_ORDER = [1, 2, 4, 8, 16] as const;

/** Where a call returns to, as far as its location tells: the instruction after it (Thumb BLX <Rm> is 2 bytes long). */
export const predictedReturn = (location: number, dynamic: boolean): number =>
  (location + (dynamic && (location & 1) === 1 ? 2 : 4)) | 0;
