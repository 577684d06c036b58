/**
 * The shadow stack of a thread, in linear memory so that translated code pushes and pops it inline. A frame is two
 * words: the return address (interworking) and sp at the call. It grows upwards from a sentinel that matches no return;
 * one spare frame above the limit takes the store of a push that does not count.
 *
 * `precise`: a return whose target and sp equal the top frame's pops it. Frames whose sp lies below the current sp belong
 * to activations that are gone (longjmp, exceptions): they are dropped at the next call, jump or return (`dropStale`).
 * A return of return class that does not match comes to `unwind`. `gum`: capacity 1023, only the top frame is compared, and only its address.
 */

import { FRAME_BYTES } from '../events/ring.js';
import { Word } from '../guest/cpu-state.js';
import { SHADOW_STACKS, SHADOW_STACKS_BYTES } from '../guest/layout.js';
import type { Profile } from './options.js';

const AREA_BYTES = 0x80_0000;
const AREAS = SHADOW_STACKS_BYTES / AREA_BYTES;
const GUM_FRAMES = 1023;
const SENTINEL = -1;

/** Hands out shadow stack areas; an area is reused when its thread has gone. */
export class ShadowStacks {
  private readonly words: Int32Array;
  private readonly free: number[] = [];
  private used = 0;

  constructor(words: Int32Array) {
    this.words = words;
  }

  /** A new empty stack, or undefined when every area is taken. */
  allocate(profile: Profile): ShadowStack | undefined {
    const index = this.free.pop() ?? (this.used < AREAS ? this.used++ : undefined);
    return index === undefined ? undefined : new ShadowStack(this.words, index, profile);
  }

  release(stack: ShadowStack): void {
    this.free.push(stack.index);
  }
}

/** One open call. */
export interface ShadowFrame {
  readonly returnAddress: number;
  readonly sp: number;
}

export class ShadowStack {
  readonly index: number;
  /** Byte address of frame 0. */
  readonly base: number;
  /** Byte address a full stack's top has. */
  readonly limit: number;
  private readonly words: Int32Array;

  constructor(words: Int32Array, index: number, profile: Profile) {
    this.words = words;
    this.index = index;
    const area = SHADOW_STACKS + index * AREA_BYTES;
    this.base = area + FRAME_BYTES;
    const capacity = profile === 'gum' ? GUM_FRAMES : AREA_BYTES / FRAME_BYTES - 2;
    this.limit = this.base + capacity * FRAME_BYTES;
    words[area >>> 2] = SENTINEL;
    words[(area >>> 2) + 1] = SENTINEL;
  }

  /** Open calls, outermost first, given the byte address of the top; only the innermost `limit`. */
  frames(top: number, limit: number): ShadowFrame[] {
    const frames: ShadowFrame[] = [];
    for (let at = Math.max(this.base, top - limit * FRAME_BYTES); at < top; at += FRAME_BYTES) {
      frames.push({ returnAddress: this.returnAddress(at), sp: this.sp(at) });
    }
    return frames;
  }

  private returnAddress(at: number): number {
    return (this.words[at >>> 2] as number) >>> 0;
  }

  private sp(at: number): number {
    return (this.words[(at >>> 2) + 1] as number) >>> 0;
  }

  /** The new top (byte address) once the frames that `sp` has left behind are gone. */
  dropStale(top: number, sp: number): number {
    let at = top;
    while (at > this.base && this.sp(at - FRAME_BYTES) < sp) at -= FRAME_BYTES;
    return at;
  }

  /**
   * A return to `target` with `sp` that did not match the top frame exactly: the new top. Drops stale frames and pops the
   * one that matches below them. Arriving at the return site of some other call with the sp of a frame (a longjmp into
   * the function that made the frame's call) ends that frame's activation too. Without a match the return is an
   * unmatched one.
   */
  unwind(top: number, target: number, sp: number, isReturnSite: boolean): number {
    let at = this.dropStale(top, sp);
    while (isReturnSite && at > this.base && this.sp(at - FRAME_BYTES) === sp) {
      if (this.returnAddress(at - FRAME_BYTES) === target) break;
      at -= FRAME_BYTES;
    }
    if (at > this.base && this.returnAddress(at - FRAME_BYTES) === target) return at - FRAME_BYTES;
    if (at === top || this.returnAddress(top - FRAME_BYTES) !== target) return at;
    // The callee moved sp up (a stack switch, or arguments popped by the callee): its own frame, and only that.
    return top - FRAME_BYTES;
  }
}

/** Points the engine words at a stack (or at none). */
export const installShadowStack = (words: Int32Array, stack: ShadowStack | undefined, top: number): void => {
  words[Word.SHADOW_TOP] = top;
  words[Word.SHADOW_BASE] = stack?.base ?? 0;
  words[Word.SHADOW_LIMIT] = stack?.limit ?? 0;
};
