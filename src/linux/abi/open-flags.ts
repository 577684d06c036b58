/**
 * open(2) flags of 32-bit ARM (arch/arm/include/uapi/asm/fcntl.h): O_DIRECTORY, O_NOFOLLOW, O_DIRECT and O_LARGEFILE
 * differ from most machines, the rest is generic.
 */
import { constants } from 'node:fs';

export const Open = {
  O_RDONLY: 0,
  O_WRONLY: 1,
  O_RDWR: 2,
  O_ACCMODE: 3,
  O_CREAT: 0o100,
  O_EXCL: 0o200,
  O_NOCTTY: 0o400,
  O_TRUNC: 0o1000,
  O_APPEND: 0o2000,
  O_NONBLOCK: 0o4000,
  O_DSYNC: 0o10000,
  O_ASYNC: 0o20000,
  O_DIRECTORY: 0o40000,
  O_NOFOLLOW: 0o100000,
  O_DIRECT: 0o200000,
  O_LARGEFILE: 0o400000,
  O_NOATIME: 0o1000000,
  O_CLOEXEC: 0o2000000,
  O_SYNC: 0o4010000,
  O_PATH: 0o10000000,
  O_TMPFILE: 0o20040000,
} as const;

/** Flags F_SETFL may change. */
export const SETTABLE_FLAGS = Open.O_APPEND | Open.O_NONBLOCK | Open.O_ASYNC | Open.O_DIRECT | Open.O_NOATIME;

/** Flags that belong to the act of opening, not to the open file description F_GETFL shows. */
export const CREATION_FLAGS = Open.O_CREAT | Open.O_EXCL | Open.O_NOCTTY | Open.O_TRUNC | Open.O_CLOEXEC;

const TO_HOST: readonly (readonly [guest: number, host: number | undefined])[] = [
  [Open.O_CREAT, constants.O_CREAT],
  [Open.O_EXCL, constants.O_EXCL],
  [Open.O_NOCTTY, constants.O_NOCTTY],
  [Open.O_TRUNC, constants.O_TRUNC],
  [Open.O_APPEND, constants.O_APPEND],
  [Open.O_NONBLOCK, constants.O_NONBLOCK],
  [Open.O_DSYNC, constants.O_DSYNC],
  [Open.O_SYNC, constants.O_SYNC],
];

/** The host's open flags for a guest's. What is only advice (O_DIRECT, O_NOATIME) or decided by us is left out. */
export const hostOpenFlags = (guest: number): number => {
  let host = [constants.O_RDONLY, constants.O_WRONLY, constants.O_RDWR, constants.O_RDWR][
    guest & Open.O_ACCMODE
  ] as number;
  for (const [flag, hostFlag] of TO_HOST) if ((guest & flag) === flag) host |= hostFlag ?? 0;
  return host;
};

/** st_mode: file types and the special bits. */
export const Mode = {
  S_IFMT: 0o170000,
  S_IFSOCK: 0o140000,
  S_IFLNK: 0o120000,
  S_IFREG: 0o100000,
  S_IFBLK: 0o060000,
  S_IFDIR: 0o040000,
  S_IFCHR: 0o020000,
  S_IFIFO: 0o010000,
} as const;

/** Flags of the *at calls. */
export const At = {
  AT_FDCWD: -100,
  AT_SYMLINK_NOFOLLOW: 0x100,
  AT_EACCESS: 0x200,
  AT_REMOVEDIR: 0x200,
  AT_SYMLINK_FOLLOW: 0x400,
  AT_NO_AUTOMOUNT: 0x800,
  AT_EMPTY_PATH: 0x1000,
  AT_STATX_FORCE_SYNC: 0x2000,
  AT_STATX_DONT_SYNC: 0x4000,
} as const;

export const Whence = { SEEK_SET: 0, SEEK_CUR: 1, SEEK_END: 2, SEEK_DATA: 3, SEEK_HOLE: 4 } as const;

/** Event bits of poll(2) and, with the same values, epoll(7). */
export const Poll = {
  POLLIN: 1,
  POLLPRI: 2,
  POLLOUT: 4,
  POLLERR: 8,
  POLLHUP: 0x10,
  POLLNVAL: 0x20,
  POLLRDNORM: 0x40,
  POLLRDBAND: 0x80,
  POLLWRNORM: 0x100,
  POLLWRBAND: 0x200,
  POLLRDHUP: 0x2000,
} as const;
