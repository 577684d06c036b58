/**
 * The engine: runs the live thread block by block, translating what it meets. It is the only way guest code runs; a
 * thread that nobody follows has an empty event mask.
 *
 * A dispatch follows Frida's `switch_block`: leave if an unfollow is due, find the block (translate on a miss, compare
 * its snapshot until it is trusted), then link the exit that led here if the target may be linked. An exit that is
 * linked does not ask again; invalidation cuts its links.
 */
import type { GuestAddr, InterworkingAddr } from '../bits.js';
import { EventKind } from '../events/event.js';
import { type EventBatch, FRAME_BYTES, RECORD_BYTES, RECORD_WORDS, SiteTable } from '../events/ring.js';
import type { EventSink } from '../events/sink.js';
import { Word } from '../guest/cpu-state.js';
import { EVENT_RING, EVENT_RING_BYTES } from '../guest/layout.js';
import type { CodeWatcher, GuestMemory } from '../guest/memory.js';
import { EXIT_INDIRECT, EXIT_TO } from '../interpreter/cold-code.js';
import { Machine } from '../interpreter/machine.js';
import { runBlock } from '../interpreter/run-block.js';
import { type Location, makeLocation } from '../ir/location.js';
import { ExitReason, FaultKind } from '../ir/terminal.js';
import { type CallProbeCallback, CallProbes } from './call-probe.js';
import { CalloutTable } from './callouts.js';
import { CodePages } from './code-pages.js';
import { Compiler } from './compile.js';
import { ExecBlock, type Segment } from './exec-block.js';
import { CtxState, ExecCtx } from './exec-ctx.js';
import { blocksMadeExclusive, inheritsExclusiveAccess } from './exclusive-access.js';
import { itStateAt } from './it-state.js';
import { DEFAULT_TRUST_THRESHOLD, type FollowOptions, MAX_BLOCK_INSNS, NOT_FOLLOWED } from './options.js';
import { installShadowStack, type ShadowFrame, ShadowStacks } from './shadow-stack.js';

/** Records one block can add after its ring check: two for every instruction, and the block's own. */
const RING_RESERVE = (2 * MAX_BLOCK_INSNS + 8) * RECORD_BYTES;

export interface StalkerStats {
  dispatches: number;
  compiles: number;
  recompiles: number;
  links: number;
  invalidations: number;
}

export class Stalker implements CodeWatcher {
  readonly machine: Machine;
  readonly sites = new SiteTable();
  readonly stats: StalkerStats = { dispatches: 0, compiles: 0, recompiles: 0, links: 0, invalidations: 0 };
  /** Unchanged re-visits before a block is trusted: -1 never, 0 at once. Frida's default is 1. */
  trustThreshold = DEFAULT_TRUST_THRESHOLD;
  /** Threads that start from now on are followed like this. */
  followNewThreads: FollowOptions = NOT_FOLLOWED;
  /** Events handed to sinks so far. */
  eventCount = 0;
  private readonly memory: GuestMemory;
  private readonly words: Int32Array;
  private readonly contexts = new Map<number, ExecCtx>();
  private readonly callouts = new CalloutTable();
  private readonly probes = new CallProbes();
  private readonly shadowStacks: ShadowStacks;
  private readonly compiler: Compiler;
  private readonly codePages: CodePages;
  private live: ExecCtx | undefined;
  /** Retired instructions when FUEL was last set, plus that fuel: the clock is this minus FUEL. */
  private clockBase = 0;
  private stopRequested = false;

