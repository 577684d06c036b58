/** Building blocks of calls that wait. */
import { Errno } from '../abi/errno.js';
import { isValidTimespec, readTimespec, type TimeLayout, timespecNs } from '../abi/time.js';
import type { Task } from '../kernel/task.js';
import type { Blocked } from './syscall.js';

/** Waits for a signal and nothing else. */
export const untilSignal: Blocked = { blocked: true, retry: () => undefined, restartable: false };

/**
 * The deadline a timespec argument means, in monotonic nanoseconds: undefined for a null pointer (for ever), a negative
 * errno for a bad one. `base` says what the value counts from.
 */
export const readDeadline = (
  task: Task,
  addr: number,
  layout: TimeLayout,
  base: 'now' | 'boot' | 'epoch',
): { readonly deadlineNs: number | undefined } | number => {
  if (addr === 0) return { deadlineNs: undefined };
  const value = readTimespec(task.memory, addr >>> 0, layout);
  if (value === undefined) return -Errno.EFAULT;
  if (!isValidTimespec(value)) return -Errno.EINVAL;
  const { clock } = task.group;
  if (base === 'boot') return { deadlineNs: timespecNs(value) };
  if (base === 'epoch') return { deadlineNs: clock.monotonicOfRealtime(value.seconds, value.nanoseconds) };
  return { deadlineNs: clock.monotonicNs() + timespecNs(value) };
};
