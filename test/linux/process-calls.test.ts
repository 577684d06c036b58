import { beforeEach, describe, expect, test } from 'vitest';
import { Word } from '../../src/guest/cpu-state.js';
import { Errno } from '../../src/linux/abi/errno.js';
import { SyscallTable } from '../../src/linux/dispatch.js';
import type { Task } from '../../src/linux/kernel/task.js';
import { isKnownKind, isKnownResult, parseKinds } from '../../src/linux/strace.js';
import { SYSCALLS } from '../../src/linux/syscalls/table.js';
import { call, SCRATCH, TaskMachine } from './task-machine.js';

let machine: TaskMachine;
let task: Task;

beforeEach(() => {
  machine = new TaskMachine();
  task = machine.addTask();
});

const u32 = (addr: number): number => machine.memory.view.getUint32(addr, true);

describe('the table', () => {
  test('has one row per number and per name', () => {
    expect(new Set(SYSCALLS.map((row) => row.number)).size).toBe(SYSCALLS.length);
    expect(new Set(SYSCALLS.map((row) => row.name)).size).toBe(SYSCALLS.length);
  });

  test.each(SYSCALLS.map((row) => [row.name, row.args]))('%s has argument kinds strace can print', (_name, args) => {
    const kinds = parseKinds(args);
    expect(kinds.arguments.filter(({ kind }) => !isKnownKind(kind)).map(({ kind }) => kind)).toEqual([]);
    expect(isKnownResult(kinds.result)).toBe(true);
  });
});

describe('finding the call', () => {
  const table = new SyscallTable(SYSCALLS);
  const decode = (svc: number, r7: number): number => {
    machine.memory.writeU32(SCRATCH, svc);
    task.words[Word.PC] = SCRATCH + 4;
    task.words[7] = r7;
    return table.decode(task).number;
  };

  test('EABI takes r7; an old-ABI immediate carries the number itself, as the sigreturn stub has it', () => {
    expect(decode(0xef00_0000, 20)).toBe(20);
    expect(decode(0xef90_00ad, 173)).toBe(173);
    expect(decode(0xef9f_0002, 0)).toBe(0xf_0002);
  });

  test('T32 ignores the immediate and the pc has bit 0', () => {
    task.words[Word.THUMB] = 1;
    task.words[Word.PC] = SCRATCH + 2;
    task.words[7] = 64;
    expect(table.decode(task)).toMatchObject({ number: 64, pc: SCRATCH | 1 });
  });

  test('an unknown number is ENOSYS and one incident; above the private range it is SIGILL', () => {
    const unknown = { number: 4000, row: undefined, args: [0, 0, 0, 0, 0, 0, 0] as const, pc: SCRATCH };
    expect(table.call(task, unknown)).toBe(-Errno.ENOSYS);
    expect(table.call(task, unknown)).toBe(-Errno.ENOSYS);
    expect(machine.incidents).toEqual(['unknown-syscall']);
    expect(table.call(task, { ...unknown, number: 0xf_0800 })).toBeUndefined();
    expect(task.signals.pending.set).toBe(1n << 3n);
  });
});

describe('clone', () => {
  const PTHREAD_FLAGS = 0x3d_0f00;

  test('as pthread_create calls it: r0 = 0, its own stack and TLS, tid stored for both sides', () => {
    task.words[5] = 55;
    task.words[Word.EXCLUSIVE_SIZE] = 4;
    const tid = call(task, 'clone', PTHREAD_FLAGS, 0x9_0000, SCRATCH, 0x1234, SCRATCH + 4) as number;
    const child = task.group.tasks.get(tid) as Task;
    expect([child.words[0], child.words[5], child.words[Word.SP]]).toEqual([0, 55, 0x9_0000]);
    expect([child.words[Word.TPIDRURO], child.words[Word.EXCLUSIVE_SIZE]]).toEqual([0x1234, 0]);
    expect(u32(SCRATCH)).toBe(tid);
    expect(task.words[0]).toBe(0);
  });

  test('fork, vfork, posix_spawn and execve are refused honestly: ENOSYS and an incident', () => {
    expect(call(task, 'clone', 0x120_0011, 0, 0, 0, SCRATCH)).toBe(-Errno.ENOSYS);
    expect(call(task, 'clone', 0x4111, 0x9_0000)).toBe(-Errno.ENOSYS);
    expect(call(task, 'fork')).toBe(-Errno.ENOSYS);
    expect(call(task, 'execve', SCRATCH, 0, 0)).toBe(-Errno.ENOSYS);
    expect(machine.incidents).toEqual(['fork', 'fork', 'fork', 'exec']);
    expect(call(task, 'wait4', -1, 0, 0, 0)).toBe(-Errno.ECHILD);
    expect(call(task, 'clone', 0x1_0000, 0)).toBe(-Errno.EINVAL);
  });
});

