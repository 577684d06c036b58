/** Names for numbers: the sets (A|B) and enumerations of the argument kinds. Tables only; formatting is strace/values. */
import * as abi from '../abi/constants.js';
import { Fcntl } from '../abi/fcntl.js';
import { Ioctl } from '../abi/ioctl.js';
import { At, Open, Poll, Whence } from '../abi/open-flags.js';

export type NameTable = readonly (readonly [name: string, value: number])[];

/** Bits by name. `low` names the values under `lowMask` (an enumeration inside the set), `zero` the empty set. */
export interface SetOfNames {
  readonly bits: NameTable;
  readonly lowMask?: number;
  readonly low?: NameTable;
  /** The low value comes after the bits (clone's signal). */
  readonly isLowLast?: boolean;
  readonly zero?: string;
}

const tableOf = (values: Readonly<Record<string, number>>, prefix = ''): NameTable =>
  Object.entries(values).map(([name, value]) => [prefix + name, value]);

/** The members whose name starts with `prefix`, of a module or an object. */
const withPrefix = (values: object, prefix: string): NameTable =>
  Object.entries(values).filter(
    (entry): entry is [string, number] => entry[0].startsWith(prefix) && typeof entry[1] === 'number',
  );

const byValue = (table: NameTable): NameTable => [...table].sort(([, a], [, b]) => (a >>> 0) - (b >>> 0));

const ACCESS: NameTable = [
  ['O_RDONLY', 0],
  ['O_WRONLY', 1],
  ['O_RDWR', 2],
];

/** In strace's order, composite flags (O_SYNC holds O_DSYNC, O_TMPFILE O_DIRECTORY) before their parts. */
const OPEN_ORDER: readonly (keyof typeof Open)[] = [
  'O_CREAT',
  'O_EXCL',
  'O_NOCTTY',
  'O_TRUNC',
  'O_APPEND',
  'O_NONBLOCK',
  'O_SYNC',
  'O_DSYNC',
  'O_ASYNC',
  'O_DIRECT',
  'O_LARGEFILE',
  'O_NOFOLLOW',
  'O_NOATIME',
  'O_CLOEXEC',
  'O_PATH',
  'O_TMPFILE',
  'O_DIRECTORY',
];

const openBits: NameTable = OPEN_ORDER.map((name) => [name, Open[name]]);

/** Flags the kernel knows and this one has no use for. */
const MORE_MAP: NameTable = [
  ['MAP_DENYWRITE', 0x800],
  ['MAP_EXECUTABLE', 0x1000],
  ['MAP_LOCKED', 0x2000],
  ['MAP_POPULATE', 0x8000],
  ['MAP_NONBLOCK', 0x1_0000],
  ['MAP_HUGETLB', 0x4_0000],
];

const MORE_CLONE: NameTable = [
  ['CLONE_PIDFD', 0x1000],
  ['CLONE_PTRACE', 0x2000],
  ['CLONE_PARENT', 0x8000],
  ['CLONE_NEWNS', 0x2_0000],
  ['CLONE_SYSVSEM', 0x4_0000],
  ['CLONE_DETACHED', 0x40_0000],
  ['CLONE_UNTRACED', 0x80_0000],
];

const SIGACTION_FLAGS: NameTable = [
  ['SA_RESTORER', abi.SA_RESTORER],
  ['SA_ONSTACK', abi.SA_ONSTACK],
  ['SA_RESTART', abi.SA_RESTART],
  ['SA_NODEFER', abi.SA_NODEFER],
  ['SA_RESETHAND', abi.SA_RESETHAND],
  ['SA_SIGINFO', abi.SA_SIGINFO],
  ['SA_NOCLDSTOP', abi.SA_NOCLDSTOP],
  ['SA_NOCLDWAIT', abi.SA_NOCLDWAIT],
];

const AT_BITS: NameTable = [
  ['AT_SYMLINK_NOFOLLOW', At.AT_SYMLINK_NOFOLLOW],
  ['AT_SYMLINK_FOLLOW', At.AT_SYMLINK_FOLLOW],
  ['AT_NO_AUTOMOUNT', At.AT_NO_AUTOMOUNT],
  ['AT_EMPTY_PATH', At.AT_EMPTY_PATH],
  ['AT_STATX_FORCE_SYNC', At.AT_STATX_FORCE_SYNC],
  ['AT_STATX_DONT_SYNC', At.AT_STATX_DONT_SYNC],
];

