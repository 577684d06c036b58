import { beforeEach, describe, expect, test } from 'vitest';
import { Errno } from '../../src/linux/abi/errno.js';
import { releaseTask } from '../../src/linux/exit-task.js';
import type { Task } from '../../src/linux/kernel/task.js';
import { call, expectBlocked, SCRATCH, TaskMachine } from './task-machine.js';

const WAIT = 0;
const WAKE = 1;
const REQUEUE = 3;
const CMP_REQUEUE = 4;
const WAKE_OP = 5;
const LOCK_PI = 6;
const UNLOCK_PI = 7;
const TRYLOCK_PI = 8;
const WAIT_BITSET = 9;
const WAKE_BITSET = 10;
const PRIVATE = 128;
const CLOCK_REALTIME = 256;
const WAITERS = 0x8000_0000;
const OWNER_DIED = 0x4000_0000;

const A = SCRATCH;
const B = SCRATCH + 64;
const TIME = SCRATCH + 128;

let machine: TaskMachine;
let tasks: Task[];

beforeEach(() => {
  machine = new TaskMachine();
  tasks = [machine.addTask(), machine.addTask(), machine.addTask(), machine.addTask()];
});

const task = (n: number): Task => tasks[n] as Task;
const waitOn = (n: number, addr = A, value = 0) => expectBlocked(call(task(n), 'futex', addr, WAIT | PRIVATE, value));
const setTime = (seconds: number, nanoseconds: number): void => {
  machine.memory.view.setInt32(TIME, seconds, true);
  machine.memory.view.setInt32(TIME + 4, nanoseconds, true);
};

describe('FUTEX_WAIT and WAKE', () => {
  test('WAIT returns EAGAIN when the word differs, EFAULT and EINVAL for bad addresses', () => {
    machine.memory.writeU32(A, 5);
    expect(call(task(0), 'futex', A, WAIT, 4)).toBe(-Errno.EAGAIN);
    expect(call(task(0), 'futex', 0x4000, WAIT, 0)).toBe(-Errno.EFAULT);
    expect(call(task(0), 'futex', A + 2, WAIT, 0)).toBe(-Errno.EINVAL);
    expect(call(task(0), 'futex', A, 77, 0)).toBe(-Errno.ENOSYS);
  });

  test('WAKE wakes the oldest waiters and says how many; private and shared are the same', () => {
    const waits = [waitOn(0), waitOn(1), waitOn(2)];
    expect(waits.map((wait) => wait.retry(false))).toEqual([undefined, undefined, undefined]);
    expect(call(task(3), 'futex', A, WAKE, 2)).toBe(2);
    expect(waits.map((wait) => wait.retry(false))).toEqual([0, 0, undefined]);
    expect(call(task(3), 'futex', A, WAKE, 0x7fff_ffff)).toBe(1);
    expect(call(task(3), 'futex', A, WAKE, 1)).toBe(0);
  });

  test('a relative timeout becomes a deadline; at it the waiter leaves with ETIMEDOUT', () => {
    machine.now = 1000;
    setTime(2, 500);
    const wait = expectBlocked(call(task(0), 'futex', A, WAIT, 0, TIME));
    expect(wait.deadlineNs).toBe(2_000_001_500);
    expect(wait.retry(true)).toBe(-Errno.ETIMEDOUT);
    expect(call(task(1), 'futex', A, WAKE, 1)).toBe(0);
    setTime(0, 1_000_000_000);
    expect(call(task(0), 'futex', A, WAIT, 0, TIME)).toBe(-Errno.EINVAL);
    expect(call(task(0), 'futex', A, WAIT, 0, 0x4000)).toBe(-Errno.EFAULT);
  });

  test('a wake that came first wins over the timeout and over a signal', () => {
    const timed = waitOn(0);
    const interrupted = waitOn(1);
    call(task(3), 'futex', A, WAKE, 2);
    expect(timed.retry(true)).toBe(0);
    expect(interrupted.interrupted?.()).toBe(0);
  });

  test('a signal takes the waiter out; without a timeout the call may be restarted, with one not', () => {
    const wait = waitOn(0);
    expect(wait.restartable).toBe(true);
    expect(wait.interrupted?.()).toBe(-Errno.EINTR);
    expect(call(task(1), 'futex', A, WAKE, 1)).toBe(0);
    setTime(1, 0);
    expect(expectBlocked(call(task(0), 'futex', A, WAIT, 0, TIME)).restartable).toBe(false);
  });

  test('WAIT_BITSET takes absolute times on either clock, and only matching wakes', () => {
    setTime(3, 0);
    const monotonic = expectBlocked(call(task(0), 'futex', A, WAIT_BITSET, 0, TIME, 0, 0b01));
    expect(monotonic.deadlineNs).toBe(3_000_000_000);
    setTime(1_704_067_200 + 3, 7);
    const wall = expectBlocked(call(task(1), 'futex', A, WAIT_BITSET | CLOCK_REALTIME, 0, TIME, 0, 0b10));
    expect(wall.deadlineNs).toBe(3_000_000_007);
    expect(call(task(2), 'futex', A, WAKE_BITSET, 9, 0, 0, 0b10)).toBe(1);
    expect([monotonic.retry(false), wall.retry(false)]).toEqual([undefined, 0]);
    expect(call(task(2), 'futex', A, WAKE_BITSET, 9, 0, 0, 0)).toBe(-Errno.EINVAL);
  });

  test('futex_time64 reads 16-byte timeouts', () => {
    const { view } = machine.memory;
    view.setBigInt64(TIME, 1n, true);
    view.setBigInt64(TIME + 8, 2n, true);
    expect(expectBlocked(call(task(0), 'futex_time64', A, WAIT, 0, TIME)).deadlineNs).toBe(1_000_000_002);
  });
});

