/** Translates one block: lift, transformer, instrumentation, and the cold code that runs at once. */
import { isWideThumb } from '../arm/decode.js';
import { foldConditions } from '../arm/fold-conditions.js';
import { BlockLifter } from '../arm/lift-block.js';
import type { GuestAddr } from '../bits.js';
import { UsageError } from '../errors.js';
import type { SiteTable } from '../events/ring.js';
import { Word } from '../guest/cpu-state.js';
import { PAGE_SHIFT } from '../guest/layout.js';
import { Permission } from '../guest/memory.js';
import { bindBlock } from '../interpreter/bind-block.js';
import type { ColdCode } from '../interpreter/cold-code.js';
import type { Machine } from '../interpreter/machine.js';
import type { IrBlock } from '../ir/block.js';
import type { Builder } from '../ir/builder.js';
import { type Location, locationIsBigEndian, locationIsThumb, locationOf, locationPc } from '../ir/location.js';
import { removeDeadSets } from '../ir/passes/dead-sets.js';
import { ExitReason } from '../ir/terminal.js';
import type { BlockCallouts } from './block-callouts.js';
import type { CallProbes } from './call-probe.js';
import { type ExecBlock, makeSegments } from './exec-block.js';
import type { ExecCtx } from './exec-ctx.js';
import type { HostCallbacks } from './host-callbacks.js';
import { Instrument, type SlowPaths } from './instrument.js';
import { StalkerIterator } from './iterator.js';
import { ASIDE, type FollowOptions, isFollow, MAX_BLOCK_INSNS } from './options.js';
import { keepEverything, type Transformer } from './transformer.js';

/** How often a transformer is asked for one translation, at most. */
const MAX_PASSES = 16;

/** What one run of the lifter made of some code: the same for every thread that is followed in the same way. */
interface Translation {
  readonly irs: readonly IrBlock[];
  readonly colds: readonly ColdCode[];
  readonly endAddress: GuestAddr;
  readonly snapshot: Uint8Array;
  readonly hasExclusiveLoad: boolean;
  readonly hasExclusiveStore: boolean;
}

export interface CompilerParts {
  readonly machine: Machine;
  readonly sites: SiteTable;
  readonly probes: CallProbes;
  readonly blockCallouts: BlockCallouts;
  readonly callbacks: HostCallbacks;
  readonly slowPaths: SlowPaths;
}

export class Compiler {
  readonly blockCallouts: BlockCallouts;
  private shared = new WeakMap<FollowOptions, Map<Location, Translation>>();
  private readonly machine: Machine;
  private readonly sites: SiteTable;
  private readonly probes: CallProbes;
  private readonly callbacks: HostCallbacks;
  private readonly slowPaths: SlowPaths;
  /** Whose transformer is running. */
  private transforming: ExecCtx | undefined;

  constructor(parts: CompilerParts) {
    this.machine = parts.machine;
    this.sites = parts.sites;
    this.probes = parts.probes;
    this.blockCallouts = parts.blockCallouts;
    this.callbacks = parts.callbacks;
    this.slowPaths = parts.slowPaths;
  }

  /** The halfword at a code address, or undefined when the guest may not execute there. */
  readonly readCode = (addr: GuestAddr): number | undefined => {
    const { memory } = this.machine;
    return ((memory.permissions[addr >>> PAGE_SHIFT] as number) & Permission.EXECUTE) === 0
      ? undefined
      : memory.view.getUint16(addr, true);
  };

  /** Whether the first instruction at a location can be fetched. */
  canFetch(location: Location): boolean {
    const pc = locationPc(location);
    const first = this.readCode(pc);
    if (first === undefined) return false;
    const isNarrow = locationIsThumb(location) && !isWideThumb(first);
    return isNarrow || this.readCode((pc + 2) >>> 0) !== undefined;
  }

  /**
   * Fills `block` with a translation of the code as it is now; an earlier one's callouts are released. Threads followed
   * with the same options and no transformer share the work.
   */
  compile(ctx: ExecCtx, block: ExecBlock): void {
    if (this.transforming !== undefined) {
      throw new UsageError('a transformer cannot have blocks translated', {
        hint: 'do that from a callout or outside',
      });
    }
    this.blockCallouts.clear(block);
    block.invalidated = false;
    const shared = this.sharedWith(ctx, block);
    let translation = shared?.get(block.location);
    if (translation === undefined || !this.isCurrent(block, translation)) {
      translation = this.translate(ctx, block);
      shared?.set(block.location, translation);
    }
    block.end = translation.endAddress + (locationIsThumb(block.location) ? 1 : 0);
    block.realSize = translation.snapshot.length;
    block.snapshot = translation.snapshot;
    block.hasExclusiveLoad = translation.hasExclusiveLoad;
    block.hasExclusiveStore = translation.hasExclusiveStore;
    block.segments = makeSegments(block, translation.irs, translation.colds);
  }

  /** Where translations like this one are kept for other threads; undefined when it is this block's alone. */
  private sharedWith(ctx: ExecCtx, block: ExecBlock): Map<Location, Translation> | undefined {
    const { options } = ctx;
    const isOwn = options.transformer !== undefined || block.usesExclusiveAccess || this.isProbed(ctx, block);
    // An aside's block ends before a guarded address; that depends on the thread.
    if (options === ASIDE && ctx.guards.size > 0) return undefined;
    if (isOwn) return undefined;
    let shared = this.shared.get(options);
    if (shared === undefined) {
      shared = new Map();
      this.shared.set(options, shared);
    }
    return shared;
  }

  /** Whether the code is still what a shared translation was made of. */
  private isCurrent(block: ExecBlock, { snapshot }: Translation): boolean {
    const { u8 } = this.machine.memory;
    for (let i = 0; i < snapshot.length; i++) if (u8[block.realStart + i] !== snapshot[i]) return false;
    return snapshot.length > 0;
  }

