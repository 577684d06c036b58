/** Sending signals: to a task, to the process, and the ones a task cannot refuse. */
import { SIG_DFL, SiCode } from '../abi/constants.js';
import { type SignalInfo, type SignalSet, signalBit } from './signal-state.js';
import type { Task, ThreadGroup } from './task.js';

/** Thread-directed (tgkill, faults, SIGPIPE). Gives false when the signal was dropped. */
export const sendToTask = (task: Task, info: SignalInfo): boolean => {
  const isBlocked = (task.signals.blocked & signalBit(info.signo)) !== 0n;
  if (!isBlocked && isDropped(task, info)) return false;
  return task.signals.pending.add(info);
};

/** Process-directed (kill, timers): any task that does not block it takes it. */
export const sendToGroup = (group: ThreadGroup, info: SignalInfo): boolean => {
  const taker = takerOf(group, info.signo);
  if (taker !== undefined && isDropped(taker, info)) return false;
  return group.signals.pending.add(info);
};

const isDropped = (task: Task, info: SignalInfo): boolean => {
  if (!task.group.signals.isIgnored(info.signo)) return false;
  task.group.host.signalTaken?.(task, info, 'ignored');
  return true;
};

/** A fault: a blocked or ignored signal gets its default action, as force_sig_info of the kernel does. */
export const forceSignal = (task: Task, info: SignalInfo): void => {
  const { signals } = task.group;
  const bit = signalBit(info.signo);
  if ((task.signals.blocked & bit) !== 0n || signals.isIgnored(info.signo)) signals.resetAction(info.signo);
  task.signals.blocked &= ~bit;
  task.signals.pending.add(info);
};

/** As forceSignal, but the handler is taken away first: the task dies of it. */
export const forceFatalSignal = (task: Task, signo: number): void => {
  task.group.signals.setAction(signo, { handler: SIG_DFL, flags: 0, restorer: 0, mask: 0n });
  forceSignal(task, { signo, code: SiCode.SI_KERNEL });
};

/** The first task, in order of creation, that does not block `signo`. */
const takerOf = (group: ThreadGroup, signo: number): Task | undefined => {
  const bit = signalBit(signo);
  for (const task of group.tasks.values()) if ((task.signals.blocked & bit) === 0n) return task;
  return undefined;
};

/** Whether a signal waits that this task would take now. Cheap when there is none. */
export const hasDeliverableSignal = (task: Task): boolean => {
  const own = task.signals.pending.set;
  const shared = task.group.signals.pending.set;
  if (own === 0n && shared === 0n) return false;
  return ((own | sharedFor(task, shared)) & ~task.signals.blocked) !== 0n;
};

/** Takes the next signal this task has to deal with off the queues: its own first, then the process's. */
export const nextSignal = (task: Task): SignalInfo | undefined => {
  const unblocked = ~task.signals.blocked;
  const shared = task.group.signals.pending;
  return task.signals.pending.take(unblocked) ?? shared.take(sharedFor(task, shared.set) & unblocked);
};

/** The shared signals for which `task` is the taker. */
const sharedFor = (task: Task, set: SignalSet): SignalSet => {
  let rest = set & ~task.signals.blocked;
  for (const other of task.group.tasks.values()) {
    if (other === task || rest === 0n) break;
    rest &= other.signals.blocked;
  }
  return rest;
};
