/**
 * Runs the threads of a process one at a time, deterministically: round robin, a quantum of retired instructions each.
 * All threads share one CPU state area; a switch copies words out and in and opens the exclusive monitor, and is put
 * off for a bounded while between LDREX and STREX, so that such loops make progress.
 *
 * A thread that waits in a system call is asked again (`Blocked.retry`) whenever its turn comes. When nobody can run,
 * virtual time jumps to the next deadline; on the host's clock, or when a host descriptor is waited for, the host waits
 * in short steps that leave the event loop alive. If nothing can ever happen, the process stops as deadlocked.
 */
import { Word } from '../guest/cpu-state.js';
import { SiCode } from '../linux/abi/constants.js';
import { Errno } from '../linux/abi/errno.js';
import type { SyscallTable } from '../linux/dispatch.js';
import { releaseTask } from '../linux/exit-task.js';
import { forceSignal, hasDeliverableSignal, sendToGroup, sendToTask } from '../linux/kernel/send-signal.js';
import type { SignalInfo } from '../linux/kernel/signal-state.js';
import type { ThreadGroup } from '../linux/kernel/task.js';
import type { Timer } from '../linux/kernel/timers.js';
import { deliverSignals } from '../linux/signal-delivery.js';
import type { Blocked } from '../linux/syscalls/syscall.js';
import { ExitReason } from '../stalker/exit-reason.js';
import type { Engine } from './engine.js';
import { exceptionOf } from './faults.js';
import { HostWait } from './host-wait.js';
import type { Recorder } from './recorder.js';
import { type OpenCall, Thread, type Waiting } from './thread.js';
import { ThreadListeners } from './thread-listeners.js';

export const DEFAULT_QUANTUM = 100_000;
/** Instructions per extension of a slice that ends between LDREX and STREX, and how many extensions there are. */
const STRETCH_FUEL = 64;
const MAX_STRETCHES = 32;
/** Host time after which the event loop gets its turn, in milliseconds. */
const HOST_SLICE_MS = 50;

export type StopReason = 'max-insns' | 'timeout' | 'max-events' | 'interrupt' | 'deadlock';

/** How the process ended, or why it was stopped. */
export type Ending =
  | { readonly kind: 'exit'; readonly exitCode: number }
  | { readonly kind: 'signal'; readonly signo: number }
  | { readonly kind: 'stopped'; readonly reason: StopReason };

export interface SchedulerOptions {
  readonly quantum?: number;
  readonly maxInsns?: number;
  /** Host milliseconds. */
  readonly timeoutMs?: number;
}

export class Scheduler {
  private readonly engine: Engine;
  private readonly group: ThreadGroup;
  private readonly calls: SyscallTable;
  private readonly recorder: Recorder;
  private readonly quantum: number;
  private readonly maxInsns: number;
  private readonly timeoutMs: number;
  private readonly hostWait = new HostWait();
  readonly listeners = new ThreadListeners();
  /** In order of creation. */
  private threads: Thread[] = [];
  private live: Thread | undefined;
  private fuelLeft = 0;
  private stretches = 0;
  private nextTid: number;
  /** Exit code of the first thread, which is the process's unless exit_group says otherwise. */
  private leaderExitCode = 0;
  private ending: Ending | undefined;
  private startedMs = 0;

  constructor(
    engine: Engine,
    group: ThreadGroup,
    calls: SyscallTable,
    recorder: Recorder,
    options: SchedulerOptions = {},
  ) {
    this.engine = engine;
    this.group = group;
    this.calls = calls;
    this.recorder = recorder;
    this.quantum = options.quantum ?? DEFAULT_QUANTUM;
    this.maxInsns = options.maxInsns ?? Number.POSITIVE_INFINITY;
    this.timeoutMs = options.timeoutMs ?? Number.POSITIVE_INFINITY;
    this.nextTid = group.pid;
  }

  // -- threads -------------------------------------------------------------------------------------------------------

