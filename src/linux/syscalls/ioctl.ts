/** ioctl(2): what every file answers; the rest is the file's own (kernel/terminal). */
import { Errno } from '../abi/errno.js';
import { Ioctl } from '../abi/ioctl.js';
import { Mode, Open } from '../abi/open-flags.js';
import type { OpenFile } from '../kernel/open-file.js';
import { PipeReader } from '../kernel/pipe.js';
import type { Task } from '../kernel/task.js';
import { fileAt, giveU32 } from './arguments.js';
import { type SyscallArgs, type SyscallRow, sys } from './syscall.js';

const sysIoctl = (task: Task, [fd, request, argument]: SyscallArgs): number => {
  const file = fileAt(task, fd);
  if (typeof file === 'number') return file;
  switch (request >>> 0) {
    case Ioctl.FIOCLEX:
    case Ioctl.FIONCLEX:
      return setCloseOnExec(task, fd, request === Ioctl.FIOCLEX);
    case Ioctl.FIONBIO:
      return setNonBlocking(task, file, argument);
    case Ioctl.FIONREAD:
      return bytesToRead(task, file, argument);
    default:
      return file.ioctl(task, request >>> 0, argument >>> 0);
  }
};

const setCloseOnExec = (task: Task, fd: number, on: boolean): number => {
  const descriptor = task.group.files.descriptor(fd);
  if (descriptor !== undefined) descriptor.closeOnExec = on;
  return 0;
};

const setNonBlocking = (task: Task, file: OpenFile, address: number): number => {
  const on = task.memory.readU32(address >>> 0);
  if (on === undefined) return -Errno.EFAULT;
  file.flags = on === 0 ? file.flags & ~Open.O_NONBLOCK : file.flags | Open.O_NONBLOCK;
  return 0;
};

/** FIONREAD: what is in the pipe; what is left of a regular file; a terminal knows itself. */
const bytesToRead = (task: Task, file: OpenFile, address: number): number => {
  if (file instanceof PipeReader) return giveU32(task, address, file.pipe.used);
  const stat = file.stat();
  if (typeof stat === 'number') return stat;
  if ((Number(stat.mode) & Mode.S_IFMT) !== Mode.S_IFREG) return file.ioctl(task, Ioctl.FIONREAD, address >>> 0);
  const position = file.seek(0, 1);
  return position < 0 ? -Errno.ENOTTY : giveU32(task, address, Math.max(0, Number(stat.size) - position));
};

export const ioctlSyscalls: SyscallRow[] = [sys(54, 'ioctl', sysIoctl, 'fd ioctl ioctlarg')];
