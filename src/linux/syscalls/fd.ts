/** Descriptors: dup(2), fcntl(2), flock(2). */
import { Errno } from '../abi/errno.js';
import { Fcntl, FD_CLOEXEC, Flock, LockType } from '../abi/fcntl.js';
import { Open, SETTABLE_FLAGS } from '../abi/open-flags.js';
import { FLOCK_BYTES, FLOCK64_BYTES } from '../abi/structs.js';
import type { Descriptor } from '../kernel/fd-table.js';
import type { OpenFile } from '../kernel/open-file.js';
import { PipeReader, PipeWriter } from '../kernel/pipe.js';
import type { Task } from '../kernel/task.js';
import { fileAt } from './arguments.js';
import { type SyscallArgs, type SyscallResult, type SyscallRow, sys } from './syscall.js';
import { whenReady } from './transfer.js';

const sysDup = (task: Task, [fd]: SyscallArgs): number => {
  const file = fileAt(task, fd, true);
  return typeof file === 'number' ? file : task.group.files.install(file);
};

/** Equal descriptors: nothing happens. */
const sysDup2 = (task: Task, [oldFd, newFd]: SyscallArgs): number => {
  const file = fileAt(task, oldFd, true);
  if (typeof file === 'number') return file;
  return oldFd === newFd ? newFd : task.group.files.replace(newFd, file);
};

/** Equal descriptors: an error. */
const sysDup3 = (task: Task, [oldFd, newFd, flags]: SyscallArgs): number => {
  if ((flags & ~Open.O_CLOEXEC) !== 0 || oldFd === newFd) return -Errno.EINVAL;
  const file = fileAt(task, oldFd, true);
  if (typeof file === 'number') return file;
  return task.group.files.replace(newFd, file, (flags & Open.O_CLOEXEC) !== 0);
};

const sysFcntl = (task: Task, [fd, command, argument]: SyscallArgs): number => {
  const descriptor = task.group.files.descriptor(fd);
  if (descriptor === undefined) return -Errno.EBADF;
  switch (command) {
    case Fcntl.F_DUPFD:
    case Fcntl.F_DUPFD_CLOEXEC:
      return duplicate(task, descriptor.file, argument, command === Fcntl.F_DUPFD_CLOEXEC);
    case Fcntl.F_GETFD:
      return descriptor.closeOnExec ? FD_CLOEXEC : 0;
    case Fcntl.F_SETFD:
      descriptor.closeOnExec = (argument & FD_CLOEXEC) !== 0;
      return 0;
    case Fcntl.F_GETFL:
      return descriptor.file.flags;
    case Fcntl.F_SETFL:
      return setFlags(descriptor, argument);
    default:
      return controlFile(task, descriptor.file, command, argument);
  }
};

const duplicate = (task: Task, file: OpenFile, minimum: number, closeOnExec: boolean): number => {
  const { files } = task.group;
  return minimum < 0 || minimum >= files.limit ? -Errno.EINVAL : files.install(file, closeOnExec, minimum);
};

const setFlags = ({ file }: Descriptor, flags: number): number => {
  file.flags = (file.flags & ~SETTABLE_FLAGS) | (flags & SETTABLE_FLAGS);
  return 0;
};

const controlFile = (task: Task, file: OpenFile, command: number, argument: number): number => {
  switch (command) {
    case Fcntl.F_GETLK:
    case Fcntl.F_SETLK:
    case Fcntl.F_SETLKW:
      return lockRange(task, file, command === Fcntl.F_GETLK, argument, FLOCK_BYTES);
    case Fcntl.F_GETLK64:
    case Fcntl.F_SETLK64:
    case Fcntl.F_SETLKW64:
    case Fcntl.F_OFD_GETLK:
    case Fcntl.F_OFD_SETLK:
    case Fcntl.F_OFD_SETLKW:
      return lockRange(task, file, isQuery(command), argument, FLOCK64_BYTES);
    case Fcntl.F_SETPIPE_SZ:
      return isPipe(file) ? file.pipe.resize(argument) : -Errno.EBADF;
    case Fcntl.F_GETPIPE_SZ:
      return isPipe(file) ? file.pipe.capacity : -Errno.EBADF;
    case Fcntl.F_SETOWN:
    case Fcntl.F_SETSIG:
    case Fcntl.F_GETOWN:
    case Fcntl.F_GETSIG:
      return 0;
    default:
      return -Errno.EINVAL;
  }
};

const isQuery = (command: number): boolean => command === Fcntl.F_GETLK64 || command === Fcntl.F_OFD_GETLK;

const isPipe = (file: OpenFile): file is PipeReader | PipeWriter =>
  file instanceof PipeReader || file instanceof PipeWriter;

/**
 * Record locks belong to the process, and there is one process: nothing conflicts. Access mode and type are still
 * checked. Locks of other processes of the host are not seen, and ours not by them.
 */
const lockRange = (task: Task, file: OpenFile, query: boolean, address: number, size: number): number => {
  const bytes = task.memory.readable(address >>> 0, size);
  if (bytes === undefined) return -Errno.EFAULT;
  const type = bytes[0] | (bytes[1] << 8);
  if (type > LockType.F_UNLCK) return -Errno.EINVAL;
  if (query) return task.memory.write(address >>> 0, Uint8Array.of(LockType.F_UNLCK, 0)) ? 0 : -Errno.EFAULT;
  const isAllowed = type === LockType.F_UNLCK || (type === LockType.F_RDLCK ? file.canRead : file.canWrite);
  return isAllowed ? 0 : -Errno.EBADF;
};

const sysFlock = (task: Task, [fd, operation]: SyscallArgs): SyscallResult => {
  const file = fileAt(task, fd);
  if (typeof file === 'number') return file;
  const stat = file.stat();
  if (typeof stat === 'number') return stat;
  const key = `${stat.dev}:${stat.ino}`;
  const { flocks } = task.group.files;
  const kind = operation & ~Flock.LOCK_NB;
  if (kind === Flock.LOCK_UN) {
    flocks.unlock(key, file);
    return 0;
  }
  if (kind !== Flock.LOCK_SH && kind !== Flock.LOCK_EX) return -Errno.EINVAL;
  const attempt = (): number =>
    flocks.lock(key, file, kind === Flock.LOCK_EX ? 'exclusive' : 'shared') ? 0 : -Errno.EAGAIN;
  return (operation & Flock.LOCK_NB) !== 0 ? attempt() : whenReady(file, attempt);
};

export const fdSyscalls: SyscallRow[] = [
  sys(41, 'dup', sysDup, 'fd -> fd'),
  sys(55, 'fcntl', sysFcntl, 'fd fcntl fcntlarg -> fcntl'),
  sys(63, 'dup2', sysDup2, 'fd fd -> fd'),
  sys(143, 'flock', sysFlock, 'fd flockop'),
  sys(221, 'fcntl64', sysFcntl, 'fd fcntl fcntlarg -> fcntl'),
  sys(358, 'dup3', sysDup3, 'fd fd newfdflags -> fd'),
];