  /** A new thread with these words; it runs when its turn comes. */
  addThread(words: Int32Array, name: string, parent?: Thread): Thread {
    const thread = new Thread(this.group, this.nextTid++, name, this.listeners);
    thread.words.set(words.subarray(0, Word.THREAD_END));
    thread.words[Word.LAST_EXEC] = 0;
    thread.words[Word.CONTROL] = 0;
    if (parent !== undefined) thread.signals.blocked = parent.signals.blocked;
    this.threads.push(thread);
    this.group.tasks.set(thread.tid, thread);
    this.engine.addThread(thread.tid);
    this.recorder.threadStarted(thread, parent?.tid);
    this.listeners.added(thread);
    return thread;
  }

  find(tid: number): Thread | undefined {
    return this.threads.find((thread) => thread.tid === tid);
  }

  /** The thread whose words are the CPU state. */
  get current(): Thread | undefined {
    return this.live;
  }

  /** Ends everything once the current step is over; the first ending counts. */
  end(ending: Ending): void {
    this.ending ??= ending;
    this.engine.requestStop?.();
  }

  /** Gives up the rest of the slice. */
  yield(): void {
    this.fuelLeft = 0;
    this.stretches = MAX_STRETCHES;
  }

  // -- the loop ------------------------------------------------------------------------------------------------------

  /** Runs until the process ends or is stopped. After a stop it can be called again and goes on. */
  async run(): Promise<Ending> {
    this.resume();
    this.startedMs = performance.now();
    while (this.ending === undefined) {
      if (this.runSlices()) await this.hostWait.turn();
      else await this.waitForHost();
      this.checkLimits();
    }
    if (this.ending.kind !== 'stopped') this.endAllThreads(this.ending);
    return this.ending;
  }

  private resume(): void {
    if (this.ending?.kind === 'stopped') this.ending = undefined;
  }

  /** Runs threads for a slice of host time; false when only the host can make one run. */
  private runSlices(): boolean {
    const end = Math.min(performance.now() + HOST_SLICE_MS, this.startedMs + this.timeoutMs);
    do {
      if (this.selectThread()) {
        this.hostWait.reset();
        this.runLive(this.live as Thread);
      } else if (this.ending === undefined && !this.skipTime()) return false;
    } while (this.ending === undefined && performance.now() < end);
    return true;
  }

  private checkLimits(): void {
    if (performance.now() - this.startedMs >= this.timeoutMs) this.end({ kind: 'stopped', reason: 'timeout' });
  }

  // -- choosing ------------------------------------------------------------------------------------------------------

  /** Makes a runnable thread live, the current one while its slice lasts; false when there is none. */
  private selectThread(): boolean {
    const { live } = this;
    if (live !== undefined && live.waiting === undefined && !this.isSliceOver(live)) return true;
    this.expireTimers();
    const first = live === undefined ? 0 : this.threads.indexOf(live) + 1;
    for (let i = 0; i < this.threads.length; i++) {
      const thread = this.threads[(first + i) % this.threads.length] as Thread;
      if (thread.waiting !== undefined) this.poll(thread, thread.waiting);
      if (this.ending !== undefined) return false;
      if (thread.waiting !== undefined) continue;
      this.makeLive(thread);
      this.fuelLeft = this.quantum;
      this.stretches = 0;
      return true;
    }
    return false;
  }

  /** Between LDREX and STREX the slice is stretched. */
  private isSliceOver(live: Thread): boolean {
    if (this.fuelLeft > 0) return false;
    if (this.stretches >= MAX_STRETCHES || live.words[Word.EXCLUSIVE_SIZE] === 0) return true;
    this.stretches++;
    this.fuelLeft = STRETCH_FUEL;
    return false;
  }

  private makeLive(thread: Thread): void {
    if (thread === this.live) return;
    this.live?.save();
    this.live = thread;
    thread.makeLive();
    this.engine.switchTo(thread.tid);
  }

  // -- running -------------------------------------------------------------------------------------------------------

