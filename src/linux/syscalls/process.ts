/** The process as a whole: ids, exit, and the calls that would make another process. */
import { Errno } from '../abi/errno.js';
import type { Task } from '../kernel/task.js';
import { type SyscallArgs, type SyscallRow, sys } from './syscall.js';
import { refuseProcess } from './thread.js';

const sysExitGroup = (task: Task, [code]: SyscallArgs): undefined => {
  task.group.host.exitGroup(task, code & 0xff);
};

const sysFork = (task: Task): number => refuseProcess(task, 'fork');
const sysVfork = (task: Task): number => refuseProcess(task, 'vfork');

const sysExecve = (task: Task): number => {
  task.group.host.incident(task, 'exec', 'execve: this emulator runs one program; the program got ENOSYS');
  return -Errno.ENOSYS;
};

/** There are never children. */
const sysWait = (): number => -Errno.ECHILD;

const sysGetpid = (task: Task): number => task.group.pid;
const sysGetppid = (task: Task): number => task.group.identity.ppid;
const sysGetpgrp = (task: Task): number => task.group.identity.pgid;

const isSelf = (task: Task, pid: number): boolean => pid === 0 || pid === task.group.pid;

const sysGetpgid = (task: Task, [pid]: SyscallArgs): number =>
  isSelf(task, pid) ? task.group.identity.pgid : -Errno.ESRCH;

const sysGetsid = (task: Task, [pid]: SyscallArgs): number =>
  isSelf(task, pid) ? task.group.identity.sid : -Errno.ESRCH;

/** Only the group the process is in already can be set. */
const sysSetpgid = (task: Task, [pid, pgid]: SyscallArgs): number => {
  if (pgid < 0) return -Errno.EINVAL;
  if (!isSelf(task, pid)) return -Errno.ESRCH;
  const wanted = pgid === 0 ? task.group.pid : pgid;
  return wanted === task.group.identity.pgid ? 0 : -Errno.EPERM;
};

/** Refused to a process group leader, which the process is when its ids say so. */
const sysSetsid = (task: Task): number =>
  task.group.identity.pgid === task.group.pid ? -Errno.EPERM : refuseSession(task);

const refuseSession = (task: Task): number => {
  task.group.host.incident(task, 'setsid', 'setsid: sessions are not emulated; the program got EPERM');
  return -Errno.EPERM;
};

export const processSyscalls: SyscallRow[] = [
  sys(2, 'fork', sysFork, ''),
  sys(11, 'execve', sysExecve, 'path strings strings'),
  sys(20, 'getpid', sysGetpid, ''),
  sys(57, 'setpgid', sysSetpgid, 'pid pid'),
  sys(64, 'getppid', sysGetppid, ''),
  sys(65, 'getpgrp', sysGetpgrp, ''),
  sys(66, 'setsid', sysSetsid, ''),
  sys(114, 'wait4', sysWait, 'i32 ptr waitoptions ptr'),
  sys(132, 'getpgid', sysGetpgid, 'pid'),
  sys(147, 'getsid', sysGetsid, 'pid'),
  sys(190, 'vfork', sysVfork, ''),
  sys(248, 'exit_group', sysExitGroup, 'i32 -> none'),
  sys(280, 'waitid', sysWait, 'u32 i32 ptr waitoptions ptr'),
  sys(387, 'execveat', sysExecve, 'dirfd path strings strings hex'),
];