describe('requeueing', () => {
  test('REQUEUE wakes some and moves the rest without waking them', () => {
    const waits = [waitOn(0), waitOn(1), waitOn(2)];
    expect(call(task(3), 'futex', A, REQUEUE, 1, 1, B)).toBe(2);
    expect(waits.map((wait) => wait.retry(false))).toEqual([0, undefined, undefined]);
    expect(call(task(3), 'futex', B, WAKE, 9)).toBe(1);
    expect(waits[1]?.retry(false)).toBe(0);
    expect(call(task(3), 'futex', A, WAKE, 9)).toBe(1);
  });

  test('CMP_REQUEUE does nothing but EAGAIN when the word differs', () => {
    waitOn(0);
    expect(call(task(3), 'futex', A, CMP_REQUEUE, 1, 1, B, 1)).toBe(-Errno.EAGAIN);
    expect(call(task(3), 'futex', A, CMP_REQUEUE, 0, 1, B, 0)).toBe(1);
    expect(call(task(3), 'futex', B, WAKE, 1)).toBe(1);
  });

  test('WAKE_OP changes the second word and wakes there when the old value compares', () => {
    machine.memory.writeU32(B, 3);
    const first = waitOn(0, A, 0);
    const second = waitOn(1, B, 3);
    const addOneIfGreaterThan2 = (1 << 28) | (4 << 24) | (1 << 12) | 2;
    expect(call(task(2), 'futex', A, WAKE_OP, 1, 1, B, addOneIfGreaterThan2)).toBe(2);
    expect(machine.memory.readU32(B)).toBe(4);
    expect([first.retry(false), second.retry(false)]).toEqual([0, 0]);
    const orShifted = ((8 | 2) << 28) | (5 << 12);
    call(task(2), 'futex', A, WAKE_OP, 1, 1, B, orShifted | 0);
    expect(machine.memory.readU32(B)).toBe(4 | 32);
  });
});

describe('priority inheritance', () => {
  test('LOCK_PI takes a free lock, waits for a held one, and UNLOCK_PI hands it over', () => {
    expect(call(task(0), 'futex', A, LOCK_PI)).toBe(0);
    expect(machine.memory.readU32(A)).toBe(task(0).tid);
    expect(call(task(0), 'futex', A, LOCK_PI)).toBe(-Errno.EDEADLK);
    expect(call(task(1), 'futex', A, TRYLOCK_PI)).toBe(-Errno.EAGAIN);
    const wait = expectBlocked(call(task(1), 'futex', A, LOCK_PI));
    expect(machine.memory.readU32(A)).toBe((task(0).tid | WAITERS) >>> 0);
    expect(call(task(2), 'futex', A, UNLOCK_PI)).toBe(-Errno.EPERM);
    expect(call(task(0), 'futex', A, UNLOCK_PI)).toBe(0);
    expect(wait.retry(false)).toBe(0);
    expect(machine.memory.readU32(A)).toBe(task(1).tid);
  });
});

describe('the end of a task', () => {
  /** A robust list at `head` with one entry whose futex is at offset 16. */
  const robustList = (owner: Task, word: number, pi = 0): number => {
    const head = SCRATCH + 0x200;
    const entry = SCRATCH + 0x240;
    machine.memory.writeU32(head, (entry | pi) >>> 0);
    machine.memory.writeU32(head + 4, 16);
    machine.memory.writeU32(head + 8, 0);
    machine.memory.writeU32(entry, head);
    machine.memory.writeU32(entry + 16, word);
    expect(call(owner, 'set_robust_list', head, 12)).toBe(0);
    expect(call(owner, 'set_robust_list', head, 11)).toBe(-Errno.EINVAL);
    return entry + 16;
  };

  test('clears clear_child_tid and wakes its waiter', () => {
    machine.memory.writeU32(A, task(0).tid);
    expect(call(task(0), 'set_tid_address', A)).toBe(task(0).tid);
    const join = waitOn(1, A, task(0).tid);
    releaseTask(task(0));
    expect(machine.memory.readU32(A)).toBe(0);
    expect(join.retry(false)).toBe(0);
  });

  test('marks its robust futexes OWNER_DIED and wakes one waiter', () => {
    const owner = task(0);
    const addr = robustList(owner, (owner.tid | WAITERS) >>> 0);
    const wait = waitOn(1, addr, (owner.tid | WAITERS) >>> 0);
    releaseTask(owner);
    expect(machine.memory.readU32(addr)).toBe((WAITERS | OWNER_DIED) >>> 0);
    expect(wait.retry(false)).toBe(0);
  });

  test('leaves futexes of other owners alone and survives a list that is a loop', () => {
    const addr = robustList(task(0), task(1).tid);
    machine.memory.writeU32(addr - 16, addr - 16);
    releaseTask(task(0));
    expect(machine.memory.readU32(addr)).toBe(task(1).tid);
  });

  test('hands a priority-inheritance lock to its waiter with OWNER_DIED', () => {
    const owner = task(0);
    const addr = robustList(owner, owner.tid, 1);
    const wait = expectBlocked(call(task(1), 'futex', addr, LOCK_PI));
    releaseTask(owner);
    expect(wait.retry(false)).toBe(0);
    expect(machine.memory.readU32(addr)).toBe((task(1).tid | OWNER_DIED) >>> 0);
  });
});
