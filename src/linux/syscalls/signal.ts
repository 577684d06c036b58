/** Signals: dispositions, masks, waiting, sending (signal(7) and the man pages of each call). */

import { Word } from '../../guest/cpu-state.js';
import type { GuestMemory } from '../../guest/memory.js';
import {
  MINSIGSTKSZ,
  SIG_BLOCK,
  SIG_DFL,
  SIG_SETMASK,
  SIG_UNBLOCK,
  SiCode,
  Signal,
  SS_AUTODISARM,
  SS_DISABLE,
  SS_ONSTACK,
} from '../abi/constants.js';
import { Errno } from '../abi/errno.js';
import { siginfoBytes } from '../abi/signal-frame.js';
import type { TimeLayout } from '../abi/time.js';
import { sendToGroup, sendToTask } from '../kernel/send-signal.js';
import {
  isSignalNumber,
  type SignalAction,
  type SignalInfo,
  type SignalSet,
  signalBit,
  UNBLOCKABLE,
} from '../kernel/signal-state.js';
import type { Task } from '../kernel/task.js';
import { altStackFlags, isOnAltStack, returnFromSignal } from '../signal-delivery.js';
import { readDeadline, untilSignal } from './blocking.js';
import { type Blocked, type SyscallArgs, type SyscallResult, type SyscallRow, sys } from './syscall.js';

const SIGSET_BYTES = 8;

/** A 64-bit signal set; undefined on a bad pointer. */
export const readSignalSet = (memory: GuestMemory, addr: number): SignalSet | undefined => {
  const bytes = memory.readable(addr >>> 0, SIGSET_BYTES);
  return bytes === undefined ? undefined : new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
};

const writeSignalSet = (memory: GuestMemory, addr: number, set: SignalSet): boolean => {
  const bytes = new Uint8Array(SIGSET_BYTES);
  new DataView(bytes.buffer).setBigUint64(0, set, true);
  return memory.write(addr >>> 0, bytes);
};

const lowWord = (set: SignalSet): number => Number(set & 0xffff_ffffn);

// -- dispositions -----------------------------------------------------------------------------------------------------

/** struct sigaction { handler, flags, restorer, mask[8] }. */
const readAction = (memory: GuestMemory, addr: number): SignalAction | undefined => {
  const bytes = memory.readable(addr, 20);
  if (bytes === undefined) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return {
    handler: view.getUint32(0, true),
    flags: view.getUint32(4, true),
    restorer: view.getUint32(8, true),
    mask: view.getBigUint64(12, true),
  };
};

const writeAction = (memory: GuestMemory, addr: number, action: SignalAction): boolean => {
  const bytes = new Uint8Array(20);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, action.handler, true);
  view.setUint32(4, action.flags, true);
  view.setUint32(8, action.restorer, true);
  view.setBigUint64(12, action.mask, true);
  return memory.write(addr, bytes);
};

/** struct old_sigaction { handler, mask, flags, restorer }. */
const readOldAction = (memory: GuestMemory, addr: number): SignalAction | undefined => {
  const bytes = memory.readable(addr, 16);
  if (bytes === undefined) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return {
    handler: view.getUint32(0, true),
    mask: BigInt(view.getUint32(4, true)),
    flags: view.getUint32(8, true),
    restorer: view.getUint32(12, true),
  };
};

const writeOldAction = (memory: GuestMemory, addr: number, action: SignalAction): boolean => {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, action.handler, true);
  view.setUint32(4, lowWord(action.mask), true);
  view.setUint32(8, action.flags, true);
  view.setUint32(12, action.restorer, true);
  return memory.write(addr, bytes);
};

type ReadAction = typeof readAction;
type WriteAction = typeof writeAction;

const changeAction = (
  task: Task,
  signo: number,
  newAddr: number,
  oldAddr: number,
  read: ReadAction,
  write: WriteAction,
): number => {
  const action = newAddr === 0 ? undefined : read(task.memory, newAddr >>> 0);
  if (newAddr !== 0 && action === undefined) return -Errno.EFAULT;
  const isFixed = signo === Signal.SIGKILL || signo === Signal.SIGSTOP;
  if (!isSignalNumber(signo) || (isFixed && action !== undefined)) return -Errno.EINVAL;
  const { signals } = task.group;
  const old = signals.action(signo);
  if (action !== undefined) setAction(task, signo, action);
  return oldAddr !== 0 && !write(task.memory, oldAddr >>> 0, old) ? -Errno.EFAULT : 0;
};

