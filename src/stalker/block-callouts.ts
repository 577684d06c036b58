/**
 * The callouts of a block: its probes and what a transformer placed in it. They are made with a translation and go with it.
 */
import type { GuestAddr, InterworkingAddr } from '../bits.js';
import { Word } from '../guest/cpu-state.js';
import { locationIsThumb } from '../ir/location.js';
import type { CallProbes } from './call-probe.js';
import type { CalloutTable } from './callouts.js';
import { CpuContext } from './cpu-context.js';
import type { ExecBlock } from './exec-block.js';
import type { ExecCtx } from './exec-ctx.js';
import type { HostCallbacks } from './host-callbacks.js';
import type { CalloutFunction, PlaceCallout } from './iterator.js';

export class BlockCallouts {
  private readonly words: Int32Array;
  private readonly callouts: CalloutTable;
  private readonly callbacks: HostCallbacks;
  private readonly probes: CallProbes;

  constructor(words: Int32Array, callouts: CalloutTable, callbacks: HostCallbacks, probes: CallProbes) {
    this.words = words;
    this.callouts = callouts;
    this.callbacks = callbacks;
    this.probes = probes;
  }

  /** The callout that fires the probes at the block's start; its number. */
  addProbes(ctx: ExecCtx, block: ExecBlock): number {
    const id = this.callouts.add(() => {
      ctx.pendingCalls++;
      try {
        this.probes.fire(block.start);
      } finally {
        ctx.pendingCalls--;
      }
    });
    block.callouts.push(id);
    return id;
  }

  /** How the block's transformer gets its callouts. */
  placer(ctx: ExecCtx, block: ExecBlock): PlaceCallout {
    return (pc: GuestAddr, callout, destroy) => {
      const at = (pc + (locationIsThumb(block.location) ? 1 : 0)) >>> 0;
      const id = this.callouts.add(() => this.run(ctx, at, callout), destroy);
      block.callouts.push(id);
      return id;
    };
  }

  /** Calls one with the live registers, pc at its instruction; the thread is not left meanwhile. */
  private run(ctx: ExecCtx, at: InterworkingAddr, callout: CalloutFunction): void {
    const pc = (at & ~1) >>> 0;
    this.words[Word.PC] = pc | 0;
    const registers = new CpuContext(this.words, pc);
    ctx.pendingCalls++;
    try {
      this.callbacks.run('callout', at, callout, () => callout(registers));
    } finally {
      registers.close();
      ctx.pendingCalls--;
    }
  }

  /** Releases those of a translation that may be under way. */
  clear(block: ExecBlock): void {
    for (const id of block.callouts) this.callouts.release(id);
    block.callouts = [];
  }

  /** The same of one that is not. */
  dispose(block: ExecBlock): void {
    for (const id of block.callouts) this.callouts.drop(id);
    block.callouts = [];
  }
}
