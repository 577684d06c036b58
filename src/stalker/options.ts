/** What a follow is made of: which events, by whose rules, and who receives them. */
import type { EventMask } from '../events/event.js';
import type { EventSink } from '../events/sink.js';
import type { Transformer } from './transformer.js';

/**
 * `precise` says what the architecture does; `gum` says, event for event, what Frida's GumStalker for ARM says. The
 * differences D1 to D9 are listed in this room's README.
 */
export type Profile = 'precise' | 'gum';

export interface FollowOptions {
  readonly profile: Profile;
  /** EventKind bits; 0 records nothing and costs nothing. */
  readonly events: EventMask;
  readonly sink?: EventSink;
  readonly transformer?: Transformer;
}

/** How a thread runs that nobody follows. */
export const NOT_FOLLOWED: FollowOptions = { profile: 'precise', events: 0 };

/** Longest block in guest instructions; the continuation is a block of its own, as any other (design D9). */
export const MAX_BLOCK_INSNS = 512;

/** Unchanged re-visits before a block is trusted: Frida's default. */
export const DEFAULT_TRUST_THRESHOLD = 1;
