/**
 * The shadow stack of a thread, in linear memory so that translated code pushes and pops it inline. A frame is two
 * words: the return address (interworking) and sp at the call. It grows upwards from a sentinel that matches no return;
 * one spare frame above the limit takes the store of a push that does not count.
 *
 * `precise`: a return whose target and sp equal the top frame's pops it. Frames whose sp lies below the current sp belong
 * to activations that are gone (longjmp, exceptions): they are dropped at the next call, jump or return (`dropStale`).
 * A return of return class that does not match comes to `unwind`. `gum`: capacity 1023, only the top frame is compared, and only its address.
 */

import { UnsupportedError } from '../errors.js';
import { FRAME_BYTES } from '../events/ring.js';
import { Word } from '../guest/cpu-state.js';
import { SHADOW_STACKS } from '../guest/layout.js';
import type { Profile } from './options.js';

/** Half of the space is for the first threads, whose stacks are deep; threads beyond them get shallower ones. */
const DEEP = { count: 32, areaBytes: 0x80_0000 } as const;
const SHALLOW = { count: 1024, areaBytes: 0x4_0000 } as const;
const DEEP_BYTES = DEEP.count * DEEP.areaBytes;
const AREAS = DEEP.count + SHALLOW.count;
const GUM_FRAMES = 1023;
const SENTINEL = -1;

/** Where area `index` lies, in bytes. */
const areaOf = (index: number): { start: number; bytes: number } => {
  if (index < DEEP.count) return { start: SHADOW_STACKS + index * DEEP.areaBytes, bytes: DEEP.areaBytes };
  const start = SHADOW_STACKS + DEEP_BYTES + (index - DEEP.count) * SHALLOW.areaBytes;
  return { start, bytes: SHALLOW.areaBytes };
};

/** Hands out shadow stack areas; the lowest free one is next. */
export class ShadowStacks {
  private readonly words: Int32Array;
  private readonly taken: boolean[] = Array<boolean>(AREAS).fill(false);

  constructor(words: Int32Array) {
    this.words = words;
  }

  /** A new empty stack. Throws UnsupportedError when every area is taken. */
  allocate(profile: Profile): ShadowStack {
    const index = this.taken.indexOf(false);
    if (index < 0) {
      throw new UnsupportedError(`the calls of more than ${AREAS} threads at once cannot be recorded`, {
        hint: 'leave call and ret out of --events',
      });
    }
    this.taken[index] = true;
    return new ShadowStack(this.words, index, profile);
  }

  /** Areas handed out. */
  get inUse(): number {
    return this.taken.filter(Boolean).length;
  }

  /** Gives an area back; nobody may push to it any more. */
  release(stack: ShadowStack): void {
    this.taken[stack.index] = false;
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
    const { start, bytes } = areaOf(index);
    this.base = start + FRAME_BYTES;
    const capacity = profile === 'gum' ? GUM_FRAMES : bytes / FRAME_BYTES - 2;
    this.limit = this.base + capacity * FRAME_BYTES;
    words[start >>> 2] = SENTINEL;
    words[(start >>> 2) + 1] = SENTINEL;
  }

  /** Open calls, outermost first, given the byte address of the top; only the innermost `limit`. */
  frames(top: number, limit: number): ShadowFrame[] {
    const frames: ShadowFrame[] = [];
    for (let at = Math.max(this.base, top - limit * FRAME_BYTES); at < top; at += FRAME_BYTES) {
      frames.push({ returnAddress: this.returnAddress(at), sp: this.sp(at) });
    }
    return frames;
  }

  /** Interworking return address of the frame at byte address `at`. */
  returnAddress(at: number): number {
    return (this.words[at >>> 2] as number) >>> 0;
  }

  /** sp at the call of the frame at byte address `at`. */
  sp(at: number): number {
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
