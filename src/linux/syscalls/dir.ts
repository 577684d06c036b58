/** Names and directories: getdents64(2), mkdir(2), unlink(2), rename(2), link(2), symlink(2), chdir(2), getcwd(2). */
import { Permission } from '../../guest/memory.js';
import { Errno } from '../abi/errno.js';
import { At, Mode, Open } from '../abi/open-flags.js';
import { encodeDirent, encodeDirent64 } from '../abi/structs.js';
import { Directory } from '../kernel/directory.js';
import { drop } from '../kernel/fd-table.js';
import { toBytes } from '../kernel/host-path.js';
import { link, mkdir, type Name, rename, rmdir, symlink, unlink } from '../kernel/name-operations.js';
import { openAt } from '../kernel/open.js';
import type { Task } from '../kernel/task.js';
import { isDirectory } from '../kernel/vfs.js';
import { bufferAt, fileAt, give, nameAt, pathAt } from './arguments.js';
import { type SyscallArgs, type SyscallRow, sys } from './syscall.js';

// -- getdents ---------------------------------------------------------------------------------------------------------

type Encoder = (ino: bigint, offset: number, type: number, name: string) => Uint8Array;

const getdents = (task: Task, [fd, address, size]: SyscallArgs, encode: Encoder): number => {
  const file = fileAt(task, fd);
  if (typeof file === 'number') return file;
  if (!(file instanceof Directory)) return -Errno.ENOTDIR;
  const buffer = bufferAt(task, address, size, Permission.WRITE);
  if (typeof buffer === 'number') return buffer;
  const entries = file.remaining();
  if (typeof entries === 'number') return entries;
  let used = 0;
  let count = 0;
  for (const { ino, type, name } of entries) {
    const record = encode(ino, file.positionAfter(count), type, name);
    if (used + record.length > buffer.length) break;
    buffer.set(record, used);
    used += record.length;
    count++;
  }
  if (count === 0 && entries.length > 0) return -Errno.EINVAL;
  file.advance(count);
  task.memory.announceWrite(address >>> 0, used);
  return used;
};

const sysGetdents = (task: Task, args: SyscallArgs): number => getdents(task, args, encodeDirent);
const sysGetdents64 = (task: Task, args: SyscallArgs): number => getdents(task, args, encodeDirent64);

// -- making and removing names ----------------------------------------------------------------------------------------

/** Runs an operation on one name argument. */
const onName = (task: Task, dirfd: number, address: number, operation: (name: Name) => number): number => {
  const name = nameAt(task, dirfd, address);
  return typeof name === 'number' ? name : operation(name);
};

const sysMkdirat = (task: Task, [dirfd, path, mode]: SyscallArgs): number =>
  onName(task, dirfd, path, (name) => mkdir(task.group.fs, name, mode));

const sysMkdir = (task: Task, [path, mode]: SyscallArgs): number =>
  onName(task, At.AT_FDCWD, path, (name) => mkdir(task.group.fs, name, mode));

const sysRmdir = (task: Task, [path]: SyscallArgs): number =>
  onName(task, At.AT_FDCWD, path, (name) => rmdir(task.group.fs, name));

const sysUnlink = (task: Task, [path]: SyscallArgs): number =>
  onName(task, At.AT_FDCWD, path, (name) => unlink(task.group.fs, name));

const sysUnlinkat = (task: Task, [dirfd, path, flags]: SyscallArgs): number => {
  if ((flags & ~At.AT_REMOVEDIR) !== 0) return -Errno.EINVAL;
  return onName(task, dirfd, path, (name) => (flags === 0 ? unlink : rmdir)(task.group.fs, name));
};

/** mknod(2): plain files only. Node can make neither FIFOs nor devices nor sockets. */
const makeNode = (task: Task, dirfd: number, path: number, mode: number): number => {
  const type = mode & Mode.S_IFMT;
  if (type !== 0 && type !== Mode.S_IFREG) return -Errno.EPERM;
  return onName(task, dirfd, path, (name) => {
    const file = openAt(task.group.fs, name.base, name.path, Open.O_CREAT | Open.O_EXCL | Open.O_WRONLY, mode);
    if (typeof file === 'number') return file;
    file.references++;
    drop(file);
    return 0;
  });
};

const sysMknod = (task: Task, [path, mode]: SyscallArgs): number => makeNode(task, At.AT_FDCWD, path, mode);
const sysMknodat = (task: Task, [dirfd, path, mode]: SyscallArgs): number => makeNode(task, dirfd, path, mode);

const renameAt = (task: Task, from: Name | number, to: Name | number, flags: number): number => {
  if (typeof from === 'number') return from;
  if (typeof to === 'number') return to;
  return rename(task.group.fs, task.group.files, from, to, flags);
};

const sysRename = (task: Task, [from, to]: SyscallArgs): number =>
  renameAt(task, nameAt(task, At.AT_FDCWD, from), nameAt(task, At.AT_FDCWD, to), 0);

const sysRenameat = (task: Task, [fromFd, from, toFd, to]: SyscallArgs): number =>
  renameAt(task, nameAt(task, fromFd, from), nameAt(task, toFd, to), 0);

const sysRenameat2 = (task: Task, [fromFd, from, toFd, to, flags]: SyscallArgs): number =>
  renameAt(task, nameAt(task, fromFd, from), nameAt(task, toFd, to), flags);

