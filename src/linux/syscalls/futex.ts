/** futex(2), in both time layouts. */
import {
  FUTEX_BITSET_MATCH_ANY,
  FUTEX_CLOCK_REALTIME,
  FUTEX_OWNER_DIED,
  FUTEX_PRIVATE_FLAG,
  FUTEX_TID_MASK,
  FUTEX_WAITERS,
  FutexOp,
} from '../abi/constants.js';
import { Errno } from '../abi/errno.js';
import type { TimeLayout } from '../abi/time.js';
import type { FutexWaiter } from '../kernel/futex-table.js';
import type { Task } from '../kernel/task.js';
import { readDeadline } from './blocking.js';
import { type Blocked, type SyscallArgs, type SyscallResult, type SyscallRow, sys } from './syscall.js';

const futex =
  (layout: TimeLayout) =>
  (task: Task, args: SyscallArgs): SyscallResult => {
    const [addr, op, value, timeoutOrCount, addr2, value3] = args;
    const uaddr = addr >>> 0;
    if (uaddr % 4 !== 0) return -Errno.EINVAL;
    const isRealtime = (op & FUTEX_CLOCK_REALTIME) !== 0;
    const { futexes } = task.group;
    switch (op & ~(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME)) {
      case FutexOp.WAIT:
        return wait(task, uaddr, value, FUTEX_BITSET_MATCH_ANY, readDeadline(task, timeoutOrCount, layout, 'now'));
      case FutexOp.WAIT_BITSET: {
        const deadline = readDeadline(task, timeoutOrCount, layout, isRealtime ? 'epoch' : 'boot');
        return value3 === 0 ? -Errno.EINVAL : wait(task, uaddr, value, value3, deadline);
      }
      case FutexOp.WAKE:
        return futexes.wake(uaddr, Math.max(1, value), FUTEX_BITSET_MATCH_ANY);
      case FutexOp.WAKE_BITSET:
        return value3 === 0 ? -Errno.EINVAL : futexes.wake(uaddr, Math.max(1, value), value3);
      case FutexOp.REQUEUE:
        return requeue(task, uaddr, value, timeoutOrCount, addr2 >>> 0, undefined);
      case FutexOp.CMP_REQUEUE:
        return requeue(task, uaddr, value, timeoutOrCount, addr2 >>> 0, value3);
      case FutexOp.WAKE_OP:
        return wakeOp(task, uaddr, value, timeoutOrCount, addr2 >>> 0, value3);
      case FutexOp.LOCK_PI:
        return lockPi(task, uaddr, readDeadline(task, timeoutOrCount, layout, 'epoch'));
      case FutexOp.LOCK_PI2:
        return lockPi(task, uaddr, readDeadline(task, timeoutOrCount, layout, isRealtime ? 'epoch' : 'boot'));
      case FutexOp.TRYLOCK_PI:
        return tryLockPi(task, uaddr) ?? -Errno.EAGAIN;
      case FutexOp.UNLOCK_PI:
        return unlockPi(task, uaddr);
      default:
        return -Errno.ENOSYS;
    }
  };

type Deadline = ReturnType<typeof readDeadline>;

/** EAGAIN when the word differs. */
const wait = (task: Task, addr: number, expected: number, bitset: number, deadline: Deadline): SyscallResult => {
  if (typeof deadline === 'number') return deadline;
  const word = task.memory.readU32(addr);
  if (word === undefined) return -Errno.EFAULT;
  if ((word | 0) !== expected) return -Errno.EAGAIN;
  return blockOn(task, task.group.futexes.wait(addr, bitset | 0, task.tid), deadline.deadlineNs);
};

/** Without a timeout SA_RESTART applies; with one the kernel gives EINTR after a handler. */
const blockOn = (task: Task, waiter: FutexWaiter, deadlineNs: number | undefined): Blocked => {
  const giveUp = (result: number): number => {
    if (waiter.woken) return 0;
    task.group.futexes.cancel(waiter);
    return result;
  };
  return {
    blocked: true,
    retry: (timedOut) => (waiter.woken ? 0 : timedOut ? giveUp(-Errno.ETIMEDOUT) : undefined),
    interrupted: () => giveUp(-Errno.EINTR),
    restartable: deadlineNs === undefined,
    ...(deadlineNs === undefined ? {} : { deadlineNs }),
  };
};

