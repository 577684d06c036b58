/** Clocks, sleeping and timers, on the guest's clock (kernel/clock). */
import type { GuestMemory } from '../../guest/memory.js';
import {
  CLOCK_TICKS_PER_SECOND,
  ClockId,
  SIGEV_NONE,
  SIGEV_THREAD_ID,
  SiCode,
  Signal,
  TIMER_ABSTIME,
} from '../abi/constants.js';
import { Errno } from '../abi/errno.js';
import {
  isValidTimespec,
  readTimespec,
  readTimevalNs,
  type TimeLayout,
  timeSize,
  timespecNs,
  writeTimespec,
  writeTimeval,
  writeTimevalNs,
} from '../abi/time.js';
import { NS_PER_SECOND, type Timespec, timespecOf } from '../kernel/clock.js';
import { isSignalNumber } from '../kernel/signal-state.js';
import type { Task } from '../kernel/task.js';
import { arm, remainingNs, type Timer, type TimerClock } from '../kernel/timers.js';
import { type Blocked, type SyscallArgs, type SyscallResult, type SyscallRow, sys } from './syscall.js';

// -- clocks -----------------------------------------------------------------------------------------------------------

/** What a clock shows; undefined for one that does not exist. Negative ids are CPU clocks of a pid or tid. */
const readClock = (task: Task, id: number): Timespec | undefined => {
  const { clock } = task.group;
  switch (id) {
    case ClockId.REALTIME:
    case ClockId.REALTIME_COARSE:
    case ClockId.REALTIME_ALARM:
    case ClockId.TAI:
      return clock.realtime();
    case ClockId.MONOTONIC:
    case ClockId.MONOTONIC_RAW:
    case ClockId.MONOTONIC_COARSE:
    case ClockId.BOOTTIME:
    case ClockId.BOOTTIME_ALARM:
      return timespecOf(clock.monotonicNs());
    case ClockId.PROCESS_CPUTIME_ID:
      return timespecOf(clock.cpuNs());
    case ClockId.THREAD_CPUTIME_ID:
      return timespecOf(task.retired);
    default:
      return id < 0 ? readCpuClock(task, id) : undefined;
  }
};

/** Dynamic clock ids: ~pid in the upper 29 bits, bit 2 for a thread's. */
const readCpuClock = (task: Task, id: number): Timespec | undefined => {
  const pid = ~(id >> 3);
  if ((id & 4) === 0) return pid === 0 || pid === task.group.pid ? timespecOf(task.group.clock.cpuNs()) : undefined;
  const target = pid === 0 ? task : task.group.tasks.get(pid);
  return target === undefined ? undefined : timespecOf(target.retired);
};

const clockGettime =
  (layout: TimeLayout) =>
  (task: Task, [id, addr]: SyscallArgs): number => {
    const value = readClock(task, id);
    if (value === undefined) return -Errno.EINVAL;
    return writeTimespec(task.memory, addr >>> 0, layout, value) ? 0 : -Errno.EFAULT;
  };

const clockGetres =
  (layout: TimeLayout) =>
  (task: Task, [id, addr]: SyscallArgs): number => {
    if (readClock(task, id) === undefined) return -Errno.EINVAL;
    const resolution = { seconds: 0, nanoseconds: 1 };
    return addr === 0 || writeTimespec(task.memory, addr >>> 0, layout, resolution) ? 0 : -Errno.EFAULT;
  };

const sysGettimeofday = (task: Task, [timeAddr, zoneAddr]: SyscallArgs): number => {
  if (timeAddr !== 0 && !writeTimeval(task.memory, timeAddr >>> 0, task.group.clock.realtime())) return -Errno.EFAULT;
  return zoneAddr === 0 || task.memory.write(zoneAddr >>> 0, new Uint8Array(8)) ? 0 : -Errno.EFAULT;
};

const sysTime = (task: Task, [addr]: SyscallArgs): number => {
  const { seconds } = task.group.clock.realtime();
  return addr === 0 || task.memory.writeU32(addr >>> 0, seconds) ? seconds | 0 : -Errno.EFAULT;
};

const ticks = (ns: number): number => Math.floor(ns / (NS_PER_SECOND / CLOCK_TICKS_PER_SECOND));

