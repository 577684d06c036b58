/**
 * What a transformer drives. `next` fetches an instruction, `keep` copies it with its events, `putCallout` inserts a
 * host function. An instruction that is not kept is dropped; the block ends when a kept instruction ends it.
 */
import { type Insn, isExclusiveLoad, isExclusiveStore } from '../arm/insn.js';
import type { BlockLifter } from '../arm/lift-block.js';
import type { GuestAddr } from '../bits.js';
import { InternalError, UsageError } from '../errors.js';
import type { CpuContext } from './cpu-context.js';
import type { ExecBlock } from './exec-block.js';

/** Gets the live registers, which it may change (not pc and sp). */
export type CalloutFunction = (registers: CpuContext) => void;

/** Makes a callout of a block; gives its number. */
export type PlaceCallout = (pc: GuestAddr, callout: CalloutFunction, destroy: (() => void) | undefined) => number;

/** What a transformer sees of it. */
export type BlockIterator = Pick<
  StalkerIterator,
  'next' | 'keep' | 'putCallout' | 'putChainingReturn' | 'putInstruction' | 'memoryAccess'
>;

export class StalkerIterator {
  keptExclusiveLoad = false;
  keptExclusiveStore = false;
  private lifter: BlockLifter | undefined;
  private current: Insn | undefined;
  private readonly block: ExecBlock;
  private readonly place: PlaceCallout;
  private readonly isBeforeLimit: () => boolean;

  /** The block ends early where `isBeforeLimit` says no. */
  constructor(lifter: BlockLifter, block: ExecBlock, place: PlaceCallout, isBeforeLimit: () => boolean) {
    this.lifter = lifter;
    this.block = block;
    this.place = place;
    this.isBeforeLimit = isBeforeLimit;
  }

  /** The next instruction of the block (an IT group under `gum` is one), or undefined at its end. */
  next(): Insn | undefined {
    const lifter = this.live();
    this.current = this.current === undefined || this.isBeforeLimit() ? lifter.next() : undefined;
    return this.current;
  }

  /** Copies the instruction `next` returned. */
  keep(): void {
    const { current } = this;
    if (current === undefined) throw new UsageError('keep() without a current instruction: call next() first');
    this.keptExclusiveLoad ||= isExclusiveLoad(current);
    this.keptExclusiveStore ||= isExclusiveStore(current);
    this.live().keep();
  }

  /**
   * Runs `callout` at this point of the block: before the current instruction, or after it once it was kept (after one that
   * ends the block it never runs). `destroy` runs when this translation goes.
   */
  putCallout(callout: CalloutFunction, destroy?: () => void): void {
    const lifter = this.live();
    lifter.builder.callout(this.place(this.currentPc('putCallout'), callout, destroy));
  }

  /**
   * Returns to LR from here, as `bx lr` would, with the events and the frame of a return whose location is the current
   * instruction. It ends the block.
   */
  putChainingReturn(): void {
    this.currentPc('putChainingReturn');
    this.live().putReturn();
  }

  /**
   * Inserts a guest instruction of the block's instruction set, which runs without events and does not count. `word`: ARM,
   * 16-bit Thumb, or 32-bit Thumb with its first halfword in the high half. It reads pc as the current instruction does and
   * may not write it. Throws UsageError when it is no such instruction.
   */
  putInstruction(word: number): void {
    this.currentPc('putInstruction');
    if (!this.live().insert(word)) {
      throw new UsageError(`0x${(word >>> 0).toString(16)} is not an instruction that can be inserted here`, {
        hint: 'only instructions that exist in this instruction set and do not write pc',
      });
    }
  }

  /** `exclusive` in blocks between LDREX and STREX, where Frida emits no EXEC under `gum`; else `open`. */
  get memoryAccess(): 'open' | 'exclusive' {
    return this.block.usesExclusiveAccess ? 'exclusive' : 'open';
  }

  /** Called when the transformer has returned: later use is an error. */
  close(): void {
    this.lifter = undefined;
  }

  /** Address of the current instruction; an error of the call named `what` when there is none. */
  private currentPc(what: string): GuestAddr {
    if (this.current === undefined) throw new UsageError(`${what}() without a current instruction: call next() first`);
    return this.current.pc;
  }

  /** The lifter, as long as the transformer runs. */
  private live(): BlockLifter {
    if (this.lifter === undefined) throw new InternalError('invalid operation: the iterator outlived its transformer');
    return this.lifter;
  }
}
