/**
 * Sockets: there is no network. socket(2) refuses every family as a kernel built without it does (EAFNOSUPPORT), so
 * programs take the branch they have for that; calls on a descriptor that is no socket answer ENOTSOCK.
 */
import { Errno } from '../abi/errno.js';
import type { Task } from '../kernel/task.js';
import { fileAt } from './arguments.js';
import { type SyscallArgs, type SyscallRow, sys } from './syscall.js';

const sysSocket = (): number => -Errno.EAFNOSUPPORT;

const sysOnSocket = (task: Task, [fd]: SyscallArgs): number => {
  const file = fileAt(task, fd);
  return typeof file === 'number' ? file : -Errno.ENOTSOCK;
};

/** No way to be told about file changes: programs fall back to looking. */
const sysAbsent = (): number => -Errno.ENOSYS;

export const socketSyscalls: SyscallRow[] = [
  sys(281, 'socket', sysSocket, 'socketdomain sockettype i32 -> fd'),
  sys(282, 'bind', sysOnSocket, 'fd sockaddr:2 size'),
  sys(283, 'connect', sysOnSocket, 'fd sockaddr:2 size'),
  sys(284, 'listen', sysOnSocket, 'fd i32'),
  sys(285, 'accept', sysOnSocket, 'fd ptr ptr -> fd'),
  sys(286, 'getsockname', sysOnSocket, 'fd ptr ptr'),
  sys(287, 'getpeername', sysOnSocket, 'fd ptr ptr'),
  sys(288, 'socketpair', sysSocket, 'socketdomain sockettype i32 fds:out'),
  sys(289, 'send', sysOnSocket, 'fd buf:in:2 size hex'),
  sys(290, 'sendto', sysOnSocket, 'fd buf:in:2 size hex sockaddr:5 size'),
  sys(291, 'recv', sysOnSocket, 'fd buf:out:ret size hex'),
  sys(292, 'recvfrom', sysOnSocket, 'fd buf:out:ret size hex ptr ptr'),
  sys(293, 'shutdown', sysOnSocket, 'fd i32'),
  sys(294, 'setsockopt', sysOnSocket, 'fd i32 i32 ptr size'),
  sys(295, 'getsockopt', sysOnSocket, 'fd i32 i32 ptr ptr'),
  sys(296, 'sendmsg', sysOnSocket, 'fd ptr hex'),
  sys(297, 'recvmsg', sysOnSocket, 'fd ptr hex'),
  sys(316, 'inotify_init', sysAbsent, ''),
  sys(317, 'inotify_add_watch', sysAbsent, 'fd path hex'),
  sys(318, 'inotify_rm_watch', sysAbsent, 'fd i32'),
  sys(360, 'inotify_init1', sysAbsent, 'newfdflags'),
  sys(365, 'recvmmsg', sysOnSocket, 'fd ptr u32 hex timespec'),
  sys(366, 'accept4', sysOnSocket, 'fd ptr ptr newfdflags -> fd'),
  sys(367, 'fanotify_init', sysAbsent, 'hex hex'),
  sys(368, 'fanotify_mark', sysAbsent, 'fd hex off64 dirfd path'),
  sys(374, 'sendmmsg', sysOnSocket, 'fd ptr u32 hex'),
  sys(417, 'recvmmsg_time64', sysOnSocket, 'fd ptr u32 hex timespec64'),
];