const sysTimes = (task: Task, [addr]: SyscallArgs): number => {
  const { clock } = task.group;
  const bytes = new Uint8Array(Uint32Array.of(ticks(clock.cpuNs()), 0, 0, 0).buffer);
  if (addr !== 0 && !task.memory.write(addr >>> 0, bytes)) return -Errno.EFAULT;
  return ticks(clock.monotonicNs()) | 0;
};

/** The guest may look at the clock, not set it. */
const sysSetClock = (): number => -Errno.EPERM;

// -- sleeping ---------------------------------------------------------------------------------------------------------

/** Sleeps until monotonic `deadlineNs`; an interrupting handler finds the rest at `remainAddr`, when there is one. */
const sleepUntil = (task: Task, deadlineNs: number, layout: TimeLayout, remainAddr: number): Blocked => ({
  blocked: true,
  retry: (timedOut) => (timedOut ? 0 : undefined),
  deadlineNs,
  restartable: false,
  interrupted: () => {
    const rest = timespecOf(Math.max(0, deadlineNs - task.group.clock.monotonicNs()));
    const stored = remainAddr === 0 || writeTimespec(task.memory, remainAddr, layout, rest);
    return stored ? -Errno.EINTR : -Errno.EFAULT;
  },
});

const sysNanosleep = (task: Task, [requestAddr, remainAddr]: SyscallArgs): SyscallResult => {
  const request = readTimespec(task.memory, requestAddr >>> 0, 'time32');
  if (request === undefined) return -Errno.EFAULT;
  if (!isValidTimespec(request)) return -Errno.EINVAL;
  return sleepUntil(task, task.group.clock.monotonicNs() + timespecNs(request), 'time32', remainAddr >>> 0);
};

const clockNanosleep =
  (layout: TimeLayout) =>
  (task: Task, [id, flags, requestAddr, remainAddr]: SyscallArgs): SyscallResult => {
    if (readClock(task, id) === undefined || id === ClockId.THREAD_CPUTIME_ID) return -Errno.EINVAL;
    if (id === ClockId.PROCESS_CPUTIME_ID || id < 0) return -Errno.EOPNOTSUPP;
    const request = readTimespec(task.memory, requestAddr >>> 0, layout);
    if (request === undefined) return -Errno.EFAULT;
    if (!isValidTimespec(request)) return -Errno.EINVAL;
    if ((flags & TIMER_ABSTIME) !== 0) return sleepUntil(task, absoluteNs(task, id, request), layout, 0);
    return sleepUntil(task, task.group.clock.monotonicNs() + timespecNs(request), layout, remainAddr >>> 0);
  };

const isWallClock = (id: number): boolean =>
  id === ClockId.REALTIME || id === ClockId.REALTIME_ALARM || id === ClockId.TAI;

/** Monotonic nanoseconds of a time on clock `id`. */
const absoluteNs = (task: Task, id: number, { seconds, nanoseconds }: Timespec): number =>
  isWallClock(id) ? task.group.clock.monotonicOfRealtime(seconds, nanoseconds) : timespecNs({ seconds, nanoseconds });

// -- interval timers --------------------------------------------------------------------------------------------------

const nowOf = (task: Task, clock: TimerClock): number =>
  clock === 'cpu' ? task.group.clock.cpuNs() : task.group.clock.monotonicNs();

/** struct itimerval { interval, value }. */
const writeItimerval = (task: Task, addr: number, timer: Timer): boolean => {
  const rest = remainingNs(timer, nowOf(task, timer.clock));
  const { memory } = task;
  return writeTimevalNs(memory, addr, timer.intervalNs) && writeTimevalNs(memory, addr + 8, roundUpToMicrosecond(rest));
};

/** An armed timer never shows zero. */
const roundUpToMicrosecond = (ns: number): number => Math.ceil(ns / 1000) * 1000;

const sysGetitimer = (task: Task, [which, addr]: SyscallArgs): number => {
  const timer = task.group.timers.interval(which);
  if (timer === undefined) return -Errno.EINVAL;
  return writeItimerval(task, addr >>> 0, timer) ? 0 : -Errno.EFAULT;
};

