import { beforeEach, describe, expect, test } from 'vitest';
import { Psr, readCpsr, Word, writeCpsr } from '../../src/guest/cpu-state.js';
import { Errno } from '../../src/linux/abi/errno.js';
import { forceSignal, hasDeliverableSignal, sendToGroup, sendToTask } from '../../src/linux/kernel/send-signal.js';
import { signalBit } from '../../src/linux/kernel/signal-state.js';
import type { Task } from '../../src/linux/kernel/task.js';
import { SIGNAL_TRAMPOLINE_PAGE } from '../../src/linux/kuser-helpers.js';
import { deliverSignals } from '../../src/linux/signal-delivery.js';
import { call, expectBlocked, SCRATCH, STACK_TOP, TaskMachine } from './task-machine.js';

const SIGKILL = 9;
const SIGUSR1 = 10;
const SIGSEGV = 11;
const SIGUSR2 = 12;
const SIGTERM = 15;
const SIGCHLD = 17;
const SIGSTOP = 19;
const SIGRTMIN = 32;
const SA_SIGINFO = 4;
const SA_RESTORER = 0x0400_0000;
const SA_ONSTACK = 0x0800_0000;
const SA_RESTART = 0x1000_0000;
const SA_NODEFER = 0x4000_0000;
const SA_RESETHAND = 0x8000_0000;

const HANDLER = 0x1_2344;
const RESTORER = 0x1_8000;

let machine: TaskMachine;
let task: Task;

beforeEach(() => {
  machine = new TaskMachine();
  task = machine.addTask();
});

const setHandler = (signo: number, flags: number, handler = HANDLER, mask = 0n): void =>
  task.group.signals.setAction(signo, { handler, flags: flags >>> 0, restorer: RESTORER, mask });
const u32 = (addr: number): number => machine.memory.view.getUint32(addr, true);
const user = (signo: number) => ({ signo, code: 0, pid: 100, uid: 1000 });

/** Recognisable contents in every register. */
const fill = (words: Int32Array): void => {
  for (let r = 0; r < 13; r++) words[r] = 0x1000 + r;
  words[Word.SP] = STACK_TOP - 4;
  words[Word.LR] = 0xaaaa;
  words[Word.PC] = 0x2_0002;
  writeCpsr(words, Psr.N | Psr.C | Psr.Q | Psr.T | 0x000a_0000 | 0x0600_8400);
  for (let i = 0; i < 64; i++) words[Word.VFP + i] = 0x7000_0000 + i;
  words[Word.FPSCR] = 0x03c0_009f;
  words[Word.FPSCR_NZCV] = 0x6000_0000;
  words[Word.TPIDRURO] = 0x7777;
  words[Word.EXCLUSIVE_SIZE] = 4;
};