export const SETS: Readonly<Record<string, SetOfNames>> = {
  openflags: { bits: openBits, lowMask: 3, low: ACCESS },
  /** The open flags of calls that open nothing: pipe2, dup3. */
  newfdflags: { bits: openBits, zero: '0' },
  prot: { bits: withPrefix(abi, 'PROT_'), zero: 'PROT_NONE' },
  mapflags: {
    bits: byValue([
      ...withPrefix(abi, 'MAP_').filter(([name, value]) => value > 3 && name !== 'MAP_TYPE'),
      ...MORE_MAP,
    ]),
    lowMask: abi.MAP_TYPE,
    low: withPrefix(abi, 'MAP_').filter(([, value]) => value > 0 && value <= 3),
  },
  mremapflags: { bits: withPrefix(abi, 'MREMAP_'), zero: '0' },
  msflags: { bits: withPrefix(abi, 'MS_'), zero: '0' },
  accessmode: {
    bits: [
      ['R_OK', 4],
      ['W_OK', 2],
      ['X_OK', 1],
    ],
    zero: 'F_OK',
  },
  accessflags: {
    bits: [
      ['AT_SYMLINK_NOFOLLOW', At.AT_SYMLINK_NOFOLLOW],
      ['AT_EACCESS', At.AT_EACCESS],
      ['AT_EMPTY_PATH', At.AT_EMPTY_PATH],
    ],
    zero: '0',
  },
  atflags: { bits: AT_BITS, zero: '0' },
  linkflags: { bits: AT_BITS, zero: '0' },
  unlinkflags: { bits: [['AT_REMOVEDIR', At.AT_REMOVEDIR]], zero: '0' },
  renameflags: {
    bits: [
      ['RENAME_NOREPLACE', 1],
      ['RENAME_EXCHANGE', 2],
      ['RENAME_WHITEOUT', 4],
    ],
    zero: '0',
  },
  statxmask: {
    bits: [
      ['STATX_ALL', 0xfff],
      ['STATX_BASIC_STATS', 0x7ff],
      ['STATX_TYPE', 1],
      ['STATX_MODE', 2],
      ['STATX_NLINK', 4],
      ['STATX_UID', 8],
      ['STATX_GID', 0x10],
      ['STATX_ATIME', 0x20],
      ['STATX_MTIME', 0x40],
      ['STATX_CTIME', 0x80],
      ['STATX_INO', 0x100],
      ['STATX_SIZE', 0x200],
      ['STATX_BLOCKS', 0x400],
      ['STATX_BTIME', 0x800],
      ['STATX_MNT_ID', 0x1000],
    ],
    zero: '0',
  },
  pollevents: { bits: tableOf(Poll), zero: '0' },
  cloneflags: {
    bits: byValue([...withPrefix(abi, 'CLONE_'), ...MORE_CLONE]),
    lowMask: 0xff,
    low: tableOf(abi.Signal),
    isLowLast: true,
  },
  saflags: { bits: SIGACTION_FLAGS, zero: '0' },
  ssflags: { bits: withPrefix(abi, 'SS_'), zero: '0' },
  waitoptions: {
    bits: [
      ['WNOHANG', 1],
      ['WUNTRACED', 2],
      ['WEXITED', 4],
      ['WCONTINUED', 8],
      ['WNOWAIT', 0x0100_0000],
    ],
    zero: '0',
  },
  flockop: {
    bits: [
      ['LOCK_SH', 1],
      ['LOCK_EX', 2],
      ['LOCK_NB', 4],
      ['LOCK_UN', 8],
    ],
    zero: '0',
  },
  memfdflags: {
    bits: [
      ['MFD_CLOEXEC', 1],
      ['MFD_ALLOW_SEALING', 2],
      ['MFD_HUGETLB', 4],
    ],
    zero: '0',
  },
  epollflags: { bits: [['EPOLL_CLOEXEC', Open.O_CLOEXEC]], zero: '0' },
  eventfdflags: {
    bits: [
      ['EFD_SEMAPHORE', 1],
      ['EFD_NONBLOCK', Open.O_NONBLOCK],
      ['EFD_CLOEXEC', Open.O_CLOEXEC],
    ],
    zero: '0',
  },
  epollbits: {
    bits: [
      ['EPOLLIN', 1],
      ['EPOLLPRI', 2],
      ['EPOLLOUT', 4],
      ['EPOLLERR', 8],
      ['EPOLLHUP', 0x10],
      ['EPOLLRDNORM', 0x40],
      ['EPOLLWRNORM', 0x100],
      ['EPOLLRDHUP', 0x2000],
      ['EPOLLEXCLUSIVE', 1 << 28],
      ['EPOLLWAKEUP', 1 << 29],
      ['EPOLLONESHOT', 1 << 30],
      ['EPOLLET', 1 << 31],
    ],
    zero: '0',
  },
  sockettype: {
    bits: [
      ['SOCK_NONBLOCK', Open.O_NONBLOCK],
      ['SOCK_CLOEXEC', Open.O_CLOEXEC],
    ],
    lowMask: 0xf,
    low: [
      ['SOCK_STREAM', 1],
      ['SOCK_DGRAM', 2],
      ['SOCK_RAW', 3],
      ['SOCK_SEQPACKET', 5],
    ],
  },
  fdflags: { bits: [['FD_CLOEXEC', 1]], zero: '0' },
};

