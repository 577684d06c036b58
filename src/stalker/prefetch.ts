/** What an earlier run found out, put to use before this one needs it: blocks and the links between them. */
import type { InterworkingAddr } from '../bits.js';
import { locationOf } from '../ir/location.js';
import type { BlockCache } from './block-cache.js';
import type { Compiler } from './compile.js';
import { isKernelHelper } from './exclusion.js';
import type { ExecBlock, Segment } from './exec-block.js';
import type { ExecCtx } from './exec-ctx.js';
import type { Backpatch } from './observer.js';
import type { Tiering } from './tiering.js';

export class Prefetch {
  private readonly compiler: Compiler;
  private readonly cache: BlockCache;
  private readonly tiering: Tiering;

  constructor(compiler: Compiler, cache: BlockCache, tiering: Tiering) {
    this.compiler = compiler;
    this.cache = cache;
    this.tiering = tiering;
  }

  /** A revisit count at which a block is trusted. */
  private get trusted(): number {
    return Math.max(0, this.cache.trustThreshold);
  }

  /** The blocks at these addresses, as if each had been revisited `recycleCount` times, hot code included. */
  blocks(ctx: ExecCtx, addresses: Iterable<InterworkingAddr>, recycleCount = this.trusted): void {
    const blocks: ExecBlock[] = [];
    for (const address of addresses) {
      if (this.isCode(ctx, address)) blocks.push(this.cache.prefetch(ctx, address, recycleCount));
    }
    this.tiering.compileAll(
      ctx,
      blocks.filter((block) => this.cache.mayBeLinked(block)),
    );
  }

  /** The link as the record says, if that exit does lead there; whether it does. */
  backpatch(ctx: ExecCtx, { from, to, exit }: Backpatch): boolean {
    if (!this.isCode(ctx, from) || !this.isCode(ctx, to)) return false;
    const target = this.cache.prefetch(ctx, to, this.trusted);
    const segment = this.cache.prefetch(ctx, from, this.trusted).segments[exit >> 1];
    const isTo = (exit & 1) === 0;
    return segment !== undefined && exitOf(segment, isTo) === to && this.cache.link(ctx, segment, isTo, target);
  }

  /** Whether the context may have a block there: what can be fetched, less what Frida never translates. */
  private isCode(ctx: ExecCtx, address: InterworkingAddr): boolean {
    if (ctx.options.profile === 'gum' && isKernelHelper(address)) return false;
    return this.compiler.canFetch(locationOf(address));
  }
}

/** Where a direct exit leads. */
const exitOf = ({ ir: { terminal } }: Segment, isTo: boolean): number | undefined => {
  if (terminal.kind === 'branch') return isTo ? terminal.to : terminal.otherwise;
  return terminal.kind === 'jump' && isTo ? terminal.to : undefined;
};
