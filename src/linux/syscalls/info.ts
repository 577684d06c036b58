/** What the system says about itself and the process: uname, sysinfo, limits, usage, prctl. */

import { Prctl, RLIM_INFINITY, Rlimit } from '../abi/constants.js';
import { Errno } from '../abi/errno.js';
import { toBytes } from '../abi/text.js';
import { NS_PER_SECOND, timespecOf } from '../kernel/clock.js';
import type { ResourceLimit } from '../kernel/resource-limits.js';
import type { Task } from '../kernel/task.js';
import { type SyscallArgs, type SyscallRow, sys } from './syscall.js';

const UTS_FIELD_BYTES = 65;
const COMM_BYTES = 16;
/** RAM the guest is told about: what a 3 GiB user address space can use at most. */
export const TOTAL_RAM_BYTES = 0x8000_0000;
const KERNEL_RELEASE = '6.1.0';
const KERNEL_VERSION = '#1 SMP 2024-01-01';

const sysUname = (task: Task, [addr]: SyscallArgs): number => {
  const { identity, cpu } = task.group;
  const bytes = new Uint8Array(6 * UTS_FIELD_BYTES);
  const fields = ['Linux', identity.hostname, KERNEL_RELEASE, KERNEL_VERSION, cpu.machine, '(none)'];
  fields.forEach((text, i) => {
    bytes.set(toBytes(text).subarray(0, UTS_FIELD_BYTES - 1), i * UTS_FIELD_BYTES);
  });
  return task.memory.write(addr >>> 0, bytes) ? 0 : -Errno.EFAULT;
};

const sysSysinfo = (task: Task, [addr]: SyscallArgs): number => {
  const { clock, mm, tasks } = task.group;
  const bytes = new Uint8Array(64);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, Math.floor(clock.monotonicNs() / NS_PER_SECOND), true);
  view.setUint32(16, TOTAL_RAM_BYTES, true);
  view.setUint32(20, Math.max(0, TOTAL_RAM_BYTES - mm.mappedBytes()), true);
  view.setUint16(40, tasks.size, true);
  view.setUint32(52, 1, true);
  return task.memory.write(addr >>> 0, bytes) ? 0 : -Errno.EFAULT;
};

const sysSethostname = (): number => -Errno.EPERM;

// -- limits and usage -------------------------------------------------------------------------------------------------

/** A limit as the 32-bit calls see it; `infinity` and anything above it is RLIM_INFINITY. */
const writeLimit = (task: Task, addr: number, limit: ResourceLimit, infinity: number): number => {
  const words = Uint32Array.of(Math.min(limit.soft, infinity), Math.min(limit.hard, infinity));
  return task.memory.write(addr >>> 0, new Uint8Array(words.buffer)) ? 0 : -Errno.EFAULT;
};

/** ugetrlimit (191), and getrlimit (76) whose infinity is 0x7fffffff. */
const getrlimit =
  (infinity: number) =>
  (task: Task, [resource, addr]: SyscallArgs): number => {
    const limit = task.group.limits.get(resource);
    return limit === undefined ? -Errno.EINVAL : writeLimit(task, addr, limit, infinity);
  };

const setLimit = (task: Task, resource: number, limit: ResourceLimit): number => {
  if (limit.soft > limit.hard) return -Errno.EINVAL;
  const { limits, files, mm } = task.group;
  if (!limits.set(resource, limit)) return -Errno.EPERM;
  if (resource === Rlimit.NOFILE) files.limit = limit.soft;
  if (resource === Rlimit.AS) mm.limitBytes = limit.soft;
  return 0;
};

const fromWord = (word: number): number => (word === RLIM_INFINITY ? Number.POSITIVE_INFINITY : word);

const sysSetrlimit = (task: Task, [resource, addr]: SyscallArgs): number => {
  const soft = task.memory.readU32(addr >>> 0);
  const hard = task.memory.readU32((addr >>> 0) + 4);
  if (soft === undefined || hard === undefined) return -Errno.EFAULT;
  if (task.group.limits.get(resource) === undefined) return -Errno.EINVAL;
  return setLimit(task, resource, { soft: fromWord(soft), hard: fromWord(hard) });
};

const INFINITY64 = 0xffff_ffff_ffff_ffffn;
const toDouble = (value: bigint): number => (value === INFINITY64 ? Number.POSITIVE_INFINITY : Number(value));
const fromDouble = (value: number): bigint => (value === Number.POSITIVE_INFINITY ? INFINITY64 : BigInt(value));

const sysPrlimit64 = (task: Task, [pid, resource, newAddr, oldAddr]: SyscallArgs): number => {
  if (pid !== 0 && pid !== task.group.pid && !task.group.tasks.has(pid)) return -Errno.ESRCH;
  const old = task.group.limits.get(resource);
  if (old === undefined) return -Errno.EINVAL;
  if (newAddr !== 0) {
    const bytes = task.memory.readable(newAddr >>> 0, 16);
    if (bytes === undefined) return -Errno.EFAULT;
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    const wanted = { soft: toDouble(view.getBigUint64(0, true)), hard: toDouble(view.getBigUint64(8, true)) };
    const failed = setLimit(task, resource, wanted);
    if (failed < 0) return failed;
  }
  if (oldAddr === 0) return 0;
  const words = BigUint64Array.of(fromDouble(old.soft), fromDouble(old.hard));
  return task.memory.write(oldAddr >>> 0, new Uint8Array(words.buffer)) ? 0 : -Errno.EFAULT;
};

const RUSAGE_SELF = 0;
const RUSAGE_CHILDREN = -1;
const RUSAGE_THREAD = 1;