export const ENUMERATIONS: Readonly<Record<string, NameTable>> = {
  whence: tableOf(Whence),
  clockid: tableOf(abi.ClockId, 'CLOCK_'),
  signal: tableOf(abi.Signal),
  sighow: [
    ['SIG_BLOCK', 0],
    ['SIG_UNBLOCK', 1],
    ['SIG_SETMASK', 2],
  ],
  fcntl: tableOf(Fcntl),
  ioctl: tableOf(Ioctl),
  prctl: tableOf(abi.Prctl, 'PR_'),
  rlimitresource: tableOf(abi.Rlimit, 'RLIMIT_'),
  rusagewho: [
    ['RUSAGE_SELF', 0],
    ['RUSAGE_CHILDREN', -1],
    ['RUSAGE_THREAD', 1],
  ],
  itimer: withPrefix(abi, 'ITIMER_'),
  epollctl: [
    ['EPOLL_CTL_ADD', 1],
    ['EPOLL_CTL_DEL', 2],
    ['EPOLL_CTL_MOD', 3],
  ],
  locktype: [
    ['F_RDLCK', 0],
    ['F_WRLCK', 1],
    ['F_UNLCK', 2],
  ],
  fadvise: [
    ['POSIX_FADV_NORMAL', 0],
    ['POSIX_FADV_RANDOM', 1],
    ['POSIX_FADV_SEQUENTIAL', 2],
    ['POSIX_FADV_WILLNEED', 3],
    ['POSIX_FADV_DONTNEED', 4],
    ['POSIX_FADV_NOREUSE', 5],
  ],
  madvise: [
    ['MADV_NORMAL', 0],
    ['MADV_RANDOM', 1],
    ['MADV_SEQUENTIAL', 2],
    ['MADV_WILLNEED', 3],
    ['MADV_DONTNEED', 4],
    ['MADV_FREE', 8],
    ['MADV_REMOVE', 9],
    ['MADV_DONTFORK', 10],
    ['MADV_DOFORK', 11],
    ['MADV_MERGEABLE', 12],
    ['MADV_UNMERGEABLE', 13],
    ['MADV_HUGEPAGE', 14],
    ['MADV_NOHUGEPAGE', 15],
    ['MADV_DONTDUMP', 16],
    ['MADV_DODUMP', 17],
    ['MADV_COLD', 20],
    ['MADV_PAGEOUT', 21],
  ],
  socketdomain: [
    ['AF_UNSPEC', 0],
    ['AF_UNIX', 1],
    ['AF_INET', 2],
    ['AF_INET6', 10],
    ['AF_NETLINK', 16],
    ['AF_PACKET', 17],
  ],
  filetype: [
    ['S_IFSOCK', 0o140000],
    ['S_IFLNK', 0o120000],
    ['S_IFREG', 0o100000],
    ['S_IFBLK', 0o060000],
    ['S_IFDIR', 0o040000],
    ['S_IFCHR', 0o020000],
    ['S_IFIFO', 0o010000],
  ],
  futexcommand: tableOf(abi.FutexOp, 'FUTEX_'),
};

/** `A|B|0x100`: what no name covers is left as hex. */
export const setText = (set: SetOfNames, value: number): string => {
  const lowMask = set.lowMask ?? 0;
  const low = set.low?.find(([, v]) => v === (value & lowMask))?.[0];
  const words: string[] = [];
  let rest = low === undefined ? value : value & ~lowMask;
  for (const [name, bits] of set.bits) {
    if (bits === 0 || (rest & bits) !== bits) continue;
    words.push(name);
    rest &= ~bits;
  }
  if (rest !== 0) words.push(`0x${(rest >>> 0).toString(16)}`);
  if (low !== undefined) words.splice(set.isLowLast === true ? words.length : 0, 0, low);
  return words.length === 0 ? (set.zero ?? '0') : words.join('|');
};

/** The name, or undefined. Numbers compare as 32-bit patterns. */
export const nameIn = (table: NameTable | undefined, value: number): string | undefined =>
  table?.find(([, v]) => (v | 0) === (value | 0))?.[0];
