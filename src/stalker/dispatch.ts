/**
 * Where control goes next. A dispatch follows Frida's `switch_block`: requests by reserved address, leave if an unfollow is
 * due, obtain the block, leave if its transformer asked for that, then link the exit that led here if the target may be
 * linked. A linked exit does not ask again.
 */
import type { InterworkingAddr } from '../bits.js';
import { Word } from '../guest/cpu-state.js';
import { RESERVED_PAGE } from '../guest/layout.js';
import { EXIT_TO } from '../interpreter/cold-code.js';
import type { Machine } from '../interpreter/machine.js';
import {
  type Location,
  locationAddress,
  locationIsBigEndian,
  locationIsThumb,
  locationItState,
  locationOf,
  locationPc,
  makeLocation,
} from '../ir/location.js';
import type { Activation } from './activation.js';
import type { BlockCache } from './block-cache.js';
import type { CalloutTable } from './callouts.js';
import { isKernelHelper } from './exclusion.js';
import type { ExecBlock, Segment } from './exec-block.js';
import type { ExecCtx } from './exec-ctx.js';
import type { HostCallbacks } from './host-callbacks.js';
import { exitNumber, type StalkerObserver } from './observer.js';
import { type FollowOptions, isPermanent, NOT_FOLLOWED } from './options.js';
import { Reserved, reservedAt } from './reserved.js';
import type { ThreadContexts } from './thread-contexts.js';

export interface DispatchParts {
  readonly machine: Machine;
  readonly threads: ThreadContexts;
  readonly cache: BlockCache;
  readonly activation: Activation;
  readonly callouts: CalloutTable;
  readonly callbacks: HostCallbacks;
}

export class Dispatcher {
  count = 0;
  /** How a thread is followed that calls FOLLOW_ME. */
  optionsOnRequest: () => FollowOptions = () => NOT_FOLLOWED;
  private readonly parts: DispatchParts;
  private readonly words: Int32Array;

  constructor(parts: DispatchParts) {
    this.parts = parts;
    this.words = parts.machine.words;
  }

  /** Where PC, THUMB and ITSTATE stand. */
  get location(): Location {
    const w = this.words;
    return makeLocation(w[Word.PC] as number, w[Word.THUMB] !== 0, w[Word.ITSTATE] as number, w[Word.BIG_ENDIAN] !== 0);
  }

  /** Sets PC, THUMB and ITSTATE; gives the location back. */
  private goTo(location: Location): Location {
    this.words[Word.PC] = locationPc(location) | 0;
    this.words[Word.THUMB] = locationIsThumb(location) ? 1 : 0;
    this.words[Word.ITSTATE] = locationItState(location);
    return location;
  }

  /** The context whose block comes next. */
  private get live(): ExecCtx {
    return this.parts.threads.live as ExecCtx;
  }

  /** The segment to run at `location`. `from` is the one that was left by a direct exit, `last` the one that was left. */
  dispatch(location: Location, from?: Segment, last = from): Segment {
    this.count++;
    this.parts.callouts.settle();
    let at = this.divert(this.live, location);
    this.leaveIfAsked();
    let block = this.obtain(at);
    if (this.live.observer !== undefined) {
      at = this.observe(this.live.observer, last, at);
      if (at !== block.location) block = this.obtain(at);
    }
    const ctx = this.live;
    if (!ctx.isActive) this.parts.activation.install(ctx);
    if (!ctx.hasRun) this.words[Word.LAST_EXEC] = 0;
    ctx.hasRun = true;
    if (from !== undefined && at === location) this.link(ctx, from, block);
    return block.entry;
  }

  /** The live thread's block at `at`, once more if its transformer or a sink asked for an unfollow or (de)activation. */
  private obtain(at: Location): ExecBlock {
    const { cache } = this.parts;
    const { live } = this;
    const { running } = live;
    let block = cache.obtain(running, at);
    // Its own translation invalidated it: gum's exclusive-access rule, or its transformer.
    if (block.invalidated) block = cache.obtain(running, at);
    if (this.leaveIfAsked() || this.live.running !== running) return this.obtain(at);
    if (live.activationTarget === at && live.isActive) live.activationTarget = undefined;
    // What its transformer asked for holds already: the block need not be left for that, at a system call inside it.
    live.mustDispatch = false;
    return block;
  }