/** struct rusage, 72 bytes: CPU time and resident size; the other counters are zero. */
const sysGetrusage = (task: Task, [who, addr]: SyscallArgs): number => {
  if (who !== RUSAGE_SELF && who !== RUSAGE_CHILDREN && who !== RUSAGE_THREAD) return -Errno.EINVAL;
  const cpuNs = who === RUSAGE_THREAD ? task.retired : task.group.clock.cpuNs();
  const { seconds, nanoseconds } = timespecOf(who === RUSAGE_CHILDREN ? 0 : cpuNs);
  const words = new Int32Array(18);
  words[0] = seconds;
  words[1] = Math.floor(nanoseconds / 1000);
  return task.memory.write(addr >>> 0, new Uint8Array(words.buffer)) ? 0 : -Errno.EFAULT;
};

// -- prctl and friends ------------------------------------------------------------------------------------------------

const setName = (task: Task, addr: number): number => {
  const bytes = task.memory.readCString(addr >>> 0, COMM_BYTES) ?? task.memory.readable(addr >>> 0, COMM_BYTES);
  if (bytes === undefined) return -Errno.EFAULT;
  task.name = Buffer.from(bytes.subarray(0, COMM_BYTES - 1)).toString('latin1');
  return 0;
};

const getName = (task: Task, addr: number): number => {
  const bytes = new Uint8Array(COMM_BYTES);
  bytes.set(toBytes(task.name).subarray(0, COMM_BYTES - 1));
  return task.memory.write(addr >>> 0, bytes) ? 0 : -Errno.EFAULT;
};

/** Settings with no effect here are accepted; what was never set reads as its default. */
const sysPrctl = (task: Task, [option, arg2]: SyscallArgs): number => {
  switch (option) {
    case Prctl.SET_NAME:
      return setName(task, arg2);
    case Prctl.GET_NAME:
      return getName(task, arg2);
    case Prctl.GET_DUMPABLE:
    case Prctl.CAPBSET_READ:
      return 1;
    case Prctl.GET_TIMERSLACK:
      return 50_000;
    case Prctl.GET_PDEATHSIG:
    case Prctl.GET_CHILD_SUBREAPER:
      return task.memory.writeU32(arg2 >>> 0, 0) ? 0 : -Errno.EFAULT;
    case Prctl.GET_TID_ADDRESS:
      return task.memory.writeU32(arg2 >>> 0, task.clearChildTid) ? 0 : -Errno.EFAULT;
    case Prctl.SET_PDEATHSIG:
    case Prctl.SET_DUMPABLE:
    case Prctl.SET_KEEPCAPS:
    case Prctl.GET_KEEPCAPS:
    case Prctl.GET_SECCOMP:
    case Prctl.GET_SECUREBITS:
    case Prctl.SET_TIMERSLACK:
    case Prctl.SET_CHILD_SUBREAPER:
    case Prctl.SET_NO_NEW_PRIVS:
    case Prctl.GET_NO_NEW_PRIVS:
    case Prctl.SET_THP_DISABLE:
    case Prctl.GET_THP_DISABLE:
      return 0;
    default:
      return -Errno.EINVAL;
  }
};

/** PER_LINUX; 0xffffffff asks. */
const sysPersonality = (_task: Task, [persona]: SyscallArgs): number =>
  persona === -1 || (persona & 0xff) === 0 ? 0 : -Errno.EINVAL;

/** No capabilities: version 3 header, three times two words of zero. */
const CAPABILITY_VERSION_3 = 0x2008_0522;
const sysCapget = (task: Task, [headerAddr, dataAddr]: SyscallArgs): number => {
  const version = task.memory.readU32(headerAddr >>> 0);
  if (version === undefined) return -Errno.EFAULT;
  if (version !== CAPABILITY_VERSION_3) {
    task.memory.writeU32(headerAddr >>> 0, CAPABILITY_VERSION_3);
    return dataAddr === 0 ? 0 : -Errno.EINVAL;
  }
  return dataAddr === 0 || task.memory.write(dataAddr >>> 0, new Uint8Array(24)) ? 0 : -Errno.EFAULT;
};

const sysRefused = (): number => -Errno.EPERM;

/** No kernel support compiled in. */
const sysAbsent = (): number => -Errno.ENOSYS;

export const infoSyscalls: SyscallRow[] = [
  sys(26, 'ptrace', sysRefused, 'i32 pid ptr ptr'),
  sys(74, 'sethostname', sysSethostname, 'path size'),
  sys(75, 'setrlimit', sysSetrlimit, 'rlimitresource rlimit'),
  sys(76, 'getrlimit', getrlimit(0x7fff_ffff), 'rlimitresource rlimit:out'),
  sys(77, 'getrusage', sysGetrusage, 'rusagewho rusage:out'),
  sys(88, 'reboot', sysRefused, 'hex hex hex ptr'),
  sys(103, 'syslog', sysRefused, 'i32 ptr i32'),
  sys(116, 'sysinfo', sysSysinfo, 'sysinfo:out'),
  sys(121, 'setdomainname', sysSethostname, 'path size'),
  sys(122, 'uname', sysUname, 'utsname:out'),
  sys(136, 'personality', sysPersonality, 'hex'),
  sys(172, 'prctl', sysPrctl, 'prctl hex hex hex hex'),
  sys(184, 'capget', sysCapget, 'ptr ptr'),
  sys(185, 'capset', sysRefused, 'ptr ptr'),
  sys(191, 'ugetrlimit', getrlimit(RLIM_INFINITY), 'rlimitresource rlimit:out'),
  sys(369, 'prlimit64', sysPrlimit64, 'pid rlimitresource rlimit64 rlimit64:out'),
  sys(383, 'seccomp', sysAbsent, 'i32 hex ptr'),
];
