/** Scheduling: one CPU, SCHED_OTHER, nice 0; the rest is accepted where refusing would stop a program. */
import { Errno } from '../abi/errno.js';
import { writeTimespec } from '../abi/time.js';
import type { Task } from '../kernel/task.js';
import { type SyscallArgs, type SyscallRow, sys } from './syscall.js';

const SCHED_OTHER = 0;
const SCHED_FIFO = 1;
const SCHED_RR = 2;
const SCHED_BATCH = 3;
const SCHED_IDLE = 5;
const SCHED_RESET_ON_FORK = 0x4000_0000;
/** Bytes of the kernel's CPU mask. */
const CPU_MASK_BYTES = 4;
const SCHED_ATTR_BYTES = 48;

const hasTask = (task: Task, pid: number): boolean => pid === 0 || pid === task.group.pid || task.group.tasks.has(pid);

const sysSchedYield = (task: Task): number => {
  task.group.host.yieldTask(task);
  return 0;
};

const isKnownPolicy = (policy: number): boolean =>
  [SCHED_OTHER, SCHED_FIFO, SCHED_RR, SCHED_BATCH, SCHED_IDLE].includes(policy);

const sysSchedGetscheduler = (task: Task, [pid]: SyscallArgs): number => {
  if (pid < 0) return -Errno.EINVAL;
  return hasTask(task, pid) ? SCHED_OTHER : -Errno.ESRCH;
};

/** Real-time policies need a privilege (RLIMIT_RTPRIO is 0). */
const sysSchedSetscheduler = (task: Task, [pid, policy, paramAddr]: SyscallArgs): number => {
  const plain = policy & ~SCHED_RESET_ON_FORK;
  const priority = task.memory.readU32(paramAddr >>> 0);
  if (pid < 0 || !isKnownPolicy(plain)) return -Errno.EINVAL;
  if (priority === undefined) return -Errno.EFAULT;
  if (!hasTask(task, pid)) return -Errno.ESRCH;
  if (plain === SCHED_FIFO || plain === SCHED_RR) return -Errno.EPERM;
  return priority === 0 ? 0 : -Errno.EINVAL;
};

const sysSchedSetparam = (task: Task, [pid, paramAddr]: SyscallArgs): number => {
  const priority = task.memory.readU32(paramAddr >>> 0);
  if (priority === undefined) return -Errno.EFAULT;
  if (!hasTask(task, pid)) return -Errno.ESRCH;
  return priority === 0 ? 0 : -Errno.EINVAL;
};

const sysSchedGetparam = (task: Task, [pid, paramAddr]: SyscallArgs): number => {
  if (!hasTask(task, pid)) return -Errno.ESRCH;
  return task.memory.writeU32(paramAddr >>> 0, 0) ? 0 : -Errno.EFAULT;
};

const isRealtime = (policy: number): boolean => policy === SCHED_FIFO || policy === SCHED_RR;

const priorityLimit =
  (realtime: number) =>
  (_task: Task, [policy]: SyscallArgs): number => {
    if (!isKnownPolicy(policy)) return -Errno.EINVAL;
    return isRealtime(policy) ? realtime : 0;
  };

const sysSchedRrGetInterval = (task: Task, [pid, addr]: SyscallArgs): number => {
  if (!hasTask(task, pid)) return -Errno.ESRCH;
  return writeTimespec(task.memory, addr >>> 0, 'time32', { seconds: 0, nanoseconds: 0 }) ? 0 : -Errno.EFAULT;
};

const sysSchedSetaffinity = (task: Task, [pid, length, maskAddr]: SyscallArgs): number => {
  if (!hasTask(task, pid)) return -Errno.ESRCH;
  const mask = length >>> 0 === 0 ? undefined : task.memory.readable(maskAddr >>> 0, 1);
  if (mask === undefined) return length === 0 ? -Errno.EINVAL : -Errno.EFAULT;
  return ((mask[0] as number) & 1) !== 0 ? 0 : -Errno.EINVAL;
};

/** Gives the size of the mask in bytes, as the kernel's call does. */
const sysSchedGetaffinity = (task: Task, [pid, length, maskAddr]: SyscallArgs): number => {
  if (length >>> 0 < CPU_MASK_BYTES || (length & 3) !== 0) return -Errno.EINVAL;
  if (!hasTask(task, pid)) return -Errno.ESRCH;
  return task.memory.writeU32(maskAddr >>> 0, 1) ? CPU_MASK_BYTES : -Errno.EFAULT;
};

