/** Changing what files are: chmod(2), chown(2), utimensat(2), umask(2). Synthetic files answer EPERM. */
import fs from 'node:fs';
import { Errno } from '../abi/errno.js';
import { At } from '../abi/open-flags.js';
import { readTimespec, type TimeLayout, timeSize } from '../abi/time.js';
import { hostAction } from '../kernel/host-call.js';
import { hostTime } from '../kernel/host-file.js';
import { toHostPath } from '../kernel/host-path.js';
import { locateHost } from '../kernel/name-operations.js';
import type { OpenFile } from '../kernel/open-file.js';
import type { Task } from '../kernel/task.js';
import { fileAt, nameAt, pathAt } from './arguments.js';
import { type SyscallArgs, type SyscallRow, sys } from './syscall.js';

// -- mode and owner ---------------------------------------------------------------------------------------------------

/** Runs `byName` on a named host file, or `byFd` on a descriptor when the path is empty and that is allowed. */
const change = (
  task: Task,
  dirfd: number,
  address: number,
  flags: number,
  byName: (path: Buffer) => void,
  byFd: (file: OpenFile) => number,
): number => {
  if ((flags & At.AT_EMPTY_PATH) !== 0 && pathAt(task, address) === '') {
    const file = fileAt(task, dirfd, true);
    return typeof file === 'number' ? file : byFd(file);
  }
  const name = nameAt(task, dirfd, address);
  if (typeof name === 'number') return name;
  const location = locateHost(task.group.fs, name, 'change-attributes', (flags & At.AT_SYMLINK_NOFOLLOW) === 0);
  if (typeof location === 'number') return location;
  if (location.file !== undefined) return byFd(location.file);
  return hostAction(() => byName(toHostPath(location.hostPath)));
};

const chmod = (task: Task, dirfd: number, path: number, mode: number, flags: number): number =>
  change(
    task,
    dirfd,
    path,
    flags,
    (host) => fs.chmodSync(host, mode & 0o7777),
    (file) => file.chmod(mode & 0o7777),
  );

const sysChmod = (task: Task, [path, mode]: SyscallArgs): number => chmod(task, At.AT_FDCWD, path, mode, 0);
const sysFchmodat = (task: Task, [dirfd, path, mode]: SyscallArgs): number => chmod(task, dirfd, path, mode, 0);

const sysFchmod = (task: Task, [fd, mode]: SyscallArgs): number => {
  const file = fileAt(task, fd);
  return typeof file === 'number' ? file : file.chmod(mode & 0o7777);
};

const chown = (task: Task, dirfd: number, path: number, uid: number, gid: number, flags: number): number =>
  change(
    task,
    dirfd,
    path,
    flags,
    (host) => ((flags & At.AT_SYMLINK_NOFOLLOW) !== 0 ? fs.lchownSync : fs.chownSync)(host, uid >>> 0, gid >>> 0),
    (file) => file.chown(uid >>> 0, gid >>> 0),
  );

const sysChown32 = (task: Task, [path, uid, gid]: SyscallArgs): number => chown(task, At.AT_FDCWD, path, uid, gid, 0);
const sysLchown32 = (task: Task, [path, uid, gid]: SyscallArgs): number =>
  chown(task, At.AT_FDCWD, path, uid, gid, At.AT_SYMLINK_NOFOLLOW);
const sysFchownat = (task: Task, [dirfd, path, uid, gid, flags]: SyscallArgs): number =>
  chown(task, dirfd, path, uid, gid, flags);

const sysFchown32 = (task: Task, [fd, uid, gid]: SyscallArgs): number => {
  const file = fileAt(task, fd);
  return typeof file === 'number' ? file : file.chown(uid >>> 0, gid >>> 0);
};

/** The 16-bit calls: 0xffff is "leave alone". */
const wide = (id: number): number => ((id & 0xffff) === 0xffff ? -1 : id & 0xffff);

const sysChown = (task: Task, [path, uid, gid]: SyscallArgs): number =>
  chown(task, At.AT_FDCWD, path, wide(uid), wide(gid), 0);
const sysLchown = (task: Task, [path, uid, gid]: SyscallArgs): number =>
  chown(task, At.AT_FDCWD, path, wide(uid), wide(gid), At.AT_SYMLINK_NOFOLLOW);
const sysFchown = (task: Task, [fd, uid, gid, ...rest]: SyscallArgs): number =>
  sysFchown32(task, [fd, wide(uid), wide(gid), ...rest]);

// -- times ------------------------------------------------------------------------------------------------------------

const UTIME_NOW = 0x3fff_ffff;
const UTIME_OMIT = 0x3fff_fffe;
const NS_PER_SECOND = 1_000_000_000n;

/** One time to set in nanoseconds since the epoch, or one of the two special wishes. */
type TimeWish = bigint | 'now' | 'omit';

const wishOf = (task: Task, address: number, layout: TimeLayout): TimeWish | number => {
  const time = readTimespec(task.memory, address, layout);
  if (time === undefined) return -Errno.EFAULT;
  if (time.nanoseconds === UTIME_NOW) return 'now';
  if (time.nanoseconds === UTIME_OMIT) return 'omit';
  if (time.nanoseconds < 0 || time.nanoseconds > 999_999_999) return -Errno.EINVAL;
  return BigInt(time.seconds) * NS_PER_SECOND + BigInt(time.nanoseconds);
};

