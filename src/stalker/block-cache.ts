/**
 * Frida's block cache: obtain a block for a location (found and trusted, found and compared, or translated), link exits
 * to trusted blocks, invalidate. A block object lives as long as its context; a new translation replaces its segments,
 * and no link may lead to it until it is trusted again.
 */
import type { GuestAddr } from '../bits.js';
import type { GuestMemory } from '../guest/memory.js';
import { type Location, locationAddress } from '../ir/location.js';
import { CodePages } from './code-pages.js';
import type { Compiler } from './compile.js';
import { blocksMadeExclusive, inheritsExclusiveAccess } from './exclusive-access.js';
import { ExecBlock, type Segment } from './exec-block.js';
import { CtxState, type ExecCtx } from './exec-ctx.js';
import { isFridaLink } from './observer.js';
import { DEFAULT_TRUST_THRESHOLD } from './options.js';

export interface BlockCacheStats {
  compiles: number;
  recompiles: number;
  links: number;
  invalidations: number;
}

/** Told about translations; the engine records COMPILE and drops hot code. */
export interface BlockCacheListener {
  compiled(ctx: ExecCtx, block: ExecBlock): void;
  unlinked(block: ExecBlock): void;
}

export class BlockCache {
  readonly stats: BlockCacheStats = { compiles: 0, recompiles: 0, links: 0, invalidations: 0 };
  /** Unchanged re-visits before a block is trusted: -1 never, 0 at once. */
  trustThreshold = DEFAULT_TRUST_THRESHOLD;
  private readonly memory: GuestMemory;
  private readonly compiler: Compiler;
  private readonly listener: BlockCacheListener;
  private readonly codePages: CodePages;

  constructor(memory: GuestMemory, compiler: Compiler, listener: BlockCacheListener) {
    this.memory = memory;
    this.compiler = compiler;
    this.listener = listener;
    this.codePages = new CodePages(memory);
  }

  /** Frida's obtain_block_for. */
  obtain(ctx: ExecCtx, location: Location): ExecBlock {
    const block = ctx.mappings.get(location);
    if (block === undefined) return this.create(ctx, location);
    if (!block.invalidated && (this.isTrusted(block) || this.isUnchanged(block))) {
      if (this.trustThreshold > 0 && block.recycleCount < 0x7fff_ffff) block.recycleCount++;
    } else {
      this.recompile(ctx, block);
    }
    return block;
  }

  /** Obtains the block at `location` and counts it as revisited that often: at the threshold it is trusted at once. */
  prefetch(ctx: ExecCtx, location: Location, recycleCount: number): ExecBlock {
    const block = this.obtain(ctx, location);
    block.recycleCount = recycleCount;
    return block;
  }

  /** Whether it is no longer compared with its snapshot. What cannot be fetched never is: nobody tells when a page appears. */
  private isTrusted(block: ExecBlock): boolean {
    return this.trustThreshold >= 0 && block.recycleCount >= this.trustThreshold && block.realSize > 0;
  }

  /** Whether exits may lead here without asking, and hot code may be made of it. */
  mayBeLinked(block: ExecBlock): boolean {
    return !block.guarded && this.isTrusted(block);
  }

  /** Whether the code is still what was translated; where nothing could be fetched, whether that is still so. */
  private isUnchanged(block: ExecBlock): boolean {
    const { snapshot, realStart } = block;
    if (snapshot.length === 0) return !this.compiler.canFetch(block.location);
    const { u8 } = this.memory;
    for (let i = 0; i < snapshot.length; i++) if (u8[realStart + i] !== snapshot[i]) return false;
    return true;
  }

  /** The first translation at a location. */
  private create(ctx: ExecCtx, location: Location): ExecBlock {
    const block = new ExecBlock(location, locationAddress(location));
    block.guarded = ctx.guards.has(location);
    const isGum = ctx.options.profile === 'gum';
    if (isGum) block.usesExclusiveAccess = inheritsExclusiveAccess(ctx.blocks, block.realStart);
    this.translate(ctx, block);
    this.stats.compiles++;
    ctx.mappings.set(location, block);
    ctx.blocks.push(block);
    if (isGum) this.markExclusive(ctx);
    this.listener.compiled(ctx, block);
    return block;
  }

