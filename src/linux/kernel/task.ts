/**
 * The kernel's two central nouns as the system calls see them: a task (one guest thread) and the thread group it
 * belongs to (the process). `process/` creates them.
 */
import type { GuestMemory } from '../../guest/memory.js';
import type { CpuModel } from '../abi/auxv.js';
import type { FaultContext } from '../abi/signal-frame.js';
import type { Clock } from './clock.js';
import type { FdTable } from './fd-table.js';
import type { FutexTable } from './futex-table.js';
import type { AddressSpace } from './mm.js';
import type { Random } from './random.js';
import type { ResourceLimits } from './resource-limits.js';
import type { ProcessSignals, SignalInfo, TaskSignals } from './signal-state.js';
import type { TimerTable } from './timers.js';
import type { Vfs } from './vfs.js';

export interface ThreadGroup {
  readonly pid: number;
  readonly memory: GuestMemory;
  readonly mm: AddressSpace;
  readonly files: FdTable;
  /** Path lookup: sysroot, cwd, umask, synthetic files (/proc/self/..., /dev/null). */
  readonly fs: Vfs;
  readonly futexes: FutexTable;
  readonly signals: ProcessSignals;
  readonly clock: Clock;
  readonly random: Random;
  readonly timers: TimerTable;
  readonly limits: ResourceLimits;
  readonly host: TaskHost;
  /** Live tasks by tid, in the order they were made. */
  readonly tasks: Map<number, Task>;
  readonly identity: Identity;
  readonly cpu: CpuModel;
}

/** Who the guest is; virtual unless the user asks for the host's. */
export interface Identity {
  readonly ppid: number;
  readonly pgid: number;
  readonly sid: number;
  readonly uid: number;
  readonly gid: number;
  readonly hostname: string;
  /** Absolute guest path of the program (AT_EXECFN, /proc/self/exe). */
  readonly executable: string;
  readonly argv: readonly string[];
  readonly environment: readonly string[];
}

export interface Task {
  readonly tid: number;
  readonly group: ThreadGroup;
  /** `group.memory`, for short. */
  readonly memory: GuestMemory;
  /** The state words (guest/cpu-state) of this task. During a system call they are the live CPU state. */
  readonly words: Int32Array;
  readonly signals: TaskSignals;
  name: string;
  /** set_tid_address / CLONE_CHILD_CLEARTID: zeroed and futex-woken when the task ends; 0 = none. */
  clearChildTid: number;
  robustList: number;
  /** Instructions this task has retired. */
  retired: number;
  /** The last exception, for mcontext. */
  fault: FaultContext;
}

/** What happened to a signal, for the trace. */
export type SignalOutcome = 'handler' | 'ignored' | 'fatal' | 'stopped';

/** What the kernel asks of whoever runs the tasks. */
export interface TaskHost {
  /**
   * Starts a new task in `group` whose words are a copy of `words` (already adjusted: r0 = 0, sp, TPIDRURO). Returns
   * its tid.
   */
  spawnTask(parent: Task, words: Int32Array, clearChildTid: number): number;
  /** Ends this task. */
  exitTask(task: Task, code: number): void;
  /** Ends every task of the group; `signo` when a signal did it. */
  exitGroup(task: Task, code: number, signo?: number): void;
  /** cacheflush: code in [start, end) may have changed. */
  flushCode(start: number, end: number): void;
  /** Ends the current task's slice (sched_yield). */
  yieldTask(task: Task): void;
  /** An executable file was mapped (loader, mmap with PROT_EXEC). */
  moduleMapped?(path: string, address: number, sizeBytes: number, fileOffset: number): void;
  /** A signal reached a task; called before registers change. */
  signalTaken?(task: Task, info: SignalInfo, outcome: SignalOutcome): void;
  /** Something the user should hear once: `armstalk: …` on stderr and an incident in the trace. */
  incident(task: Task, code: string, message: string): void;
}
