/**
 * Acting on signals when a task is about to run guest code (arch/arm/kernel/signal.c): handlers get their frame,
 * everything else its default action. Restarting an interrupted system call is decided here too.
 */
import { Word } from '../guest/cpu-state.js';
import { Permission } from '../guest/memory.js';
import {
  SA_NODEFER,
  SA_ONSTACK,
  SA_RESETHAND,
  SA_RESTART,
  SA_RESTORER,
  SA_SIGINFO,
  SIG_DFL,
  SIG_IGN,
  Signal,
  SS_AUTODISARM,
  SS_DISABLE,
  SS_ONSTACK,
  signalName,
} from './abi/constants.js';
import { Errno } from './abi/errno.js';
import {
  clearVectorMode,
  frameBytes,
  OLD_FRAME_BYTES,
  RT_FRAME_BYTES,
  readAltStack,
  restoreContext,
  returnCode,
  SIGINFO_BYTES,
  trampolineOffset,
  UCONTEXT_BYTES,
} from './abi/signal-frame.js';
import { forceFatalSignal, forceSignal, nextSignal } from './kernel/send-signal.js';
import {
  type AltStack,
  defaultAction,
  type SignalAction,
  type SignalInfo,
  signalBit,
  UNBLOCKABLE,
} from './kernel/signal-state.js';
import type { Task } from './kernel/task.js';
import { SIGNAL_TRAMPOLINE_PAGE } from './kuser-helpers.js';

/** The system call a signal interrupts, as the scheduler knows it. */
export interface InterruptedCall {
  /** r0 at the SVC. */
  readonly firstArg: number;
  /** Whether SA_RESTART applies to it. */
  readonly restartable: boolean;
  /** Ends the call; gives its result, usually -EINTR. */
  interrupt(): number;
  /** Told what the call's result is, undefined when it will be restarted. */
  ended(result: number | undefined): void;
}

/**
 * Deals with all signals the task can take now. With `call` (the task is blocked in it), a handler ends the call first.
 * Gives true when at least one handler was entered.
 */
export const deliverSignals = (task: Task, call?: InterruptedCall): boolean => {
  let pendingCall = call;
  let entered = false;
  for (let info = nextSignal(task); info !== undefined; info = nextSignal(task)) {
    const action = task.group.signals.action(info.signo);
    if (action.handler === SIG_IGN) report(task, info, 'ignored');
    else if (action.handler !== SIG_DFL) {
      if (pendingCall !== undefined) endInterruptedCall(task, pendingCall, action);
      pendingCall = undefined;
      report(task, info, 'handler');
      enterHandler(task, info, action);
      entered = true;
    } else if (takeDefaultAction(task, info)) return entered;
  }
  return entered;
};

const report = (task: Task, info: SignalInfo, outcome: 'handler' | 'ignored' | 'fatal' | 'stopped'): void =>
  task.group.host.signalTaken?.(task, info, outcome);

/** True when the process ended. */
const takeDefaultAction = (task: Task, info: SignalInfo): boolean => {
  const fallback = defaultAction(info.signo);
  if (fallback === 'ignore' || fallback === 'continue') {
    report(task, info, 'ignored');
    return false;
  }
  if (fallback === 'stop') {
    report(task, info, 'stopped');
    task.group.host.incident(task, 'stop-ignored', `${signalName(info.signo)} would stop the program; it goes on`);
    return false;
  }
  report(task, info, 'fatal');
  task.group.host.exitGroup(task, 128 + info.signo, info.signo);
  return true;
};

const endInterruptedCall = (task: Task, call: InterruptedCall, action: SignalAction): void => {
  const { words } = task;
  const result = call.interrupt();
  if (result === -Errno.EINTR && call.restartable && (action.flags & SA_RESTART) !== 0) {
    words[0] = call.firstArg;
    words[Word.PC] = (words[Word.PC] as number) - (words[Word.THUMB] !== 0 ? 2 : 4);
    call.ended(undefined);
  } else {
    words[0] = result;
    call.ended(result);
  }
};

// -- entering a handler -----------------------------------------------------------------------------------------------

const enterHandler = (task: Task, info: SignalInfo, action: SignalAction): void => {
  const { words, signals } = task;
  const isRt = (action.flags & SA_SIGINFO) !== 0;
  const frame = pushFrame(task, info, action);
  if (frame === undefined) {
    if (info.signo === Signal.SIGSEGV) forceFatalSignal(task, Signal.SIGSEGV);
    else forceSignal(task, { signo: Signal.SIGSEGV, code: 0x80 });
    return;
  }
  if ((action.flags & SA_RESETHAND) !== 0) task.group.signals.resetAction(info.signo);
  signals.blocked |= action.mask & ~UNBLOCKABLE;
  if ((action.flags & SA_NODEFER) === 0) signals.blocked |= signalBit(info.signo);
  words[0] = info.signo;
  if (isRt) {
    words[1] = frame | 0;
    words[2] = (frame + SIGINFO_BYTES) | 0;
  }
  words[Word.SP] = frame | 0;
  words[Word.LR] = returnAddress(action) | 0;
  startHandler(words, action.handler);
};