const sysSetitimer = (task: Task, [which, newAddr, oldAddr]: SyscallArgs): number => {
  const timer = task.group.timers.interval(which);
  if (timer === undefined) return -Errno.EINVAL;
  const intervalNs = newAddr === 0 ? 0 : readTimevalNs(task.memory, newAddr >>> 0);
  const valueNs = newAddr === 0 ? 0 : readTimevalNs(task.memory, (newAddr >>> 0) + 8);
  if (intervalNs === undefined || valueNs === undefined) return -Errno.EFAULT;
  if (Number.isNaN(intervalNs) || Number.isNaN(valueNs)) return -Errno.EINVAL;
  if (oldAddr !== 0 && !writeItimerval(task, oldAddr >>> 0, timer)) return -Errno.EFAULT;
  arm(timer, valueNs === 0 ? undefined : nowOf(task, timer.clock) + valueNs, intervalNs);
  return 0;
};

/** alarm(2), not in the EABI table of the kernel but harmless: the rest of the old alarm in whole seconds. */
const sysAlarm = (task: Task, [seconds]: SyscallArgs): number => {
  const timer = task.group.timers.interval(0) as Timer;
  const now = task.group.clock.monotonicNs();
  const rest = Math.ceil(remainingNs(timer, now) / NS_PER_SECOND);
  arm(timer, seconds === 0 ? undefined : now + (seconds >>> 0) * NS_PER_SECOND, 0);
  return rest;
};

// -- POSIX timers -----------------------------------------------------------------------------------------------------

const timerClockOf = (id: number): TimerClock | undefined => {
  if (id === ClockId.PROCESS_CPUTIME_ID || id === ClockId.THREAD_CPUTIME_ID || id < 0) return 'cpu';
  return isWallClock(id) || id === ClockId.MONOTONIC || id === ClockId.BOOTTIME || id === ClockId.BOOTTIME_ALARM
    ? 'monotonic'
    : undefined;
};

interface SignalEvent {
  readonly value: number;
  readonly signo: number;
  readonly notify: number;
  readonly tid: number;
}

/** struct sigevent { value, signo, notify, tid }. */
const readSignalEvent = (memory: GuestMemory, addr: number): SignalEvent | undefined => {
  const bytes = memory.readable(addr, 16);
  if (bytes === undefined) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return {
    value: view.getInt32(0, true),
    signo: view.getInt32(4, true),
    notify: view.getInt32(8, true),
    tid: view.getInt32(12, true),
  };
};

const sysTimerCreate = (task: Task, [clockId, eventAddr, idAddr]: SyscallArgs): number => {
  const clock = timerClockOf(clockId);
  if (clock === undefined) return -Errno.EINVAL;
  const { timers, tasks } = task.group;
  const id = timers.nextTimerId;
  const fallback: SignalEvent = { value: id, signo: Signal.SIGALRM, notify: 0, tid: 0 };
  const event = eventAddr === 0 ? fallback : readSignalEvent(task.memory, eventAddr >>> 0);
  if (event === undefined) return -Errno.EFAULT;
  const isSilent = event.notify === SIGEV_NONE;
  if (!isSilent && !isSignalNumber(event.signo)) return -Errno.EINVAL;
  const toThread = event.notify === SIGEV_THREAD_ID;
  if ((toThread && !tasks.has(event.tid)) || event.notify > SIGEV_THREAD_ID) return -Errno.EINVAL;
  if (!task.memory.writeU32(idAddr >>> 0, id)) return -Errno.EFAULT;
  const timer: Timer = {
    clock,
    isWallClock: isWallClock(clockId),
    deadlineNs: undefined,
    intervalNs: 0,
    overrun: 0,
    signal: isSilent
      ? undefined
      : { signo: event.signo, code: SiCode.SI_TIMER, timerId: id, overrun: 0, value: event.value },
    ...(toThread ? { tid: event.tid } : {}),
  };
  timers.add(timer);
  return 0;
};

/** struct itimerspec { interval, value }. */
const writeItimerspec = (task: Task, addr: number, layout: TimeLayout, timer: Timer): boolean => {
  const rest = timespecOf(remainingNs(timer, nowOf(task, timer.clock)));
  const { memory } = task;
  return (
    writeTimespec(memory, addr, layout, timespecOf(timer.intervalNs)) &&
    writeTimespec(memory, addr + timeSize(layout), layout, rest)
  );
};