  private runLive(thread: Thread): void {
    const fuel = this.fuelNow();
    if (fuel <= 0) {
      this.end({ kind: 'stopped', reason: 'max-insns' });
      return;
    }
    const before = this.engine.clock;
    const reason = this.engine.run(fuel);
    const retired = this.engine.clock - before;
    thread.retired += retired;
    this.fuelLeft -= retired;
    if (reason === ExitReason.SVC) this.enterCall(thread);
    else if (reason !== ExitReason.YIELD && reason !== ExitReason.CONTROL) this.raise(thread, reason);
    this.expireTimers();
    this.deliver(thread);
    this.reap(thread);
  }

  /** What is left of the slice, cut at the next timer and at the instruction limit. */
  private fuelNow(): number {
    const { clock, timers } = this.group;
    const toCpuTimer = timers.nextDeadlineNs('cpu') - clock.cpuNs();
    const toTimer = clock.source === 'host' ? this.quantum : timers.nextDeadlineNs('monotonic') - clock.monotonicNs();
    const untilTimer = Math.max(1, Math.ceil(Math.min(toTimer, toCpuTimer)));
    return Math.min(this.fuelLeft, untilTimer, this.maxInsns - this.engine.clock);
  }

  private raise(thread: Thread, reason: number): void {
    const { info, fault } = exceptionOf(reason, this.group.memory, thread.words);
    thread.fault = fault;
    thread.words[Word.EXCLUSIVE_SIZE] = 0;
    forceSignal(thread, info);
  }

  private deliver(thread: Thread): void {
    const { waiting } = thread;
    if (this.ending !== undefined || thread.exitCode !== undefined || !hasDeliverableSignal(thread)) return;
    if (waiting === undefined) deliverSignals(thread);
    else deliverSignals(thread, this.interruption(thread, waiting));
  }

  // -- system calls --------------------------------------------------------------------------------------------------

  /** Every return to guest code opens the exclusive monitor (CLREX in the kernel's exit path). */
  private enterCall(thread: Thread): void {
    thread.words[Word.EXCLUSIVE_SIZE] = 0;
    const open = this.recorder.callEntered(thread, this.calls.decode(thread));
    const result = this.calls.call(thread, open.call);
    if (typeof result === 'object') thread.waiting = { ...open, wait: result };
    else this.endCall(thread, open, result);
  }

  private endCall(thread: Thread, open: OpenCall, result: number | undefined): void {
    thread.waiting = undefined;
    if (result !== undefined) thread.words[0] = result;
    thread.signals.endTemporaryMask();
    this.recorder.callEnded(thread, open, result);
  }

  /** Asks a waiting thread again: its call may be over, its time may be up, a signal may be there. */
  private poll(thread: Thread, waiting: Waiting): void {
    const { wait } = waiting;
    const timedOut = wait.deadlineNs !== undefined && this.group.clock.monotonicNs() >= wait.deadlineNs;
    const result = wait.retry(timedOut);
    if (result !== undefined) this.endCall(thread, waiting, result);
    this.deliver(thread);
    this.reap(thread);
  }

  private interruption(thread: Thread, waiting: Waiting): Parameters<typeof deliverSignals>[1] {
    const { wait } = waiting;
    return {
      firstArg: waiting.call.args[0],
      restartable: wait.restartable !== false,
      interrupt: () => wait.interrupted?.() ?? -Errno.EINTR,
      ended: (result) => {
        thread.waiting = undefined;
        this.recorder.callEnded(thread, waiting, result ?? -Errno.EINTR);
      },
    };
  }

  // -- ends ----------------------------------------------------------------------------------------------------------

  /** Buries a thread that has asked to end; the last one ends the process. */
  private reap(thread: Thread): void {
    if (thread.exitCode === undefined || this.ending !== undefined) return;
    if (thread.tid === this.group.pid) this.leaderExitCode = thread.exitCode;
    releaseTask(thread);
    this.endThread(thread, thread.exitCode);
    if (this.threads.length === 0) this.end({ kind: 'exit', exitCode: this.leaderExitCode });
  }

