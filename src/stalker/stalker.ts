/**
 * The engine: runs the live thread block by block, translating what it meets. It is the only way guest code runs; a
 * thread that nobody follows has an empty event mask and runs the same path with nothing inserted.
 *
 * A dispatch follows Frida's `switch_block`: leave if an unfollow is due, obtain the block, leave if its transformer
 * asked for that, then link the exit that led here if the target may be linked. A linked exit does not ask again.
 */
import type { GuestAddr, InterworkingAddr } from '../bits.js';
import { EventKind } from '../events/event.js';
import { FRAME_BYTES } from '../events/ring.js';
import { Word } from '../guest/cpu-state.js';
import type { CodeWatcher, GuestMemory } from '../guest/memory.js';
import { EXIT_INDIRECT, EXIT_TO } from '../interpreter/cold-code.js';
import { Machine } from '../interpreter/machine.js';
import { runBlock } from '../interpreter/run-block.js';
import { type Location, makeLocation } from '../ir/location.js';
import { ExitReason, FaultKind } from '../ir/terminal.js';
import type { TranslatorStats } from '../translator/translator.js';
import { BlockCache, type BlockCacheStats } from './block-cache.js';
import { type CallProbeCallback, CallProbes } from './call-probe.js';
import { CalloutTable } from './callouts.js';
import { Compiler } from './compile.js';
import { EventRing } from './event-ring.js';
import type { ExecBlock, HotRegion, Segment } from './exec-block.js';
import { CtxState, ExecCtx } from './exec-ctx.js';
import { type FollowOptions, NOT_FOLLOWED } from './options.js';
import { installShadowStack, type ShadowFrame, ShadowStacks } from './shadow-stack.js';
import { type HotCodeSize, Tiering, type TierOptions } from './tiering.js';

export interface StalkerStats extends BlockCacheStats {
  dispatches: number;
  /** WebAssembly modules, functions and bytes made so far. */
  hot: TranslatorStats;
  hotSize: HotCodeSize;
}

export class Stalker implements CodeWatcher {
  readonly machine: Machine;
  /** Blocks that the first thread translates before it runs, see `prefetch`. */
  prefetchAtStart: readonly InterworkingAddr[] = [];
  /** Threads that start from now on are followed like this. */
  followNewThreads: FollowOptions = NOT_FOLLOWED;
  private readonly words: Int32Array;
  private readonly contexts = new Map<number, ExecCtx>();
  private readonly callouts = new CalloutTable();
  private readonly probes = new CallProbes();
  private readonly shadowStacks: ShadowStacks;
  private readonly compiler: Compiler;
  private readonly cache: BlockCache;
  private readonly ring: EventRing;
  private readonly tiering: Tiering;
  private readonly returnSites = new Set<number>();
  private live: ExecCtx | undefined;
  private stopRequested = false;
  /** A callout is running: the block around it still records for the context it was made for. */
  private isInBlock = false;
  private dispatches = 0;

  constructor(memory: GuestMemory, options: TierOptions = {}) {
    this.machine = new Machine(memory);
    this.words = this.machine.words;
    const callout = (id: number): void => this.callout(id);
    this.machine.callout = callout;
    this.ring = new EventRing(memory, this.words);
    this.shadowStacks = new ShadowStacks(memory.i32);
    const slowPaths = {
      unwind: this.callouts.add(() => this.unwind()),
      dropStale: this.callouts.add(() => this.dropStale()),
      watchedReturn: this.callouts.add(() => this.watchedReturn()),
      full: this.callouts.add(() => this.dropExcess()),
      returnSites: this.returnSites,
    };
    this.compiler = new Compiler(this.machine, this.ring.sites, this.probes, this.callouts, slowPaths);
    this.cache = new BlockCache(memory, this.compiler, {
      compiled: (ctx, block) => {
        if (ctx === this.live) this.ring.recordCompile(ctx, block);
      },
      invalidated: (block) => this.tiering.invalidated(block),
    });
    this.tiering = new Tiering(memory, this.cache, callout, options);
    memory.codeWatcher = this;
  }

