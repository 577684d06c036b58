import type { ProbeNote, ProbeValue } from '../events/event.js';
import type { Verdict } from './filters.js';

/** One open call. */
export interface ReplayFrame {
  verdict: Verdict;
  /** OUTSIDE, COUNTED or DROPPED. */
  standing: number;
  /** Whether it gets a line. */
  isVisible: boolean;
  /** Its line was given out; so its end gets one. */
  isOpened: boolean;
  /** Level of its line, and of the lines of what it calls. */
  depth: number;
  inner: number;
  /** Entry without the Thumb bit; 0 when only a place in it is known. */
  entry: number;
  /** Clock of the call; the thread's own clock then, NaN when it was not seen. */
  clock: number;
  ownClock: number;
  /** The probe at its entry. */
  probe: ProbeNote | undefined;
  result: ProbeValue | undefined;
}

/** One thread's open calls while its events pass. */
export class ReplayThread {
  readonly tid: number;
  readonly frames: ReplayFrame[] = [];
  height = 0;
  /** Recorded depth of the calls made by the frame at the bottom. */
  base = 0;
  /** Calls above the highest frame that is kept. */
  skipped = 0;
  ownClock = 0;
  clock = 0;
  /** Frames below this one are opened or invisible. */
  pendingFrom = 0;
  /** Whether the context of a range was given out. */
  isIntroduced = false;

  constructor(tid: number) {
    this.tid = tid;
  }

  /** Recorded depth as the stack stands. */
  get depth(): number {
    return this.base + this.height - 1 + this.skipped;
  }

  get top(): ReplayFrame | undefined {
    return this.frames[this.height - 1];
  }

  /** The next frame, to be filled in: frames are used again. */
  push(verdict: Verdict): ReplayFrame {
    let frame = this.frames[this.height];
    if (frame === undefined) {
      frame = {
        verdict,
        standing: 0,
        isVisible: false,
        isOpened: false,
        depth: 0,
        inner: 0,
        entry: 0,
        clock: 0,
        ownClock: 0,
        probe: undefined,
        result: undefined,
      };
      this.frames.push(frame);
    }
    this.height++;
    frame.verdict = verdict;
    frame.isOpened = false;
    frame.probe = undefined;
    frame.result = undefined;
    return frame;
  }

  pop(): ReplayFrame {
    const frame = this.frames[--this.height] as ReplayFrame;
    this.pendingFrom = Math.min(this.pendingFrom, this.height);
    return frame;
  }
}