/** Setting a signal to be ignored discards pending instances (POSIX). */
const setAction = (task: Task, signo: number, action: SignalAction): void => {
  const { signals, tasks } = task.group;
  signals.setAction(signo, { ...action, mask: action.mask & ~UNBLOCKABLE });
  if (!signals.isIgnored(signo)) return;
  signals.pending.discard(signalBit(signo));
  for (const other of tasks.values()) other.signals.pending.discard(signalBit(signo));
};

const sysRtSigaction = (task: Task, [signo, newAddr, oldAddr, size]: SyscallArgs): number =>
  size === SIGSET_BYTES ? changeAction(task, signo, newAddr, oldAddr, readAction, writeAction) : -Errno.EINVAL;

const sysSigaction = (task: Task, [signo, newAddr, oldAddr]: SyscallArgs): number =>
  changeAction(task, signo, newAddr, oldAddr, readOldAction, writeOldAction);

// -- masks ------------------------------------------------------------------------------------------------------------

const changeMask = (task: Task, how: number, set: SignalSet): number => {
  const { signals } = task;
  if (how === SIG_BLOCK) signals.blocked |= set & ~UNBLOCKABLE;
  else if (how === SIG_UNBLOCK) signals.blocked &= ~set;
  else if (how === SIG_SETMASK) signals.blocked = set & ~UNBLOCKABLE;
  else return -Errno.EINVAL;
  return 0;
};

const sysRtSigprocmask = (task: Task, [how, setAddr, oldAddr, size]: SyscallArgs): number => {
  if (size !== SIGSET_BYTES) return -Errno.EINVAL;
  const old = task.signals.blocked;
  if (setAddr !== 0) {
    const set = readSignalSet(task.memory, setAddr);
    if (set === undefined) return -Errno.EFAULT;
    const failed = changeMask(task, how, set);
    if (failed < 0) return failed;
  }
  return oldAddr !== 0 && !writeSignalSet(task.memory, oldAddr, old) ? -Errno.EFAULT : 0;
};

/** The old call touches the first 32 signals only. */
const sysSigprocmask = (task: Task, [how, setAddr, oldAddr]: SyscallArgs): number => {
  const old = task.signals.blocked;
  if (setAddr !== 0) {
    const word = task.memory.readU32(setAddr >>> 0);
    if (word === undefined) return -Errno.EFAULT;
    const high = how === SIG_SETMASK ? old & ~0xffff_ffffn : 0n;
    const failed = changeMask(task, how, BigInt(word) | high);
    if (failed < 0) return failed;
  }
  return oldAddr !== 0 && !task.memory.writeU32(oldAddr >>> 0, lowWord(old)) ? -Errno.EFAULT : 0;
};

const pendingAndBlocked = (task: Task): SignalSet =>
  (task.signals.pending.set | task.group.signals.pending.set) & task.signals.blocked;

const sysRtSigpending = (task: Task, [addr, size]: SyscallArgs): number => {
  if (size >>> 0 > SIGSET_BYTES) return -Errno.EINVAL;
  return writeSignalSet(task.memory, addr, pendingAndBlocked(task)) ? 0 : -Errno.EFAULT;
};

const sysSigpending = (task: Task, [addr]: SyscallArgs): number =>
  task.memory.writeU32(addr >>> 0, lowWord(pendingAndBlocked(task))) ? 0 : -Errno.EFAULT;

// -- waiting ----------------------------------------------------------------------------------------------------------

const sysRtSigsuspend = (task: Task, [addr, size]: SyscallArgs): SyscallResult => {
  if (size !== SIGSET_BYTES) return -Errno.EINVAL;
  const set = readSignalSet(task.memory, addr);
  if (set === undefined) return -Errno.EFAULT;
  task.signals.setTemporaryMask(set);
  return untilSignal;
};

/** sigsuspend(unused, unused, mask). */
const sysSigsuspend = (task: Task, [, , mask]: SyscallArgs): Blocked => {
  task.signals.setTemporaryMask(BigInt(mask >>> 0));
  return untilSignal;
};

const sysPause = (): Blocked => untilSignal;

