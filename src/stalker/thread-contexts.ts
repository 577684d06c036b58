/**
 * The threads and their contexts: made, replaced, destroyed, and which one is live. A context that goes releases its
 * callouts first, then its sink is stopped, then its memory is given back.
 */
import { FRAME_BYTES } from '../events/ring.js';
import { Word } from '../guest/cpu-state.js';
import type { Location } from '../ir/location.js';
import type { Activation } from './activation.js';
import type { BlockCache } from './block-cache.js';
import type { EventRing } from './event-ring.js';
import type { ExecBlock } from './exec-block.js';
import { CtxState, ExecCtx } from './exec-ctx.js';
import { type FollowOptions, isPermanent, isStacked, NOT_FOLLOWED, needsShadowStack } from './options.js';
import { installShadowStack, type ShadowFrame, type ShadowStack, type ShadowStacks } from './shadow-stack.js';
import { dropRequests } from './thread-requests.js';
import type { Tiering } from './tiering.js';

/** Deliveries one after the other. */
const MAX_DELIVERIES = 16;

/** What threads are made of. */
export interface ThreadParts {
  readonly words: Int32Array;
  readonly ring: EventRing;
  readonly cache: BlockCache;
  readonly tiering: Tiering;
  readonly shadowStacks: ShadowStacks;
  readonly activation: Activation;
}

export class ThreadContexts {
  /** The thread whose registers are the CPU state. */
  live: ExecCtx | undefined;
  /** Until some thread reaches it, followed threads wait for it untraced. */
  activationPoint: Location | undefined;
  private readonly byTid = new Map<number, ExecCtx>();
  private readonly parts: ThreadParts;

  constructor(parts: ThreadParts) {
    this.parts = parts;
  }

  /** The context of a thread; undefined for none, and for one that was never added or is gone. */
  get(tid: number | undefined): ExecCtx | undefined {
    return tid === undefined ? undefined : this.byTid.get(tid);
  }

  /** The contexts of all threads, in the order they were added. */
  all(): IterableIterator<ExecCtx> {
    return this.byTid.values();
  }

  /**
   * Hands the records so far to the live thread's sink, and then what it recorded by what it did with them. One that has
   * something translated each time would never come to an end: what its last delivery brings is not recorded.
   */
  drain(): void {
    const { ring } = this.parts;
    for (let n = 0; n < MAX_DELIVERIES && ring.hasRecords; n++) ring.drain(this.live);
    if (ring.hasRecords) ring.rewind();
  }

  /** Gives the live thread this many instructions. */
  refuel(fuel: number): void {
    const { ring, words } = this.parts;
    const clockBase = ring.clock + fuel;
    if (clockBase === ring.clockBase) return;
    this.drain();
    ring.clockBase = clockBase;
    words[Word.FUEL] = fuel;
  }

  /** `below` is the context this one takes the place of, of a follow it is stacked with. */
  add(tid: number, options: FollowOptions, below?: ExecCtx): ExecCtx {
    const ctx = new ExecCtx(tid, options, this.stackFor(options, below));
    if (below !== undefined && ctx.shadowStack === below.shadowStack) ctx.shadowTop = below.shadowTop;
    this.byTid.set(tid, ctx);
    const goesOn = below !== undefined && isPermanent(options);
    if (!goesOn) ctx.sink?.start?.(tid);
    if (this.activationPoint !== undefined && ctx.isFollowed) this.parts.activation.waitFor(ctx, this.activationPoint);
    return ctx;
  }

  /** The shadow stack of a new context: none, that of the one below, or one of its own. */
  private stackFor(options: FollowOptions, below: ExecCtx | undefined): ShadowStack | undefined {
    if (!needsShadowStack(options)) return undefined;
    return below?.shadowStack ?? this.parts.shadowStacks.allocate(options.profile);
  }

  /** COMPILE of a block, in order with what its thread records. */
  recordCompile(ctx: ExecCtx, block: ExecBlock): void {
    const { ring } = this.parts;
    if (ctx === this.live) {
      ring.recordCompile(ctx, block);
    } else if (ctx.sink !== undefined) {
      this.drain();
      ctx.elsewhere = ring.clock - ctx.retired;
      ring.recordCompile(ctx, block);
      ring.drain(ctx);
    }
  }

  /** The thread is gone; its events are delivered. */
  remove(tid: number): void {
    const ctx = this.byTid.get(tid);
    if (ctx === undefined) return;
    if (ctx === this.live) this.drain();
    if (ctx.state !== CtxState.DESTROY_PENDING) this.destroy(ctx);
    dropRequests(ctx);
    this.byTid.delete(tid);
    if (ctx === this.live) this.live = undefined;
  }

  /**
   * The thread goes on with a new context. What is asked for while the old one's sink is told its end comes later, so it
   * holds instead.
   */
  replace(tid: number, options: FollowOptions): ExecCtx {
    const old = this.byTid.get(tid);
    if (old === undefined) return this.add(tid, options);
    if (old.state === CtxState.DESTROY_PENDING) {
      old.successor = options;
      return old;
    }
    const wasLive = old === this.live;
    if (wasLive) {
      this.drain();
      this.suspend();
    }
    const below = this.destroy(old, options) ? old : undefined;
    const ctx = this.add(tid, old.successor, below);
    ctx.retired = old.retired;
    ctx.requests.push(...old.requests);
    if (wasLive) this.makeLive(ctx);
    return ctx;
  }

