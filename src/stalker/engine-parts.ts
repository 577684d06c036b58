/**
 * The engine's parts and how they hang together, and the host functions that instrumented code calls by number. What
 * others may ask of it is in stalker.ts.
 */
import { EventKind } from '../events/event.js';
import type { StalkerEvent } from '../events/ring.js';
import { Word } from '../guest/cpu-state.js';
import type { GuestMemory } from '../guest/memory.js';
import { Machine } from '../interpreter/machine.js';
import { Activation } from './activation.js';
import { BlockCache } from './block-cache.js';
import { BlockCallouts } from './block-callouts.js';
import { CallProbes } from './call-probe.js';
import { CalloutTable } from './callouts.js';
import { Compiler } from './compile.js';
import { CpuContext } from './cpu-context.js';
import { Dispatcher } from './dispatch.js';
import { EventRing } from './event-ring.js';
import { Exclusions } from './exclusion.js';
import type { ExecBlock } from './exec-block.js';
import type { ExecCtx } from './exec-ctx.js';
import { HostCallbacks } from './host-callbacks.js';
import { Invalidation } from './invalidation.js';
import { Prefetch } from './prefetch.js';
import { RunLoop } from './run-loop.js';
import { ShadowStacks } from './shadow-stack.js';
import { ThreadContexts } from './thread-contexts.js';
import { Tiering, type TierOptions } from './tiering.js';

export class EngineParts {
  readonly machine: Machine;
  readonly words: Int32Array;
  readonly callouts = new CalloutTable();
  readonly callbacks = new HostCallbacks();
  readonly exclusions = new Exclusions();
  readonly probes: CallProbes;
  readonly shadowStacks: ShadowStacks;
  readonly compiler: Compiler;
  readonly cache: BlockCache;
  readonly ring: EventRing;
  readonly tiering: Tiering;
  readonly activation: Activation;
  readonly threads: ThreadContexts;
  readonly dispatcher: Dispatcher;
  readonly loop: RunLoop;
  readonly prefetch: Prefetch;
  readonly invalidation: Invalidation;
  private readonly returnSites = new Set<number>();

  constructor(memory: GuestMemory, options: TierOptions) {
    const machine = new Machine(memory);
    const { callbacks, callouts } = this;
    this.machine = machine;
    this.words = machine.words;
    machine.callout = (id) => callouts.call(id);
    this.ring = new EventRing(memory, this.words);
    this.shadowStacks = new ShadowStacks(memory.i32);
    this.probes = new CallProbes(memory, this.words, callbacks);
    const { probes } = this;
    const { sites } = this.ring;
    const blockCallouts = new BlockCallouts(machine.words, callouts, callbacks, probes);
    this.compiler = new Compiler({ machine, sites, probes, blockCallouts, callbacks, slowPaths: this.slowPaths() });
    this.cache = new BlockCache(memory, this.compiler, {
      compiled: (ctx, block) => this.compiled(ctx, block),
      unlinked: (block) => this.tiering.unlinked(block),
    });
    this.tiering = new Tiering(memory, this.cache, machine.callout, options);
    const { cache, tiering, ring, words, shadowStacks } = this;
    this.activation = new Activation(words, cache, ring, this.returnSites);
    const { activation } = this;
    this.threads = new ThreadContexts({ words, ring, cache, tiering, shadowStacks, activation });
    this.dispatcher = new Dispatcher({ machine, threads: this.threads, cache, activation, callouts, callbacks });
    this.loop = new RunLoop(machine, this.threads, this.dispatcher, tiering);
    this.prefetch = new Prefetch(this.compiler, cache, tiering);
    this.invalidation = new Invalidation(this.threads, cache);
  }

