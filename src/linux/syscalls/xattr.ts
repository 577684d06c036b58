/** Extended attributes (xattr(7)). Node cannot reach the host's, so files here are on a file system without them. */
import { Errno } from '../abi/errno.js';
import { At } from '../abi/open-flags.js';
import type { Task } from '../kernel/task.js';
import { fileAt, nameAt } from './arguments.js';
import { type SyscallArgs, type SyscallRow, sys } from './syscall.js';

/** The file must exist before the answer is EOPNOTSUPP. */
const onName = (task: Task, path: number, follow: boolean): number => {
  const name = nameAt(task, At.AT_FDCWD, path);
  if (typeof name === 'number') return name;
  const location = task.group.fs.locateExisting(name.base, name.path, follow);
  return typeof location === 'number' ? location : -Errno.EOPNOTSUPP;
};

const sysOnPath = (task: Task, [path]: SyscallArgs): number => onName(task, path, true);
const sysOnLink = (task: Task, [path]: SyscallArgs): number => onName(task, path, false);

const sysOnFd = (task: Task, [fd]: SyscallArgs): number => {
  const file = fileAt(task, fd);
  return typeof file === 'number' ? file : -Errno.EOPNOTSUPP;
};

export const xattrSyscalls: SyscallRow[] = [
  sys(226, 'setxattr', sysOnPath, 'path str buf:in:3 size hex'),
  sys(227, 'lsetxattr', sysOnLink, 'path str buf:in:3 size hex'),
  sys(228, 'fsetxattr', sysOnFd, 'fd str buf:in:3 size hex'),
  sys(229, 'getxattr', sysOnPath, 'path str buf:out:ret size'),
  sys(230, 'lgetxattr', sysOnLink, 'path str buf:out:ret size'),
  sys(231, 'fgetxattr', sysOnFd, 'fd str buf:out:ret size'),
  sys(232, 'listxattr', sysOnPath, 'path buf:out:ret size'),
  sys(233, 'llistxattr', sysOnLink, 'path buf:out:ret size'),
  sys(234, 'flistxattr', sysOnFd, 'fd buf:out:ret size'),
  sys(235, 'removexattr', sysOnPath, 'path str'),
  sys(236, 'lremovexattr', sysOnLink, 'path str'),
  sys(237, 'fremovexattr', sysOnFd, 'fd str'),
];