describe('the rt frame (SA_SIGINFO)', () => {
  test('is 888 bytes on an 8-byte boundary, with siginfo, registers, mask and VFP block where the ABI puts them', () => {
    fill(task.words);
    task.signals.blocked = 0xf0n;
    const cpsr = readCpsr(task.words) >>> 0;
    setHandler(SIGSEGV, SA_SIGINFO | SA_RESTORER, HANDLER | 1, signalBit(SIGUSR1));
    task.fault = { trapNo: 14, errorCode: 0x817, address: 0x4711 };
    forceSignal(task, { signo: SIGSEGV, code: 1, address: 0x4711 });
    expect(deliverSignals(task)).toBe(true);

    const frame = task.words[Word.SP] as number;
    expect(frame).toBe(Math.floor((STACK_TOP - 4 - 888) / 8) * 8);
    expect([u32(frame), u32(frame + 4), u32(frame + 8), u32(frame + 12)]).toEqual([SIGSEGV, 0, 1, 0x4711]);
    const uc = frame + 128;
    expect(u32(uc)).toBe(0);
    expect([u32(uc + 20), u32(uc + 24), u32(uc + 28)]).toEqual([14, 0x817, 0xf0]);
    expect(Array.from({ length: 13 }, (_, r) => u32(uc + 32 + 4 * r))).toEqual(
      Array.from({ length: 13 }, (_, r) => 0x1000 + r),
    );
    expect([u32(uc + 84), u32(uc + 88), u32(uc + 92)]).toEqual([STACK_TOP - 4, 0xaaaa, 0x2_0002]);
    expect([u32(uc + 96), u32(uc + 100)]).toEqual([cpsr, 0x4711]);
    expect([u32(uc + 104), u32(uc + 108)]).toEqual([0xf0, 0]);
    expect([u32(uc + 232), u32(uc + 236)]).toEqual([0x5646_5001, 288]);
    expect([u32(uc + 240), u32(uc + 240 + 252)]).toEqual([0x7000_0000, 0x7000_003f]);
    expect([u32(uc + 496), u32(uc + 504), u32(uc + 520)]).toEqual([0x63c0_009f, 0x4000_0000, 0]);
    expect(u32(frame + 128 + 744)).toBe(0xdf00_27ad);

    expect(Array.from(task.words.subarray(0, 3))).toEqual([SIGSEGV, frame, uc]);
    expect([task.words[Word.PC], task.words[Word.THUMB], task.words[Word.ITSTATE]]).toEqual([HANDLER, 1, 0]);
    expect(task.words[Word.LR]).toBe(RESTORER);
    expect(task.words[Word.EXCLUSIVE_SIZE]).toBe(0);
    expect(task.signals.blocked).toBe(0xf0n | signalBit(SIGUSR1) | signalBit(SIGSEGV));
  });

  test('rt_sigreturn restores every register, ITSTATE, GE, FPSCR and the mask, handler edits included', () => {
    fill(task.words);
    task.signals.blocked = 0xf0n;
    const before = task.words.slice();
    setHandler(SIGUSR1, SA_SIGINFO);
    sendToTask(task, user(SIGUSR1));
    deliverSignals(task);
    const uc = (task.words[Word.SP] as number) + 128;
    machine.memory.view.setUint32(uc + 32 + 4 * 5, 0xbeef, true);
    machine.memory.view.setUint32(uc + 240 + 8, 0xcafe, true);
    machine.memory.view.setUint32(uc + 104, 0x1ff, true);
    task.words.fill(-1, 0, 13);
    task.words.fill(-1, Word.VFP, Word.VFP + 64);
    task.words[Word.FPSCR] = 0;
    task.words[Word.FPSCR_NZCV] = 0;
    task.words[Word.EXCLUSIVE_SIZE] = 4;
    expect(call(task, 'rt_sigreturn')).toBeUndefined();
    before[5] = 0xbeef;
    before[Word.VFP + 2] = 0xcafe;
    before[Word.EXCLUSIVE_SIZE] = 0;
    expect(Array.from(task.words)).toEqual(Array.from(before));
    expect(readCpsr(task.words)).toBe(readCpsr(before));
    expect(task.signals.blocked).toBe(0x1ffn & ~signalBit(SIGKILL));
  });

  test('sigreturn with a damaged VFP block or a stack that is not there is SIGSEGV', () => {
    task.words[Word.SP] = 0x4000;
    call(task, 'rt_sigreturn');
    deliverSignals(task);
    expect(machine.ended).toEqual({ code: 139, signo: SIGSEGV });
    machine.ended = undefined;
    task.words[Word.SP] = SCRATCH;
    call(task, 'sigreturn');
    deliverSignals(task);
    expect(machine.ended).toEqual({ code: 139, signo: SIGSEGV });
  });
});

describe('the old frame', () => {
  test('is 760 bytes with its magic; sigreturn (119) undoes it', () => {
    fill(task.words);
    const before = task.words.slice();
    setHandler(SIGUSR1, 0);
    sendToTask(task, user(SIGUSR1));
    deliverSignals(task);
    const frame = task.words[Word.SP] as number;
    expect(frame).toBe(Math.floor((STACK_TOP - 4 - 760) / 8) * 8);
    expect(u32(frame)).toBe(0x5ac3_c35a);
    expect([u32(frame + 744), u32(frame + 748)]).toEqual([0xe3a0_7077, 0xef90_0077]);
    expect(task.words[1]).toBe(0x1001);
    call(task, 'sigreturn');
    before[Word.EXCLUSIVE_SIZE] = 0;
    expect(Array.from(task.words)).toEqual(Array.from(before));
  });

  test.each([
    ['A32', HANDLER, 0, [0xe3a0_7077, 0xef90_0077]],
    ['T32', HANDLER | 1, 0, [0xdf00_2777, 0]],
    ['A32, rt', HANDLER, SA_SIGINFO, [0xe3a0_70ad, 0xef90_00ad]],
    ['T32, rt', HANDLER | 1, SA_SIGINFO, [0xdf00_27ad, 0]],
  ])('without a restorer lr points at the trampoline for %s', (_name, handler, flags, code) => {
    setHandler(SIGUSR1, flags, handler);
    sendToTask(task, user(SIGUSR1));
    deliverSignals(task);
    const lr = task.words[Word.LR] as number;
    expect(lr & 1).toBe(handler & 1);
    expect(lr >>> 0).toBeGreaterThanOrEqual(SIGNAL_TRAMPOLINE_PAGE);
    expect([u32((lr & ~1) >>> 0), u32(((lr & ~1) >>> 0) + 4)]).toEqual(code);
  });
});

