/** getrandom(2) from the run's seed. */
import { Errno } from '../abi/errno.js';
import type { Task } from '../kernel/task.js';
import { type SyscallArgs, type SyscallRow, sys } from './syscall.js';

const GRND_MASK = 7;
/** The kernel gives at most this much per call. */
const MAX_BYTES = 0x1ff_ffff;

const sysGetrandom = (task: Task, [addr, length, flags]: SyscallArgs): number => {
  if ((flags & ~GRND_MASK) !== 0) return -Errno.EINVAL;
  const count = Math.min(length >>> 0, MAX_BYTES);
  const target = task.memory.writable(addr >>> 0, count);
  if (target === undefined) return -Errno.EFAULT;
  task.group.random.fill(target);
  task.memory.announceWrite(addr >>> 0, count);
  return count;
};

export const randomSyscalls: SyscallRow[] = [sys(384, 'getrandom', sysGetrandom, 'buf:out:ret size hex')];
