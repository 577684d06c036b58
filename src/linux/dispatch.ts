/** From an SVC to a result: which call it is, its row, its handler. */
import { Word } from '../guest/cpu-state.js';
import { SiCode, Signal } from './abi/constants.js';
import { Errno } from './abi/errno.js';
import { forceSignal } from './kernel/send-signal.js';
import type { Task } from './kernel/task.js';
import { ARM_PRIVATE_LAST } from './syscalls/arm-private.js';
import type { SyscallArgs, SyscallResult, SyscallRow } from './syscalls/syscall.js';

/** Base of the numbers in the SVC immediate of the old ABI. */
const OABI_BASE = 0x90_0000;

/** One call as it was made. */
export interface Syscall {
  readonly number: number;
  /** Undefined for a number without a row. */
  readonly row: SyscallRow | undefined;
  readonly args: SyscallArgs;
  /** Interworking address of the SVC. */
  readonly pc: number;
}

export class SyscallTable {
  private readonly rows = new Map<number, SyscallRow>();
  /** Numbers already reported as unknown. */
  private readonly reported = new Set<number>();

  constructor(rows: readonly SyscallRow[]) {
    for (const row of rows) this.rows.set(row.number, row);
  }

  get(number: number): SyscallRow | undefined {
    return this.rows.get(number);
  }

  /** Reads the call the task has just made: its pc is the instruction after the SVC. */
  decode(task: Task): Syscall {
    const { words } = task;
    const isThumb = words[Word.THUMB] !== 0;
    const svc = ((words[Word.PC] as number) - (isThumb ? 2 : 4)) >>> 0;
    const number = isThumb ? (words[7] as number) : armNumber(task, svc);
    return { number, row: this.rows.get(number), args: argumentsIn(words), pc: isThumb ? svc | 1 : svc };
  }

  /** Runs the handler. An unknown number is ENOSYS and an incident, or SIGILL above ARM's private range. */
  call(task: Task, { number, row, args }: Syscall): SyscallResult {
    if (row !== undefined) return row.handler(task, args);
    this.reportUnknown(task, number);
    if (number <= ARM_PRIVATE_LAST) return -Errno.ENOSYS;
    const pc = ((task.words[Word.PC] as number) - (task.words[Word.THUMB] !== 0 ? 2 : 4)) >>> 0;
    forceSignal(task, { signo: Signal.SIGILL, code: SiCode.ILL_ILLOPC, address: pc });
    return undefined;
  }

  private reportUnknown(task: Task, number: number): void {
    if (this.reported.has(number)) return;
    this.reported.add(number);
    task.group.host.incident(task, 'unknown-syscall', `system call ${number} is not known; the program got ENOSYS`);
  }
}

const argumentsIn = (w: Int32Array): SyscallArgs => [
  w[0] as number,
  w[1] as number,
  w[2] as number,
  w[3] as number,
  w[4] as number,
  w[5] as number,
  w[6] as number,
];

/**
 * A32: r7, unless the SVC carries a number of the old ABI (as the kernel's own sigreturn stub does: then r7 says the
 * same).
 */
const armNumber = (task: Task, svc: number): number => {
  const immediate = (task.memory.readU32(svc) ?? 0) & 0xff_ffff;
  return immediate >= OABI_BASE ? immediate - OABI_BASE : (task.words[7] as number);
};