const requeue = (
  task: Task,
  from: number,
  wakeCount: number,
  moveCount: number,
  to: number,
  expected: number | undefined,
): number => {
  if (to % 4 !== 0 || wakeCount < 0 || moveCount < 0) return -Errno.EINVAL;
  const word = task.memory.readU32(from);
  if (word === undefined || task.memory.readU32(to) === undefined) return -Errno.EFAULT;
  if (expected !== undefined && (word | 0) !== expected) return -Errno.EAGAIN;
  const { futexes } = task.group;
  const woken = futexes.wake(from, wakeCount, FUTEX_BITSET_MATCH_ANY);
  return woken + futexes.requeue(from, to, moveCount);
};

/** FUTEX_WAKE_OP: changes the second word, then wakes the first and, if the old value compares, the second. */
const wakeOp = (task: Task, addr: number, count: number, count2: number, addr2: number, encoded: number): number => {
  if (addr2 % 4 !== 0) return -Errno.EINVAL;
  const old = task.memory.readU32(addr2);
  if (old === undefined) return -Errno.EFAULT;
  const operand = (encoded << 8) >> 20;
  const changed = applyWakeOp((encoded >>> 28) & 7, old | 0, encoded < 0 ? 1 << (operand & 31) : operand);
  if (changed === undefined) return -Errno.ENOSYS;
  if (!task.memory.writeU32(addr2, changed >>> 0)) return -Errno.EFAULT;
  const { futexes } = task.group;
  const woken = futexes.wake(addr, Math.max(1, count), FUTEX_BITSET_MATCH_ANY);
  const meets = compareWakeOp((encoded >>> 24) & 15, old | 0, (encoded << 20) >> 20);
  if (meets === undefined) return -Errno.ENOSYS;
  return meets ? woken + futexes.wake(addr2, Math.max(1, count2), FUTEX_BITSET_MATCH_ANY) : woken;
};

const applyWakeOp = (op: number, old: number, operand: number): number | undefined =>
  [operand, (old + operand) | 0, old | operand, old & ~operand, old ^ operand][op];

const compareWakeOp = (comparison: number, old: number, operand: number): boolean | undefined =>
  [old === operand, old !== operand, old < operand, old <= operand, old > operand, old >= operand][comparison];

// -- priority inheritance: the word holds the owner's tid -------------------------------------------------------------

/** 0 when the lock was free and is taken now, an errno, or undefined when somebody else has it. */
const tryLockPi = (task: Task, addr: number): number | undefined => {
  const word = task.memory.readU32(addr);
  if (word === undefined) return -Errno.EFAULT;
  const owner = word & FUTEX_TID_MASK;
  if (owner === task.tid) return -Errno.EDEADLK;
  if (owner !== 0) return task.group.tasks.has(owner) ? undefined : -Errno.ESRCH;
  const taken = task.tid | (word & FUTEX_OWNER_DIED) | waitersBit(task, addr);
  return task.memory.writeU32(addr, taken >>> 0) ? 0 : -Errno.EFAULT;
};

const waitersBit = (task: Task, addr: number): number => (task.group.futexes.hasWaiters(addr) ? FUTEX_WAITERS : 0);

const lockPi = (task: Task, addr: number, deadline: Deadline): SyscallResult => {
  if (typeof deadline === 'number') return deadline;
  const done = tryLockPi(task, addr);
  if (done !== undefined) return done;
  const word = task.memory.readU32(addr) as number;
  task.memory.writeU32(addr, (word | FUTEX_WAITERS) >>> 0);
  const waiter = task.group.futexes.wait(addr, -1, task.tid);
  return { ...blockOn(task, waiter, deadline.deadlineNs), restartable: true };
};

/** Hands the lock to the first waiter. */
const unlockPi = (task: Task, addr: number): number => {
  const word = task.memory.readU32(addr);
  if (word === undefined) return -Errno.EFAULT;
  if ((word & FUTEX_TID_MASK) !== task.tid) return -Errno.EPERM;
  handOver(task, addr, 0);
  return 0;
};

/** Gives a priority-inheritance lock to the first waiter, or frees it; `flags` are kept in the word. */
export const handOver = (task: Task, addr: number, flags: number): void => {
  const next = task.group.futexes.wakeOne(addr);
  const word = next === undefined ? flags : next.tid | waitersBit(task, addr) | flags;
  task.memory.writeU32(addr, word >>> 0);
};

export const futexSyscalls: SyscallRow[] = [
  sys(240, 'futex', futex('time32'), 'ptr futexop u32 futextimeout futexaddr2 futexval3'),
  sys(422, 'futex_time64', futex('time64'), 'ptr futexop u32 futextimeout futexaddr2 futexval3'),
];