/** "Now" is the host's now, as it is for every file the guest writes: the two must compare. */
const grant = (wish: TimeWish, current: bigint): bigint =>
  wish === 'now' ? BigInt(Date.now()) * 1_000_000n : wish === 'omit' ? current : wish;

const setTimesOfFile = (file: OpenFile, atime: TimeWish, mtime: TimeWish): number => {
  const stat = file.stat();
  if (typeof stat === 'number') return stat;
  return file.setTimes(grant(atime, stat.atimeNs), grant(mtime, stat.mtimeNs));
};

const setTimes = (task: Task, dirfd: number, path: number, times: TimeWish[], flags: number): number => {
  const [atime = 'now', mtime = 'now'] = times;
  if (path === 0) {
    const file = fileAt(task, dirfd);
    return typeof file === 'number' ? file : setTimesOfFile(file, atime, mtime);
  }
  const name = nameAt(task, dirfd, path);
  if (typeof name === 'number') return name;
  const noFollow = (flags & At.AT_SYMLINK_NOFOLLOW) !== 0;
  const location = locateHost(task.group.fs, name, 'change-attributes', !noFollow);
  if (typeof location === 'number') return location;
  if (location.file !== undefined) return setTimesOfFile(location.file, atime, mtime);
  const [access, modification] = [grant(atime, location.stat.atimeNs), grant(mtime, location.stat.mtimeNs)];
  const set = noFollow ? fs.lutimesSync : fs.utimesSync;
  return hostAction(() => set(toHostPath(location.hostPath), hostTime(access), hostTime(modification)));
};

const utimensat = (task: Task, [dirfd, path, times, flags]: SyscallArgs, layout: TimeLayout): number => {
  if ((flags & ~(At.AT_SYMLINK_NOFOLLOW | At.AT_EMPTY_PATH)) !== 0) return -Errno.EINVAL;
  if (times === 0) return setTimes(task, dirfd, path, ['now', 'now'], flags);
  const atime = wishOf(task, times >>> 0, layout);
  const mtime = wishOf(task, (times >>> 0) + timeSize(layout), layout);
  if (typeof atime === 'number') return atime;
  if (typeof mtime === 'number') return mtime;
  return atime === 'omit' && mtime === 'omit' ? 0 : setTimes(task, dirfd, path, [atime, mtime], flags);
};

const sysUtimensat = (task: Task, args: SyscallArgs): number => utimensat(task, args, 'time32');
const sysUtimensatTime64 = (task: Task, args: SyscallArgs): number => utimensat(task, args, 'time64');

/** Two timevals. */
const futimesat = (task: Task, dirfd: number, path: number, times: number): number => {
  if (times === 0) return setTimes(task, dirfd, path, ['now', 'now'], 0);
  const wishes: TimeWish[] = [];
  for (const address of [times >>> 0, (times >>> 0) + 8]) {
    const time = readTimespec(task.memory, address, 'time32');
    if (time === undefined) return -Errno.EFAULT;
    if (time.nanoseconds < 0 || time.nanoseconds > 999_999) return -Errno.EINVAL;
    wishes.push(BigInt(time.seconds) * NS_PER_SECOND + BigInt(time.nanoseconds) * 1000n);
  }
  return setTimes(task, dirfd, path, wishes, 0);
};

const sysUtimes = (task: Task, [path, times]: SyscallArgs): number => futimesat(task, At.AT_FDCWD, path, times);
const sysFutimesat = (task: Task, [dirfd, path, times]: SyscallArgs): number => futimesat(task, dirfd, path, times);

/** umask(2). */
const sysUmask = (task: Task, [mask]: SyscallArgs): number => {
  const { fs: vfs } = task.group;
  const old = vfs.umask;
  vfs.umask = mask & 0o777;
  return old;
};

export const attributeSyscalls: SyscallRow[] = [
  sys(15, 'chmod', sysChmod, 'path mode'),
  sys(16, 'lchown', sysLchown, 'path uid uid'),
  sys(60, 'umask', sysUmask, 'mode -> oct'),
  sys(94, 'fchmod', sysFchmod, 'fd mode'),
  sys(95, 'fchown', sysFchown, 'fd uid uid'),
  sys(182, 'chown', sysChown, 'path uid uid'),
  sys(198, 'lchown32', sysLchown32, 'path uid uid'),
  sys(207, 'fchown32', sysFchown32, 'fd uid uid'),
  sys(212, 'chown32', sysChown32, 'path uid uid'),
  sys(269, 'utimes', sysUtimes, 'path timevals'),
  sys(325, 'fchownat', sysFchownat, 'dirfd path uid uid atflags'),
  sys(326, 'futimesat', sysFutimesat, 'dirfd path timevals'),
  sys(333, 'fchmodat', sysFchmodat, 'dirfd path mode'),
  sys(348, 'utimensat', sysUtimensat, 'dirfd path timespecs atflags'),
  sys(412, 'utimensat_time64', sysUtimensatTime64, 'dirfd path timespecs64 atflags'),
];