  // -- threads -------------------------------------------------------------------------------------------------------

  /** A thread exists from now on; it is followed as `followNewThreads` says. */
  addThread(tid: number): void {
    this.attach(tid, this.followNewThreads);
  }

  /** The thread has ended: its events are delivered, its sink stopped, its translations dropped. */
  removeThread(tid: number): void {
    const ctx = this.contexts.get(tid);
    if (ctx === undefined) return;
    if (ctx === this.live) this.drain();
    this.destroy(ctx);
    this.contexts.delete(tid);
    if (ctx === this.live) this.live = undefined;
  }

  /** Records this thread from its next block on, instead of whatever was recorded before. */
  follow(tid: number, options: FollowOptions): void {
    const { live } = this;
    if (live?.tid === tid && this.isInBlock) this.leaveTo(live, options);
    else this.replace(tid, options);
  }

  /** Stops recording at the thread's next block; it goes on untraced. */
  unfollow(tid: number): void {
    const ctx = this.contexts.get(tid);
    if (ctx !== undefined && this.isFollowing(tid)) this.leaveTo(ctx, NOT_FOLLOWED);
  }

  isFollowing(tid: number): boolean {
    const ctx = this.contexts.get(tid);
    if (ctx === undefined) return false;
    return (ctx.state === CtxState.ACTIVE ? ctx.options : ctx.successor) !== NOT_FOLLOWED;
  }

  /** The context ends at the thread's next block. */
  private leaveTo(ctx: ExecCtx, successor: FollowOptions): void {
    ctx.state = CtxState.UNFOLLOW_PENDING;
    ctx.successor = successor;
    this.tiering.requestLeave(ctx);
  }

  /** The state words now belong to thread `tid`. */
  switchTo(tid: number): void {
    const ctx = this.contexts.get(tid);
    if (ctx === this.live || ctx === undefined) return;
    this.drain();
    this.suspend();
    this.makeLive(ctx);
  }

  private attach(tid: number, options: FollowOptions): ExecCtx {
    const needsStack = (options.events & (EventKind.CALL | EventKind.RET)) !== 0;
    const ctx = new ExecCtx(tid, options, needsStack ? this.shadowStacks.allocate(options.profile) : undefined);
    this.contexts.set(tid, ctx);
    if (ctx.sink !== undefined) {
      ctx.sink.start?.(tid);
      ctx.sinkStarted = true;
    }
    return ctx;
  }

  private replace(tid: number, options: FollowOptions): ExecCtx {
    const old = this.contexts.get(tid);
    const wasLive = old !== undefined && old === this.live;
    if (wasLive) {
      this.drain();
      this.suspend();
    }
    if (old !== undefined) this.destroy(old);
    const ctx = this.attach(tid, options);
    ctx.retired = old?.retired ?? 0;
    if (wasLive) this.makeLive(ctx);
    return ctx;
  }

  private suspend(): void {
    const { live } = this;
    if (live === undefined) return;
    live.shadowTop = (this.words[Word.SHADOW_TOP] as number) >>> 0;
    live.retired = this.clock - live.elsewhere;
  }

  private makeLive(ctx: ExecCtx): void {
    this.live = ctx;
    ctx.elsewhere = this.clock - ctx.retired;
    installShadowStack(this.words, ctx.shadowStack, ctx.shadowTop | 0);
  }

  private destroy(ctx: ExecCtx): void {
    ctx.state = CtxState.DESTROY_PENDING;
    this.cache.dispose(ctx);
    this.tiering.dispose(ctx);
    if (ctx.sinkStarted) ctx.sink?.stop?.(ctx.tid);
    ctx.sinkStarted = false;
    if (ctx.shadowStack !== undefined) this.shadowStacks.release(ctx.shadowStack);
  }