  private endThread(thread: Thread, exitCode: number): void {
    this.listeners.removed(thread);
    const index = this.threads.indexOf(thread);
    if (thread.waiting !== undefined) this.recorder.callEnded(thread, thread.waiting, undefined);
    this.threads.splice(index, 1);
    this.group.tasks.delete(thread.tid);
    this.recorder.threadEnded(thread, exitCode);
    this.engine.removeThread(thread.tid);
    if (thread !== this.live) return;
    thread.save();
    this.live = undefined;
    this.rotate(index);
  }

  /** The thread after a dead one is next. */
  private rotate(index: number): void {
    this.threads = [...this.threads.slice(index), ...this.threads.slice(0, index)];
  }

  private endAllThreads(ending: Ending): void {
    const code = ending.kind === 'exit' ? ending.exitCode : ending.kind === 'signal' ? 128 + ending.signo : 0;
    this.engine.drain();
    for (const thread of [...this.threads]) this.endThread(thread, code);
  }

  // -- time ----------------------------------------------------------------------------------------------------------

  private expireTimers(): void {
    const { clock, timers } = this.group;
    const now = clock.monotonicNs();
    const cpu = clock.cpuNs();
    if (timers.nextDeadlineNs('monotonic') > now && timers.nextDeadlineNs('cpu') > cpu) return;
    timers.expire(now, cpu, (timer, expirations) => this.fire(timer, expirations));
  }

  private fire(timer: Timer, expirations: number): void {
    if (timer.signal === undefined) return;
    const target = timer.tid === undefined ? undefined : this.group.tasks.get(timer.tid);
    if (timer.tid !== undefined && target === undefined) return;
    const info: SignalInfo =
      timer.signal.code === SiCode.SI_TIMER ? { ...timer.signal, overrun: expirations - 1 } : timer.signal;
    timer.overrun = expirations - 1;
    if (target === undefined) sendToGroup(this.group, info);
    else sendToTask(target, info);
  }

  /** Nobody can run: virtual time jumps to what comes next. False when the host has to be waited for. */
  private skipTime(): boolean {
    const { clock } = this.group;
    const waits = this.openWaits();
    const deadlineNs = this.nextDeadlineNs(waits);
    if (isHostAwaited(waits)) return false;
    if (deadlineNs === Number.POSITIVE_INFINITY) {
      this.reportDeadlock();
      return true;
    }
    if (clock.source === 'host') return false;
    clock.skipTo(deadlineNs);
    return true;
  }

  /** One step of host time. A deadline on the virtual clock is given as much host time as it is away. */
  private async waitForHost(): Promise<void> {
    const { clock } = this.group;
    const deadlineNs = this.nextDeadlineNs(this.openWaits());
    const awayMs = (deadlineNs - clock.monotonicNs()) / 1e6;
    const restMs = clock.source === 'host' ? awayMs : awayMs - this.hostWait.elapsedMs;
    const limitMs = this.startedMs + this.timeoutMs - performance.now();
    if (restMs <= 0) clock.skipTo(deadlineNs);
    await this.hostWait.step(Math.min(restMs, limitMs));
  }

  private openWaits(): Blocked[] {
    return this.threads.flatMap((thread) => (thread.waiting === undefined ? [] : [thread.waiting.wait]));
  }

  private nextDeadlineNs(waits: readonly Blocked[]): number {
    const timer = this.group.timers.nextDeadlineNs('monotonic');
    return waits.reduce((next, wait) => Math.min(next, wait.deadlineNs ?? Number.POSITIVE_INFINITY), timer);
  }

  private reportDeadlock(): void {
    const thread = this.threads[0] as Thread;
    const calls = this.threads.map(({ tid, waiting }) => `${tid} in ${waiting?.call.row?.name ?? 'a call'}`);
    const message = `every thread waits for something that cannot happen (${calls.join(', ')})`;
    this.recorder.incident(thread, 'deadlock', message);
    this.end({ kind: 'stopped', reason: 'deadlock' });
  }
}

const isHostAwaited = (waits: readonly Blocked[]): boolean => waits.some((wait) => (wait.hostFds?.length ?? 0) > 0);
