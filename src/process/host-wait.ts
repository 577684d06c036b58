/** Waiting in host time without blocking the event loop: steps that grow from a moment to a few milliseconds. */
import { setImmediate, setTimeout } from 'node:timers/promises';

const FIRST_STEP_MS = 1;
const LONGEST_STEP_MS = 16;

export class HostWait {
  private stepMs = FIRST_STEP_MS;
  private sinceMs: number | undefined;

  /** Lets host timers, signals and I/O have their turn. */
  async turn(): Promise<void> {
    await setImmediate();
  }

  /** Something happened: the next wait starts over. */
  reset(): void {
    this.stepMs = FIRST_STEP_MS;
    this.sinceMs = undefined;
  }

  /** Host milliseconds since the first step of this wait. */
  get elapsedMs(): number {
    return this.sinceMs === undefined ? 0 : performance.now() - this.sinceMs;
  }

  /** Waits for one step, but no longer than `limitMs`. */
  async step(limitMs: number): Promise<void> {
    this.sinceMs ??= performance.now();
    await setTimeout(Math.max(0, Math.min(this.stepMs, limitMs)));
    this.stepMs = Math.min(this.stepMs * 2, LONGEST_STEP_MS);
  }
}
