/**
 * Signals as the kernel keeps them (signal(7)): dispositions and the shared queue per process, mask, private queue and
 * alternate stack per task. Signal sets are bigints: bit n-1 is signal n. This file decides what is pending and for
 * whom; linux/signal-delivery acts on it.
 */
import { SIG_DFL, SIG_IGN, SIGRTMAX, SIGRTMIN, Signal, SS_DISABLE } from '../abi/constants.js';

export type SignalSet = bigint;

export const signalBit = (signo: number): SignalSet => 1n << BigInt(signo - 1);

/** SIGKILL and SIGSTOP cannot be blocked, caught or ignored. */
export const UNBLOCKABLE: SignalSet = signalBit(Signal.SIGKILL) | signalBit(Signal.SIGSTOP);

/** What siginfo_t carries beyond number and code; only the fields that apply to the code. */
export interface SignalInfo {
  readonly signo: number;
  /** si_code. */
  readonly code: number;
  readonly errno?: number;
  /** si_addr of a fault. */
  readonly address?: number;
  readonly pid?: number;
  readonly uid?: number;
  /** si_value (sigqueue, timers). */
  readonly value?: number;
  /** si_timerid and si_overrun. */
  readonly timerId?: number;
  overrun?: number;
  /** The 116 bytes after si_code, when the guest supplied them (rt_sigqueueinfo). */
  readonly raw?: Uint8Array;
}

export interface SignalAction {
  /** SIG_DFL, SIG_IGN or an interworking address. */
  readonly handler: number;
  readonly flags: number;
  readonly restorer: number;
  readonly mask: SignalSet;
}

const DEFAULT_ACTION: SignalAction = { handler: SIG_DFL, flags: 0, restorer: 0, mask: 0n };

export type DefaultAction = 'terminate' | 'core' | 'ignore' | 'stop' | 'continue';

const IGNORED = new Set<number>([Signal.SIGCHLD, Signal.SIGURG, Signal.SIGWINCH]);
const STOPPING = new Set<number>([Signal.SIGSTOP, Signal.SIGTSTP, Signal.SIGTTIN, Signal.SIGTTOU]);
const CORE = new Set<number>([
  Signal.SIGQUIT,
  Signal.SIGILL,
  Signal.SIGTRAP,
  Signal.SIGABRT,
  Signal.SIGBUS,
  Signal.SIGFPE,
  Signal.SIGSEGV,
  Signal.SIGXCPU,
  Signal.SIGXFSZ,
  Signal.SIGSYS,
]);

/** The table "Signal disposition" of signal(7). */
export const defaultAction = (signo: number): DefaultAction => {
  if (signo === Signal.SIGCONT) return 'continue';
  if (IGNORED.has(signo)) return 'ignore';
  if (STOPPING.has(signo)) return 'stop';
  return CORE.has(signo) ? 'core' : 'terminate';
};

export const isSignalNumber = (signo: number): boolean => signo >= 1 && signo <= SIGRTMAX;

/** Synchronous signals are taken first, as the kernel does, so a fault handler sees the faulting pc. */
const SYNCHRONOUS: SignalSet =
  signalBit(Signal.SIGSEGV) |
  signalBit(Signal.SIGBUS) |
  signalBit(Signal.SIGILL) |
  signalBit(Signal.SIGTRAP) |
  signalBit(Signal.SIGFPE) |
  signalBit(Signal.SIGSYS);

/** Pending signals: one instance of each standard signal, a queue of real-time ones. */
export class PendingSignals {
  private readonly queue: SignalInfo[] = [];
  /** Signals with at least one instance. */
  set: SignalSet = 0n;

  /** False when a standard signal was pending already and this instance is lost. */
  add(info: SignalInfo): boolean {
    const bit = signalBit(info.signo);
    if (info.signo < SIGRTMIN && (this.set & bit) !== 0n) return false;
    this.queue.push(info);
    this.set |= bit;
    return true;
  }

  /** Removes and gives the first signal in `wanted`: synchronous ones, then the lowest number, then the oldest. */
  take(wanted: SignalSet): SignalInfo | undefined {
    const candidates = this.set & wanted;
    if (candidates === 0n) return undefined;
    const urgent = candidates & SYNCHRONOUS;
    const signo = lowestSignal(urgent === 0n ? candidates : urgent);
    const index = this.queue.findIndex((info) => info.signo === signo);
    const [info] = this.queue.splice(index, 1);
    if (!this.queue.some((other) => other.signo === signo)) this.set &= ~signalBit(signo);
    return info;
  }

  /** Drops every instance of the signals in `unwanted`. */
  discard(unwanted: SignalSet): void {
    while (this.take(unwanted) !== undefined) {}
  }
}

const lowestSignal = (set: SignalSet): number => {
  const low = Number(set & 0xffff_ffffn) | 0;
  if (low !== 0) return 32 - Math.clz32(low & -low);
  const high = Number(set >> 32n) | 0;
  return 64 - Math.clz32(high & -high);
};

export interface AltStack {
  sp: number;
  sizeBytes: number;
  /** SS_DISABLE or 0, with SS_AUTODISARM when asked for. */
  flags: number;
}

/** A task's part. */
export class TaskSignals {
  blocked: SignalSet = 0n;
  readonly pending = new PendingSignals();
  altStack: AltStack = { sp: 0, sizeBytes: 0, flags: SS_DISABLE };
  /**
   * The mask to return to when a call that replaced it (sigsuspend, ppoll, pselect6, epoll_pwait) is over. A handler
   * that interrupts the call finds it in its frame instead.
   */
  private savedMask: SignalSet | undefined;

  /** Installs a mask for the duration of the current system call; also across its blocking. */
  setTemporaryMask(mask: SignalSet): void {
    this.savedMask ??= this.blocked;
    this.blocked = mask & ~UNBLOCKABLE;
  }

  /** The mask a signal frame must save: the one from before a temporary mask. Consumes it. */
  takeMaskToSave(): SignalSet {
    const mask = this.savedMask ?? this.blocked;
    this.savedMask = undefined;
    return mask;
  }

  /** Ends a temporary mask, if there is one (the call returned and no handler took over). */
  endTemporaryMask(): void {
    if (this.savedMask === undefined) return;
    this.blocked = this.savedMask;
    this.savedMask = undefined;
  }
}

/** The process's part. */
export class ProcessSignals {
  readonly pending = new PendingSignals();
  private readonly actions = new Map<number, SignalAction>();

  action(signo: number): SignalAction {
    return this.actions.get(signo) ?? DEFAULT_ACTION;
  }

  setAction(signo: number, action: SignalAction): void {
    this.actions.set(signo, action);
  }

  /** SA_RESETHAND: back to the default before the handler runs. */
  resetAction(signo: number): void {
    this.actions.delete(signo);
  }

  /** Whether delivery would do nothing: SIG_IGN, or SIG_DFL of a signal whose default is to be ignored. */
  isIgnored(signo: number): boolean {
    const { handler } = this.action(signo);
    if (handler === SIG_IGN) return true;
    const fallback = defaultAction(signo);
    return handler === SIG_DFL && (fallback === 'ignore' || fallback === 'continue');
  }
}