  constructor(memory: GuestMemory) {
    this.memory = memory;
    this.machine = new Machine(memory);
    this.words = this.machine.words;
    this.shadowStacks = new ShadowStacks(memory.i32);
    const unwind = this.callouts.add(() => this.unwind());
    this.machine.callout = (id) => this.callouts.call(id);
    this.compiler = new Compiler(this.machine, this.sites, this.probes, this.callouts, unwind);
    this.words[Word.RING_HEAD] = EVENT_RING | 0;
    this.words[Word.RING_LIMIT] = (EVENT_RING + EVENT_RING_BYTES - RING_RESERVE) | 0;
    this.codePages = new CodePages(memory);
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

  /** Records this thread from its next block on. It must not be followed already by anyone with events. */
  follow(tid: number, options: FollowOptions): void {
    this.replace(tid, options);
  }

  /** Stops recording; the thread goes on untraced from its next block. */
  unfollow(tid: number): void {
    const ctx = this.contexts.get(tid);
    if (ctx === undefined || ctx.state !== CtxState.ACTIVE || ctx.options === NOT_FOLLOWED) return;
    ctx.state = CtxState.UNFOLLOW_PENDING;
  }

  isFollowing(tid: number): boolean {
    const ctx = this.contexts.get(tid);
    return ctx !== undefined && ctx.options !== NOT_FOLLOWED && ctx.state === CtxState.ACTIVE;
  }

  /** The state words now belong to thread `tid`. */
  switchTo(tid: number): void {
    const ctx = this.contexts.get(tid);
    if (ctx === this.live || ctx === undefined) return;
    this.drain();
    if (this.live !== undefined) this.live.shadowTop = (this.words[Word.SHADOW_TOP] as number) >>> 0;
    this.live = ctx;
    this.install(ctx);
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

  private replace(tid: number, options: FollowOptions): void {
    const old = this.contexts.get(tid);
    const wasLive = old !== undefined && old === this.live;
    if (wasLive) this.drain();
    if (old !== undefined) this.destroy(old);
    const ctx = this.attach(tid, options);
    if (wasLive) {
      this.live = ctx;
      this.install(ctx);
    }
  }

  private install(ctx: ExecCtx): void {
    installShadowStack(this.words, ctx.shadowStack, ctx.shadowTop | 0);
  }

  private destroy(ctx: ExecCtx): void {
    for (const block of ctx.blocks) {
      this.compiler.clear(block);
      if (!block.invalidated) this.invalidateBlock(block);
    }
    ctx.state = CtxState.DESTROY_PENDING;
    if (ctx.sinkStarted) ctx.sink?.stop?.(ctx.tid);
    ctx.sinkStarted = false;
    if (ctx.shadowStack !== undefined) this.shadowStacks.release(ctx.shadowStack);
    ctx.mappings.clear();
    ctx.blocks.length = 0;
  }

  // -- running -------------------------------------------------------------------------------------------------------

  /** Retired instructions of the whole process. Inside a callout it may be ahead by the rest of the current block. */
  get clock(): number {
    return this.clockBase - (this.words[Word.FUEL] as number);
  }

  /** Makes `run` return at the next block boundary with ExitReason.CONTROL. */
  requestStop(): void {
    this.stopRequested = true;
  }

  /**
   * Runs the live thread from PC until something needs the kernel: SVC, FAULT, UNDEFINED, BREAKPOINT, FETCH_FAULT,
   * YIELD (fuel used up) or CONTROL. FUEL holds what is left.
   */
  run(fuel: number): number {
    const clock = this.clock;
    if (clock + fuel !== this.clockBase) {
      this.drain();
      this.clockBase = clock + fuel;
      this.words[Word.FUEL] = fuel;
    }
    let segment = this.resumeSegment() ?? this.dispatch(undefined, this.currentLocation());
    for (;;) {
      const reason = runBlock(segment.cold, this.machine);
      if (reason === ExitReason.NEXT) {
        if (this.stopRequested) {
          this.stopRequested = false;
          return ExitReason.CONTROL;
        }
        segment = this.follower(segment);
      } else if (reason === ExitReason.DRAIN) {
        this.drain();
      } else {
        this.leave(segment, reason);
        return reason;
      }
    }
  }

  /** Hands the ring's records to the live thread's sink. */
  drain(): void {
    const { words, live } = this;
    const bytes = ((words[Word.RING_HEAD] as number) >>> 0) - EVENT_RING;
    if (bytes === 0) return;
    words[Word.RING_HEAD] = EVENT_RING | 0;
    if (live?.sink === undefined) return;
    const first = EVENT_RING >>> 2;
    const batch: EventBatch = {
      tid: live.tid,
      words: this.memory.i32.subarray(first, first + (bytes >>> 2)),
      count: bytes / RECORD_BYTES,
      sites: this.sites,
      clockBase: this.clockBase,
      shadowBase: live.shadowStack?.base === undefined ? 0 : live.shadowStack.base | 0,
    };
    this.eventCount += batch.count;
    live.sink.process(batch);
  }

  /** Open calls of a thread, outermost first; empty when its calls are not recorded. */
  shadowFrames(tid: number): ShadowFrame[] {
    const ctx = this.contexts.get(tid);
    if (ctx?.shadowStack === undefined) return [];
    const top = ctx === this.live ? (this.words[Word.SHADOW_TOP] as number) >>> 0 : ctx.shadowTop;
    return ctx.shadowStack.frames(top);
  }

  /** Depth of the live thread's shadow stack. */
  get depth(): number {
    const { words, live } = this;
    if (live?.shadowStack === undefined) return 0;
    return (((words[Word.SHADOW_TOP] as number) >>> 0) - live.shadowStack.base) / FRAME_BYTES;
  }

  private currentLocation(): Location {
    const w = this.words;
    return makeLocation(
      w[Word.PC] as number,
      w[Word.THUMB] !== 0,
      w[Word.ITSTATE] as number,
      w[Word.BIG_ENDIAN] !== 0,
    );
  }

  /** The segment a system call left off at, if the thread is still there. */
  private resumeSegment(): Segment | undefined {
    const ctx = this.live as ExecCtx;
    const segment = ctx.resume;
    ctx.resume = undefined;
    if (segment === undefined || ctx.mustUnfollow || segment.owner.invalidated) return undefined;
    return segment.ir.location === this.currentLocation() ? segment : undefined;
  }

  /** The segment to run after `from` was left with NEXT: through a link, or by asking. */
  private follower(from: Segment): Segment {
    const { exit } = this.machine;
    const linked = exit === EXIT_TO ? from.linkTo : exit === EXIT_INDIRECT ? undefined : from.linkOtherwise;
    if (linked !== undefined && (this.live as ExecCtx).state === CtxState.ACTIVE) return linked.entry;
    // A conditional SVC that was not executed goes on in the same block.
    if (exit !== EXIT_INDIRECT && from.ir.terminal.kind === 'svc' && from.next !== undefined) return from.next;
    const location =
      exit === EXIT_INDIRECT ? this.currentLocation() : exit === EXIT_TO ? from.cold.to : from.cold.otherwise;
    return this.dispatch(from, location);
  }

  private leave(segment: Segment, reason: number): void {
    const ctx = this.live as ExecCtx;
    const w = this.words;
    if (reason === ExitReason.SVC) ctx.resume = segment.next;
    else if (reason === ExitReason.YIELD) ctx.resume = segment;
    else if (reason === ExitReason.FETCH_FAULT) {
      w[Word.FAULT_ADDR] = w[Word.PC] as number;
      w[Word.FAULT_KIND] = FaultKind.EXECUTE;
    } else if (w[Word.THUMB] !== 0 && reason !== ExitReason.YIELD) {
      w[Word.ITSTATE] = itStateAt(segment.ir.location, (w[Word.PC] as number) >>> 0, this.compiler.readCode);
    }
  }

  /** Frida's switch_block: the segment to run at `location`, reached from an exit of `from`. */
  private dispatch(from: Segment | undefined, location: Location): Segment {
    this.stats.dispatches++;
    let ctx = this.live as ExecCtx;
    if (ctx.mustUnfollow) ctx = this.detach(ctx);
    let block = this.obtainBlock(ctx, location);
    if (ctx.mustUnfollow) {
      ctx = this.detach(ctx);
      block = this.obtainBlock(ctx, location);
    } else if (from !== undefined) {
      this.link(ctx, from, block);
    }
    return block.entry;
  }

  private detach(ctx: ExecCtx): ExecCtx {
    this.replace(ctx.tid, NOT_FOLLOWED);
    return this.live as ExecCtx;
  }

  // -- blocks --------------------------------------------------------------------------------------------------------

  /** Frida's obtain_block_for: looked up, found up to date, or translated. */
  private obtainBlock(ctx: ExecCtx, location: Location): ExecBlock {
    const block = ctx.mappings.get(location);
    if (block === undefined) return this.createBlock(ctx, location);
    const { trustThreshold } = this;
    if (block.invalidated) this.recompileBlock(ctx, block);
    else if (trustThreshold >= 0 && block.recycleCount >= trustThreshold) this.recycle(block);
    else if (this.isUnchanged(block)) this.recycle(block);
    else this.recompileBlock(ctx, block);
    return block;
  }

  private recycle(block: ExecBlock): void {
    if (this.trustThreshold > 0 && block.recycleCount < 0x7fff_ffff) block.recycleCount++;
  }

  private isUnchanged(block: ExecBlock): boolean {
    const { snapshot, realStart } = block;
    const { u8 } = this.memory;
    for (let i = 0; i < snapshot.length; i++) if (u8[realStart + i] !== snapshot[i]) return false;
    return true;
  }

  private createBlock(ctx: ExecCtx, location: Location): ExecBlock {
    const start = (location % 2 ** 32) >>> 0;
    const block = new ExecBlock(location, start);
    const isGum = ctx.options.profile === 'gum';
    if (isGum) block.usesExclusiveAccess = inheritsExclusiveAccess(ctx.blocks, block.realStart);
    this.translate(ctx, block);
    this.stats.compiles++;
    ctx.mappings.set(location, block);
    ctx.blocks.push(block);
    if (isGum) this.markExclusive(ctx);
    this.emitCompile(ctx, block);
    return block;
  }

  private markExclusive(ctx: ExecCtx): void {
    for (const block of blocksMadeExclusive(ctx.blocks)) {
      block.usesExclusiveAccess = true;
      this.invalidateBlock(block);
    }
  }

  private recompileBlock(ctx: ExecCtx, block: ExecBlock): void {
    this.unlink(block);
    this.codePages.remove(block);
    this.translate(ctx, block);
    this.stats.recompiles++;
    this.emitCompile(ctx, block);
  }

  private translate(ctx: ExecCtx, block: ExecBlock): void {
    this.compiler.compile(ctx, block);
    // Under gum only cacheflush and the trust rule notice changed code (D8).
    this.codePages.add(block, ctx.options.profile === 'precise');
  }

  /** COMPILE is recorded by the engine itself, in order with what the code around it records. */
  private emitCompile(ctx: ExecCtx, block: ExecBlock): void {
    if ((ctx.options.events & EventKind.COMPILE) === 0 || ctx !== this.live) return;
    if ((this.words[Word.RING_HEAD] as number) >>> 0 > (this.words[Word.RING_LIMIT] as number) >>> 0) this.drain();
    const site = this.sites.add(EventKind.COMPILE, block.start, block.end, 0);
    const head = (this.words[Word.RING_HEAD] as number) >>> 0;
    const { i32 } = this.memory;
    i32[head >>> 2] = site;
    i32[(head >>> 2) + 1] = this.words[Word.FUEL] as number;
    i32[(head >>> 2) + RECORD_WORDS - 1] = 0;
    this.words[Word.RING_HEAD] = (head + RECORD_BYTES) | 0;
  }

  private link(ctx: ExecCtx, from: Segment, target: ExecBlock): void {
    const { exit } = this.machine;
    const { trustThreshold } = this;
    if (exit === EXIT_INDIRECT || ctx.state !== CtxState.ACTIVE || from.owner.invalidated) return;
    if (trustThreshold < 0 || target.recycleCount < trustThreshold) return;
    if (exit === EXIT_TO) from.linkTo = target;
    else from.linkOtherwise = target;
    target.linkedFrom.add(from);
    this.stats.links++;
  }

  /** Cuts every link that leads to `block`, so that its next entry asks the engine. */
  private unlink(block: ExecBlock): void {
    for (const segment of block.linkedFrom) {
      if (segment.linkTo === block) segment.linkTo = undefined;
      if (segment.linkOtherwise === block) segment.linkOtherwise = undefined;
    }
    block.linkedFrom.clear();
  }

  // -- invalidation --------------------------------------------------------------------------------------------------

  private invalidateBlock(block: ExecBlock): void {
    this.stats.invalidations++;
    block.invalidated = true;
    this.codePages.remove(block);
    this.unlink(block);
  }

  /** The block starting exactly at `address` is translated anew at its next entry; for one thread, or for all. */
  invalidate(address: InterworkingAddr, tid?: number): void {
    for (const ctx of this.contexts.values()) {
      if (tid !== undefined && ctx.tid !== tid) continue;
      const block = ctx.blockAt(address);
      if (block !== undefined) this.invalidateBlock(block);
    }
  }

  /** Code in [start, end) may have changed: every block that overlaps it is translated anew. */
  codeChanged(start: GuestAddr, end: GuestAddr): void {
    for (const block of this.codePages.overlapping(start, end)) this.invalidateBlock(block);
  }

  // -- call probes ---------------------------------------------------------------------------------------------------

  /** Calls `callback` whenever a block starting exactly at `address` is entered. Returns the probe's id. */
  addCallProbe(address: InterworkingAddr, callback: CallProbeCallback, notify?: () => void): number {
    const { id, first } = this.probes.add(address, callback, notify);
    if (first) this.invalidate(address);
    return id;
  }

  removeCallProbe(id: number): void {
    const address = this.probes.remove(id);
    if (address !== undefined) this.invalidate(address);
  }

  /** Thread whose code is running (in a callout or probe), if any. */
  get currentThread(): number | undefined {
    return this.live?.tid;
  }

  get sinks(): Set<EventSink> {
    const sinks = new Set<EventSink>();
    for (const { sink } of this.contexts.values()) if (sink !== undefined) sinks.add(sink);
    return sinks;
  }

  /** The slow return: see ShadowStack.unwind. The target waits in the record being written. */
  private unwind(): void {
    const { words, live } = this;
    const stack = live?.shadowStack;
    if (stack === undefined) return;
    const target = (this.memory.i32[(((words[Word.RING_HEAD] as number) >>> 0) + 8) >>> 2] as number) >>> 0;
    const top = (words[Word.SHADOW_TOP] as number) >>> 0;
    words[Word.SHADOW_TOP] = stack.unwind(top, target, (words[Word.SP] as number) >>> 0) | 0;
  }
}
