/**
 * When a followed thread is not traced: excluded calls, and deactivation. Its context, translations, frames and trust
 * stay; it runs the blocks of an `aside` context, which record nothing.
 *
 * An excluded call is over when control reaches its return address with the sp it began with; that address is guarded in
 * the aside, so it is always dispatched. If sp rises above that value the call was left some other way (longjmp, an
 * exception): blocks of the aside check that at their entry and come out.
 */
import type { InterworkingAddr } from '../bits.js';
import { FRAME_BYTES } from '../events/ring.js';
import { Word } from '../guest/cpu-state.js';
import { type Location, locationAddress, locationIsBigEndian, locationOf, locationPc } from '../ir/location.js';
import type { BlockCache } from './block-cache.js';
import type { EventRing } from './event-ring.js';
import { ExecCtx } from './exec-ctx.js';
import { ASIDE } from './options.js';

/** ASIDE_SP when no sp means that a call was left. */
const NO_CALL = -1;

export class Activation {
  private readonly words: Int32Array;
  private readonly cache: BlockCache;
  private readonly ring: EventRing;
  private readonly returnSites: ReadonlySet<number>;

  /** `returnSites`: addresses some translated call returns to. */
  constructor(words: Int32Array, cache: BlockCache, ring: EventRing, returnSites: ReadonlySet<number>) {
    this.returnSites = returnSites;
    this.words = words;
    this.cache = cache;
    this.ring = ring;
  }

  /** The thread's sp, as u32. */
  private get sp(): number {
    return (this.words[Word.SP] as number) >>> 0;
  }

  /** The block under way ends with a call into an excluded range. */
  noteExcludedCall(ctx: ExecCtx): void {
    if (ctx.activationTarget !== undefined || !ctx.isActive) return;
    ctx.entersExcluded = true;
    ctx.mustDispatch = true;
  }

  /** Frida's begin_call: the excluded call is about to enter its target, with no frame of its own. */
  beginCall(ctx: ExecCtx, at: Location): void {
    ctx.entersExcluded = false;
    this.popFrame(ctx, (this.words[Word.LR] as number) >>> 0, this.sp);
    this.enterAside(ctx, at, false);
  }

  /** A kernel helper was reached, by a call or a branch: it runs untraced and returns to LR. */
  beginHelper(ctx: ExecCtx, at: Location): void {
    this.enterAside(ctx, at, true);
  }

  /** From the next block on the thread runs its aside, until control comes back to LR. */
  private enterAside(ctx: ExecCtx, at: Location, hasFrame: boolean): void {
    const returnAddress = (this.words[Word.LR] as number) >>> 0;
    ctx.excludedCalls.push({ returnAddress, sp: this.sp, hasFrame });
    ctx.pendingCalls++;
    ctx.running = asideOf(ctx);
    this.cache.guard(asideOf(ctx), locationOf(returnAddress, locationIsBigEndian(at)));
  }

  /** Dispatch to `at` while excluded calls are open: those that are over end here, and tracing resumes. */
  whileCalling(ctx: ExecCtx, at: Location): void {
    const address = locationAddress(at);
    const { sp } = this;
    for (let top = ctx.excludedCalls.at(-1); top !== undefined; top = ctx.excludedCalls.at(-1)) {
      const hasReturned = address === top.returnAddress && sp === top.sp;
      if (!hasReturned && sp <= top.sp) break;
      ctx.excludedCalls.pop();
      ctx.pendingCalls--;
      if (hasReturned && top.hasFrame) this.popFrame(ctx, address);
      if (!hasReturned) this.dropFrames(ctx, address);
      ctx.running = ctx;
      if (hasReturned) break;
    }
  }

  /** Control has jumped out of an excluded call to `address`: under `precise`, the frames it left behind go. */
  private dropFrames(ctx: ExecCtx, address: InterworkingAddr): void {
    const { shadowStack, options } = ctx;
    if (shadowStack === undefined || options.profile !== 'precise') return;
    const top = (this.words[Word.SHADOW_TOP] as number) >>> 0;
    const left = shadowStack.unwind(top, address, this.sp, this.returnSites.has(address));
    if (left !== top) this.ring.setShadowTop(ctx, left);
  }

  /** Pops the top frame if it returns to `address` (with `sp`, when that is given). */
  private popFrame(ctx: ExecCtx, address: InterworkingAddr, sp?: number): void {
    const { shadowStack } = ctx;
    if (shadowStack === undefined) return;
    const top = (this.words[Word.SHADOW_TOP] as number) >>> 0;
    const frame = top - FRAME_BYTES;
    if (frame < shadowStack.base || shadowStack.returnAddress(frame) !== address) return;
    if (sp === undefined || shadowStack.sp(frame) === sp) this.ring.setShadowTop(ctx, frame);
  }

  /** Tracing goes on with the next block; until `target` is dispatched to, no call is excluded. */
  activate(ctx: ExecCtx, target: Location | undefined): void {
    ctx.activationPoint = undefined;
    ctx.activationTarget = target;
    if (target !== undefined) this.cache.guard(ctx, target);
    // An excluded call inside which this happens still ends where it returns to.
    for (const call of ctx.excludedCalls) this.cache.guard(ctx, locationOf(call.returnAddress));
    ctx.running = ctx;
    ctx.mustDispatch = true;
  }

  /** Nothing is traced any more until `activate`; open excluded calls are forgotten. */
  deactivate(ctx: ExecCtx): void {
    ctx.activationTarget = undefined;
    ctx.entersExcluded = false;
    ctx.pendingCalls -= ctx.excludedCalls.length;
    ctx.excludedCalls = [];
    ctx.mustDispatch = true;
    ctx.running = asideOf(ctx);
  }

  /** The guest called DEACTIVATE. Under `precise` the frame of that call goes, since nothing will see its return. */
  deactivateOnRequest(ctx: ExecCtx): void {
    this.deactivate(ctx);
    if (ctx.options.profile === 'precise') this.popFrame(ctx, (this.words[Word.LR] as number) >>> 0);
  }

  /** Not traced until control reaches `point`, be it in the middle of what was one block so far. */
  waitFor(ctx: ExecCtx, point: Location): void {
    this.deactivate(ctx);
    ctx.activationPoint = point;
    const aside = asideOf(ctx);
    this.cache.guard(aside, point);
    const address = locationPc(point);
    for (const block of aside.blocks) {
      if (block.realStart < address && address < block.realStart + block.realSize) this.cache.invalidate(block);
    }
  }

  /** The live thread goes on with `ctx`. */
  install(ctx: ExecCtx): void {
    this.words[Word.ASIDE_SP] = limitOf(ctx);
  }
}

/** The sp above which the innermost excluded call has been left. */
const limitOf = (ctx: ExecCtx): number => (ctx.excludedCalls.at(-1)?.sp ?? NO_CALL) | 0;

/** The context's aside, made when it is first needed. */
const asideOf = (ctx: ExecCtx): ExecCtx => {
  ctx.aside ??= new ExecCtx(ctx.tid, ASIDE, undefined);
  return ctx.aside;
};