const rtSigtimedwait =
  (layout: TimeLayout) =>
  (task: Task, [setAddr, infoAddr, timeoutAddr, size]: SyscallArgs): SyscallResult => {
    if (size !== SIGSET_BYTES) return -Errno.EINVAL;
    const set = readSignalSet(task.memory, setAddr);
    if (set === undefined) return -Errno.EFAULT;
    const deadline = readDeadline(task, timeoutAddr, layout, 'now');
    if (typeof deadline === 'number') return deadline;
    const { deadlineNs } = deadline;
    const take = (): number | undefined => takeAwaited(task, set & ~UNBLOCKABLE, infoAddr >>> 0);
    return (
      take() ?? {
        blocked: true,
        retry: (timedOut) => take() ?? (timedOut ? -Errno.EAGAIN : undefined),
        restartable: false,
        ...(deadlineNs === undefined ? {} : { deadlineNs }),
      }
    );
  };

const takeAwaited = (task: Task, set: SignalSet, infoAddr: number): number | undefined => {
  const info = task.signals.pending.take(set) ?? task.group.signals.pending.take(set);
  if (info === undefined) return undefined;
  if (infoAddr !== 0 && !task.memory.write(infoAddr, siginfoBytes(info))) return -Errno.EFAULT;
  return info.signo;
};

// -- sending ----------------------------------------------------------------------------------------------------------

const userSignal = (task: Task, signo: number, code: number): SignalInfo => ({
  signo,
  code,
  pid: task.group.pid,
  uid: task.group.identity.uid,
});

/** Only this process can be met: by its pid, its group, or everybody. */
const sysKill = (task: Task, [pid, signo]: SyscallArgs): number => {
  const { group } = task;
  if (signo !== 0 && !isSignalNumber(signo)) return -Errno.EINVAL;
  if (pid !== group.pid && pid !== 0 && pid !== -1 && pid !== -group.identity.pgid) return -Errno.ESRCH;
  if (signo !== 0) sendToGroup(group, userSignal(task, signo, SiCode.SI_USER));
  return 0;
};

const sendToTid = (task: Task, tid: number, info: SignalInfo): number => {
  if (tid <= 0 || (info.signo !== 0 && !isSignalNumber(info.signo))) return -Errno.EINVAL;
  const target = task.group.tasks.get(tid);
  if (target === undefined) return -Errno.ESRCH;
  if (info.signo !== 0) sendToTask(target, info);
  return 0;
};

const sysTkill = (task: Task, [tid, signo]: SyscallArgs): number =>
  sendToTid(task, tid, userSignal(task, signo, SiCode.SI_TKILL));

const sysTgkill = (task: Task, [tgid, tid, signo]: SyscallArgs): number => {
  if (tgid <= 0) return -Errno.EINVAL;
  if (tgid !== task.group.pid) return -Errno.ESRCH;
  return sendToTid(task, tid, userSignal(task, signo, SiCode.SI_TKILL));
};

/** A siginfo of the guest's own making; codes the kernel uses are refused. */
const readUserInfo = (task: Task, signo: number, addr: number): SignalInfo | number => {
  const bytes = task.memory.readable(addr >>> 0, 128);
  if (bytes === undefined) return -Errno.EFAULT;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const code = view.getInt32(8, true);
  if (code >= 0 || code === SiCode.SI_TKILL) return -Errno.EPERM;
  return { signo, code, errno: view.getInt32(4, true), raw: bytes.slice(12, 128) };
};

const sysRtSigqueueinfo = (task: Task, [pid, signo, infoAddr]: SyscallArgs): number => {
  const info = readUserInfo(task, signo, infoAddr);
  if (typeof info === 'number') return info;
  if (pid !== task.group.pid) return -Errno.ESRCH;
  if (signo !== 0 && !isSignalNumber(signo)) return -Errno.EINVAL;
  if (signo !== 0) sendToGroup(task.group, info);
  return 0;
};

const sysRtTgsigqueueinfo = (task: Task, [tgid, tid, signo, infoAddr]: SyscallArgs): number => {
  const info = readUserInfo(task, signo, infoAddr);
  if (typeof info === 'number') return info;
  return tgid === task.group.pid ? sendToTid(task, tid, info) : -Errno.ESRCH;
};

// -- alternate stack and return ---------------------------------------------------------------------------------------

