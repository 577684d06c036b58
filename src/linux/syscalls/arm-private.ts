/** ARM's private calls, numbers from 0xf0001 (asm/unistd.h, arch/arm/kernel/traps.c). */
import { Word } from '../../guest/cpu-state.js';
import { SiCode, Signal } from '../abi/constants.js';
import { Errno } from '../abi/errno.js';
import { forceSignal } from '../kernel/send-signal.js';
import type { Task } from '../kernel/task.js';
import { type SyscallArgs, type SyscallRow, sys } from './syscall.js';

export const ARM_PRIVATE_BASE = 0xf_0000;
/** Numbers up to here give ENOSYS when unknown, numbers above SIGILL. */
export const ARM_PRIVATE_LAST = 0xf_07ff;

/** The pc of the signal is the instruction after the SVC less one instruction, as the kernel computes it. */
const sysBreakpoint = (task: Task): undefined => {
  const { words } = task;
  const pc = ((words[Word.PC] as number) - (words[Word.THUMB] !== 0 ? 2 : 4)) >>> 0;
  words[Word.PC] = pc | 0;
  forceSignal(task, { signo: Signal.SIGTRAP, code: SiCode.TRAP_BRKPT, address: pc });
};

const sysCacheflush = (task: Task, [start, end, flags]: SyscallArgs): number => {
  if (end >>> 0 < start >>> 0 || flags !== 0) return -Errno.EINVAL;
  task.group.host.flushCode(start >>> 0, end >>> 0);
  return 0;
};

/** Modes of 26-bit CPUs, long gone. */
const sysModeSwitch = (): number => -Errno.ENOSYS;

const sysSetTls = (task: Task, [value]: SyscallArgs): number => {
  task.words[Word.TPIDRURO] = value;
  return 0;
};

const sysGetTls = (task: Task): number => task.words[Word.TPIDRURO] as number;

export const armPrivateSyscalls: SyscallRow[] = [
  sys(ARM_PRIVATE_BASE + 1, 'breakpoint', sysBreakpoint, '-> none'),
  sys(ARM_PRIVATE_BASE + 2, 'cacheflush', sysCacheflush, 'ptr ptr hex'),
  sys(ARM_PRIVATE_BASE + 3, 'usr26', sysModeSwitch, ''),
  sys(ARM_PRIVATE_BASE + 4, 'usr32', sysModeSwitch, ''),
  sys(ARM_PRIVATE_BASE + 5, 'set_tls', sysSetTls, 'ptr'),
  sys(ARM_PRIVATE_BASE + 6, 'get_tls', sysGetTls, '-> ptr'),
];
