/**
 * The engine as others see it: threads and how they are followed, translations, exclusion and activation, probes. It is
 * the only way guest code runs; a thread that nobody follows has an empty event mask and runs the same path with nothing
 * inserted. Calls that Frida makes for the current thread take a thread id here.
 */
import type { GuestAddr, InterworkingAddr } from '../bits.js';
import type { CodeWatcher, GuestMemory } from '../guest/memory.js';
import type { Machine } from '../interpreter/machine.js';
import { locationAddress, locationOf } from '../ir/location.js';
import type { CallProbeCallback } from './call-probe.js';
import { EngineParts } from './engine-parts.js';
import type { MemoryRange } from './exclusion.js';
import type { ExecCtx } from './exec-ctx.js';
import type { HostCallbacks } from './host-callbacks.js';
import { type Backpatch, type StalkerObserver, staysCold } from './observer.js';
import { type FollowOptions, isFollow, isPermanent, NOT_FOLLOWED } from './options.js';
import type { ShadowFrame } from './shadow-stack.js';
import { censusOf, type StalkerCensus, type StalkerStats, statsOf } from './stats.js';
import { serveAll, submit, type ThreadFunction } from './thread-requests.js';
import type { TierOptions } from './tiering.js';

export class Stalker implements CodeWatcher {
  readonly machine: Machine;
  /** Blocks that the first thread translates before it runs, see `prefetch`. */
  prefetchAtStart: readonly InterworkingAddr[] = [];
  /** Threads that start from now on are followed like this. */
  followNewThreads: FollowOptions = NOT_FOLLOWED;
  /** The registers of a thread that is not live; the process knows them. */
  threadWords: (tid: number) => Int32Array | undefined = () => undefined;
  private readonly parts: EngineParts;

  constructor(memory: GuestMemory, options: TierOptions = {}) {
    this.parts = new EngineParts(memory, options);
    this.machine = this.parts.machine;
    memory.codeWatcher = this;
  }

  // -- threads -------------------------------------------------------------------------------------------------------

  /** A thread exists from now on; it is followed as `followNewThreads` says. */
  addThread(tid: number): void {
    this.parts.threads.add(tid, this.followNewThreads);
  }

  /** The thread has ended: its events are delivered, its sink stopped, its translations dropped. */
  removeThread(tid: number): void {
    this.parts.threads.remove(tid);
  }

  /** The state words now belong to thread `tid`. */
  switchTo(tid: number): void {
    this.parts.threads.switchTo(tid);
  }

  /** Records this thread from its next block on, instead of whatever was recorded before. */
  follow(tid: number, options: FollowOptions): void {
    const { threads } = this.parts;
    const ctx = threads.get(tid);
    if (ctx !== undefined && this.parts.isBusy(ctx)) threads.leaveTo(ctx, options);
    else threads.replace(tid, options);
  }

  /** Stops recording at the thread's next block, at once if it has not run since; it goes on untraced. */
  unfollow(tid: number): void {
    const ctx = this.parts.threads.get(tid);
    if (ctx === undefined || !ctx.isFollowed || isPermanent(ctx.options)) return;
    const { otherwise = NOT_FOLLOWED } = ctx.options;
    if (ctx.hasRun || ctx.pendingCalls > 0 || this.parts.isBusy(ctx)) this.parts.threads.leaveTo(ctx, otherwise);
    else this.parts.threads.replace(tid, otherwise);
  }

  /** Whether the thread is followed, other than it is in any case. */
  isFollowing(tid: number): boolean {
    return this.parts.threads.get(tid)?.isFollowing ?? false;
  }

  /** Whether any thread is still followed, or was and has not left yet. */
  garbageCollect(): boolean {
    return [...this.parts.threads.all()].some(({ options }) => isFollow(options) && !isPermanent(options));
  }

  /** Removes every probe and unfollows every thread. */
  stop(): void {
    for (const id of this.parts.probes.ids) this.removeCallProbe(id);
    for (const { tid } of [...this.parts.threads.all()]) this.unfollow(tid);
  }