describe('the alternate stack', () => {
  const ALT = SCRATCH + 0x2000;
  const setAlt = (sp: number, flags: number, size: number): number => {
    machine.memory.poke(SCRATCH, new Uint8Array(Uint32Array.of(sp, flags, size).buffer));
    return call(task, 'sigaltstack', SCRATCH) as number;
  };

  test('takes SA_ONSTACK frames, is reported while in use, and cannot be changed then', () => {
    expect(setAlt(ALT, 0, 8192)).toBe(0);
    setHandler(SIGUSR1, SA_SIGINFO | SA_ONSTACK);
    sendToTask(task, user(SIGUSR1));
    deliverSignals(task);
    expect(task.words[Word.SP]).toBe(ALT + 8192 - 888);
    expect(call(task, 'sigaltstack', 0, SCRATCH + 64)).toBe(0);
    expect([u32(SCRATCH + 64), u32(SCRATCH + 68), u32(SCRATCH + 72)]).toEqual([ALT, 1, 8192]);
    expect(setAlt(ALT, 0, 4096)).toBe(-Errno.EPERM);
    call(task, 'rt_sigreturn');
    expect(setAlt(ALT, 2, 0)).toBe(0);
    call(task, 'sigaltstack', 0, SCRATCH + 64);
    expect(u32(SCRATCH + 68)).toBe(2);
  });

  test('is not used without SA_ONSTACK; too small gives ENOMEM, odd flags EINVAL', () => {
    setAlt(ALT, 0, 8192);
    setHandler(SIGUSR1, SA_SIGINFO);
    sendToTask(task, user(SIGUSR1));
    deliverSignals(task);
    expect(task.words[Word.SP]).toBeGreaterThan(ALT + 8192);
    expect(setAlt(ALT, 0, 2047)).toBe(-Errno.ENOMEM);
    expect(setAlt(ALT, 8, 8192)).toBe(-Errno.EINVAL);
  });

  test('a frame that does not fit anywhere is fatal SIGSEGV', () => {
    task.words[Word.SP] = 0x6000;
    setHandler(SIGUSR1, 0);
    sendToTask(task, user(SIGUSR1));
    deliverSignals(task);
    expect(machine.ended).toEqual({ code: 139, signo: SIGSEGV });
  });
});