  /** Carries out a pending unfollow, if it may be by now; whether it did. */
  private leaveIfAsked(): boolean {
    const { live } = this;
    if (!live.mustUnfollow) return false;
    // Its sink may want another successor.
    this.parts.threads.drain();
    this.parts.threads.replace(live.tid, live.successor);
    return true;
  }

  // -- what a location means besides code ------------------------------------------------------------------------------

  /** Begins and ends excluded calls, serves requests; where control goes after that. */
  private divert(ctx: ExecCtx, at: Location): Location {
    const { activation } = this.parts;
    ctx.mustDispatch = false;
    if (ctx.entersExcluded) activation.beginCall(ctx, at);
    else if (ctx.excludedCalls.length > 0) activation.whileCalling(ctx, at);
    if (ctx.activationPoint === at) this.parts.threads.activateWaiting();
    return at >= RESERVED_PAGE ? this.atReserved(ctx, at) : at;
  }

  /** In the reserved page: a kernel helper, a request that is served at once, or an address like any other. */
  private atReserved(ctx: ExecCtx, at: Location): Location {
    const address = locationAddress(at);
    if (ctx.isActive && ctx.options.profile === 'gum' && isKernelHelper(address)) {
      this.parts.activation.beginHelper(ctx, at);
      return at;
    }
    const request = reservedAt(address);
    if (request === undefined) return at;
    this.serve(ctx, request, locationIsBigEndian(at));
    return this.goTo(locationOf((this.words[Word.LR] as number) >>> 0, locationIsBigEndian(at)));
  }

  /** Does what the guest asks for by calling a reserved address. */
  private serve(ctx: ExecCtx, request: number, isBigEndian: boolean): void {
    const { threads, activation } = this.parts;
    if (request === Reserved.FOLLOW_ME) {
      const options = ctx.isFollowing ? NOT_FOLLOWED : this.optionsOnRequest();
      if (options !== NOT_FOLLOWED) threads.replace(ctx.tid, options);
      return;
    }
    if (!ctx.isFollowed) return;
    if (request === Reserved.UNFOLLOW_ME) {
      if (!isPermanent(ctx.options)) ctx.leave();
    } else if (request === Reserved.ACTIVATE) {
      const target = (this.words[0] as number) >>> 0;
      activation.activate(ctx, target === 0 ? undefined : locationOf(target, isBigEndian));
    } else {
      activation.deactivateOnRequest(ctx);
    }
    ctx.mustDispatch = false;
  }

  // -- observer --------------------------------------------------------------------------------------------------------

  /** Counts, and offers the switch to the observer; where it wants control to go. */
  private observe(observer: StalkerObserver, last: Segment | undefined, at: Location): Location {
    observer.total = (observer.total ?? 0) + 1;
    const { live } = this;
    if (observer.onSwitch === undefined || !live.isActive) return at;
    const to = locationAddress(at);
    let wanted: InterworkingAddr | undefined;
    this.parts.callbacks.run('observer', to, observer.onSwitch, () => {
      wanted = observer.onSwitch?.({ tid: live.tid, from: last?.owner.start, insn: lastInsn(last), to });
    });
    return wanted === undefined || wanted === to ? at : this.goTo(locationOf(wanted >>> 0, locationIsBigEndian(at)));
  }

  /** Makes the exit that was taken lead here without asking, if it may, and tells the observer. */
  private link(ctx: ExecCtx, from: Segment, block: ExecBlock): void {
    const isTo = this.parts.machine.exit === EXIT_TO;
    if (!this.parts.cache.link(ctx.running, from, isTo, block)) return;
    const observer = ctx.isActive ? ctx.observer : undefined;
    if (observer?.onBackpatch === undefined) return;
    const link = { from: from.owner.start, to: block.start, exit: exitNumber(from, isTo) };
    this.parts.callbacks.run('observer', block.start, observer.onBackpatch, () => observer.onBackpatch?.(link));
  }
}

/** The last instruction of a segment. */
const lastInsn = (segment: Segment | undefined): InterworkingAddr | undefined => {
  const pc = segment?.cold.insnPc.at(-1);
  return segment === undefined || pc === undefined
    ? undefined
    : (pc | Number(locationIsThumb(segment.ir.location))) >>> 0;
};
