import { ActiveCounts } from './active-counts.js';
import type { Verdict } from './filters.js';

/** One open call while costs are folded through filters. */
export interface FilteredFrame {
  verdict: Verdict;
  row: number;
  /** OUTSIDE, COUNTED or DROPPED. */
  standing: number;
  /** Levels of calls above it, and above what it calls. */
  depth: number;
  inner: number;
  isShown: boolean;
  /** Its call was seen, in the range. */
  isCall: boolean;
  /** All of it was seen, in the range. */
  isWhole: boolean;
  /** Something below it is reason to show it. */
  hasGoal: boolean;
  /** The nearest frame from here down that is shown and so gets the costs; -1 for none. */
  charged: number;
  /** Its path, or its caller's where it is not shown; -1 for none. */
  path: number;
  /** The thread's counted instructions at its entry; its own so far. */
  entry: number;
  self: number;
}

/** One thread's open calls while costs are folded through filters, and what of it was counted. */
export class FilteredThread {
  readonly tid: number;
  readonly frames: FilteredFrame[] = [];
  readonly activeRows = new ActiveCounts();
  readonly activePaths = new ActiveCounts();
  /** Per edge of the thread's present chunk: row and verdict of what it calls. */
  edgeRow = new Int32Array(0);
  edgeVerdict: (Verdict | undefined)[] = [];
  height = 0;
  /** Recorded depth of the calls made by the frame at the bottom. */
  base = 0;
  clock = 0;
  /** Instructions the thread had retired; those of them inside the range. */
  ownClock = 0;
  counted = 0;
  /** What the filters let through. */
  insns = 0;
  events = 0;
  calls = 0;
  returns = 0;
  deepest = 0;

  constructor(tid: number) {
    this.tid = tid;
  }

  /** Recorded depth as the stack stands. */
  get depth(): number {
    return this.base + this.height - 1;
  }

  get top(): FilteredFrame | undefined {
    return this.frames[this.height - 1];
  }

  /** The next frame, to be filled in: frames are used again. */
  push(verdict: Verdict, row: number): FilteredFrame {
    let frame = this.frames[this.height];
    if (frame === undefined) {
      frame = {
        verdict,
        row,
        standing: 0,
        depth: 0,
        inner: 0,
        isShown: false,
        isCall: false,
        isWhole: false,
        hasGoal: false,
        charged: -1,
        path: -1,
        entry: 0,
        self: 0,
      };
      this.frames.push(frame);
    }
    this.height++;
    frame.verdict = verdict;
    frame.row = row;
    frame.hasGoal = false;
    frame.entry = this.counted;
    frame.self = 0;
    return frame;
  }
}
