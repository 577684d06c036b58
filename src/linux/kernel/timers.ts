/**
 * Interval and POSIX timers (setitimer(2), timer_create(2)). A timer runs on the monotonic clock or on the process's
 * CPU time; the scheduler asks when the next one is due and lets the due ones expire between slices.
 */
import { ITIMER_PROF, ITIMER_REAL, ITIMER_VIRTUAL, SiCode, Signal } from '../abi/constants.js';
import type { SignalInfo } from './signal-state.js';

export type TimerClock = 'monotonic' | 'cpu';

export interface Timer {
  readonly clock: TimerClock;
  /** Absolute times given by the guest are wall-clock times. */
  readonly isWallClock?: boolean;
  /** Undefined while disarmed. In nanoseconds of `clock`. */
  deadlineNs: number | undefined;
  /** 0 for a one-shot timer. */
  intervalNs: number;
  /** Expirations that found the previous signal still pending. */
  overrun: number;
  /** The signal to send, or undefined for SIGEV_NONE. */
  readonly signal: SignalInfo | undefined;
  /** Thread to send it to (SIGEV_THREAD_ID); otherwise the process. */
  readonly tid?: number;
}

export const arm = (timer: Timer, deadlineNs: number | undefined, intervalNs: number): void => {
  timer.deadlineNs = deadlineNs;
  timer.intervalNs = intervalNs;
  timer.overrun = 0;
};

/** Nanoseconds to go, at least 1 while armed (0 means disarmed to the guest). */
export const remainingNs = (timer: Timer, nowNs: number): number =>
  timer.deadlineNs === undefined ? 0 : Math.max(1, timer.deadlineNs - nowNs);

const intervalTimer = (clock: TimerClock, signo: number): Timer => ({
  clock,
  deadlineNs: undefined,
  intervalNs: 0,
  overrun: 0,
  signal: { signo, code: SiCode.SI_KERNEL },
});

export class TimerTable {
  private readonly intervals = new Map<number, Timer>([
    [ITIMER_REAL, intervalTimer('monotonic', Signal.SIGALRM)],
    [ITIMER_VIRTUAL, intervalTimer('cpu', Signal.SIGVTALRM)],
    [ITIMER_PROF, intervalTimer('cpu', Signal.SIGPROF)],
  ]);
  private readonly posix = new Map<number, Timer>();
  /** Both kinds, for the scheduler's frequent questions. */
  private all: readonly Timer[] = [...this.intervals.values()];
  private nextId = 0;

  /** ITIMER_REAL, ITIMER_VIRTUAL or ITIMER_PROF; undefined for another number. */
  interval(which: number): Timer | undefined {
    return this.intervals.get(which);
  }

  /** The id the next POSIX timer gets. */
  get nextTimerId(): number {
    return this.nextId;
  }

  add(timer: Timer): void {
    this.posix.set(this.nextId++, timer);
    this.relist();
  }

  get(id: number): Timer | undefined {
    return this.posix.get(id);
  }

  delete(id: number): boolean {
    const found = this.posix.delete(id);
    this.relist();
    return found;
  }

  private relist(): void {
    this.all = [...this.intervals.values(), ...this.posix.values()];
  }

  /** Earliest deadline on this clock; Infinity when no timer is armed. */
  nextDeadlineNs(clock: TimerClock): number {
    let next = Number.POSITIVE_INFINITY;
    for (const timer of this.all) {
      if (timer.clock === clock && timer.deadlineNs !== undefined && timer.deadlineNs < next) next = timer.deadlineNs;
    }
    return next;
  }

  /** Re-arms or disarms every due timer and gives each to `fire` with the number of expirations. */
  expire(monotonicNs: number, cpuNs: number, fire: (timer: Timer, expirations: number) => void): void {
    for (const timer of this.all) {
      const now = timer.clock === 'cpu' ? cpuNs : monotonicNs;
      if (timer.deadlineNs === undefined || timer.deadlineNs > now) continue;
      const periods = timer.intervalNs === 0 ? 0 : Math.floor((now - timer.deadlineNs) / timer.intervalNs);
      timer.deadlineNs = timer.intervalNs === 0 ? undefined : timer.deadlineNs + (periods + 1) * timer.intervalNs;
      fire(timer, periods + 1);
    }
  }
}