  /** Has the blocks of an LDREX/STREX pair translated again, without EXEC, once its store is known. */
  private markExclusive(ctx: ExecCtx): void {
    for (const block of blocksMadeExclusive(ctx.blocks)) {
      block.usesExclusiveAccess = true;
      this.invalidate(block);
    }
  }

  /** Translates `block` again at once. */
  recompile(ctx: ExecCtx, block: ExecBlock): void {
    if (!block.invalidated) this.drop(block);
    this.translate(ctx, block);
    this.stats.recompiles++;
    this.listener.compiled(ctx, block);
  }

  /** Fills the block from the code as it is now, and watches that code. */
  private translate(ctx: ExecCtx, block: ExecBlock): void {
    this.compiler.compile(ctx, block);
    // Under gum only cacheflush and the trust rule notice changed code (D8).
    if (!block.invalidated) this.codePages.add(block, ctx.options.profile === 'precise');
  }

  /**
   * Backpatches exit `to` (or `otherwise`) of `from` so that it leads to `target` without asking, if that is allowed;
   * whether it was.
   */
  link(ctx: ExecCtx, from: Segment, isTo: boolean, target: ExecBlock): boolean {
    if (ctx.state !== CtxState.ACTIVE || from.owner.invalidated || !this.mayBeLinked(target)) return false;
    // The thread has gone from its own blocks to its aside's, or back.
    if (ctx.mappings.get(from.owner.location) !== from.owner) return false;
    if (ctx.observer?.onSwitch !== undefined && !isFridaLink(from, isTo)) return false;
    if (isTo) from.linkTo = target;
    else from.linkOtherwise = target;
    target.linkedFrom.add(from);
    this.stats.links++;
    return true;
  }

  /** From now on `location` is only reached through dispatch. */
  guard(ctx: ExecCtx, location: Location): void {
    if (ctx.guards.has(location)) return;
    ctx.guards.add(location);
    const block = ctx.mappings.get(location);
    if (block === undefined) return;
    block.guarded = true;
    this.unlink(block);
  }

  /** Cuts what leads to the context's blocks without asking; each may be linked again as the trust rule says. */
  unlinkAll(ctx: ExecCtx): void {
    for (const block of ctx.blocks) this.unlink(block);
  }

  /** Cuts what leads to blocks that are not trusted (any more). */
  unlinkUntrusted(ctx: ExecCtx): void {
    for (const block of ctx.blocks) if (!this.mayBeLinked(block)) this.unlink(block);
  }

  /** The block's next entry translates it anew. */
  invalidate(block: ExecBlock): void {
    if (block.invalidated) return;
    this.stats.invalidations++;
    block.invalidated = true;
    this.drop(block);
  }

  /** Code in [start, end) may have changed: every block that overlaps it is invalidated. */
  codeChanged(start: GuestAddr, end: GuestAddr): void {
    for (const block of this.codePages.overlapping(start, end)) this.invalidate(block);
  }

  /** The context is going: nothing of it may be entered again. */
  dispose(ctx: ExecCtx): void {
    for (const block of ctx.blocks) {
      this.compiler.blockCallouts.dispose(block);
      if (!block.invalidated) this.drop(block);
      block.invalidated = true;
    }
    ctx.guards.clear();
    ctx.mappings.clear();
    ctx.blocks.length = 0;
  }

  /** Nothing leads to `block` without asking any more, and its pages are forgotten. */
  private drop(block: ExecBlock): void {
    this.codePages.remove(block);
    this.unlink(block);
  }

  /** Cuts every link that leads to `block` and drops the hot code that contains it. */
  private unlink(block: ExecBlock): void {
    for (const segment of block.linkedFrom) {
      if (segment.linkTo === block) segment.linkTo = undefined;
      if (segment.linkOtherwise === block) segment.linkOtherwise = undefined;
    }
    block.linkedFrom.clear();
    this.listener.unlinked(block);
  }
}
