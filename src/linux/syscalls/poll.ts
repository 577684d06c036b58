/** poll(2), ppoll(2), select(2), pselect(2). */
import { Errno } from '../abi/errno.js';
import { Poll } from '../abi/open-flags.js';
import { POLLFD_BYTES } from '../abi/structs.js';
import type { TimeLayout } from '../abi/time.js';
import type { OpenFile } from '../kernel/open-file.js';
import type { Task } from '../kernel/task.js';
import { type SyscallArgs, type SyscallResult, type SyscallRow, sys } from './syscall.js';
import {
  giveRemaining,
  installMask,
  type TimeoutNs,
  timeoutAt,
  timeoutOfMs,
  timevalTimeoutAt,
  type Waiting,
  waitUntilReady,
} from './waiting.js';

// -- poll -------------------------------------------------------------------------------------------------------------

interface PollEntry {
  readonly address: number;
  readonly fd: number;
  readonly events: number;
}

const INPUT = Poll.POLLIN | Poll.POLLRDNORM;

const readEntries = (task: Task, address: number, count: number): PollEntry[] | number => {
  if (count >>> 0 > task.group.files.limit) return -Errno.EINVAL;
  const bytes = task.memory.writable(address >>> 0, count * POLLFD_BYTES);
  if (bytes === undefined) return -Errno.EFAULT;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Array.from({ length: count }, (_, i) => ({
    address: (address >>> 0) + i * POLLFD_BYTES,
    fd: view.getInt32(i * POLLFD_BYTES, true),
    events: view.getInt16(i * POLLFD_BYTES + 4, true),
  }));
};

const revents = (task: Task, { fd, events }: PollEntry): number => {
  if (fd < 0) return 0;
  const file = task.group.files.get(fd);
  if (file === undefined) return Poll.POLLNVAL;
  return file.poll() & (events | Poll.POLLERR | Poll.POLLHUP);
};

const pollWaiting = (task: Task, entries: readonly PollEntry[]): Waiting => ({
  scan: () => {
    const found = entries.map((entry) => revents(task, entry));
    const count = found.filter((bits) => bits !== 0).length;
    if (count > 0) giveRevents(task, entries, found);
    return count;
  },
  expire: () => giveRevents(task, entries, []),
  hostFds: entries.flatMap(({ fd, events }) =>
    (events & INPUT) !== 0 ? (task.group.files.get(fd)?.waitsOn ?? []) : [],
  ),
});

const giveRevents = (task: Task, entries: readonly PollEntry[], found: readonly number[]): void =>
  entries.forEach(({ address }, i) => {
    const bits = found[i] ?? 0;
    task.memory.write(address + 6, Uint8Array.of(bits, bits >> 8));
  });

const poll = (task: Task, address: number, count: number, timeoutNs: TimeoutNs): SyscallResult => {
  const entries = readEntries(task, address, count);
  return typeof entries === 'number' ? entries : waitUntilReady(task, timeoutNs, pollWaiting(task, entries));
};

const sysPoll = (task: Task, [address, count, milliseconds]: SyscallArgs): SyscallResult =>
  poll(task, address, count, timeoutOfMs(milliseconds));

const ppoll = (task: Task, [address, count, timeout, mask, size]: SyscallArgs, layout: TimeLayout): SyscallResult => {
  const limit = timeoutAt(task, timeout, layout);
  if (typeof limit === 'number') return limit;
  const refused = installMask(task, mask, size);
  if (refused < 0) return refused;
  return withRemaining(task, timeout, layout, limit.ns, poll(task, address, count, limit.ns));
};

/** Lets the remaining time be written when the call ends, now or later. */
const withRemaining = (
  task: Task,
  address: number,
  layout: TimeLayout,
  timeoutNs: TimeoutNs,
  result: SyscallResult,
): SyscallResult => {
  const deadline = task.group.clock.monotonicNs() + timeoutNs;
  if (typeof result !== 'object') {
    giveRemaining(task, address, layout, deadline);
    return result;
  }
  return {
    ...result,
    retry: (timedOut) => {
      const value = result.retry(timedOut);
      if (value !== undefined) giveRemaining(task, address, layout, deadline);
      return value;
    },
  };
};

const sysPpoll = (task: Task, args: SyscallArgs): SyscallResult => ppoll(task, args, 'time32');
const sysPpollTime64 = (task: Task, args: SyscallArgs): SyscallResult => ppoll(task, args, 'time64');

// -- select -----------------------------------------------------------------------------------------------------------

/** What makes a descriptor readable, writable, exceptional (the kernel's POLLIN_SET, POLLOUT_SET, POLLEX_SET). */
const SETS = [
  INPUT | Poll.POLLRDBAND | Poll.POLLHUP | Poll.POLLERR,
  Poll.POLLOUT | Poll.POLLWRNORM | Poll.POLLWRBAND | Poll.POLLERR,
  Poll.POLLPRI,
];

const FD_SETSIZE = 1024;

interface FdSets {
  readonly count: number;
  readonly addresses: readonly number[];
  /** What was asked for, a bit per descriptor; undefined for a null pointer. */
  readonly wanted: readonly (Uint8Array | undefined)[];
}

/** Sets are read and written in whole longs. */
const setBytes = (count: number): number => ((count + 31) >>> 5) * 4;

