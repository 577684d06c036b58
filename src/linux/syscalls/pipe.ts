/** pipe(2), eventfd(2), and the ways of moving pages between pipes that are not offered (splice, tee, vmsplice). */
import { Errno } from '../abi/errno.js';
import { Open } from '../abi/open-flags.js';
import { EFD_SEMAPHORE, EventFd } from '../kernel/event-fd.js';
import { Pipe } from '../kernel/pipe.js';
import type { Task } from '../kernel/task.js';
import { give } from './arguments.js';
import { type SyscallArgs, type SyscallRow, sys } from './syscall.js';

const makePipe = (task: Task, address: number, flags: number): number => {
  if ((flags & ~(Open.O_CLOEXEC | Open.O_NONBLOCK | Open.O_DIRECT)) !== 0) return -Errno.EINVAL;
  const { files } = task.group;
  const pipe = new Pipe(files.newInode(), flags & Open.O_NONBLOCK);
  const closeOnExec = (flags & Open.O_CLOEXEC) !== 0;
  const reader = files.install(pipe.read, closeOnExec);
  if (reader < 0) return reader;
  const writer = files.install(pipe.write, closeOnExec);
  const given = writer < 0 ? writer : give(task, address, new Uint8Array(Int32Array.of(reader, writer).buffer));
  if (given < 0) {
    files.close(reader);
    files.close(writer);
  }
  return given;
};

const sysPipe = (task: Task, [address]: SyscallArgs): number => makePipe(task, address, 0);
const sysPipe2 = (task: Task, [address, flags]: SyscallArgs): number => makePipe(task, address, flags);

const makeEventFd = (task: Task, initial: number, flags: number): number => {
  if ((flags & ~(EFD_SEMAPHORE | Open.O_CLOEXEC | Open.O_NONBLOCK)) !== 0) return -Errno.EINVAL;
  const { files } = task.group;
  return files.install(new EventFd(files.newInode(), initial >>> 0, flags), (flags & Open.O_CLOEXEC) !== 0);
};

const sysEventfd = (task: Task, [initial]: SyscallArgs): number => makeEventFd(task, initial, 0);
const sysEventfd2 = (task: Task, [initial, flags]: SyscallArgs): number => makeEventFd(task, initial, flags);

/** Programs fall back to read and write. */
const sysAbsent = (): number => -Errno.ENOSYS;

export const pipeSyscalls: SyscallRow[] = [
  sys(42, 'pipe', sysPipe, 'fds:out'),
  sys(340, 'splice', sysAbsent, 'fd ptr fd ptr size hex'),
  sys(342, 'tee', sysAbsent, 'fd fd size hex'),
  sys(343, 'vmsplice', sysAbsent, 'fd ptr size hex'),
  sys(351, 'eventfd', sysEventfd, 'u32 -> fd'),
  sys(356, 'eventfd2', sysEventfd2, 'u32 eventfdflags -> fd'),
  sys(359, 'pipe2', sysPipe2, 'fds:out newfdflags'),
];
