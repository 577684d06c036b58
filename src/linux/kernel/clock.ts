/**
 * The guest's time. Virtual (default): one retired instruction is one nanosecond, the boot is nanosecond 0, and a sleep
 * nobody can shorten is skipped over (`skipTo`), so runs repeat bit for bit. Host: the host's clocks.
 *
 * Times are JS numbers of nanoseconds since the guest's boot, exact to 2^53 (104 days); wall-clock time is split into
 * seconds and nanoseconds because it does not fit.
 */

/** 2024-01-01T00:00:00Z: the wall clock of virtual boots. */
export const VIRTUAL_EPOCH_SECONDS = 1_704_067_200;

export const NS_PER_SECOND = 1_000_000_000;

export interface Timespec {
  readonly seconds: number;
  readonly nanoseconds: number;
}

export const timespecOf = (ns: number): Timespec => ({
  seconds: Math.floor(ns / NS_PER_SECOND),
  nanoseconds: ns % NS_PER_SECOND,
});

export type ClockSource = 'virtual' | 'host';

export class Clock {
  readonly source: ClockSource;
  /** Retired instructions of the whole process. */
  private readonly retired: () => number;
  private skippedNs = 0;
  private readonly hostStart = process.hrtime.bigint();
  private readonly epochNs: bigint;

  constructor(source: ClockSource, retired: () => number) {
    this.source = source;
    this.retired = retired;
    this.epochNs =
      source === 'virtual' ? BigInt(VIRTUAL_EPOCH_SECONDS) * BigInt(NS_PER_SECOND) : BigInt(Date.now()) * 1_000_000n;
  }

  /** CLOCK_MONOTONIC: nanoseconds since boot. */
  monotonicNs(): number {
    if (this.source === 'host') return Number(process.hrtime.bigint() - this.hostStart);
    return this.retired() + this.skippedNs;
  }

  /** CLOCK_REALTIME. */
  realtime(): Timespec {
    const ns = this.epochNs + BigInt(this.monotonicNs());
    const perSecond = BigInt(NS_PER_SECOND);
    return { seconds: Number(ns / perSecond), nanoseconds: Number(ns % perSecond) };
  }

  /** Monotonic nanoseconds at which the wall clock shows this time; negative when it was before boot. */
  monotonicOfRealtime(seconds: number, nanoseconds: number): number {
    return Number(BigInt(seconds) * BigInt(NS_PER_SECOND) + BigInt(nanoseconds) - this.epochNs);
  }

  /** CPU time of the process: retired instructions as nanoseconds, on either clock. */
  cpuNs(): number {
    return this.retired();
  }

  /** Virtual time jumps to `ns` (nobody can run before). No effect on the host clock or backwards. */
  skipTo(ns: number): void {
    if (this.source !== 'virtual') return;
    const now = this.monotonicNs();
    if (ns > now) this.skippedNs += ns - now;
  }
}
