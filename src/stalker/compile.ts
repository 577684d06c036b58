/** Translates one block: lift, transformer, instrumentation, and the cold code that runs at once. */
import { isWideThumb } from '../arm/decode.js';
import { BlockLifter } from '../arm/lift-block.js';
import type { GuestAddr } from '../bits.js';
import type { SiteTable } from '../events/ring.js';
import { PAGE_SHIFT } from '../guest/layout.js';
import { Permission } from '../guest/memory.js';
import { bindBlock } from '../interpreter/bind-block.js';
import type { ColdCode } from '../interpreter/cold-code.js';
import type { Machine } from '../interpreter/machine.js';
import type { IrBlock } from '../ir/block.js';
import { type Location, locationIsThumb, locationPc } from '../ir/location.js';
import { removeDeadSets } from '../ir/passes/dead-sets.js';
import type { CallProbes } from './call-probe.js';
import type { CalloutTable } from './callouts.js';
import type { ExecBlock, Segment } from './exec-block.js';
import type { ExecCtx } from './exec-ctx.js';
import { Instrument, type SlowPaths } from './instrument.js';
import { StalkerIterator } from './iterator.js';
import { type FollowOptions, MAX_BLOCK_INSNS } from './options.js';

/** What one run of the lifter made of some code: the same for every thread that is followed in the same way. */
interface Translation {
  readonly irs: readonly IrBlock[];
  readonly colds: readonly ColdCode[];
  readonly endAddress: GuestAddr;
  readonly snapshot: Uint8Array;
  readonly hasExclusiveLoad: boolean;
  readonly hasExclusiveStore: boolean;
}

export class Compiler {
  private readonly shared = new WeakMap<FollowOptions, Map<Location, Translation>>();
  private readonly machine: Machine;
  private readonly sites: SiteTable;
  private readonly probes: CallProbes;
  private readonly callouts: CalloutTable;
  private readonly slowPaths: SlowPaths;

  constructor(machine: Machine, sites: SiteTable, probes: CallProbes, callouts: CalloutTable, slowPaths: SlowPaths) {
    this.machine = machine;
    this.sites = sites;
    this.probes = probes;
    this.callouts = callouts;
    this.slowPaths = slowPaths;
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
    this.clear(block);
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
    block.segments = makeSegments(block, translation);
    block.invalidated = false;
  }

  /** Where translations like this one are kept for other threads; undefined when it is this block's alone. */
  private sharedWith(ctx: ExecCtx, block: ExecBlock): Map<Location, Translation> | undefined {
    const { options } = ctx;
    const isOwn = options.transformer !== undefined || block.usesExclusiveAccess || this.probes.has(block.start);
    if (isOwn) return undefined;
    let shared = this.shared.get(options);
    if (shared === undefined) {
      shared = new Map();
      this.shared.set(options, shared);
    }
    return shared;
  }

  private isCurrent(block: ExecBlock, { snapshot }: Translation): boolean {
    const { u8 } = this.machine.memory;
    for (let i = 0; i < snapshot.length; i++) if (u8[block.realStart + i] !== snapshot[i]) return false;
    return snapshot.length > 0;
  }

  private translate(ctx: ExecCtx, block: ExecBlock): Translation {
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
    this.probeCall(ctx, block, lifter);
    instrument.blockEntry(lifter.builder, block.start);
    const iterator = this.transform(ctx, block, lifter);
    const irs = lifter.finish();
    for (const ir of irs) removeDeadSets(ir);
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

  /** An instruction that is not one counts too: it may be patched. One that cannot be fetched has no bytes. */
  private snapshotEnd({ location, realStart }: ExecBlock, endAddress: GuestAddr): GuestAddr {
    if (endAddress > realStart || !this.canFetch(location)) return Math.max(realStart, endAddress);
    return realStart + (this.readCode(realStart + 2) === undefined ? 2 : 4);
  }

  /** Releases what a translation holds on to. */
  clear(block: ExecBlock): void {
    for (const id of block.callouts) this.callouts.release(id);
    block.callouts = [];
  }

  private probeCall(ctx: ExecCtx, block: ExecBlock, lifter: BlockLifter): void {
    if (!this.probes.has(block.start)) return;
    const id = this.callouts.add(() => {
      ctx.pendingCalls++;
      try {
        this.probes.fire(block.start);
      } finally {
        ctx.pendingCalls--;
      }
    });
    block.callouts.push(id);
    lifter.builder.callout(id);
  }

  private transform(ctx: ExecCtx, block: ExecBlock, lifter: BlockLifter): StalkerIterator {
    const iterator = new StalkerIterator(lifter, block, this.callouts);
    ctx.pendingCalls++;
    try {
      ctx.transformer.transform(iterator);
    } finally {
      ctx.pendingCalls--;
      iterator.close();
    }
    return iterator;
  }
}

const makeSegments = (owner: ExecBlock, { irs, colds }: Translation): Segment[] => {
  const segments: Segment[] = irs.map((ir, i) => ({
    owner,
    ir,
    cold: colds[i] as ColdCode,
    next: undefined,
    linkTo: undefined,
    linkOtherwise: undefined,
    heat: 0,
  }));
  for (let i = 0; i + 1 < segments.length; i++) (segments[i] as Segment).next = segments[i + 1];
  return segments;
};