/** sigaltstack(2): stack_t { sp, flags, size }. */
const sysSigaltstack = (task: Task, [newAddr, oldAddr]: SyscallArgs): number => {
  const { signals, memory, words } = task;
  const sp = (words[Word.SP] as number) >>> 0;
  const old = { ...signals.altStack, flags: altStackFlags(signals.altStack, sp) };
  if (newAddr !== 0) {
    const failed = setAltStack(task, newAddr >>> 0, sp);
    if (failed < 0) return failed;
  }
  if (oldAddr === 0) return 0;
  const bytes = new Uint8Array(Uint32Array.of(old.sp, old.flags, old.sizeBytes).buffer);
  return memory.write(oldAddr >>> 0, bytes) ? 0 : -Errno.EFAULT;
};

const setAltStack = (task: Task, addr: number, sp: number): number => {
  const bytes = task.memory.readable(addr, 12);
  if (bytes === undefined) return -Errno.EFAULT;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const stack = view.getUint32(0, true);
  const flags = view.getUint32(4, true);
  const sizeBytes = view.getUint32(8, true);
  const { signals } = task;
  if (isOnAltStack(signals.altStack, sp)) return -Errno.EPERM;
  const mode = (flags & ~SS_AUTODISARM) >>> 0;
  if (mode !== 0 && mode !== SS_DISABLE && mode !== SS_ONSTACK) return -Errno.EINVAL;
  if (mode === SS_DISABLE) signals.altStack = { sp: 0, sizeBytes: 0, flags: SS_DISABLE };
  else if (sizeBytes < MINSIGSTKSZ) return -Errno.ENOMEM;
  else signals.altStack = { sp: stack, sizeBytes, flags: (flags & SS_AUTODISARM) >>> 0 };
  return 0;
};

const sysSigreturn = (task: Task): undefined => returnFromSignal(task, false) as undefined;
const sysRtSigreturn = (task: Task): undefined => returnFromSignal(task, true) as undefined;

/** signal(2) of the old table: SA_RESETHAND and SA_NODEFER, as the kernel's sys_signal. */
const sysSignal = (task: Task, [signo, handler]: SyscallArgs): number => {
  const old = task.group.signals.action(signo).handler;
  const isFixed = signo === Signal.SIGKILL || signo === Signal.SIGSTOP;
  if (!isSignalNumber(signo) || isFixed) return -Errno.EINVAL;
  setAction(task, signo, { handler: handler >>> 0, flags: 0xc000_0000, restorer: SIG_DFL, mask: 0n });
  return old | 0;
};

export const signalSyscalls: SyscallRow[] = [
  sys(29, 'pause', sysPause, ''),
  sys(37, 'kill', sysKill, 'pid signal'),
  sys(48, 'signal', sysSignal, 'signal ptr -> ptr'),
  sys(67, 'sigaction', sysSigaction, 'signal ptr ptr'),
  sys(72, 'sigsuspend', sysSigsuspend, 'hex@2'),
  sys(73, 'sigpending', sysSigpending, '*hex:out'),
  sys(119, 'sigreturn', sysSigreturn, '-> none'),
  sys(126, 'sigprocmask', sysSigprocmask, 'sighow *hex *hex:out'),
  sys(173, 'rt_sigreturn', sysRtSigreturn, '-> none'),
  sys(174, 'rt_sigaction', sysRtSigaction, 'signal sigaction sigaction:out size'),
  sys(175, 'rt_sigprocmask', sysRtSigprocmask, 'sighow sigset sigset:out size'),
  sys(176, 'rt_sigpending', sysRtSigpending, 'sigset:out size'),
  sys(177, 'rt_sigtimedwait', rtSigtimedwait('time32'), 'sigset siginfo:out timespec size'),
  sys(178, 'rt_sigqueueinfo', sysRtSigqueueinfo, 'pid signal siginfo'),
  sys(179, 'rt_sigsuspend', sysRtSigsuspend, 'sigset size'),
  sys(186, 'sigaltstack', sysSigaltstack, 'stack stack:out'),
  sys(238, 'tkill', sysTkill, 'pid signal'),
  sys(268, 'tgkill', sysTgkill, 'pid pid signal'),
  sys(363, 'rt_tgsigqueueinfo', sysRtTgsigqueueinfo, 'pid pid signal siginfo'),
  sys(421, 'rt_sigtimedwait_time64', rtSigtimedwait('time64'), 'sigset siginfo:out timespec64 size'),
];