  // -- running -------------------------------------------------------------------------------------------------------

  /** Retired instructions of the whole process. Inside a callout it is ahead by the rest of the current block. */
  get clock(): number {
    return this.ring.clock;
  }

  /** Makes `run` return at the next block boundary with ExitReason.CONTROL. */
  requestStop(): void {
    this.stopRequested = true;
    if (this.live !== undefined) this.tiering.requestLeave(this.live);
  }

  /**
   * Runs the live thread from PC until something needs the kernel: SVC, FAULT, UNDEFINED, BREAKPOINT, FETCH_FAULT,
   * YIELD (fuel used up) or CONTROL. FUEL holds what is left.
   */
  run(fuel: number): number {
    if (this.prefetchAtStart.length > 0) {
      const addresses = this.prefetchAtStart;
      this.prefetchAtStart = [];
      this.prefetch(addresses);
    }
    const clockBase = this.clock + fuel;
    if (clockBase !== this.ring.clockBase) {
      this.drain();
      this.ring.clockBase = clockBase;
      this.words[Word.FUEL] = fuel;
    }
    let segment = this.resumeSegment() ?? this.dispatch(undefined, this.currentLocation());
    for (;;) {
      const next = this.hotCodeAt(segment) ? this.runHot(segment) : this.runCold(segment);
      if (typeof next === 'number') return next;
      segment = next;
      if (this.stopRequested) {
        this.stopRequested = false;
        (this.live as ExecCtx).resume = segment;
        return ExitReason.CONTROL;
      }
    }
  }

  private hotCodeAt(segment: Segment): boolean {
    const { owner } = segment;
    if (owner.entry !== segment) return false;
    return owner.hotEntry !== undefined || this.tiering.heat(this.live as ExecCtx, segment);
  }

  /** Runs one block; gives the segment to run next, or the reason to come out. */
  private runCold(segment: Segment): Segment | number {
    const reason = runBlock(segment.cold, this.machine);
    if (reason === ExitReason.NEXT) return this.follower(segment);
    if (reason === ExitReason.DRAIN) {
      this.drain();
      // The sink may have asked for an unfollow, or changed translations.
      const isStale = segment.owner.invalidated || (this.live as ExecCtx).mustUnfollow;
      return isStale ? this.dispatch(undefined, this.currentLocation()) : segment;
    }
    if (reason === ExitReason.SVC) (this.live as ExecCtx).resume = segment.next;
    else if (reason === ExitReason.YIELD) (this.live as ExecCtx).resume = segment;
    else this.noteFetchFault(reason);
    return reason;
  }

  /** Runs hot code until it needs the engine; the same answers as `runCold`. */
  private runHot(segment: Segment): Segment | number {
    const { owner } = segment;
    const hot = owner.hotEntry as HotRegion;
    const reason = this.tiering.enter(hot, owner.location);
    if (reason === undefined) {
      // Another context that shares the translator took the region with it.
      owner.hotEntry = undefined;
      segment.heat = 0;
      return this.runCold(segment);
    }
    if (reason === ExitReason.DRAIN) this.drain();
    if (reason === ExitReason.NEXT || reason === ExitReason.DRAIN) {
      return this.dispatch(undefined, this.currentLocation());
    }
    const ctx = this.live as ExecCtx;
    if (reason === ExitReason.SVC) ctx.resume = this.afterHotCall(ctx, hot);
    else this.noteFetchFault(reason);
    return reason;
  }

  /** Where the block that a system call has just left in hot code goes on. */
  private afterHotCall(ctx: ExecCtx, { translator }: HotRegion): Segment | undefined {
    const { exitBlock } = translator;
    return exitBlock === undefined ? undefined : ctx.mappings.get(exitBlock)?.entry.next;
  }

  /** Hands the records so far to the live thread's sink. */
  drain(): void {
    this.ring.drain(this.live);
  }