  /** The context ends at the thread's next block. */
  leaveTo(ctx: ExecCtx, successor: FollowOptions): void {
    if (ctx.state === CtxState.DESTROY_PENDING) {
      ctx.successor = successor;
    } else {
      ctx.leave(successor);
      this.requestDispatch(ctx);
    }
  }

  /** The thread asks the engine at its next block boundary, linked or not. */
  requestDispatch(ctx: ExecCtx): void {
    ctx.mustDispatch = true;
    this.parts.tiering.requestLeave(ctx);
    if (ctx.aside !== undefined) this.parts.tiering.requestLeave(ctx.aside);
  }

  /** Traces a deactivated thread again from its next block on. */
  activate(tid: number, target: Location | undefined): void {
    const ctx = this.byTid.get(tid);
    if (!ctx?.isFollowed) return;
    this.parts.activation.activate(ctx, target);
    this.requestDispatch(ctx);
  }

  /** Traces nothing from the thread's next block on. */
  deactivate(tid: number): void {
    const ctx = this.byTid.get(tid);
    if (!ctx?.isFollowed) return;
    this.parts.activation.deactivate(ctx);
    this.requestDispatch(ctx);
  }

  /** Traces nothing until some thread reaches `point`. */
  awaitPoint(point: Location): void {
    this.activationPoint = point;
    for (const ctx of this.byTid.values()) {
      if (!ctx.isFollowed) continue;
      this.parts.activation.waitFor(ctx, point);
      this.requestDispatch(ctx);
    }
  }

  /** The point was reached, or is not waited for any more. */
  activateWaiting(): void {
    this.activationPoint = undefined;
    for (const ctx of this.byTid.values()) {
      if (ctx.activationPoint === undefined) continue;
      this.parts.activation.activate(ctx, undefined);
      this.requestDispatch(ctx);
    }
  }

  /** The state words now belong to thread `tid`. */
  switchTo(tid: number): void {
    if (tid === this.live?.tid || !this.byTid.has(tid)) return;
    this.drain();
    this.suspend();
    // The sink may have had the thread followed anew.
    this.makeLive(this.byTid.get(tid) as ExecCtx);
  }

  /** The live thread stops: what the engine's words hold of it goes into its context. */
  private suspend(): void {
    const { live, parts } = this;
    if (live === undefined) return;
    live.shadowTop = (parts.words[Word.SHADOW_TOP] as number) >>> 0;
    live.retired = parts.ring.clock - live.elsewhere;
  }

  /** The engine's words are this context's from now on. */
  private makeLive(ctx: ExecCtx): void {
    const { words, ring, activation } = this.parts;
    this.live = ctx;
    ctx.elsewhere = ring.clock - ctx.retired;
    installShadowStack(words, ctx.shadowStack, ctx.shadowTop | 0);
    activation.install(ctx);
  }

  /** Whether `ctx.successor` takes its place in the same stack of follows: with the sink below, and the shadow stack. */
  private destroy(ctx: ExecCtx, successor?: FollowOptions): boolean {
    const { cache, tiering, shadowStacks } = this.parts;
    const { shadowStack } = ctx;
    ctx.state = CtxState.DESTROY_PENDING;
    ctx.successor = successor ?? NOT_FOLLOWED;
    for (const part of [ctx, ctx.aside]) {
      if (part === undefined) continue;
      cache.dispose(part);
      tiering.dispose(part);
    }
    const goesOn = this.stopSinks(ctx, successor !== undefined);
    if (shadowStack !== undefined && !(goesOn && needsShadowStack(ctx.successor))) shadowStacks.release(shadowStack);
    return goesOn;
  }

  /** The context's own, and the one below unless the successor keeps that; whether it does. */
  private stopSinks(ctx: ExecCtx, hasSuccessor: boolean): boolean {
    const { tid, options, sink } = ctx;
    const isKept = (): boolean => hasSuccessor && isStacked(options, ctx.successor);
    if (isPermanent(options)) {
      if (!isKept()) sink?.stop?.(tid);
      return isKept();
    }
    sink?.stop?.(tid);
    if (isKept()) return true;
    options.otherwise?.sink?.stop?.(tid);
    return false;
  }

  /** Byte address of the top of a context's shadow stack. */
  private shadowTop(ctx: ExecCtx): number {
    return ctx === this.live ? (this.parts.words[Word.SHADOW_TOP] as number) >>> 0 : ctx.shadowTop;
  }

  /** Depth of the live thread's shadow stack. */
  get depth(): number {
    const { live } = this;
    return live?.shadowStack === undefined ? 0 : (this.shadowTop(live) - live.shadowStack.base) / FRAME_BYTES;
  }

  /** Open calls of a thread, outermost first; empty when its calls are not recorded. */
  shadowFrames(tid: number, limit: number): ShadowFrame[] {
    const ctx = this.byTid.get(tid);
    return ctx?.shadowStack === undefined ? [] : ctx.shadowStack.frames(this.shadowTop(ctx), limit);
  }
}