const timerGettime =
  (layout: TimeLayout) =>
  (task: Task, [id, addr]: SyscallArgs): number => {
    const timer = task.group.timers.get(id);
    if (timer === undefined) return -Errno.EINVAL;
    return writeItimerspec(task, addr >>> 0, layout, timer) ? 0 : -Errno.EFAULT;
  };

const timerSettime =
  (layout: TimeLayout) =>
  (task: Task, [id, flags, newAddr, oldAddr]: SyscallArgs): number => {
    const timer = task.group.timers.get(id);
    const interval = readTimespec(task.memory, newAddr >>> 0, layout);
    const value = readTimespec(task.memory, (newAddr >>> 0) + timeSize(layout), layout);
    if (interval === undefined || value === undefined) return -Errno.EFAULT;
    if (timer === undefined || !isValidTimespec(interval) || !isValidTimespec(value)) return -Errno.EINVAL;
    if (oldAddr !== 0 && !writeItimerspec(task, oldAddr >>> 0, layout, timer)) return -Errno.EFAULT;
    arm(timer, timerDeadline(task, timer, value, (flags & TIMER_ABSTIME) !== 0), timespecNs(interval));
    return 0;
  };

const timerDeadline = (task: Task, timer: Timer, value: Timespec, isAbsolute: boolean): number | undefined => {
  if (value.seconds === 0 && value.nanoseconds === 0) return undefined;
  if (!isAbsolute) return nowOf(task, timer.clock) + timespecNs(value);
  return absoluteNs(task, timer.isWallClock === true ? ClockId.REALTIME : ClockId.MONOTONIC, value);
};

const sysTimerGetoverrun = (task: Task, [id]: SyscallArgs): number =>
  task.group.timers.get(id)?.overrun ?? -Errno.EINVAL;

const sysTimerDelete = (task: Task, [id]: SyscallArgs): number => (task.group.timers.delete(id) ? 0 : -Errno.EINVAL);

export const timeSyscalls: SyscallRow[] = [
  sys(13, 'time', sysTime, '*u32:out'),
  sys(25, 'stime', sysSetClock, 'ptr'),
  sys(27, 'alarm', sysAlarm, 'u32'),
  sys(43, 'times', sysTimes, 'ptr'),
  sys(78, 'gettimeofday', sysGettimeofday, 'timeval:out ptr'),
  sys(79, 'settimeofday', sysSetClock, 'timeval ptr'),
  sys(104, 'setitimer', sysSetitimer, 'itimer itimerval itimerval:out'),
  sys(105, 'getitimer', sysGetitimer, 'itimer itimerval:out'),
  sys(124, 'adjtimex', sysSetClock, 'ptr'),
  sys(162, 'nanosleep', sysNanosleep, 'timespec timespec:out'),
  sys(257, 'timer_create', sysTimerCreate, 'clockid ptr *u32:out'),
  sys(258, 'timer_settime', timerSettime('time32'), 'i32 hex ptr ptr'),
  sys(259, 'timer_gettime', timerGettime('time32'), 'i32 ptr'),
  sys(260, 'timer_getoverrun', sysTimerGetoverrun, 'i32'),
  sys(261, 'timer_delete', sysTimerDelete, 'i32'),
  sys(262, 'clock_settime', sysSetClock, 'clockid timespec'),
  sys(263, 'clock_gettime', clockGettime('time32'), 'clockid timespec:out'),
  sys(264, 'clock_getres', clockGetres('time32'), 'clockid timespec:out'),
  sys(265, 'clock_nanosleep', clockNanosleep('time32'), 'clockid hex timespec timespec:out'),
  sys(372, 'clock_adjtime', sysSetClock, 'clockid ptr'),
  sys(403, 'clock_gettime64', clockGettime('time64'), 'clockid timespec64:out'),
  sys(404, 'clock_settime64', sysSetClock, 'clockid timespec64'),
  sys(405, 'clock_adjtime64', sysSetClock, 'clockid ptr'),
  sys(406, 'clock_getres_time64', clockGetres('time64'), 'clockid timespec64:out'),
  sys(407, 'clock_nanosleep_time64', clockNanosleep('time64'), 'clockid hex timespec64 timespec64:out'),
  sys(408, 'timer_gettime64', timerGettime('time64'), 'i32 ptr'),
  sys(409, 'timer_settime64', timerSettime('time64'), 'i32 hex ptr ptr'),
];
