/** epoll_create(2), epoll_ctl(2), epoll_wait(2) and its relatives. */
import { Errno } from '../abi/errno.js';
import { Open } from '../abi/open-flags.js';
import { EPOLL_EVENT_BYTES } from '../abi/structs.js';
import { Epoll, EpollCtl, type EpollEvent } from '../kernel/epoll.js';
import type { Task } from '../kernel/task.js';
import { fileAt } from './arguments.js';
import { type SyscallArgs, type SyscallResult, type SyscallRow, sys } from './syscall.js';
import { installMask, type TimeoutNs, timeoutAt, timeoutOfMs, waitUntilReady } from './waiting.js';

const create = (task: Task, closeOnExec: boolean): number => {
  const { files } = task.group;
  return files.install(new Epoll(files.newInode()), closeOnExec);
};

const sysEpollCreate = (task: Task, [size]: SyscallArgs): number => (size <= 0 ? -Errno.EINVAL : create(task, false));

const sysEpollCreate1 = (task: Task, [flags]: SyscallArgs): number =>
  (flags & ~Open.O_CLOEXEC) !== 0 ? -Errno.EINVAL : create(task, flags !== 0);

const epollAt = (task: Task, fd: number): Epoll | number => {
  const file = fileAt(task, fd);
  if (typeof file === 'number') return file;
  return file instanceof Epoll ? file : -Errno.EINVAL;
};

const eventAt = (task: Task, address: number): EpollEvent | undefined => {
  const bytes = address === 0 ? undefined : task.memory.readable(address >>> 0, EPOLL_EVENT_BYTES);
  if (bytes === undefined) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return { events: view.getInt32(0, true), data: view.getBigUint64(8, true) };
};

/** Files that are always ready cannot be waited for: EPERM, as for regular files in the kernel. */
const sysEpollCtl = (task: Task, [epfd, operation, fd, address]: SyscallArgs): number => {
  const epoll = epollAt(task, epfd);
  if (typeof epoll === 'number') return epoll;
  const file = fileAt(task, fd);
  if (typeof file === 'number') return file;
  if (file === epoll || operation < EpollCtl.EPOLL_CTL_ADD || operation > EpollCtl.EPOLL_CTL_MOD) return -Errno.EINVAL;
  if (file.isMappable) return -Errno.EPERM;
  return epoll.control(operation, fd, file, eventAt(task, address));
};

const encode = (events: readonly EpollEvent[]): Uint8Array => {
  const bytes = new Uint8Array(events.length * EPOLL_EVENT_BYTES);
  const view = new DataView(bytes.buffer);
  events.forEach((event, i) => {
    view.setInt32(i * EPOLL_EVENT_BYTES, event.events, true);
    view.setBigUint64(i * EPOLL_EVENT_BYTES + 8, event.data, true);
  });
  return bytes;
};

const wait = (task: Task, epfd: number, address: number, maximum: number, timeoutNs: TimeoutNs): SyscallResult => {
  const epoll = epollAt(task, epfd);
  if (typeof epoll === 'number') return epoll;
  if (maximum <= 0 || maximum > 0x7ff_ffff) return -Errno.EINVAL;
  if (task.memory.writable(address >>> 0, EPOLL_EVENT_BYTES) === undefined) return -Errno.EFAULT;
  return waitUntilReady(task, timeoutNs, {
    hostFds: epoll.waitsOn,
    expire: () => undefined,
    scan: () => {
      const events = epoll.collect(maximum);
      return events.length === 0 || task.memory.write(address >>> 0, encode(events)) ? events.length : -Errno.EFAULT;
    },
  });
};

const sysEpollWait = (task: Task, [epfd, address, maximum, milliseconds]: SyscallArgs): SyscallResult =>
  wait(task, epfd, address, maximum, timeoutOfMs(milliseconds));

const sysEpollPwait = (task: Task, [epfd, address, maximum, milliseconds, mask, size]: SyscallArgs): SyscallResult => {
  const refused = installMask(task, mask, size);
  return refused < 0 ? refused : wait(task, epfd, address, maximum, timeoutOfMs(milliseconds));
};

const sysEpollPwait2 = (task: Task, [epfd, address, maximum, timeout, mask, size]: SyscallArgs): SyscallResult => {
  const limit = timeoutAt(task, timeout, 'time64');
  if (typeof limit === 'number') return limit;
  const refused = installMask(task, mask, size);
  return refused < 0 ? refused : wait(task, epfd, address, maximum, limit.ns);
};

export const epollSyscalls: SyscallRow[] = [
  sys(250, 'epoll_create', sysEpollCreate, 'i32 -> fd'),
  sys(251, 'epoll_ctl', sysEpollCtl, 'fd epollctl fd epollevent'),
  sys(252, 'epoll_wait', sysEpollWait, 'fd epollevents:out:ret i32 i32'),
  sys(346, 'epoll_pwait', sysEpollPwait, 'fd epollevents:out:ret i32 i32 sigset size'),
  sys(357, 'epoll_create1', sysEpollCreate1, 'epollflags -> fd'),
  sys(441, 'epoll_pwait2', sysEpollPwait2, 'fd epollevents:out:ret i32 timespec64 sigset size'),
];