const readSets = (task: Task, count: number, addresses: readonly number[]): FdSets | number => {
  if (count < 0) return -Errno.EINVAL;
  const limited = Math.min(count, FD_SETSIZE);
  const wanted: (Uint8Array | undefined)[] = [];
  for (const address of addresses) {
    const bytes = address === 0 ? undefined : task.memory.writable(address >>> 0, setBytes(limited));
    if (address !== 0 && bytes === undefined) return -Errno.EFAULT;
    wanted.push(bytes?.slice());
  }
  return { count: limited, addresses, wanted };
};

const isIn = (set: Uint8Array | undefined, fd: number): boolean =>
  set !== undefined && (((set[fd >> 3] as number) >> (fd & 7)) & 1) !== 0;

const membersOf = ({ count, wanted }: FdSets): number[] =>
  Array.from({ length: count }, (_, fd) => fd).filter((fd) => wanted.some((set) => isIn(set, fd)));

const scanSets = (task: Task, sets: FdSets): number => {
  const found = sets.wanted.map((set) => (set === undefined ? undefined : new Uint8Array(set.length)));
  let count = 0;
  for (const fd of membersOf(sets)) {
    const file: OpenFile | undefined = task.group.files.get(fd);
    if (file === undefined) return -Errno.EBADF;
    const bits = file.poll();
    SETS.forEach((mask, i) => {
      const set = found[i];
      if (set === undefined || (bits & mask) === 0 || !isIn(sets.wanted[i], fd)) return;
      set[fd >> 3] = (set[fd >> 3] as number) | (1 << (fd & 7));
      count++;
    });
  }
  if (count > 0) giveSets(task, sets, found);
  return count;
};

const giveSets = (task: Task, sets: FdSets, found: readonly (Uint8Array | undefined)[]): void =>
  sets.addresses.forEach((address, i) => {
    const bytes = found[i];
    if (bytes !== undefined) task.memory.write(address >>> 0, bytes);
  });

const select = (task: Task, count: number, addresses: readonly number[], timeoutNs: TimeoutNs): SyscallResult => {
  const sets = readSets(task, count, addresses);
  if (typeof sets === 'number') return sets;
  return waitUntilReady(task, timeoutNs, {
    scan: () => scanSets(task, sets),
    expire: () =>
      giveSets(
        task,
        sets,
        sets.wanted.map((set) => (set === undefined ? undefined : new Uint8Array(set.length))),
      ),
    hostFds: membersOf(sets)
      .filter((fd) => isIn(sets.wanted[0], fd))
      .flatMap((fd) => task.group.files.get(fd)?.waitsOn ?? []),
  });
};

/** _newselect(2), with the remaining time written back as a timeval. */
const sysNewselect = (task: Task, [count, input, output, except, timeout]: SyscallArgs): SyscallResult => {
  const limit = timevalTimeoutAt(task, timeout);
  if (typeof limit === 'number') return limit;
  const deadline = task.group.clock.monotonicNs() + limit.ns;
  const result = select(task, count, [input, output, except], limit.ns);
  if (typeof result !== 'object') {
    giveRemainingTimeval(task, timeout, deadline);
    return result;
  }
  return {
    ...result,
    retry: (timedOut) => {
      const value = result.retry(timedOut);
      if (value !== undefined) giveRemainingTimeval(task, timeout, deadline);
      return value;
    },
  };
};

const giveRemainingTimeval = (task: Task, address: number, deadlineNs: number): void => {
  if (address === 0) return;
  const left = Math.max(0, deadlineNs - task.group.clock.monotonicNs());
  const seconds = Math.floor(left / 1e9);
  task.memory.write(
    address >>> 0,
    new Uint8Array(Int32Array.of(seconds, Math.floor((left - seconds * 1e9) / 1000)).buffer),
  );
};

/** The sixth argument points at { mask address, mask size }. */
const pselect6 = (task: Task, args: SyscallArgs, layout: TimeLayout): SyscallResult => {
  const [count, input, output, except, timeout, maskPair] = args;
  const limit = timeoutAt(task, timeout, layout);
  if (typeof limit === 'number') return limit;
  const refused = maskPair === 0 ? 0 : installMaskPair(task, maskPair >>> 0);
  if (refused < 0) return refused;
  return withRemaining(task, timeout, layout, limit.ns, select(task, count, [input, output, except], limit.ns));
};

const installMaskPair = (task: Task, address: number): number => {
  const mask = task.memory.readU32(address);
  const size = task.memory.readU32(address + 4);
  return mask === undefined || size === undefined ? -Errno.EFAULT : installMask(task, mask, size);
};

const sysPselect6 = (task: Task, args: SyscallArgs): SyscallResult => pselect6(task, args, 'time32');
const sysPselect6Time64 = (task: Task, args: SyscallArgs): SyscallResult => pselect6(task, args, 'time64');

export const pollSyscalls: SyscallRow[] = [
  sys(142, '_newselect', sysNewselect, 'i32 fdset:inout:0 fdset:inout:0 fdset:inout:0 timeval -> ready'),
  sys(168, 'poll', sysPoll, 'pollfd:inout:1 u32 i32 -> ready'),
  sys(335, 'pselect6', sysPselect6, 'i32 fdset:inout:0 fdset:inout:0 fdset:inout:0 timespec ptr -> ready'),
  sys(336, 'ppoll', sysPpoll, 'pollfd:inout:1 u32 timespec sigset size -> ready'),
  sys(
    413,
    'pselect6_time64',
    sysPselect6Time64,
    'i32 fdset:inout:0 fdset:inout:0 fdset:inout:0 timespec64 ptr -> ready',
  ),
  sys(414, 'ppoll_time64', sysPpollTime64, 'pollfd:inout:1 u32 timespec64 sigset size -> ready'),
];
