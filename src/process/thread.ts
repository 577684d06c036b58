/** One guest thread: the kernel's task plus what the scheduler knows about it. */

import { Word } from '../guest/cpu-state.js';
import { CPU_STATE } from '../guest/layout.js';
import type { GuestMemory } from '../guest/memory.js';
import { type FaultContext, NO_FAULT } from '../linux/abi/signal-frame.js';
import type { Syscall } from '../linux/dispatch.js';
import { TaskSignals } from '../linux/kernel/signal-state.js';
import type { Task, ThreadGroup } from '../linux/kernel/task.js';
import type { Blocked } from '../linux/syscalls/syscall.js';
import type { ThreadListeners } from './thread-listeners.js';

/** A system call that has not returned yet. */
export interface OpenCall {
  readonly call: Syscall;
  readonly clock: number;
  /** The line so far, when calls are rendered. */
  readonly entryText: string;
}

export interface Waiting extends OpenCall {
  readonly wait: Blocked;
}

export class Thread implements Task {
  readonly tid: number;
  readonly group: ThreadGroup;
  readonly memory: GuestMemory;
  readonly signals = new TaskSignals();
  clearChildTid = 0;
  robustList = 0;
  retired = 0;
  fault: FaultContext = NO_FAULT;
  /** Set while the thread waits in a system call. */
  waiting: Waiting | undefined;
  /** Set when the thread has asked to end. */
  exitCode: number | undefined;
  private readonly saved = new Int32Array(Word.THREAD_END);
  private readonly state: Int32Array;
  private isLive = false;
  private currentName: string;
  private readonly listeners: ThreadListeners;

  constructor(group: ThreadGroup, tid: number, name: string, listeners: ThreadListeners) {
    this.group = group;
    this.memory = group.memory;
    this.tid = tid;
    this.currentName = name;
    this.listeners = listeners;
    this.state = group.memory.i32.subarray(CPU_STATE / 4, CPU_STATE / 4 + Word.THREAD_END);
  }

  get name(): string {
    return this.currentName;
  }

  set name(name: string) {
    const previous = this.currentName;
    this.currentName = name;
    if (name !== previous) this.listeners.renamed(this, previous);
  }

  get words(): Int32Array {
    return this.isLive ? this.state : this.saved;
  }

  /** Moves the thread's words into the CPU state; the exclusive monitor is open. */
  makeLive(): void {
    this.state.set(this.saved);
    this.state[Word.EXCLUSIVE_SIZE] = 0;
    this.isLive = true;
  }

  /** Moves them out again. */
  save(): void {
    this.saved.set(this.state);
    this.isLive = false;
  }
}
