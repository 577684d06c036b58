import { beforeEach, describe, expect, test } from 'vitest';
import { Errno } from '../../src/linux/abi/errno.js';
import { Clock, VIRTUAL_EPOCH_SECONDS } from '../../src/linux/kernel/clock.js';
import { Random } from '../../src/linux/kernel/random.js';
import type { Task } from '../../src/linux/kernel/task.js';
import type { Timer } from '../../src/linux/kernel/timers.js';
import { call, expectBlocked, SCRATCH, TaskMachine } from './task-machine.js';

const MS = 1_000_000;
const REALTIME = 0;
const MONOTONIC = 1;
const PROCESS_CPU = 2;
const THREAD_CPU = 3;
const TIMER_ABSTIME = 1;

let machine: TaskMachine;
let task: Task;

beforeEach(() => {
  machine = new TaskMachine();
  task = machine.addTask();
});

const i32 = (addr: number): number => machine.memory.view.getInt32(addr, true);
const put = (addr: number, ...words: number[]): number => {
  machine.memory.poke(addr, new Uint8Array(Int32Array.from(words).buffer));
  return addr;
};
const read = (clock: number): [number, number] => {
  expect(call(task, 'clock_gettime', clock, SCRATCH)).toBe(0);
  return [i32(SCRATCH), i32(SCRATCH + 4)];
};
/** What expired, with counts, when the clock stands at `now`. */
const expire = (): [Timer, number][] => {
  const fired: [Timer, number][] = [];
  const { clock, timers } = machine.group;
  timers.expire(clock.monotonicNs(), clock.cpuNs(), (timer, count) => fired.push([timer, count]));
  return fired;
};

describe('the virtual clock', () => {
  test('is one nanosecond per instruction plus what was skipped; CPU time does not skip', () => {
    machine.now = 1_234_567;
    task.retired = 99;
    machine.group.clock.skipTo(3_000_000_000);
    machine.group.clock.skipTo(5);
    machine.now += 7;
    expect(read(MONOTONIC)).toEqual([3, 7]);
    expect(read(REALTIME)).toEqual([VIRTUAL_EPOCH_SECONDS + 3, 7]);
    expect(read(PROCESS_CPU)).toEqual([0, 1_234_574]);
    expect(read(THREAD_CPU)).toEqual([0, 99]);
    expect(read((~task.tid << 3) | 6)).toEqual([0, 99]);
    expect(call(task, 'clock_gettime', 77, SCRATCH)).toBe(-Errno.EINVAL);
    expect(call(task, 'clock_gettime', MONOTONIC, 0x4000)).toBe(-Errno.EFAULT);
  });

  test('clock_gettime64 and gettimeofday agree with it', () => {
    machine.now = 2_500_000;
    call(task, 'clock_gettime64', REALTIME, SCRATCH);
    expect(machine.memory.view.getBigInt64(SCRATCH, true)).toBe(BigInt(VIRTUAL_EPOCH_SECONDS));
    expect(machine.memory.view.getBigInt64(SCRATCH + 8, true)).toBe(2_500_000n);
    call(task, 'gettimeofday', SCRATCH, 0);
    expect([i32(SCRATCH), i32(SCRATCH + 4)]).toEqual([VIRTUAL_EPOCH_SECONDS, 2500]);
    expect(call(task, 'clock_settime', REALTIME, SCRATCH)).toBe(-Errno.EPERM);
  });

  test('the host clock moves on by itself and does not skip', async () => {
    const clock = new Clock('host', () => 5);
    const before = clock.monotonicNs();
    clock.skipTo(before + 1e12);
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(clock.monotonicNs() - before).toBeGreaterThan(4 * MS);
    expect(clock.monotonicNs() - before).toBeLessThan(1e11);
    expect(Math.abs(clock.realtime().seconds - Date.now() / 1000)).toBeLessThan(3);
    expect(clock.cpuNs()).toBe(5);
  });
});

describe('sleeping', () => {
  test('nanosleep waits for its deadline; a signal leaves the rest of the time', () => {
    machine.now = 100;
    const wait = expectBlocked(call(task, 'nanosleep', put(SCRATCH, 1, 5), SCRATCH + 16));
    expect(wait.deadlineNs).toBe(1_000_000_105);
    expect(wait.restartable).toBe(false);
    expect([wait.retry(false), wait.retry(true)]).toEqual([undefined, 0]);
    machine.now = 400_000_105;
    expect(wait.interrupted?.()).toBe(-Errno.EINTR);
    expect([i32(SCRATCH + 16), i32(SCRATCH + 20)]).toEqual([0, 600_000_000]);
    expect(call(task, 'nanosleep', put(SCRATCH, 0, 1_000_000_000), 0)).toBe(-Errno.EINVAL);
    expect(call(task, 'nanosleep', put(SCRATCH, -1, 0), 0)).toBe(-Errno.EINVAL);
  });

  test('clock_nanosleep with TIMER_ABSTIME takes a time on its clock', () => {
    put(SCRATCH, VIRTUAL_EPOCH_SECONDS + 2, 9);
    const wall = expectBlocked(call(task, 'clock_nanosleep', REALTIME, TIMER_ABSTIME, SCRATCH, 0));
    expect(wall.deadlineNs).toBe(2_000_000_009);
    put(SCRATCH, 2, 9);
    const boot = expectBlocked(call(task, 'clock_nanosleep', MONOTONIC, TIMER_ABSTIME, SCRATCH, 0));
    expect(boot.deadlineNs).toBe(2_000_000_009);
    expect(call(task, 'clock_nanosleep', THREAD_CPU, 0, SCRATCH, 0)).toBe(-Errno.EINVAL);
  });
});