describe('information', () => {
  test('uname tells an ARMv7 Linux', () => {
    expect(call(task, 'uname', SCRATCH)).toBe(0);
    const field = (n: number): string => {
      const bytes = machine.memory.readCString(SCRATCH + 65 * n) as Uint8Array;
      return Buffer.from(bytes).toString();
    };
    expect([field(0), field(1), field(4)]).toEqual(['Linux', 'arm', 'armv7l']);
  });

  test('limits: the stack size is told, NOFILE can be lowered, a hard limit cannot rise', () => {
    expect(call(task, 'ugetrlimit', 3, SCRATCH)).toBe(0);
    expect([u32(SCRATCH), u32(SCRATCH + 4)]).toEqual([0x80_0000, 0xffff_ffff]);
    expect(call(task, 'ugetrlimit', 16, SCRATCH)).toBe(-Errno.EINVAL);
    machine.memory.poke(SCRATCH, new Uint8Array(BigUint64Array.of(5n, 0xffff_ffff_ffff_ffffn).buffer));
    expect(call(task, 'prlimit64', 0, 8, SCRATCH, 0)).toBe(-Errno.EPERM);
    expect(call(task, 'prlimit64', 0, 3, SCRATCH, SCRATCH + 32)).toBe(0);
    expect(machine.memory.view.getBigUint64(SCRATCH + 40, true)).toBe(0xffff_ffff_ffff_ffffn);
    expect(task.group.limits.get(3)?.soft).toBe(5);
  });

  test('prctl names a thread with at most 15 bytes', () => {
    machine.memory.poke(SCRATCH, Buffer.from('a-rather-long-name\0'));
    expect(call(task, 'prctl', 15, SCRATCH)).toBe(0);
    expect(task.name).toBe('a-rather-long-n');
    expect(call(task, 'prctl', 16, SCRATCH + 64)).toBe(0);
    expect(u32(SCRATCH + 76) >>> 24).toBe(0);
    expect(call(task, 'prctl', 9999)).toBe(-Errno.EINVAL);
  });

  test('one CPU: sched_getaffinity gives 4 bytes with bit 0', () => {
    expect(call(task, 'sched_getaffinity', 0, 128, SCRATCH)).toBe(4);
    expect(u32(SCRATCH)).toBe(1);
    expect(call(task, 'sched_getaffinity', 0, 3, SCRATCH)).toBe(-Errno.EINVAL);
  });

  test('TLS and cacheflush of the private calls', () => {
    expect(call(task, 'set_tls', 0x4242)).toBe(0);
    expect(task.words[Word.TPIDRURO]).toBe(0x4242);
    expect(call(task, 'get_tls')).toBe(0x4242);
    expect(call(task, 'cacheflush', 0x2000, 0x1000, 0)).toBe(-Errno.EINVAL);
    expect(call(task, 'cacheflush', 0x1000, 0x2000, 0)).toBe(0);
  });

  test('ids can be set to what they are and to nothing else', () => {
    expect(call(task, 'setuid32', 1000)).toBe(0);
    expect(call(task, 'setuid32', 0)).toBe(-Errno.EPERM);
    expect(call(task, 'setresgid32', -1, 1000, -1)).toBe(0);
    expect(call(task, 'getresuid32', SCRATCH, SCRATCH + 4, SCRATCH + 8)).toBe(0);
    expect([u32(SCRATCH), u32(SCRATCH + 8)]).toEqual([1000, 1000]);
  });
});