  /** How a thread is followed that calls the reserved address FOLLOW_ME, asked each time; it is not, by default. */
  followOnRequest(options: () => FollowOptions): void {
    this.parts.dispatcher.optionsOnRequest = options;
  }

  /**
   * Runs `run` on the thread: at its next safepoint, or with `sync` before this returns; at once and without registers when
   * the thread itself asks. False when there is no such thread; `destroy` runs in every case.
   */
  runOnThread(tid: number, run: ThreadFunction, options: { sync?: boolean; destroy?: () => void } = {}): boolean {
    return submit(this.parts, tid, { run, destroy: options.destroy }, options.sync ? this.threadWords : undefined);
  }

  /** Calls functions of the user's. What they throw goes to its `onError`; without that it ends the run. */
  get callbacks(): HostCallbacks {
    return this.parts.callbacks;
  }

  // -- running -------------------------------------------------------------------------------------------------------

  /** Retired instructions of the whole process. Inside a callout it is ahead by the rest of the current block. */
  get clock(): number {
    return this.parts.ring.clock;
  }

  /** Makes `run` return at the next block boundary with ExitReason.CONTROL. */
  requestStop(): void {
    this.parts.loop.stopRequested = true;
    const { live } = this.parts.threads;
    if (live !== undefined) this.parts.tiering.requestLeave(live.running);
  }

  /**
   * Runs the live thread from PC until something needs the kernel: SVC, FAULT, UNDEFINED, BREAKPOINT, FETCH_FAULT,
   * YIELD (fuel used up) or CONTROL. FUEL holds what is left.
   */
  run(fuel: number): number {
    const live = this.parts.threads.live as ExecCtx;
    if (live.requests.length > 0) serveAll(live, this.parts.words, this.parts.callbacks);
    if (this.prefetchAtStart.length > 0) this.prefetch(this.prefetchAtStart);
    this.prefetchAtStart = [];
    this.parts.threads.refuel(fuel);
    return this.parts.loop.run();
  }

  /** Hands the records so far to the live thread's sink. */
  drain(): void {
    this.parts.threads.drain();
  }

  /** Asks every followed thread's sink to deliver what it holds. */
  flush(): void {
    this.drain();
    for (const { sink } of this.parts.threads.all()) sink?.flush?.();
  }

  // -- exclusion, activation -----------------------------------------------------------------------------------------

  /** Calls into this range are reported and then run untraced until they return. There is no way to take it back. */
  exclude(range: MemoryRange): void {
    if (!this.parts.exclusions.add(range)) return;
    this.parts.compiler.forgetShared();
    this.parts.invalidation.callers(this.parts.exclusions);
  }

  /** The ranges so far, in the order they came. */
  get excludedRanges(): readonly MemoryRange[] {
    return this.parts.exclusions.all;
  }

  /** Traces a deactivated thread again from its next block on; until `target` is entered no call is excluded. */
  activate(tid: number, target?: InterworkingAddr): void {
    this.parts.threads.activate(tid, target === undefined ? undefined : locationOf(target));
  }

  /** Records nothing from the thread's next block on; it stays followed, its translations and frames are kept. */
  deactivate(tid: number): void {
    this.parts.threads.deactivate(tid);
  }

  /**
   * Nothing is traced until some thread reaches this address: followed threads are deactivated, those that come too, and
   * all are activated together when it is reached (it is undefined again then). May be set at any time, from callbacks too.
   */
  get activationPoint(): InterworkingAddr | undefined {
    const { activationPoint } = this.parts.threads;
    return activationPoint === undefined ? undefined : locationAddress(activationPoint);
  }

  set activationPoint(address: InterworkingAddr | undefined) {
    if (address === undefined) this.parts.threads.activateWaiting();
    else this.parts.threads.awaitPoint(locationOf(address));
  }

  /** Whether the thread is followed and neither deactivated nor in an excluded call. */
  isActive(tid: number): boolean {
    const ctx = this.parts.threads.get(tid);
    return ctx?.isFollowed === true && ctx.isActive;
  }

  // -- translations --------------------------------------------------------------------------------------------------

