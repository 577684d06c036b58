/** Translates one block: lift, transformer, instrumentation, and the cold code that runs at once. */
import { BlockLifter } from '../arm/lift-block.js';
import type { GuestAddr } from '../bits.js';
import type { SiteTable } from '../events/ring.js';
import { PAGE_SHIFT } from '../guest/layout.js';
import { Permission } from '../guest/memory.js';
import { bindBlock } from '../interpreter/bind-block.js';
import type { Machine } from '../interpreter/machine.js';
import type { IrBlock } from '../ir/block.js';
import { locationIsThumb } from '../ir/location.js';
import type { CallProbes } from './call-probe.js';
import type { CalloutTable } from './callouts.js';
import type { ExecBlock, Segment } from './exec-block.js';
import type { ExecCtx } from './exec-ctx.js';
import { Instrument, type SlowPaths } from './instrument.js';
import { StalkerIterator } from './iterator.js';
import { MAX_BLOCK_INSNS } from './options.js';

export class Compiler {
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

  /** Fills `block` with a fresh translation; an earlier one's callouts are released. */
  compile(ctx: ExecCtx, block: ExecBlock): void {
    this.clear(block);
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
    this.transform(ctx, block, lifter);
    const irs = lifter.finish();
    block.end = lifter.endAddress + (locationIsThumb(block.location) ? 1 : 0);
    block.realSize = Math.max(0, lifter.endAddress - block.realStart);
    instrument.finish(
      block.end,
      irs.map((ir) => ir.insnCount),
    );
    block.segments = this.segments(block, irs);
    this.remember(block);
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

  private transform(ctx: ExecCtx, block: ExecBlock, lifter: BlockLifter): void {
    const iterator = new StalkerIterator(lifter, block, this.callouts);
    ctx.pendingCalls++;
    try {
      ctx.transformer.transform(iterator);
    } finally {
      ctx.pendingCalls--;
      iterator.close();
    }
  }

  private segments(block: ExecBlock, irs: readonly IrBlock[]): Segment[] {
    const segments: Segment[] = irs.map((ir) => ({
      owner: block,
      ir,
      cold: bindBlock(ir, this.machine.constants),
      next: undefined,
      linkTo: undefined,
      linkOtherwise: undefined,
      heat: 0,
    }));
    for (let i = 0; i + 1 < segments.length; i++) (segments[i] as Segment).next = segments[i + 1];
    return segments;
  }

  private remember(block: ExecBlock): void {
    const { memory } = this.machine;
    const end = block.realStart + block.realSize;
    block.snapshot = memory.u8.slice(block.realStart, end);
    block.invalidated = false;
  }
}
