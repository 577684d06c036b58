/** What files are: stat(2), statx(2), statfs(2), access(2). */
import fs from 'node:fs';
import { Errno } from '../abi/errno.js';
import { At } from '../abi/open-flags.js';
import {
  encodeStat,
  encodeStat64,
  encodeStatfs,
  encodeStatfs64,
  encodeStatx,
  type StatfsFields,
} from '../abi/structs.js';
import type { FileOperation } from '../kernel/file-policy.js';
import { hostAction, hostCall } from '../kernel/host-call.js';
import { toHostPath } from '../kernel/host-path.js';
import type { Name } from '../kernel/name-operations.js';
import type { FileStat } from '../kernel/open-file.js';
import type { Task } from '../kernel/task.js';
import { fileAt, give, nameAt, pathAt } from './arguments.js';
import { type SyscallArgs, type SyscallRow, sys } from './syscall.js';

// -- stat -------------------------------------------------------------------------------------------------------------

/** The file a name or, with AT_EMPTY_PATH and an empty path, a descriptor stands for. */
const statAt = (task: Task, dirfd: number, address: number, flags: number): FileStat | number => {
  if ((flags & At.AT_EMPTY_PATH) !== 0) {
    const path = pathAt(task, address);
    if (typeof path === 'number') return path;
    if (path === '') return statOfFd(task, dirfd);
  }
  const name = nameAt(task, dirfd, address);
  if (typeof name === 'number') return name;
  return statOfName(task, name, (flags & At.AT_SYMLINK_NOFOLLOW) === 0);
};

const statOfName = (task: Task, { base, path }: Name, follow: boolean): FileStat | number => {
  const { fs: vfs } = task.group;
  const location = vfs.locateExisting(base, path, follow);
  if (typeof location === 'number') return location;
  return vfs.check('stat', location) || location.stat;
};

const statOfFd = (task: Task, fd: number): FileStat | number => {
  if (fd === At.AT_FDCWD) return statOfName(task, { base: task.group.fs.cwd, path: '.' }, true);
  const file = fileAt(task, fd, true);
  return typeof file === 'number' ? file : file.stat();
};

const answer = (
  task: Task,
  address: number,
  stat: FileStat | number,
  encode: (stat: FileStat) => Uint8Array,
): number => (typeof stat === 'number' ? stat : give(task, address, encode(stat)));

/** The old struct has 32 bits for sizes. */
const answerOld = (task: Task, address: number, stat: FileStat | number): number =>
  typeof stat !== 'number' && stat.size > 0x7fff_ffffn ? -Errno.EOVERFLOW : answer(task, address, stat, encodeStat);

const sysStat = (task: Task, [path, out]: SyscallArgs): number =>
  answerOld(task, out, statAt(task, At.AT_FDCWD, path, 0));

const sysLstat = (task: Task, [path, out]: SyscallArgs): number =>
  answerOld(task, out, statAt(task, At.AT_FDCWD, path, At.AT_SYMLINK_NOFOLLOW));

const sysFstat = (task: Task, [fd, out]: SyscallArgs): number => answerOld(task, out, statOfFd(task, fd));

const sysStat64 = (task: Task, [path, out]: SyscallArgs): number =>
  answer(task, out, statAt(task, At.AT_FDCWD, path, 0), encodeStat64);

const sysLstat64 = (task: Task, [path, out]: SyscallArgs): number =>
  answer(task, out, statAt(task, At.AT_FDCWD, path, At.AT_SYMLINK_NOFOLLOW), encodeStat64);

const sysFstat64 = (task: Task, [fd, out]: SyscallArgs): number => answer(task, out, statOfFd(task, fd), encodeStat64);

const FSTATAT_FLAGS = At.AT_SYMLINK_NOFOLLOW | At.AT_NO_AUTOMOUNT | At.AT_EMPTY_PATH;

const sysFstatat64 = (task: Task, [dirfd, path, out, flags]: SyscallArgs): number => {
  if ((flags & ~FSTATAT_FLAGS) !== 0) return -Errno.EINVAL;
  return answer(task, out, statAt(task, dirfd, path, flags), encodeStat64);
};

const STATX_FLAGS = FSTATAT_FLAGS | At.AT_STATX_FORCE_SYNC | At.AT_STATX_DONT_SYNC;
const STATX_RESERVED = 0x8000_0000;

const sysStatx = (task: Task, [dirfd, path, flags, mask, out]: SyscallArgs): number => {
  if ((flags & ~STATX_FLAGS) !== 0 || (mask & STATX_RESERVED) !== 0) return -Errno.EINVAL;
  return answer(task, out, statAt(task, dirfd, path, flags), encodeStatx);
};

// -- statfs -----------------------------------------------------------------------------------------------------------

/** Figures for files the host does not have: TMPFS_MAGIC, nothing free. */
const VIRTUAL_FS: StatfsFields = {
  type: 0x0102_1994n,
  bsize: 4096n,
  blocks: 0n,
  bfree: 0n,
  bavail: 0n,
  files: 0n,
  ffree: 0n,
};

const statfsOfHost = (hostPath: string): StatfsFields | number =>
  hostPath === '' ? VIRTUAL_FS : hostCall(() => fs.statfsSync(toHostPath(hostPath), { bigint: true }));