describe('delivery', () => {
  test('defaults: fatal, ignored, and stop signals that do not stop', () => {
    expect(sendToTask(task, user(SIGCHLD))).toBe(false);
    sendToTask(task, user(SIGSTOP));
    deliverSignals(task);
    expect(machine.incidents).toEqual(['stop-ignored']);
    sendToTask(task, user(SIGTERM));
    deliverSignals(task);
    expect(machine.taken).toEqual([
      [SIGCHLD, 'ignored'],
      [SIGSTOP, 'stopped'],
      [SIGTERM, 'fatal'],
    ]);
    expect(machine.ended).toEqual({ code: 143, signo: SIGTERM });
  });

  test('a standard signal is pending once, a real-time one as often as sent, in order', () => {
    task.signals.blocked = signalBit(SIGUSR1) | signalBit(SIGRTMIN);
    setHandler(SIGUSR1, SA_SIGINFO | SA_NODEFER);
    setHandler(SIGRTMIN, SA_SIGINFO | SA_NODEFER);
    for (let i = 0; i < 3; i++) {
      sendToTask(task, user(SIGUSR1));
      sendToTask(task, { ...user(SIGRTMIN), value: i });
    }
    expect(hasDeliverableSignal(task)).toBe(false);
    task.signals.blocked = 0n;
    deliverSignals(task);
    expect(machine.taken.map(([signo]) => signo)).toEqual([SIGUSR1, SIGRTMIN, SIGRTMIN, SIGRTMIN]);
    const values: number[] = [];
    for (let frame = task.words[Word.SP] as number; values.length < 3; frame += 888) values.push(u32(frame + 20));
    expect(values).toEqual([2, 1, 0]);
  });

  test('SA_RESETHAND falls back to the default, SA_NODEFER leaves the signal open', () => {
    setHandler(SIGUSR1, SA_RESETHAND | SA_NODEFER);
    sendToTask(task, user(SIGUSR1));
    deliverSignals(task);
    expect(task.group.signals.action(SIGUSR1).handler).toBe(0);
    expect(task.signals.blocked).toBe(0n);
  });

  test('a fault whose signal is blocked or ignored kills', () => {
    setHandler(SIGSEGV, 0);
    task.signals.blocked = signalBit(SIGSEGV);
    forceSignal(task, { signo: SIGSEGV, code: 1, address: 0 });
    deliverSignals(task);
    expect(machine.ended).toEqual({ code: 139, signo: SIGSEGV });
  });

  test('a process-directed signal goes to the first task that does not block it', () => {
    const other = machine.addTask();
    setHandler(SIGUSR1, 0);
    task.signals.blocked = signalBit(SIGUSR1);
    sendToGroup(machine.group, user(SIGUSR1));
    expect([hasDeliverableSignal(task), hasDeliverableSignal(other)]).toEqual([false, true]);
    task.signals.blocked = 0n;
    expect([hasDeliverableSignal(task), hasDeliverableSignal(other)]).toEqual([true, false]);
  });

  const interrupted = (restartable: boolean, flags: number) => {
    task.words[0] = -1;
    task.words[Word.PC] = 0x1_0004;
    setHandler(SIGUSR1, flags | SA_SIGINFO);
    sendToTask(task, user(SIGUSR1));
    const ended: (number | undefined)[] = [];
    deliverSignals(task, {
      firstArg: 33,
      restartable,
      interrupt: () => -Errno.EINTR,
      ended: (result) => ended.push(result),
    });
    const uc = (task.words[Word.SP] as number) + 128;
    return { ended, r0: u32(uc + 32) | 0, pc: u32(uc + 92) };
  };

  test('a handler ends a call with EINTR; with SA_RESTART the frame restarts it, unless it cannot be', () => {
    expect(interrupted(true, 0)).toEqual({ ended: [-Errno.EINTR], r0: -Errno.EINTR, pc: 0x1_0004 });
    machine = new TaskMachine();
    task = machine.addTask();
    expect(interrupted(true, SA_RESTART)).toEqual({ ended: [undefined], r0: 33, pc: 0x1_0000 });
    machine = new TaskMachine();
    task = machine.addTask();
    task.words[Word.THUMB] = 1;
    expect(interrupted(true, SA_RESTART).pc).toBe(0x1_0002);
    machine = new TaskMachine();
    task = machine.addTask();
    expect(interrupted(false, SA_RESTART)).toEqual({ ended: [-Errno.EINTR], r0: -Errno.EINTR, pc: 0x1_0004 });
  });
});

