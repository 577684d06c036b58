/**
 * Everything the engine keeps for one thread: its blocks, its shadow stack, who receives its events. A thread that is
 * not followed has one too, with an empty event mask: it runs through the same path with nothing inserted.
 */
import type { EventSink } from '../events/sink.js';
import type { Location } from '../ir/location.js';
import type { ExecBlock, Segment } from './exec-block.js';
import { type FollowOptions, NOT_FOLLOWED, usesCompactRecords } from './options.js';
import type { ShadowStack } from './shadow-stack.js';
import { keepEverything, type Transformer } from './transformer.js';

/** Frida's states; they only ever advance. */
export const CtxState = { ACTIVE: 0, UNFOLLOW_PENDING: 1, DESTROY_PENDING: 2 } as const;

export class ExecCtx {
  readonly tid: number;
  readonly options: FollowOptions;
  readonly transformer: Transformer;
  readonly sink: EventSink | undefined;
  readonly shadowStack: ShadowStack | undefined;
  /** Which layout its ring records have: see events/ring. */
  readonly isCompact: boolean;
  /** Byte address of the shadow stack's top while the thread is not the live one. */
  shadowTop: number;
  state: number = CtxState.ACTIVE;
  /** How the thread is followed once a pending unfollow is carried out. */
  successor: FollowOptions = NOT_FOLLOWED;
  sinkStarted = false;
  /** Block by location. Nothing is removed while the context lives; an invalidated block is translated anew in place. */
  readonly mappings = new Map<Location, ExecBlock>();
  /** In creation order. */
  readonly blocks: ExecBlock[] = [];
  /** Where the thread resumes inside a block after a system call; undefined: dispatch from PC. */
  resume: Segment | undefined;
  /** Instructions other threads had retired when this one last became live; the clock minus this is its own clock. */
  elsewhere = 0;
  /** Instructions this thread has retired, while it is not live. */
  retired = 0;
  /** Reasons why the thread is momentarily not in plain translated code (callouts, probes, the transformer). */
  pendingCalls = 0;

  constructor(tid: number, options: FollowOptions, shadowStack: ShadowStack | undefined) {
    this.tid = tid;
    this.options = options;
    this.transformer = options.transformer ?? keepEverything;
    this.sink = options.sink;
    this.shadowStack = shadowStack;
    this.isCompact = usesCompactRecords(options);
    this.shadowTop = shadowStack?.base ?? 0;
  }

  /** Whether an unfollow was asked for and may be carried out now. */
  get mustUnfollow(): boolean {
    return this.state === CtxState.UNFOLLOW_PENDING && this.pendingCalls === 0;
  }
}