/** pc, T, ITSTATE and E of a handler's first instruction; the exclusive monitor is open. */
const startHandler = (words: Int32Array, handler: number): void => {
  const isThumb = (handler & 1) !== 0;
  words[Word.PC] = handler & (isThumb ? ~1 : ~3);
  words[Word.THUMB] = isThumb ? 1 : 0;
  words[Word.ITSTATE] = 0;
  words[Word.BIG_ENDIAN] = 0;
  words[Word.EXCLUSIVE_SIZE] = 0;
  clearVectorMode(words);
};

const returnAddress = (action: SignalAction): number => {
  if ((action.flags & SA_RESTORER) !== 0) return action.restorer;
  const isThumb = (action.handler & 1) !== 0;
  return SIGNAL_TRAMPOLINE_PAGE + trampolineOffset(isThumb, (action.flags & SA_SIGINFO) !== 0) + (isThumb ? 1 : 0);
};

/** Writes the frame and gives its address; undefined when the stack cannot take it. */
const pushFrame = (task: Task, info: SignalInfo, action: SignalAction): number | undefined => {
  const { signals, words, memory } = task;
  const isRt = (action.flags & SA_SIGINFO) !== 0;
  const size = isRt ? RT_FRAME_BYTES : OLD_FRAME_BYTES;
  const frame = frameAddress(task, action, size);
  if (frame < 0 || !memory.allows(frame, size, Permission.WRITE)) return undefined;
  const altStack = { ...signals.altStack, flags: altStackFlags(signals.altStack, words[Word.SP] as number) };
  const bytes = frameBytes(
    words,
    { mask: signals.takeMaskToSave(), fault: task.fault, ...(isRt ? { altStack } : {}) },
    isRt ? info : undefined,
  );
  const [first, second] = returnCode((action.handler & 1) !== 0, isRt);
  const view = new DataView(bytes.buffer);
  view.setUint32(size - 16, first >>> 0, true);
  view.setUint32(size - 12, second >>> 0, true);
  memory.write(frame, bytes);
  if ((signals.altStack.flags & SS_AUTODISARM) !== 0) signals.altStack = { sp: 0, sizeBytes: 0, flags: SS_DISABLE };
  return frame;
};

/** Where a frame of `size` bytes goes; negative when it would run off the alternate stack. */
const frameAddress = (task: Task, action: SignalAction, size: number): number => {
  const { altStack } = task.signals;
  const sp = (task.words[Word.SP] as number) >>> 0;
  const isOn = isOnAltStack(altStack, sp);
  const switches = (action.flags & SA_ONSTACK) !== 0 && (altStack.flags & SS_DISABLE) === 0 && !isOn;
  const top = switches ? altStack.sp + altStack.sizeBytes : sp;
  const frame = Math.floor((top - size) / 8) * 8;
  if ((switches || isOn) && frame < altStack.sp) return -1;
  return frame;
};

export const isOnAltStack = (altStack: AltStack, sp: number): boolean =>
  (altStack.flags & (SS_DISABLE | SS_AUTODISARM)) === 0 && sp > altStack.sp && sp - altStack.sp <= altStack.sizeBytes;

/** ss_flags as sigaltstack(2) and uc_stack report them. */
export const altStackFlags = (altStack: AltStack, sp: number): number => {
  if (altStack.sizeBytes === 0) return SS_DISABLE;
  return ((isOnAltStack(altStack, sp >>> 0) ? SS_ONSTACK : 0) | (altStack.flags & SS_AUTODISARM)) >>> 0;
};

// -- returning from one -----------------------------------------------------------------------------------------------

/** sigreturn (119) and rt_sigreturn (173): everything as the frame at sp says, edits of the handler included. */
export const returnFromSignal = (task: Task, isRt: boolean): void => {
  const { memory, words, signals } = task;
  const frame = (words[Word.SP] as number) >>> 0;
  const ucontext = frame + (isRt ? SIGINFO_BYTES : 0);
  const bytes = frame % 8 === 0 ? memory.readable(ucontext, UCONTEXT_BYTES)?.slice() : undefined;
  const mask = bytes === undefined ? undefined : restoreContext(words, bytes);
  words[Word.EXCLUSIVE_SIZE] = 0;
  if (bytes === undefined || mask === undefined) {
    forceSignal(task, { signo: Signal.SIGSEGV, code: 0x80 });
    return;
  }
  signals.blocked = mask & ~UNBLOCKABLE;
  if (isRt) signals.altStack = restoredAltStack(signals.altStack, readAltStack(bytes));
};

/** SS_ONSTACK in a saved stack_t only says where the handler was entered from. */
const restoredAltStack = (current: AltStack, saved: AltStack): AltStack => {
  if ((saved.flags & SS_DISABLE) !== 0) return { sp: 0, sizeBytes: 0, flags: SS_DISABLE };
  if (saved.sizeBytes === 0) return current;
  return { sp: saved.sp, sizeBytes: saved.sizeBytes, flags: (saved.flags & SS_AUTODISARM) >>> 0 };
};