describe('system calls', () => {
  test('rt_sigaction stores and gives back; SIGKILL and SIGSTOP are refused', () => {
    const action = Uint32Array.of(HANDLER, SA_SIGINFO | SA_RESTORER, RESTORER, 0xffff_ffff, 1);
    machine.memory.poke(SCRATCH, new Uint8Array(action.buffer));
    expect(call(task, 'rt_sigaction', SIGUSR2, SCRATCH, 0, 8)).toBe(0);
    expect(call(task, 'rt_sigaction', SIGUSR2, 0, SCRATCH + 64, 8)).toBe(0);
    const stored = Array.from({ length: 5 }, (_, i) => u32(SCRATCH + 64 + 4 * i));
    expect(stored).toEqual([HANDLER, SA_SIGINFO | SA_RESTORER, RESTORER, 0xfffb_feff, 1]);
    expect(call(task, 'rt_sigaction', SIGKILL, SCRATCH, 0, 8)).toBe(-Errno.EINVAL);
    expect(call(task, 'rt_sigaction', SIGKILL, 0, SCRATCH, 8)).toBe(0);
    expect(call(task, 'rt_sigaction', 65, SCRATCH, 0, 8)).toBe(-Errno.EINVAL);
    expect(call(task, 'rt_sigaction', SIGUSR1, SCRATCH, 0, 4)).toBe(-Errno.EINVAL);
    expect(call(task, 'rt_sigaction', SIGUSR1, 0x4000, 0, 8)).toBe(-Errno.EFAULT);
  });

  test('ignoring a signal throws away pending instances', () => {
    task.signals.blocked = signalBit(SIGUSR1);
    setHandler(SIGUSR1, 0);
    sendToTask(task, user(SIGUSR1));
    machine.memory.poke(SCRATCH, new Uint8Array(Uint32Array.of(1, 0, 0, 0, 0).buffer));
    call(task, 'rt_sigaction', SIGUSR1, SCRATCH, 0, 8);
    expect(task.signals.pending.set).toBe(0n);
  });

  test('rt_sigprocmask blocks, unblocks, sets, and never touches SIGKILL', () => {
    machine.memory.poke(SCRATCH, new Uint8Array(Uint32Array.of(0xffff_ffff, 0).buffer));
    expect(call(task, 'rt_sigprocmask', 0, SCRATCH, SCRATCH + 8, 8)).toBe(0);
    expect(task.signals.blocked & signalBit(SIGKILL)).toBe(0n);
    expect(call(task, 'rt_sigprocmask', 1, SCRATCH, SCRATCH + 16, 8)).toBe(0);
    expect(u32(SCRATCH + 16)).toBe(0xfffb_feff);
    expect(task.signals.blocked).toBe(0n);
    expect(call(task, 'rt_sigprocmask', 9, SCRATCH, 0, 8)).toBe(-Errno.EINVAL);
  });

  test('sigsuspend waits with its mask; the frame of the handler holds the old one', () => {
    task.signals.blocked = signalBit(SIGUSR1);
    setHandler(SIGUSR1, SA_SIGINFO);
    sendToTask(task, user(SIGUSR1));
    machine.memory.poke(SCRATCH, new Uint8Array(8));
    const wait = expectBlocked(call(task, 'rt_sigsuspend', SCRATCH, 8));
    expect(wait.restartable).toBe(false);
    expect(hasDeliverableSignal(task)).toBe(true);
    deliverSignals(task);
    const uc = (task.words[Word.SP] as number) + 128;
    expect(u32(uc + 104)).toBe(Number(signalBit(SIGUSR1)));
  });

  test('rt_sigtimedwait takes a pending blocked signal with its siginfo, or times out with EAGAIN', () => {
    task.signals.blocked = signalBit(SIGUSR1);
    machine.memory.poke(SCRATCH, new Uint8Array(BigUint64Array.of(signalBit(SIGUSR1)).buffer));
    machine.memory.poke(SCRATCH + 16, new Uint8Array(Uint32Array.of(0, 100).buffer));
    const wait = expectBlocked(call(task, 'rt_sigtimedwait', SCRATCH, SCRATCH + 64, SCRATCH + 16, 8));
    expect(wait.retry(false)).toBeUndefined();
    sendToGroup(machine.group, user(SIGUSR1));
    expect(wait.retry(false)).toBe(SIGUSR1);
    expect([u32(SCRATCH + 64), u32(SCRATCH + 76)]).toEqual([SIGUSR1, 100]);
    expect(wait.retry(true)).toBe(-Errno.EAGAIN);
  });

  test('kill, tkill and tgkill know only this process', () => {
    setHandler(SIGUSR1, 0);
    expect(call(task, 'kill', 100, 0)).toBe(0);
    expect(call(task, 'kill', 4711, SIGUSR1)).toBe(-Errno.ESRCH);
    expect(call(task, 'kill', 100, 65)).toBe(-Errno.EINVAL);
    expect(call(task, 'tgkill', 100, task.tid, SIGUSR1)).toBe(0);
    expect(task.signals.pending.set).toBe(signalBit(SIGUSR1));
    expect(call(task, 'tgkill', 99, task.tid, SIGUSR1)).toBe(-Errno.ESRCH);
    expect(call(task, 'tkill', 4711, SIGUSR1)).toBe(-Errno.ESRCH);
  });
});