  /**
   * Translates what an earlier run translated, before this one needs it: the blocks at these addresses, as if each had
   * been revisited `recycleCount` times (the trust threshold by default), hot code included. Addresses that are not
   * executable now are left out. Emits COMPILE and nothing else.
   */
  prefetch(addresses: Iterable<InterworkingAddr>, recycleCount?: number, tid = this.currentThread): void {
    const ctx = this.parts.threads.get(tid);
    if (ctx !== undefined) this.parts.prefetch.blocks(ctx, addresses, recycleCount);
  }

  /** Makes a link that an observer of an earlier run was told of; false when that exit does not lead there now. */
  prefetchBackpatch(record: Backpatch, tid = this.currentThread): boolean {
    const ctx = this.parts.threads.get(tid);
    return ctx !== undefined && this.parts.prefetch.backpatch(ctx, record);
  }

  /** Unchanged re-visits before a block is trusted: -1 never, 0 at once; default 1. May change at any time. */
  get trustThreshold(): number {
    return this.parts.cache.trustThreshold;
  }

  set trustThreshold(threshold: number) {
    this.parts.cache.trustThreshold = threshold;
    this.parts.invalidation.untrusted();
  }

  /**
   * The block starting exactly at `address` is translated anew at its next entry; for one thread, or for all. Throws
   * UsageError when a block starts there only in the other instruction set.
   */
  invalidate(address: InterworkingAddr, tid?: number): void {
    this.parts.invalidation.at(address, tid);
  }

  /** The same for every block with a byte in [start, end). */
  invalidateRange(start: GuestAddr, end: GuestAddr, tid?: number): void {
    this.parts.invalidation.range(start, end, tid);
  }

  /** Translates the thread's block at `address` anew now; no such block, nothing happens. */
  recompile(address: InterworkingAddr, tid = this.currentThread): void {
    if (tid !== undefined) this.parts.invalidation.now(address, tid);
  }

  /** The guest has changed code in [start, end): blocks with a byte of it are invalidated. */
  codeChanged(start: GuestAddr, end: GuestAddr): void {
    this.parts.cache.codeChanged(start, end);
  }

  /** Watches a followed thread, or no longer with undefined; unknown threads are ignored. */
  setObserver(tid: number, observer: StalkerObserver | undefined): void {
    const ctx = this.parts.threads.get(tid);
    if (ctx === undefined) return;
    ctx.observer = observer;
    if (staysCold(observer)) this.parts.cache.unlinkAll(ctx);
  }

  // -- probes --------------------------------------------------------------------------------------------------------

  /**
   * Calls `callback` whenever a followed thread enters a block starting exactly at `address`. Returns the probe's id, from
   * 1 on. `notify` runs once when the probe is gone.
   */
  addCallProbe(address: InterworkingAddr, callback: CallProbeCallback, notify?: () => void): number {
    const { id, first } = this.parts.probes.add(address, callback, notify);
    if (first) this.parts.invalidation.everywhere(address);
    return id;
  }

  /** Removes a probe; an unknown id is ignored. */
  removeCallProbe(id: number): void {
    const address = this.parts.probes.remove(id);
    if (address !== undefined) this.parts.invalidation.everywhere(address);
  }

  /** What was done so far. */
  get stats(): StalkerStats {
    return statsOf(this.parts);
  }

  /** What is held now. */
  get census(): StalkerCensus {
    return censusOf(this.parts);
  }

  /** The thread whose code is running, if any. */
  get currentThread(): number | undefined {
    return this.parts.threads.live?.tid;
  }

  /** Return addresses of a thread's open calls, innermost first; at most `limit` of them. */
  backtrace(tid: number, limit = Number.POSITIVE_INFINITY): readonly number[] {
    const frames = this.shadowFrames(tid, limit).reverse();
    return frames.map((frame) => frame.returnAddress);
  }

  /** Open calls of a thread, outermost first; empty when its calls are not recorded. Only the innermost `limit`. */
  shadowFrames(tid: number, limit = Number.POSITIVE_INFINITY): ShadowFrame[] {
    return this.parts.threads.shadowFrames(tid, limit);
  }

  /** Depth of the live thread's shadow stack. */
  get depth(): number {
    return this.parts.threads.depth;
  }
}