  /** Translations made before exclusions changed are not for use any more. */
  forgetShared(): void {
    this.shared = new WeakMap();
  }

  /** A transformer that excludes or probes what this block depends on is asked again, until nothing of that changes. */
  private translate(ctx: ExecCtx, block: ExecBlock): Translation {
    const { exclusions } = this.slowPaths;
    for (let pass = 0; pass < MAX_PASSES; pass++) {
      const [excluded, isProbed] = [exclusions.all, this.isProbed(ctx, block)];
      const made = this.attempt(ctx, block, ctx.transformer);
      if (made === undefined) return this.untouched(ctx, block);
      if (exclusions.all === excluded && this.isProbed(ctx, block) === isProbed) return made;
      this.blockCallouts.clear(block);
      block.invalidated = false;
    }
    const { transform } = ctx.transformer;
    this.callbacks.run('transformer', block.start, transform, () => {
      throw new UsageError(`it changed what is excluded or probed each of the ${MAX_PASSES} times it was asked`);
    });
    return this.untouched(ctx, block);
  }

  /** Its transformer failed: the thread leaves before it runs this block, which is kept as it is. */
  private untouched(ctx: ExecCtx, block: ExecBlock): Translation {
    this.blockCallouts.clear(block);
    ctx.leave();
    return this.attempt(ctx, block, keepEverything) as Translation;
  }

  /** Undefined when the transformer throws. */
  private attempt(ctx: ExecCtx, block: ExecBlock, transformer: Transformer): Translation | undefined {
    const { options } = ctx;
    const quiet = options.profile === 'gum' && block.usesExclusiveAccess;
    const instrument = new Instrument(options, this.sites, this.slowPaths, quiet);
    const lifter = new BlockLifter(
      block.location,
      this.readCode,
      {
        beforeInsn: (b, insn) => instrument.beforeInsn(b, insn),
        onTransfer: (b, transfer) => instrument.transfer(b, transfer),
      },
      { itGroups: options.profile === 'gum' ? 'whole' : 'separate', maxInsns: MAX_BLOCK_INSNS },
    );
    instrument.ringCheck(lifter.builder);
    if (options === ASIDE) leaveWhenCallIsLeft(lifter.builder);
    if (this.isProbed(ctx, block)) lifter.builder.callout(this.blockCallouts.addProbes(ctx, block));
    instrument.blockEntry(lifter.builder, block.start);
    const place = this.blockCallouts.placer(ctx, block);
    const iterator = new StalkerIterator(lifter, block, place, this.limitOf(ctx, block, lifter));
    if (!this.transform(ctx, block, iterator, transformer)) return undefined;
    return this.finish(block, lifter, iterator, instrument);
  }

  /** What the lifter has written, made ready for the cold tier. */
  private finish(
    block: ExecBlock,
    lifter: BlockLifter,
    iterator: StalkerIterator,
    instrument: Instrument,
  ): Translation {
    const irs = lifter.finish();
    instrument.dropIdleCheck(irs);
    for (const ir of irs) {
      foldConditions(ir);
      removeDeadSets(ir);
    }
    const { endAddress } = lifter;
    instrument.finish(
      endAddress + (locationIsThumb(block.location) ? 1 : 0),
      irs.map((ir) => ir.insnCount),
    );
    return {
      irs,
      colds: irs.map((ir) => bindBlock(ir, this.machine.constants)),
      endAddress,
      snapshot: this.machine.memory.u8.slice(block.realStart, this.snapshotEnd(block, endAddress)),
      hasExclusiveLoad: iterator.keptExclusiveLoad,
      hasExclusiveStore: iterator.keptExclusiveStore,
    };
  }

  /** An aside's block ends before a guarded address, so that control comes there by dispatch. */
  private limitOf(ctx: ExecCtx, { location }: ExecBlock, lifter: BlockLifter): () => boolean {
    if (ctx.options !== ASIDE || ctx.guards.size === 0) return () => true;
    const isBigEndian = locationIsBigEndian(location);
    const bit = locationIsThumb(location) ? 1 : 0;
    return () => !ctx.guards.has(locationOf(lifter.endAddress + bit, isBigEndian));
  }

  /** An instruction that is not one counts too: it may be patched. One that cannot be fetched has no bytes. */
  private snapshotEnd({ location, realStart }: ExecBlock, endAddress: GuestAddr): GuestAddr {
    if (endAddress > realStart || !this.canFetch(location)) return Math.max(realStart, endAddress);
    return realStart + (this.readCode(realStart + 2) === undefined ? 2 : 4);
  }

  /** Whether a block of the context is being translated: it must not go before that is done. */
  isTransforming(ctx: ExecCtx): boolean {
    return this.transforming === ctx;
  }

  /** Probes are for followed threads. */
  private isProbed({ options }: ExecCtx, { start }: ExecBlock): boolean {
    return isFollow(options) && this.probes.has(start);
  }

  /** Lets the transformer see the block; false when it failed. */
  private transform(ctx: ExecCtx, block: ExecBlock, iterator: StalkerIterator, transformer: Transformer): boolean {
    ctx.pendingCalls++;
    this.transforming = ctx;
    try {
      const { transform } = transformer;
      return this.callbacks.run('transformer', block.start, transform, () => transformer.transform(iterator));
    } finally {
      this.transforming = undefined;
      ctx.pendingCalls--;
      iterator.close();
    }
  }
}

/** An excluded call was left without returning when sp is above where it began: the engine must know. */
const leaveWhenCallIsLeft = (b: Builder): void => {
  b.trapIf(b.ltU(b.get(Word.ASIDE_SP), b.get(Word.SP)), ExitReason.DRAIN);
};
