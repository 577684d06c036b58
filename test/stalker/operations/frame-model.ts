/** The calls a follow has frames of, as its profile counts them; see D5 and D3 in the Stalker's README. */
import { EventKind } from '../../../src/events/event.js';
import type { Profile } from '../../../src/stalker/options.js';
import type { Step } from './reference.js';

/** An open call: sp at it, and where it returns to. */
interface Frame {
  readonly sp: number;
  readonly returnAddress: number | undefined;
}

export class FrameModel {
  private readonly profile: Profile;
  private readonly steps: readonly Step[];
  /** Those of calls left while nothing was traced stay until a return or sp says so. */
  private readonly frames: Frame[] = [];

  constructor(profile: Profile, steps: readonly Step[]) {
    this.profile = profile;
    this.steps = steps;
  }

  get depth(): number {
    return this.frames.length;
  }

  private get top(): Frame | undefined {
    return this.frames.at(-1);
  }

  /** The step at `at` leaves the straight line: the frames that are over then go. */
  leave(step: Step, at: number): void {
    if (this.profile === 'gum') {
      if (step.jumpsTo !== undefined && this.top?.returnAddress === step.jumpsTo) this.frames.pop();
    } else if (step.transfer !== undefined) {
      this.leavePrecisely(step, at);
    }
  }

  private leavePrecisely({ transfer, sp: before }: Step, at: number): void {
    const isCall = transfer?.kind === EventKind.CALL;
    const sp = isCall ? before : (this.steps[at + 1]?.sp ?? 0);
    while ((this.top?.sp ?? Number.POSITIVE_INFINITY) < sp) this.frames.pop();
    if (isCall) return;
    while (this.top?.sp === sp && this.top.returnAddress !== transfer?.target) this.frames.pop();
    if (this.top?.returnAddress === transfer?.target) this.frames.pop();
  }

  /** A call that is followed. */
  push({ sp, returnStep }: Step): void {
    const returnAddress = returnStep === undefined ? undefined : this.steps[returnStep]?.transfer?.target;
    this.frames.push({ sp, returnAddress });
  }
}
