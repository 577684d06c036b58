/** Which blocks of which threads are to be translated anew: Frida's invalidate and recompile, for one thread or all. */
import { type GuestAddr, hex, type InterworkingAddr } from '../bits.js';
import { UsageError } from '../errors.js';
import { locationOf } from '../ir/location.js';
import type { BlockCache } from './block-cache.js';
import type { Exclusions } from './exclusion.js';
import type { ExecBlock } from './exec-block.js';
import type { ExecCtx } from './exec-ctx.js';
import type { ThreadContexts } from './thread-contexts.js';

export class Invalidation {
  private readonly threads: ThreadContexts;
  private readonly cache: BlockCache;

  constructor(threads: ThreadContexts, cache: BlockCache) {
    this.threads = threads;
    this.cache = cache;
  }

  /** Contexts of one thread or all, asides included. */
  private *contexts(tid: number | undefined): Iterable<ExecCtx> {
    for (const ctx of this.threads.all()) {
      if (tid !== undefined && ctx.tid !== tid) continue;
      yield ctx;
      if (ctx.aside !== undefined) yield ctx.aside;
    }
  }

  /** Invalidates the block at `address` for every thread. */
  everywhere(address: InterworkingAddr): void {
    for (const { mappings } of this.contexts(undefined)) this.drop(mappings.get(locationOf(address)));
  }

  /** Lazily, the block at exactly this address. */
  at(address: InterworkingAddr, tid: number | undefined): void {
    let isElsewhere = false;
    let isKnown = false;
    for (const { mappings } of this.contexts(tid)) {
      const block = mappings.get(locationOf(address));
      isKnown ||= block !== undefined;
      isElsewhere ||= mappings.has(locationOf((address ^ 1) >>> 0));
      this.drop(block);
    }
    if (isElsewhere && !isKnown) throw wrongState(address);
  }

  /** Invalidates a block, if there is one. */
  private drop(block: ExecBlock | undefined): void {
    if (block !== undefined) this.cache.invalidate(block);
  }

  /** Invalidates the blocks that touch bytes [start, end), of one thread or of all. */
  range(start: GuestAddr, end: GuestAddr, tid: number | undefined): void {
    for (const { blocks } of this.contexts(tid)) {
      for (const block of blocks) {
        if (block.realStart < end && block.realStart + Math.max(1, block.realSize) > start)
          this.cache.invalidate(block);
      }
    }
  }

  /** At once. */
  now(address: InterworkingAddr, tid: number | undefined): void {
    for (const ctx of this.contexts(tid)) {
      const block = ctx.mappings.get(locationOf(address));
      if (block !== undefined) this.cache.recompile(ctx, block);
    }
  }

  /** Blocks that end with a call which is or may be excluded: they were made when it was not. */
  callers(exclusions: Exclusions): void {
    for (const { blocks } of this.contexts(undefined)) {
      for (const block of blocks) if (mayCall(block, exclusions)) this.cache.invalidate(block);
    }
  }

  /** The trust threshold has changed: nothing leads to blocks without asking that are not trusted now. */
  untrusted(): void {
    for (const ctx of this.contexts(undefined)) this.cache.unlinkUntrusted(ctx);
  }
}

/** Whether the block ends with a call into one of the ranges, or with one that may go anywhere. */
const mayCall = ({ segments }: ExecBlock, exclusions: Exclusions): boolean =>
  segments.some(({ ir: { terminal } }) => {
    if (!('flow' in terminal) || terminal.flow !== 'call') return false;
    return terminal.kind === 'indirect' || exclusions.covers(terminal.to);
  });

/** The error of an address with the wrong bit 0. */
const wrongState = (address: InterworkingAddr): UsageError =>
  new UsageError(`no block starts at ${hex(address)}, but one does at ${hex(address ^ 1)}`, {
    hint: 'bit 0 of an address tells Thumb code from ARM code',
  });
