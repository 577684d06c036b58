/** What poll, select and epoll_wait share: a time limit, a temporary signal mask, waiting until something is ready. */
import { Errno } from '../abi/errno.js';
import { isValidTimespec, readTimespec, type TimeLayout, timespecNs, writeTimespec } from '../abi/time.js';
import { NS_PER_SECOND, timespecOf } from '../kernel/clock.js';
import type { Task } from '../kernel/task.js';
import type { SyscallResult } from './syscall.js';

/** How long to wait, in guest nanoseconds; Infinity for ever. */
export type TimeoutNs = number;

/** Negative milliseconds mean for ever. */
export const timeoutOfMs = (milliseconds: number): TimeoutNs =>
  milliseconds < 0 ? Number.POSITIVE_INFINITY : milliseconds * 1_000_000;

/** A timespec argument; null means for ever. */
export const timeoutAt = (task: Task, address: number, layout: TimeLayout): { ns: TimeoutNs } | number => {
  if (address === 0) return { ns: Number.POSITIVE_INFINITY };
  const time = readTimespec(task.memory, address >>> 0, layout);
  if (time === undefined) return -Errno.EFAULT;
  return isValidTimespec(time) ? { ns: timespecNs(time) } : -Errno.EINVAL;
};

/** A timeval argument. Microseconds of a million and more carry over, as select(2) allows. */
export const timevalTimeoutAt = (task: Task, address: number): { ns: TimeoutNs } | number => {
  if (address === 0) return { ns: Number.POSITIVE_INFINITY };
  const time = readTimespec(task.memory, address >>> 0, 'time32');
  if (time === undefined) return -Errno.EFAULT;
  if (time.seconds < 0 || time.nanoseconds < 0) return -Errno.EINVAL;
  return { ns: time.seconds * NS_PER_SECOND + time.nanoseconds * 1000 };
};

/** Writes what is left of the time back, as the kernel does; a bad pointer is not reported any more. */
export const giveRemaining = (task: Task, address: number, layout: TimeLayout, deadlineNs: number): void => {
  if (address === 0 || deadlineNs === Number.POSITIVE_INFINITY) return;
  const left = Math.max(0, deadlineNs - task.group.clock.monotonicNs());
  writeTimespec(task.memory, address >>> 0, layout, timespecOf(left));
};

const SIGSET_BYTES = 8;

/** Installs the signal mask of ppoll and its kin until the call is over; 0 for no mask. */
export const installMask = (task: Task, address: number, size: number): number => {
  if (address === 0) return 0;
  if (size !== SIGSET_BYTES) return -Errno.EINVAL;
  const bytes = task.memory.readable(address >>> 0, SIGSET_BYTES);
  if (bytes === undefined) return -Errno.EFAULT;
  task.signals.setTemporaryMask(new DataView(bytes.buffer, bytes.byteOffset, SIGSET_BYTES).getBigUint64(0, true));
  return 0;
};

export interface Waiting {
  /** The number of ready things, 0 for none yet, or an errno. Writes results to memory when not 0. */
  scan(): number;
  /** Nothing was ready in time: leaves the results of an empty scan. */
  expire(): void;
  readonly hostFds: readonly number[];
}

/** Scans until something is ready or the time is over. Never restarted after a signal handler. */
export const waitUntilReady = (task: Task, timeoutNs: TimeoutNs, waiting: Waiting): SyscallResult => {
  const now = waiting.scan();
  if (now !== 0) return now;
  if (timeoutNs === 0) {
    waiting.expire();
    return 0;
  }
  const deadline = task.group.clock.monotonicNs() + timeoutNs;
  return {
    blocked: true,
    restartable: false,
    hostFds: waiting.hostFds,
    ...(deadline === Number.POSITIVE_INFINITY ? {} : { deadlineNs: deadline }),
    retry: (timedOut) => {
      const count = waiting.scan();
      if (count !== 0) return count;
      if (timedOut) waiting.expire();
      return timedOut ? 0 : undefined;
    },
  };
};
