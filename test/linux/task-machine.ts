/** Tasks of a process without a CPU or files: registers, memory, signals, futexes; system calls are called directly. */
import { Word } from '../../src/guest/cpu-state.js';
import { GuestMemory } from '../../src/guest/memory.js';
import { ARMV7_D16 } from '../../src/linux/abi/auxv.js';
import { NO_FAULT } from '../../src/linux/abi/signal-frame.js';
import { Clock } from '../../src/linux/kernel/clock.js';
import { FutexTable } from '../../src/linux/kernel/futex-table.js';
import { AddressSpace } from '../../src/linux/kernel/mm.js';
import { Random } from '../../src/linux/kernel/random.js';
import { ResourceLimits } from '../../src/linux/kernel/resource-limits.js';
import { ProcessSignals, type SignalInfo, TaskSignals } from '../../src/linux/kernel/signal-state.js';
import type { SignalOutcome, Task, ThreadGroup } from '../../src/linux/kernel/task.js';
import { TimerTable } from '../../src/linux/kernel/timers.js';
import { installKernelPages } from '../../src/linux/kuser-helpers.js';
import type { Blocked, SyscallArgs, SyscallResult } from '../../src/linux/syscalls/syscall.js';
import { SYSCALLS } from '../../src/linux/syscalls/table.js';

/** A page-aligned scratch area, readable and writable. */
export const SCRATCH = 0x10_0000;
const SCRATCH_BYTES = 0x10_0000;
export const STACK_TOP = SCRATCH + SCRATCH_BYTES;

/** One memory for all tests of a file: reserving 4 GiB of addresses again and again is not free. */
const memory = new GuestMemory();

export class TaskMachine {
  readonly group: ThreadGroup;
  readonly memory = memory;
  /** Instructions the clock has seen. */
  now = 0;
  /** What became of signals, and how the process ended. */
  readonly taken: [signo: number, outcome: SignalOutcome][] = [];
  readonly incidents: string[] = [];
  ended: { code: number; signo: number | undefined } | undefined;
  private nextTid = 100;

  constructor() {
    const mm = new AddressSpace(memory);
    memory.unmap(SCRATCH, SCRATCH_BYTES);
    mm.map({ addr: SCRATCH, sizeBytes: SCRATCH_BYTES, prot: 3, fixed: 'replace' });
    installKernelPages(mm);
    this.group = {
      pid: 100,
      memory,
      mm,
      futexes: new FutexTable(),
      signals: new ProcessSignals(),
      clock: new Clock('virtual', () => this.now),
      random: new Random(1),
      timers: new TimerTable(),
      limits: new ResourceLimits(0x80_0000),
      tasks: new Map(),
      cpu: ARMV7_D16,
      identity: { ppid: 1, pgid: 100, sid: 100, uid: 1000, gid: 1000, hostname: 'arm' },
      host: {
        spawnTask: (_parent: Task, words: Int32Array) => this.addTask(words).tid,
        exitTask: () => undefined,
        exitGroup: (_task: Task, code: number, signo?: number) => {
          this.ended = { code, signo };
        },
        flushCode: () => undefined,
        yieldTask: () => undefined,
        signalTaken: (_task: Task, info: SignalInfo, outcome: SignalOutcome) => this.taken.push([info.signo, outcome]),
        incident: (_task: Task, code: string) => this.incidents.push(code),
      },
    } as unknown as ThreadGroup;
  }

  addTask(words: Int32Array = new Int32Array(Word.THREAD_END)): Task {
    const task: Task = {
      tid: this.nextTid++,
      group: this.group,
      memory,
      words,
      signals: new TaskSignals(),
      name: 'task',
      clearChildTid: 0,
      robustList: 0,
      retired: 0,
      fault: NO_FAULT,
    };
    if (words[Word.SP] === 0) words[Word.SP] = STACK_TOP - 0x1000 * task.tid + 0x60_000;
    this.group.tasks.set(task.tid, task);
    return task;
  }
}

/** Calls a system call by name. */
export const call = (task: Task, name: string, ...args: number[]): SyscallResult => {
  const row = SYSCALLS.find((candidate) => candidate.name === name);
  if (row === undefined) throw new Error(`no system call ${name}`);
  const registers = Array.from({ length: 7 }, (_, i) => (args[i] ?? 0) | 0) as unknown as SyscallArgs;
  return row.handler(task, registers);
};

export const expectBlocked = (result: SyscallResult): Blocked => {
  if (typeof result !== 'object') throw new Error(`the call did not block but gave ${result}`);
  return result;
};