  private currentLocation(): Location {
    const w = this.words;
    return makeLocation(w[Word.PC] as number, w[Word.THUMB] !== 0, w[Word.ITSTATE] as number, w[Word.BIG_ENDIAN] !== 0);
  }

  /** The segment the thread left off at (after a system call, a yield), if it is still there. */
  private resumeSegment(): Segment | undefined {
    const ctx = this.live as ExecCtx;
    const segment = ctx.resume;
    ctx.resume = undefined;
    if (segment === undefined || ctx.mustUnfollow || segment.owner.invalidated) return undefined;
    const isCurrent = segment.ir.location === this.currentLocation() && segment.owner.segments.includes(segment);
    return isCurrent ? segment : undefined;
  }

  /** The segment to run after `from` was left with NEXT: through a link, or by asking. */
  private follower(from: Segment): Segment {
    const { exit } = this.machine;
    if (exit === EXIT_INDIRECT) return this.dispatch(undefined, this.currentLocation());
    const linked = exit === EXIT_TO ? from.linkTo : from.linkOtherwise;
    if (linked !== undefined && (this.live as ExecCtx).state === CtxState.ACTIVE) return linked.entry;
    const location = exit === EXIT_TO ? from.cold.to : from.cold.otherwise;
    // Past a SETEND, or a conditional SVC that was not executed: still the same block.
    if (from.next !== undefined && from.next.ir.location === location) return from.next;
    return this.dispatch(from, location);
  }

  private noteFetchFault(reason: number): void {
    if (reason !== ExitReason.FETCH_FAULT) return;
    this.words[Word.FAULT_ADDR] = this.words[Word.PC] as number;
    this.words[Word.FAULT_KIND] = FaultKind.EXECUTE;
  }

  /** Frida's switch_block: the segment to run at `location`, reached from a direct exit of `from`. */
  private dispatch(from: Segment | undefined, location: Location): Segment {
    this.dispatches++;
    let ctx = this.live as ExecCtx;
    if (ctx.mustUnfollow) ctx = this.replace(ctx.tid, ctx.successor);
    const block = this.cache.obtain(ctx, location);
    if (ctx.mustUnfollow) {
      ctx = this.replace(ctx.tid, ctx.successor);
      return this.cache.obtain(ctx, location).entry;
    }
    if (from !== undefined) this.cache.link(ctx, from, this.machine.exit === EXIT_TO, block);
    return block.entry;
  }

  private callout(id: number): void {
    const isNested = this.isInBlock;
    this.isInBlock = true;
    try {
      this.callouts.call(id);
    } finally {
      this.isInBlock = isNested;
    }
  }

  /** The slow return: see ShadowStack.unwind. Target and sp wait in the record being written. */
  private unwind(): void {
    const stack = this.live?.shadowStack;
    if (stack === undefined) return;
    const target = this.ring.pendingWord(2);
    const top = (this.words[Word.SHADOW_TOP] as number) >>> 0;
    const newTop = stack.unwind(top, target, this.ring.pendingWord(3), this.returnSites.has(target));
    this.words[Word.SHADOW_TOP] = newTop | 0;
    if (this.live?.isCompact) this.ring.recordUnmatched(target, newTop);
  }

  /** Sp waits in the record being written. */
  private dropStale(): void {
    const stack = this.live?.shadowStack;
    if (stack === undefined) return;
    const top = (this.words[Word.SHADOW_TOP] as number) >>> 0;
    this.setTop(stack.dropStale(top, this.ring.pendingWord(3)));
  }

  /** A push found the shadow stack full: it does not count. */
  private dropExcess(): void {
    this.setTop((this.words[Word.SHADOW_LIMIT] as number) >>> 0);
  }

  private setTop(top: number): void {
    this.words[Word.SHADOW_TOP] = top | 0;
    if (this.live?.isCompact) this.ring.recordDepth(top);
  }

