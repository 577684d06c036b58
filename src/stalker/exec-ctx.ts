/**
 * Everything the engine keeps for one thread: its blocks, its shadow stack, who receives its events. A thread that is
 * not followed has one too, with an empty event mask: it runs through the same path with nothing inserted. While a
 * followed thread is in an excluded call or deactivated it runs the blocks of a second one, its `aside`.
 */
import type { InterworkingAddr } from '../bits.js';
import type { EventSink } from '../events/sink.js';
import type { Location } from '../ir/location.js';
import type { ExecBlock, Segment } from './exec-block.js';
import type { StalkerObserver } from './observer.js';
import {
  type FollowOptions,
  isFollow,
  isPermanent,
  NOT_FOLLOWED,
  onlyCountsCalls,
  usesCompactRecords,
} from './options.js';
import type { ShadowStack } from './shadow-stack.js';
import type { ThreadRequest } from './thread-requests.js';
import { keepEverything, type Transformer } from './transformer.js';

/** Frida's states; they only ever advance. */
export const CtxState = { ACTIVE: 0, UNFOLLOW_PENDING: 1, DESTROY_PENDING: 2 } as const;

/** A call that runs untraced: where it returns to, and sp when it began. */
export interface ExcludedCall {
  readonly returnAddress: InterworkingAddr;
  readonly sp: number;
  /** It was entered with a frame of its own on the shadow stack, which its return pops. */
  readonly hasFrame: boolean;
}

export class ExecCtx {
  readonly tid: number;
  readonly options: FollowOptions;
  readonly transformer: Transformer;
  readonly sink: EventSink | undefined;
  readonly shadowStack: ShadowStack | undefined;
  /** Which layout its ring records have: see events/ring. */
  readonly isCompact: boolean;
  readonly isCounting: boolean;
  /** Byte address of the shadow stack's top while the thread is not the live one. */
  shadowTop: number;
  state: number = CtxState.ACTIVE;
  /** How the thread is followed once a pending unfollow is carried out. */
  successor: FollowOptions = NOT_FOLLOWED;
  /** Block by location. Nothing is removed while the context lives; an invalidated block is translated anew in place. */
  readonly mappings = new Map<Location, ExecBlock>();
  /** In creation order. */
  readonly blocks: ExecBlock[] = [];
  /** Locations that are only ever reached through dispatch: no link leads there, no hot code contains them. */
  readonly guards = new Set<Location>();
  /** Where the thread resumes inside a block after a system call; undefined: dispatch from PC. */
  resume: Segment | undefined;
  /** Instructions other threads had retired when this one last became live; the clock minus this is its own clock. */
  elsewhere = 0;
  /** Instructions this thread has retired, while it is not live. */
  retired = 0;
  /** Whether a block of this context was ever entered (Frida's has_executed). */
  hasRun = false;
  /** Something was asked for that the next block boundary must see, linked or not. */
  mustDispatch = false;
  /** Reasons why the thread is momentarily not in plain translated code: excluded calls, callouts, probes, transformer. */
  pendingCalls = 0;
  /** Whose blocks the thread runs: the context's own, or its aside's. */
  running: ExecCtx;
  aside: ExecCtx | undefined;
  /** Innermost last. */
  excludedCalls: ExcludedCall[] = [];
  /** The block under way ends with an excluded call. */
  entersExcluded = false;
  /** Until it is dispatched to, no call is excluded. */
  activationTarget: Location | undefined;
  /** The deactivated thread is activated where it reaches this. */
  activationPoint: Location | undefined;
  observer: StalkerObserver | undefined;
  /** Functions to run on the thread at its next safepoint. */
  readonly requests: ThreadRequest[] = [];

  constructor(tid: number, options: FollowOptions, shadowStack: ShadowStack | undefined) {
    this.tid = tid;
    this.options = options;
    this.transformer = options.transformer ?? keepEverything;
    this.sink = options.sink;
    this.shadowStack = shadowStack;
    this.isCompact = usesCompactRecords(options);
    this.isCounting = onlyCountsCalls(options);
    this.shadowTop = shadowStack?.base ?? 0;
    this.running = this;
  }

  /** Asks for the end of this follow; the next dispatch carries it out. */
  leave(successor: FollowOptions = this.options.otherwise ?? NOT_FOLLOWED): void {
    this.state = CtxState.UNFOLLOW_PENDING;
    this.successor = successor;
    this.mustDispatch = true;
  }

  /** Whether an unfollow was asked for and may be carried out now. */
  get mustUnfollow(): boolean {
    return this.state === CtxState.UNFOLLOW_PENDING && this.pendingCalls === 0;
  }

  /** Whether the thread is followed, or will be at its next block. */
  get isFollowed(): boolean {
    return isFollow(this.state === CtxState.ACTIVE ? this.options : this.successor);
  }

  /** The same, apart from how it is followed in any case. */
  get isFollowing(): boolean {
    const options = this.state === CtxState.ACTIVE ? this.options : this.successor;
    return isFollow(options) && !isPermanent(options);
  }

  /** Whether the thread runs the context's own blocks. */
  get isActive(): boolean {
    return this.running === this;
  }
}
