/** Threads: clone as pthread_create uses it, and what a thread tells the kernel about itself. */
import { Word } from '../../guest/cpu-state.js';
import {
  CLONE_CHILD_CLEARTID,
  CLONE_CHILD_SETTID,
  CLONE_PARENT_SETTID,
  CLONE_SETTLS,
  CLONE_SIGHAND,
  CLONE_THREAD,
  CLONE_VM,
} from '../abi/constants.js';
import { Errno } from '../abi/errno.js';
import type { Task } from '../kernel/task.js';
import { type SyscallArgs, type SyscallRow, sys } from './syscall.js';

const ROBUST_LIST_HEAD_BYTES = 12;

/**
 * clone(flags, stack, ptid, tls, ctid): ARM's argument order (CLONE_BACKWARDS). Only threads of this process; anything
 * else is fork by another name.
 */
const sysClone = (task: Task, [flags, stack, ptid, tls, ctid]: SyscallArgs): number => {
  const isThread = (flags & CLONE_THREAD) !== 0;
  if (isThread && (flags & CLONE_SIGHAND) === 0) return -Errno.EINVAL;
  if ((flags & CLONE_SIGHAND) !== 0 && (flags & CLONE_VM) === 0) return -Errno.EINVAL;
  if (!isThread) return refuseProcess(task, 'clone without CLONE_THREAD');
  const words = task.words.slice(0, Word.THREAD_END);
  words[0] = 0;
  if (stack !== 0) words[Word.SP] = stack;
  if ((flags & CLONE_SETTLS) !== 0) words[Word.TPIDRURO] = tls;
  words[Word.EXCLUSIVE_SIZE] = 0;
  const tid = task.group.host.spawnTask(task, words, (flags & CLONE_CHILD_CLEARTID) !== 0 ? ctid : 0);
  if ((flags & CLONE_PARENT_SETTID) !== 0) task.memory.writeU32(ptid >>> 0, tid);
  if ((flags & CLONE_CHILD_SETTID) !== 0) task.memory.writeU32(ctid >>> 0, tid);
  return tid;
};

/** fork and its relatives: there is one process. */
export const refuseProcess = (task: Task, what: string): number => {
  task.group.host.incident(task, 'fork', `${what}: this emulator runs one process; the program got ENOSYS`);
  return -Errno.ENOSYS;
};

const sysSetTidAddress = (task: Task, [addr]: SyscallArgs): number => {
  task.clearChildTid = addr >>> 0;
  return task.tid;
};

const sysSetRobustList = (task: Task, [head, length]: SyscallArgs): number => {
  if (length !== ROBUST_LIST_HEAD_BYTES) return -Errno.EINVAL;
  task.robustList = head >>> 0;
  return 0;
};

const sysGetRobustList = (task: Task, [tid, headAddr, lengthAddr]: SyscallArgs): number => {
  const target = tid === 0 ? task : task.group.tasks.get(tid);
  if (target === undefined) return -Errno.ESRCH;
  const stored =
    task.memory.writeU32(lengthAddr >>> 0, ROBUST_LIST_HEAD_BYTES) &&
    task.memory.writeU32(headAddr >>> 0, target.robustList);
  return stored ? 0 : -Errno.EFAULT;
};

const sysGettid = (task: Task): number => task.tid;

const sysExit = (task: Task, [code]: SyscallArgs): undefined => {
  task.group.host.exitTask(task, code & 0xff);
};

/** Not offered: callers fall back (clone3 to clone) or go without (rseq). */
const notOffered = (): number => -Errno.ENOSYS;

export const threadSyscalls: SyscallRow[] = [
  sys(1, 'exit', sysExit, 'i32 -> none'),
  sys(120, 'clone', sysClone, 'child_stack=ptr@1 flags=cloneflags@0 parent_tid=ptr@2 tls=hex@3 child_tidptr=ptr@4'),
  sys(224, 'gettid', sysGettid, ''),
  sys(256, 'set_tid_address', sysSetTidAddress, 'ptr'),
  sys(338, 'set_robust_list', sysSetRobustList, 'ptr size'),
  sys(339, 'get_robust_list', sysGetRobustList, 'pid *hex:out *size:out'),
  sys(398, 'rseq', notOffered, 'ptr u32 hex hex'),
  sys(435, 'clone3', notOffered, 'ptr size'),
];