/** The kernel's value: 20 minus nice. */
const sysGetpriority = (): number => 20;

const sysSetpriority = (_task: Task, [, , nice]: SyscallArgs): number => (nice >= 0 ? 0 : -Errno.EACCES);
const sysNice = (_task: Task, [increment]: SyscallArgs): number => (increment >= 0 ? 0 : -Errno.EPERM);

const sysGetcpu = (task: Task, [cpuAddr, nodeAddr]: SyscallArgs): number => {
  const store = (addr: number): boolean => addr === 0 || task.memory.writeU32(addr >>> 0, 0);
  return store(cpuAddr) && store(nodeAddr) ? 0 : -Errno.EFAULT;
};

const sysSchedGetattr = (task: Task, [pid, addr, size]: SyscallArgs): number => {
  if (size >>> 0 < SCHED_ATTR_BYTES) return -Errno.EINVAL;
  if (!hasTask(task, pid)) return -Errno.ESRCH;
  const bytes = new Uint8Array(SCHED_ATTR_BYTES);
  bytes[0] = SCHED_ATTR_BYTES;
  return task.memory.write(addr >>> 0, bytes) ? 0 : -Errno.EFAULT;
};

const sysSchedSetattr = (task: Task, [pid, addr]: SyscallArgs): number => {
  const policy = task.memory.readU32((addr >>> 0) + 4);
  if (policy === undefined) return -Errno.EFAULT;
  if (!hasTask(task, pid)) return -Errno.ESRCH;
  if (!isKnownPolicy(policy)) return -Errno.EINVAL;
  return isRealtime(policy) ? -Errno.EPERM : 0;
};

/** The nice level of I/O: best effort, level 4. */
const IOPRIO_DEFAULT = (2 << 13) | 4;
const sysIoprioGet = (): number => IOPRIO_DEFAULT;
const sysIoprioSet = (): number => 0;

/** membarrier(2): threads never run at the same time here, so every barrier holds already. */
const MEMBARRIER_SUPPORTED = 0x7f;
const sysMembarrier = (_task: Task, [command]: SyscallArgs): number => {
  if (command === 0) return MEMBARRIER_SUPPORTED;
  return (command & ~MEMBARRIER_SUPPORTED) === 0 ? 0 : -Errno.EINVAL;
};

export const schedSyscalls: SyscallRow[] = [
  sys(34, 'nice', sysNice, 'i32'),
  sys(96, 'getpriority', sysGetpriority, 'i32 pid'),
  sys(97, 'setpriority', sysSetpriority, 'i32 pid i32'),
  sys(154, 'sched_setparam', sysSchedSetparam, 'pid ptr'),
  sys(155, 'sched_getparam', sysSchedGetparam, 'pid *i32:out'),
  sys(156, 'sched_setscheduler', sysSchedSetscheduler, 'pid i32 *i32'),
  sys(157, 'sched_getscheduler', sysSchedGetscheduler, 'pid'),
  sys(158, 'sched_yield', sysSchedYield, ''),
  sys(159, 'sched_get_priority_max', priorityLimit(99), 'i32'),
  sys(160, 'sched_get_priority_min', priorityLimit(1), 'i32'),
  sys(161, 'sched_rr_get_interval', sysSchedRrGetInterval, 'pid timespec:out'),
  sys(241, 'sched_setaffinity', sysSchedSetaffinity, 'pid size *hex'),
  sys(242, 'sched_getaffinity', sysSchedGetaffinity, 'pid size *hex:out'),
  sys(314, 'ioprio_set', sysIoprioSet, 'i32 i32 hex'),
  sys(315, 'ioprio_get', sysIoprioGet, 'i32 i32 -> hex'),
  sys(345, 'getcpu', sysGetcpu, '*u32:out *u32:out ptr'),
  sys(380, 'sched_setattr', sysSchedSetattr, 'pid ptr hex'),
  sys(381, 'sched_getattr', sysSchedGetattr, 'pid ptr size hex'),
  sys(389, 'membarrier', sysMembarrier, 'hex hex i32'),
];