const linkAt = (task: Task, from: Name | number, to: Name | number, flags: number): number => {
  if (typeof from === 'number') return from;
  if (typeof to === 'number') return to;
  if ((flags & ~(At.AT_SYMLINK_FOLLOW | At.AT_EMPTY_PATH)) !== 0) return -Errno.EINVAL;
  return link(task.group.fs, from, to, (flags & At.AT_SYMLINK_FOLLOW) !== 0);
};

const sysLink = (task: Task, [from, to]: SyscallArgs): number =>
  linkAt(task, nameAt(task, At.AT_FDCWD, from), nameAt(task, At.AT_FDCWD, to), 0);

const sysLinkat = (task: Task, [fromFd, from, toFd, to, flags]: SyscallArgs): number =>
  linkAt(task, nameAt(task, fromFd, from), nameAt(task, toFd, to), flags);

const symlinkAt = (task: Task, target: number, dirfd: number, path: number): number => {
  const text = pathAt(task, target);
  if (typeof text === 'number') return text;
  return onName(task, dirfd, path, (name) => symlink(task.group.fs, text, name));
};

const sysSymlink = (task: Task, [target, path]: SyscallArgs): number => symlinkAt(task, target, At.AT_FDCWD, path);
const sysSymlinkat = (task: Task, [target, dirfd, path]: SyscallArgs): number => symlinkAt(task, target, dirfd, path);

// -- readlink ---------------------------------------------------------------------------------------------------------

/** The text without a NUL, cut to the buffer. */
const readlinkAt = (task: Task, dirfd: number, path: number, address: number, size: number): number => {
  if (size <= 0) return -Errno.EINVAL;
  const { fs } = task.group;
  return onName(task, dirfd, path, (name) => {
    const location = fs.locateExisting(name.base, name.path, false);
    if (typeof location === 'number') return location;
    const refused = fs.check('stat', location);
    const text = refused < 0 ? refused : fs.readLink(location);
    if (typeof text === 'number') return text;
    const bytes = toBytes(text.slice(0, size));
    return give(task, address, bytes) || bytes.length;
  });
};

const sysReadlink = (task: Task, [path, address, size]: SyscallArgs): number =>
  readlinkAt(task, At.AT_FDCWD, path, address, size);

const sysReadlinkat = (task: Task, [dirfd, path, address, size]: SyscallArgs): number =>
  readlinkAt(task, dirfd, path, address, size);

// -- the working directory --------------------------------------------------------------------------------------------

const sysChdir = (task: Task, [path]: SyscallArgs): number =>
  onName(task, At.AT_FDCWD, path, (name) => {
    const { fs } = task.group;
    const location = fs.locateExisting(name.base, name.path, true);
    if (typeof location === 'number') return location;
    if (!isDirectory(location.stat)) return -Errno.ENOTDIR;
    const refused = fs.check('list', location);
    if (refused === 0) fs.cwd = location.path;
    return refused;
  });

const sysFchdir = (task: Task, [fd]: SyscallArgs): number => {
  const file = fileAt(task, fd, true);
  if (typeof file === 'number') return file;
  if (!(file instanceof Directory)) return -Errno.ENOTDIR;
  task.group.fs.cwd = file.path;
  return 0;
};

/** getcwd(2): the result counts the NUL. */
const sysGetcwd = (task: Task, [address, size]: SyscallArgs): number => {
  const { cwd } = task.group.fs;
  const bytes = toBytes(`${cwd === '' ? '/' : cwd}\0`);
  if (size >>> 0 < bytes.length) return -Errno.ERANGE;
  return give(task, address, bytes) || bytes.length;
};

/** chroot, pivot_root, mount and their like need privileges a guest does not have. */
const sysPrivileged = (): number => -Errno.EPERM;

export const directorySyscalls: SyscallRow[] = [
  sys(9, 'link', sysLink, 'path path'),
  sys(10, 'unlink', sysUnlink, 'path'),
  sys(12, 'chdir', sysChdir, 'path'),
  sys(14, 'mknod', sysMknod, 'path filemode dev'),
  sys(21, 'mount', sysPrivileged, 'path path str hex ptr'),
  sys(38, 'rename', sysRename, 'path path'),
  sys(39, 'mkdir', sysMkdir, 'path mode'),
  sys(40, 'rmdir', sysRmdir, 'path'),
  sys(52, 'umount2', sysPrivileged, 'path hex'),
  sys(61, 'chroot', sysPrivileged, 'path'),
  sys(83, 'symlink', sysSymlink, 'path path'),
  sys(85, 'readlink', sysReadlink, 'path buf:out:ret size'),
  sys(133, 'fchdir', sysFchdir, 'fd'),
  sys(141, 'getdents', sysGetdents, 'fd dirents32:out size'),
  sys(183, 'getcwd', sysGetcwd, 'path:out size'),
  sys(217, 'getdents64', sysGetdents64, 'fd dirents:out size'),
  sys(218, 'pivot_root', sysPrivileged, 'path path'),
  sys(323, 'mkdirat', sysMkdirat, 'dirfd path mode'),
  sys(324, 'mknodat', sysMknodat, 'dirfd path filemode dev'),
  sys(328, 'unlinkat', sysUnlinkat, 'dirfd path unlinkflags'),
  sys(329, 'renameat', sysRenameat, 'dirfd path dirfd path'),
  sys(330, 'linkat', sysLinkat, 'dirfd path dirfd path linkflags'),
  sys(331, 'symlinkat', sysSymlinkat, 'path dirfd path'),
  sys(332, 'readlinkat', sysReadlinkat, 'dirfd path buf:out:ret size'),
  sys(382, 'renameat2', sysRenameat2, 'dirfd path dirfd path renameflags'),
];
