import type { Verdict } from '../filters.js';
import type { ThreadListener, ThreadTime } from './format.js';

/** One open call while a part of the calls is exported. */
export interface WalkFrame {
  verdict: Verdict;
  fn: number;
  /** OUTSIDE, COUNTED or DROPPED. */
  standing: number;
  /** Levels of calls above it, and above what it calls. */
  depth: number;
  inner: number;
  /** Is a frame of the output, unless it turns out too cheap or to lead nowhere. */
  isShown: boolean;
  /** The listener knows of it. */
  isOpen: boolean;
  /** Its call was seen, in the range. */
  isCall: boolean;
  /** All of it was seen, in the range. */
  isWhole: boolean;
  /** Where it was called, or the nearest frame below it that is none of the output's. */
  site: number;
  /** The nearest frame from here down that is shown and so gets the costs; -1 for none. */
  charged: number;
  /** Clocks at its entry; the thread's counted instructions then. */
  clock: number;
  ownClock: number;
  entry: number;
  /** Its own instructions the listener has not been told of. */
  spent: number;
}

/** One thread's open calls, and the clock its listener is shown. */
export class WalkThread {
  readonly tid: number;
  readonly frames: WalkFrame[] = [];
  readonly time: ThreadTime = { clock: 0, ownClock: 0 };
  listener: ThreadListener | undefined;
  height = 0;
  /** Recorded depth of the calls made by the frame at the bottom. */
  base = 0;
  clock = 0;
  ownClock = 0;
  /** Instructions inside the range. */
  counted = 0;
  /** Instructions retired last that lie behind the range. */
  past = 0;
  /** The thread's own clock where the range began. */
  rangeOwnClock = 0;
  hasReachedRange = false;
  /** The range has ended. */
  isOver = false;
  /** Frames below this one are open or will never be. */
  pendingFrom = 0;

  constructor(tid: number) {
    this.tid = tid;
  }

  /** Recorded depth as the stack stands. */
  get depth(): number {
    return this.base + this.height - 1;
  }

  get top(): WalkFrame | undefined {
    return this.frames[this.height - 1];
  }

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
