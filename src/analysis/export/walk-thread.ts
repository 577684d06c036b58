import { type FilteredCall, FilteredCalls } from '../call-filter.js';
import type { Verdict } from '../filters.js';
import type { ThreadListener, ThreadTime } from './format.js';

/** One open call while a part of the calls is exported. */
export interface WalkFrame extends FilteredCall {
  fn: number;
  /** The listener knows of it. */
  isOpen: boolean;
  /** Where it was called, or the nearest frame below it that is none of the output's. */
  site: number;
  /** Clocks at its entry. */
  clock: number;
  ownClock: number;
  /** Its own instructions the listener has not been told of. */
  spent: number;
}

/** One thread's open calls, and the clock its listener is shown. */
export class WalkThread extends FilteredCalls<WalkFrame> {
  readonly time: ThreadTime = { clock: 0, ownClock: 0 };
  listener: ThreadListener | undefined;
  /** Instructions retired last that lie behind the range. */
  past = 0;
  /** The thread's own clock where the range began. */
  rangeOwnClock = 0;
  hasReachedRange = false;
  /** The range has ended. */
  isOver = false;
  /** Frames below this one are open or will never be. */
  pendingFrom = 0;

  /** The next frame, to be filled in: frames are used again. */
  push(verdict: Verdict, fn: number): WalkFrame {
    let frame = this.frames[this.height];
    if (frame === undefined) {
      frame = {
        verdict,
        fn,
        standing: 0,
        depth: 0,
        inner: 0,
        isShown: false,
        isOpen: false,
        isCall: false,
        isWhole: false,
        site: 0,
        charged: -1,
        clock: 0,
        ownClock: 0,
        entry: 0,
        spent: 0,
      };
      this.frames.push(frame);
    }
    this.height++;
    frame.verdict = verdict;
    frame.fn = fn;
    frame.isOpen = false;
    frame.clock = this.clock;
    frame.ownClock = this.ownClock;
    frame.entry = this.counted;
    frame.spent = 0;
    return frame;
  }
}
