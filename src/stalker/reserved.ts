/**
 * Guest addresses that stand for requests to the Stalker, so that a guest program can make them with an ordinary call.
 * Nothing is mapped there: the call is an event like any other, and dispatch acts and goes on at LR. Registers stay.
 */
import type { InterworkingAddr } from '../bits.js';
import { RESERVED_PAGE } from '../guest/layout.js';

export const Reserved = {
  /** Follow the calling thread from the instruction after the call on, as `followOnRequest` says; nothing if it is followed. */
  FOLLOW_ME: RESERVED_PAGE,
  /** No longer follow it; inside an excluded call, once that returns. */
  UNFOLLOW_ME: RESERVED_PAGE + 0x10,
  /** Trace again. r0 is the interworking address until which no call is excluded, or 0. */
  ACTIVATE: RESERVED_PAGE + 0x20,
  /** Stay followed, but record nothing until ACTIVATE. */
  DEACTIVATE: RESERVED_PAGE + 0x30,
} as const;

const KNOWN: ReadonlySet<number> = new Set(Object.values(Reserved));

/** Which request `address` (bit 0 ignored) makes, if it is one. */
export const reservedAt = (address: InterworkingAddr): number | undefined => {
  const at = (address & ~1) >>> 0;
  return KNOWN.has(at) ? at : undefined;
};
