import { ActiveCounts } from './active-counts.js';
import { type FilteredCall, FilteredCalls } from './call-filter.js';
import type { Verdict } from './filters.js';

/** One open call while costs are folded through filters. */
export interface FilteredFrame extends FilteredCall {
  row: number;
  /** Something below it is reason to show it. */
  hasGoal: boolean;
  /** Its path, or its caller's where it is not shown; -1 for none. */
  path: number;
  /** Its own instructions so far. */
  self: number;
}

/** One thread's open calls while costs are folded through filters, and what of it was counted. */
export class FilteredThread extends FilteredCalls<FilteredFrame> {
  readonly activeRows = new ActiveCounts();
  readonly activePaths = new ActiveCounts();
  /** Per edge of the thread's present chunk: row and verdict of what it calls. */
  edgeRow = new Int32Array(0);
  edgeVerdict: (Verdict | undefined)[] = [];
  /** What the filters let through. */
  insns = 0;
  events = 0;
  calls = 0;
  returns = 0;
  deepest = 0;

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