  /** The host functions that every instrumented block may call, by their numbers. */
  private slowPaths(): ConstructorParameters<typeof Compiler>[0]['slowPaths'] {
    const { callouts, exclusions, returnSites } = this;
    return {
      unwind: callouts.add(() => this.unwind()),
      dropStale: callouts.add(() => this.dropStale()),
      full: callouts.add(() => this.dropExcess()),
      watchedReturn: callouts.add(() => this.watchedReturn()),
      excludedCall: callouts.add(() => this.noteExcludedCall()),
      event: callouts.add(() => this.liveEvent()),
      exclusions,
      returnSites,
    };
  }

  /** A callout is running: the block around it still records for the context it was made for. */
  get isInBlock(): boolean {
    return this.callouts.isRunning;
  }

  /** Whether the context is in use further out: a block of it runs or is translated, or its sink is handed records. */
  isBusy(ctx: ExecCtx): boolean {
    const { threads, compiler, ring } = this;
    return (this.isInBlock && ctx === threads.live) || compiler.isTransforming(ctx) || ctx === ring.delivering;
  }

  /** The slow return: see ShadowStack.unwind. Target and sp wait in the record being written. */
  private unwind(): void {
    const stack = this.threads.live?.shadowStack;
    if (stack === undefined) return;
    const target = this.ring.pendingWord(2);
    const top = (this.words[Word.SHADOW_TOP] as number) >>> 0;
    const newTop = stack.unwind(top, target, this.ring.pendingWord(3), this.returnSites.has(target));
    this.words[Word.SHADOW_TOP] = newTop | 0;
    if (this.threads.live?.isCompact) this.ring.recordUnmatched(target, newTop);
  }

  /** Sp waits in the record being written. */
  private dropStale(): void {
    const { live } = this.threads;
    if (live?.shadowStack === undefined) return;
    const top = (this.words[Word.SHADOW_TOP] as number) >>> 0;
    this.ring.setShadowTop(live, live.shadowStack.dropStale(top, this.ring.pendingWord(3)));
  }

  /** A push found the shadow stack full: it does not count. */
  private dropExcess(): void {
    if (this.threads.live !== undefined) {
      this.ring.setShadowTop(this.threads.live, (this.words[Word.SHADOW_LIMIT] as number) >>> 0);
    }
  }

  /** A block was translated: COMPILE, to the ring and to who wants each event at once. */
  private compiled(ctx: ExecCtx, block: ExecBlock): void {
    const { start, end } = block;
    this.threads.recordCompile(ctx, block);
    if ((ctx.options.events & EventKind.COMPILE) === 0) return;
    const { clock } = this.ring;
    this.tell(ctx, { kind: EventKind.COMPILE, tid: ctx.tid, location: start, target: end, depth: 0, clock }, undefined);
  }

  /** A record was just written: tells who wants each event at once. */
  private liveEvent(): void {
    const ctx = this.threads.live as ExecCtx;
    const event = this.ring.latest(ctx);
    const registers = new CpuContext(this.words, (event.location & ~1) >>> 0);
    this.tell(ctx, event, registers);
    registers.close();
  }

  /** Calls the follow's `onEvent`; the thread is not left meanwhile. */
  private tell(ctx: ExecCtx, event: StalkerEvent, registers: CpuContext | undefined): void {
    const { onEvent } = ctx.options;
    if (onEvent === undefined) return;
    ctx.pendingCalls++;
    try {
      this.callbacks.run('sink', event.location, onEvent, () => onEvent(event, registers));
    } finally {
      ctx.pendingCalls--;
    }
  }

  /** A jump that may be a return somebody waits for; what it is waits in the record being written. */
  private watchedReturn(): void {
    const [loads, target, sp] = [this.ring.pendingWord(1), this.ring.pendingWord(2), this.ring.pendingWord(3)];
    this.threads.live?.options.onReturn?.(target, sp, loads, this.returnSites.has(target));
  }

  /** The block under way ends with an excluded call: the engine must see where it goes. */
  private noteExcludedCall(): void {
    const ctx = this.threads.live as ExecCtx;
    this.activation.noteExcludedCall(ctx);
    if (ctx.mustDispatch) this.threads.requestDispatch(ctx);
  }
}
