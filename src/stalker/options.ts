/** What a follow is made of: which events, by whose rules, and who receives them. */
import type { InterworkingAddr } from '../bits.js';
import { EventKind, type EventMask } from '../events/event.js';
import type { StalkerEvent } from '../events/ring.js';
import type { EventSink } from '../events/sink.js';
import type { CpuContext } from './cpu-context.js';
import type { Transformer } from './transformer.js';

/**
 * `precise` says what the architecture does; `gum` says, event for event, what Frida's GumStalker for ARM says. The
 * differences D1 to D9 are listed in this room's README.
 */
export type Profile = 'precise' | 'gum';

/**
 * Asked at every jump to an address in a register (calls excepted) that leaves sp at or above the state word RETURN_WATCH,
 * before the jump: where it goes, the sp it leaves, the registers among r0 to r3 it loads from the stack on its way (bit
 * mask, lowest at the old sp), and whether the target is the return site of some call. Sets RETURN_WATCH anew; all ones
 * is never asked again.
 */
export type ReturnWatch = (target: InterworkingAddr, sp: number, loads: number, isReturnSite: boolean) => void;

export interface FollowOptions {
  readonly profile: Profile;
  /** EventKind bits; 0 records nothing and costs nothing. */
  readonly events: EventMask;
  readonly sink?: EventSink;
  readonly transformer?: Transformer;
  readonly onReturn?: ReturnWatch;
  /** Called as each event happens. */
  readonly onEvent?: EventCallback;
  /**
   * How the thread goes on once it is no longer followed like this; not followed by default. Options that name themselves
   * are how the thread is followed in any case: they cannot be left, and what is on top of them shares their shadow stack.
   */
  readonly otherwise?: FollowOptions;
}

/**
 * One event while it happens, on the thread it belongs to (Frida's `process` of a sink). Registers are the live ones, pc that
 * of the event; none for COMPILE. What is changed of them holds from the next instruction on.
 */
export type EventCallback = (event: StalkerEvent, registers: CpuContext | undefined) => void;

/** Whether the shadow stack can be followed from the events alone, and the sink does so: see events/ring. */
export const usesCompactRecords = ({ profile, events, sink, onEvent }: FollowOptions): boolean => {
  const both = EventKind.CALL | EventKind.RET;
  return (
    onEvent === undefined && profile === 'precise' && (events & both) === both && sink?.processCompact !== undefined
  );
};

/** Whether calls are only counted: see events/ring. */
export const onlyCountsCalls = ({ events, sink, onEvent }: FollowOptions): boolean =>
  onEvent === undefined && events === EventKind.CALL && sink?.processCalls !== undefined;

/** Whether calls and returns are followed on a shadow stack. */
export const needsShadowStack = (options: FollowOptions): boolean =>
  (options.events & (EventKind.CALL | EventKind.RET)) !== 0 && !onlyCountsCalls(options);

/** Whether a thread is followed like this in any case. */
export const isPermanent = (options: FollowOptions): boolean => options.otherwise === options;

/** Whether one of two follows is on top of the other, or both on top of the same. */
export const isStacked = (one: FollowOptions, other: FollowOptions): boolean =>
  one.otherwise !== undefined && one.otherwise === other.otherwise && one.profile === other.profile;

/** How a thread runs that nobody follows. */
export const NOT_FOLLOWED: FollowOptions = { profile: 'precise', events: 0 };

/** How a followed thread runs while it is not traced: in excluded calls and while it is deactivated. */
export const ASIDE: FollowOptions = { profile: 'precise', events: 0 };

/** Whether a thread with these options is followed: it has events, a transformer, probes. */
export const isFollow = (options: FollowOptions): boolean => options !== NOT_FOLLOWED && options !== ASIDE;

/** Longest block in guest instructions; the continuation is a block of its own, as any other (design D9). */
export const MAX_BLOCK_INSNS = 512;

/** Unchanged re-visits before a block is trusted: Frida's default. */
export const DEFAULT_TRUST_THRESHOLD = 1;
