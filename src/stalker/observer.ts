/** What the engine does with control, for those who want to watch it or steer it. */
import type { InterworkingAddr } from '../bits.js';
import type { Segment } from './exec-block.js';

/** Control is about to go from one block to another by way of the engine. */
export interface BlockSwitch {
  readonly tid: number;
  /** Start of the block control comes from; undefined at the start, after system calls and signals. */
  readonly from: InterworkingAddr | undefined;
  /** The last instruction of that block. */
  readonly insn: InterworkingAddr | undefined;
  readonly to: InterworkingAddr;
}

/**
 * A link that was made: this exit of `from` leads to `to` without asking. Stable across runs, since it names an exit and
 * not a place in translated code.
 */
export interface Backpatch {
  readonly from: InterworkingAddr;
  readonly to: InterworkingAddr;
  /** 0 where the block's last instruction branches to, 1 where it falls through; 2 and 3 after its first SVC, and so on. */
  readonly exit: number;
}

/**
 * Watches one followed thread. With `onSwitch` or `onBackpatch` the thread stays in the cold tier, and with `onSwitch` only
 * the exits that Frida links are linked, so that what they see does not depend on the tier.
 */
export interface StalkerObserver {
  /** Dispatches so far, counted up by the engine. */
  total?: number;
  /** May return another interworking address to go to. */
  onSwitch?(change: BlockSwitch): InterworkingAddr | undefined;
  onBackpatch?(link: Backpatch): void;
}

/** Whether the observer wants to see what hot code would pass by. */
export const staysCold = (observer: StalkerObserver | undefined): boolean =>
  observer?.onSwitch !== undefined || observer?.onBackpatch !== undefined;

/** The exit of `from`'s block that is left `isTo` or not, as Backpatch numbers it. */
export const exitNumber = (from: Segment, isTo: boolean): number =>
  from.owner.segments.indexOf(from) * 2 + (isTo ? 0 : 1);

/** Whether Frida links this exit: a direct branch, or past a conditional one, within one instruction set; never a call. */
export const isFridaLink = (from: Segment, isTo: boolean): boolean => {
  const { terminal, location, sizeBytes } = from.ir;
  if (terminal.kind === 'branch' && !isTo) return true;
  if (terminal.kind !== 'branch' && terminal.kind !== 'jump') return false;
  const isContinuation = terminal.kind === 'jump' && terminal.to === location + sizeBytes;
  return terminal.flow === 'jump' && (terminal.to & 1) === (location & 1) && !isContinuation;
};