describe('timers', () => {
  test('setitimer fires, repeats, counts what it missed, and reports what is left', () => {
    put(SCRATCH, 0, 2000, 0, 3000);
    expect(call(task, 'setitimer', 0, SCRATCH, 0)).toBe(0);
    expect(machine.group.timers.nextDeadlineNs('monotonic')).toBe(3 * MS);
    machine.now = MS;
    call(task, 'getitimer', 0, SCRATCH + 32);
    expect(Array.from({ length: 4 }, (_, i) => i32(SCRATCH + 32 + 4 * i))).toEqual([0, 2000, 0, 2000]);
    expect(expire()).toEqual([]);
    machine.now = 3 * MS;
    expect(expire().map(([timer, count]) => [timer.signal?.signo, count])).toEqual([[14, 1]]);
    machine.now = 10 * MS;
    expect(expire().map(([, count]) => count)).toEqual([3]);
    expect(machine.group.timers.nextDeadlineNs('monotonic')).toBe(11 * MS);
    put(SCRATCH, 0, 0, 0, 0);
    call(task, 'setitimer', 0, SCRATCH, 0);
    expect(machine.group.timers.nextDeadlineNs('monotonic')).toBe(Number.POSITIVE_INFINITY);
    expect(call(task, 'setitimer', 3, SCRATCH, 0)).toBe(-Errno.EINVAL);
  });

  test('ITIMER_PROF runs on CPU time, which sleeping does not pass', () => {
    put(SCRATCH, 0, 0, 0, 1000);
    call(task, 'setitimer', 2, SCRATCH, 0);
    machine.group.clock.skipTo(1e9);
    expect(expire()).toEqual([]);
    machine.now = MS;
    expect(expire().map(([timer]) => timer.signal?.signo)).toEqual([27]);
  });

  test('POSIX timers carry their value and take absolute times; unknown ones are EINVAL', () => {
    put(SCRATCH, 4711, 12, 0, 0);
    expect(call(task, 'timer_create', MONOTONIC, SCRATCH, SCRATCH + 32)).toBe(0);
    const id = i32(SCRATCH + 32);
    put(SCRATCH, 0, 0, 5, 0);
    expect(call(task, 'timer_settime', id, TIMER_ABSTIME, SCRATCH, 0)).toBe(0);
    machine.now = 4e9;
    call(task, 'timer_gettime', id, SCRATCH + 64);
    expect([i32(SCRATCH + 72), i32(SCRATCH + 76)]).toEqual([1, 0]);
    machine.now = 5e9;
    const [[timer] = []] = expire();
    expect(timer?.signal).toMatchObject({ signo: 12, code: -2, value: 4711, timerId: id });
    expect(call(task, 'timer_delete', id)).toBe(0);
    expect(call(task, 'timer_delete', id)).toBe(-Errno.EINVAL);
    put(SCRATCH, 0, 99, 0, 0);
    expect(call(task, 'timer_create', MONOTONIC, SCRATCH, SCRATCH + 32)).toBe(-Errno.EINVAL);
  });
});

describe('random numbers', () => {
  test('repeat for a seed and differ between seeds', () => {
    expect(new Random(1).bytes(64)).toEqual(new Random(1).bytes(64));
    expect(new Random(1).bytes(64)).not.toEqual(new Random(2).bytes(64));
  });

  test('have about as many ones as zeroes at every bit', () => {
    const random = new Random(0);
    const ones = new Array<number>(32).fill(0);
    for (let i = 0; i < 4000; i++) {
      const word = random.nextU32();
      for (let bit = 0; bit < 32; bit++) ones[bit] = (ones[bit] as number) + ((word >>> bit) & 1);
    }
    for (const count of ones) expect(Math.abs(count - 2000)).toBeLessThan(200);
  });

  test('getrandom fills guest memory and refuses unknown flags', () => {
    put(SCRATCH, 0, 0);
    expect(call(task, 'getrandom', SCRATCH, 5, 0)).toBe(5);
    expect(Buffer.from(machine.memory.u8.subarray(SCRATCH, SCRATCH + 8)).equals(Buffer.alloc(8))).toBe(false);
    expect(machine.memory.u8[SCRATCH + 5]).toBe(0);
    expect(call(task, 'getrandom', SCRATCH, 5, 8)).toBe(-Errno.EINVAL);
    expect(call(task, 'getrandom', 0x4000, 5, 0)).toBe(-Errno.EFAULT);
  });
});