  private watchedReturn(): void {
    const [loads, target, sp] = [this.ring.pendingWord(1), this.ring.pendingWord(2), this.ring.pendingWord(3)];
    this.live?.options.onReturn?.(target, sp, loads, this.returnSites.has(target));
  }

  // -- translations --------------------------------------------------------------------------------------------------

  /**
   * Translates what an earlier run translated, before this one needs it: the blocks at these addresses, as if each had
   * been revisited `recycleCount` times (the trust threshold by default), hot code included. Addresses that are not
   * executable now are left out. Emits COMPILE and nothing else. The thread must be live.
   */
  prefetch(addresses: Iterable<InterworkingAddr>, recycleCount = Math.max(0, this.trustThreshold)): void {
    const ctx = this.live;
    if (ctx === undefined) return;
    const blocks: ExecBlock[] = [];
    for (const address of addresses) {
      if (this.compiler.readCode((address & ~1) >>> 0) === undefined) continue;
      blocks.push(this.cache.prefetch(ctx, address, recycleCount));
    }
    this.tiering.compileAll(
      ctx,
      blocks.filter((block) => this.cache.isTrusted(block)),
    );
  }

  /** Unchanged re-visits before a block is trusted: -1 never, 0 at once; default 1. */
  get trustThreshold(): number {
    return this.cache.trustThreshold;
  }

  set trustThreshold(threshold: number) {
    this.cache.trustThreshold = threshold;
  }

  /** The block starting exactly at `address` is translated anew at its next entry; for one thread, or for all. */
  invalidate(address: InterworkingAddr, tid?: number): void {
    for (const ctx of this.contexts.values()) {
      if (tid !== undefined && ctx.tid !== tid) continue;
      const block = ctx.mappings.get(address);
      if (block !== undefined) this.cache.invalidate(block);
    }
  }

  codeChanged(start: GuestAddr, end: GuestAddr): void {
    this.cache.codeChanged(start, end);
  }

  /** Calls `callback` whenever a block starting exactly at `address` is entered. Returns the probe's id, from 1 on. */
  addCallProbe(address: InterworkingAddr, callback: CallProbeCallback, notify?: () => void): number {
    const { id, first } = this.probes.add(address, callback, notify);
    if (first) this.invalidate(address);
    return id;
  }

  /** Removes a probe; an unknown id is ignored. */
  removeCallProbe(id: number): void {
    const address = this.probes.remove(id);
    if (address !== undefined) this.invalidate(address);
  }

  // -- what is going on ----------------------------------------------------------------------------------------------

  get stats(): StalkerStats {
    return { dispatches: this.dispatches, ...this.cache.stats, hot: this.tiering.stats, hotSize: this.tiering.size };
  }

  /** The thread whose code is running, if any. */
  get currentThread(): number | undefined {
    return this.live?.tid;
  }

  /** Return addresses of a thread's open calls, innermost first; at most `limit` of them. */
  backtrace(tid: number, limit = Number.POSITIVE_INFINITY): readonly number[] {
    return this.shadowFrames(tid, limit)
      .map((frame) => frame.returnAddress)
      .reverse();
  }

  /** Open calls of a thread, outermost first; empty when its calls are not recorded. Only the innermost `limit`. */
  shadowFrames(tid: number, limit = Number.POSITIVE_INFINITY): ShadowFrame[] {
    const ctx = this.contexts.get(tid);
    if (ctx?.shadowStack === undefined) return [];
    const top = ctx === this.live ? (this.words[Word.SHADOW_TOP] as number) >>> 0 : ctx.shadowTop;
    return ctx.shadowStack.frames(top, limit);
  }

  /** Depth of the live thread's shadow stack. */
  get depth(): number {
    const stack = this.live?.shadowStack;
    return stack === undefined ? 0 : (((this.words[Word.SHADOW_TOP] as number) >>> 0) - stack.base) / FRAME_BYTES;
  }
}