const statfsOfName = (task: Task, address: number): StatfsFields | number => {
  const name = nameAt(task, At.AT_FDCWD, address);
  if (typeof name === 'number') return name;
  const { fs: vfs } = task.group;
  const location = vfs.locateExisting(name.base, name.path, true);
  if (typeof location === 'number') return location;
  return vfs.check('stat', location) || statfsOfHost(location.hostPath);
};

const statfsOfFd = (task: Task, fd: number): StatfsFields | number => {
  const file = fileAt(task, fd, true);
  if (typeof file === 'number') return file;
  const location = file.path.startsWith('/') ? task.group.fs.locate('', file.path, false) : undefined;
  return typeof location === 'object' ? statfsOfHost(location.hostPath) : VIRTUAL_FS;
};

const giveStatfs = (task: Task, address: number, info: StatfsFields | number): number =>
  typeof info === 'number' ? info : give(task, address, encodeStatfs(info));

/** The kernel's struct is 84 bytes, the C library's 88. */
const giveStatfs64 = (task: Task, address: number, size: number, info: StatfsFields | number): number => {
  if (size !== 84 && size !== 88) return -Errno.EINVAL;
  return typeof info === 'number' ? info : give(task, address, encodeStatfs64(info));
};

const sysStatfs = (task: Task, [path, out]: SyscallArgs): number => giveStatfs(task, out, statfsOfName(task, path));
const sysFstatfs = (task: Task, [fd, out]: SyscallArgs): number => giveStatfs(task, out, statfsOfFd(task, fd));
const sysStatfs64 = (task: Task, [path, size, out]: SyscallArgs): number =>
  giveStatfs64(task, out, size, statfsOfName(task, path));
const sysFstatfs64 = (task: Task, [fd, size, out]: SyscallArgs): number =>
  giveStatfs64(task, out, size, statfsOfFd(task, fd));

// -- access -----------------------------------------------------------------------------------------------------------

const X_OK = 1;
const W_OK = 2;
const R_OK = 4;

const access = (task: Task, dirfd: number, address: number, mode: number, flags: number): number => {
  if ((mode & ~7) !== 0) return -Errno.EINVAL;
  const path = pathAt(task, address);
  if (path === '' && (flags & At.AT_EMPTY_PATH) !== 0) {
    const stat = statOfFd(task, dirfd);
    return typeof stat === 'number' ? stat : accessByMode(stat, mode);
  }
  const name = nameAt(task, dirfd, address);
  if (typeof name === 'number') return name;
  const { fs: vfs } = task.group;
  const location = vfs.locateExisting(name.base, name.path, (flags & At.AT_SYMLINK_NOFOLLOW) === 0);
  if (typeof location === 'number') return location;
  const refused = accessOperations(mode).reduce((errno, operation) => errno || vfs.check(operation, location), 0);
  if (refused < 0) return refused;
  if (location.hostPath === '') return accessByMode(location.stat, mode);
  return hostAction(() => fs.accessSync(toHostPath(location.hostPath), mode));
};

const accessOperations = (mode: number): FileOperation[] => {
  const operations: FileOperation[] = ['stat'];
  if ((mode & R_OK) !== 0) operations.push('read');
  if ((mode & W_OK) !== 0) operations.push('write');
  if ((mode & X_OK) !== 0) operations.push('execute');
  return operations;
};

/** For files only we know: what any class of users may do. */
const accessByMode = (stat: FileStat, mode: number): number => {
  const bits = Number(stat.mode);
  const granted = (bits | (bits >> 3) | (bits >> 6)) & 7;
  return (mode & ~granted) === 0 ? 0 : -Errno.EACCES;
};

const sysAccess = (task: Task, [path, mode]: SyscallArgs): number => access(task, At.AT_FDCWD, path, mode, 0);
const sysFaccessat = (task: Task, [dirfd, path, mode]: SyscallArgs): number => access(task, dirfd, path, mode, 0);
const sysFaccessat2 = (task: Task, [dirfd, path, mode, flags]: SyscallArgs): number =>
  access(task, dirfd, path, mode, flags);

export const statSyscalls: SyscallRow[] = [
  sys(33, 'access', sysAccess, 'path accessmode'),
  sys(99, 'statfs', sysStatfs, 'path ptr'),
  sys(100, 'fstatfs', sysFstatfs, 'fd ptr'),
  sys(106, 'stat', sysStat, 'path stat:out'),
  sys(107, 'lstat', sysLstat, 'path stat:out'),
  sys(108, 'fstat', sysFstat, 'fd stat:out'),
  sys(195, 'stat64', sysStat64, 'path stat64:out'),
  sys(196, 'lstat64', sysLstat64, 'path stat64:out'),
  sys(197, 'fstat64', sysFstat64, 'fd stat64:out'),
  sys(266, 'statfs64', sysStatfs64, 'path size statfs64:out'),
  sys(267, 'fstatfs64', sysFstatfs64, 'fd size statfs64:out'),
  sys(327, 'fstatat64', sysFstatat64, 'dirfd path stat64:out atflags'),
  sys(334, 'faccessat', sysFaccessat, 'dirfd path accessmode'),
  sys(397, 'statx', sysStatx, 'dirfd path atflags statxmask statx:out'),
  sys(439, 'faccessat2', sysFaccessat2, 'dirfd path accessmode accessflags'),
];
