/** Opening, closing, reading, writing and positioning: open(2), read(2), write(2), lseek(2) and their variants. */
import { Permission } from '../../guest/memory.js';
import { Errno } from '../abi/errno.js';
import { At, Open, Whence } from '../abi/open-flags.js';
import { drop } from '../kernel/fd-table.js';
import { createMemfd } from '../kernel/memory-file.js';
import { openAt } from '../kernel/open.js';
import type { OpenFile } from '../kernel/open-file.js';
import type { Task } from '../kernel/task.js';
import { bufferAt, fileAt, give, nameAt, pair, pathAt, readableFileAt, vectorAt, writableFileAt } from './arguments.js';
import { type SyscallArgs, type SyscallResult, type SyscallRow, sys } from './syscall.js';
import { gather, readInto, scatter, writeFrom } from './transfer.js';

const open = (task: Task, dirfd: number, pathAddress: number, flags: number, mode: number): number => {
  const name = nameAt(task, dirfd, pathAddress);
  if (typeof name === 'number') return name;
  const file = openAt(task.group.fs, name.base, name.path, flags, mode);
  if (typeof file === 'number') return file;
  return task.group.files.install(file, (flags & Open.O_CLOEXEC) !== 0);
};

const sysOpen = (task: Task, [path, flags, mode]: SyscallArgs): number => open(task, At.AT_FDCWD, path, flags, mode);

const sysOpenat = (task: Task, [dirfd, path, flags, mode]: SyscallArgs): number => open(task, dirfd, path, flags, mode);

const sysCreat = (task: Task, [path, mode]: SyscallArgs): number =>
  open(task, At.AT_FDCWD, path, Open.O_CREAT | Open.O_WRONLY | Open.O_TRUNC, mode);

const OPEN_HOW_BYTES = 24;

/** openat2(2): struct open_how { u64 flags, mode, resolve }. RESOLVE_* restrictions are not kept, so they are refused. */
const sysOpenat2 = (task: Task, [dirfd, path, how, size]: SyscallArgs): number => {
  if (size < OPEN_HOW_BYTES) return -Errno.EINVAL;
  const bytes = task.memory.readable(how >>> 0, OPEN_HOW_BYTES);
  if (bytes === undefined) return -Errno.EFAULT;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (view.getBigUint64(16, true) !== 0n) return -Errno.EOPNOTSUPP;
  if (view.getUint32(4, true) !== 0 || view.getUint32(12, true) !== 0) return -Errno.EINVAL;
  return open(task, dirfd, path, view.getInt32(0, true), view.getInt32(8, true));
};

const sysClose = (task: Task, [fd]: SyscallArgs): number => task.group.files.close(fd);

const CLOSE_RANGE_CLOEXEC = 4;

const sysCloseRange = (task: Task, [first, last, flags]: SyscallArgs): number => {
  if (first >>> 0 > last >>> 0) return -Errno.EINVAL;
  for (const [fd, descriptor] of task.group.files.entries()) {
    if (fd < first >>> 0 || fd > last >>> 0) continue;
    if ((flags & CLOSE_RANGE_CLOEXEC) !== 0) descriptor.closeOnExec = true;
    else task.group.files.close(fd);
  }
  return 0;
};

// -- read -------------------------------------------------------------------------------------------------------------

const sysRead = (task: Task, [fd, address, size]: SyscallArgs): SyscallResult => {
  const file = readableFileAt(task, fd);
  if (typeof file === 'number') return file;
  const buffer = bufferAt(task, address, size, Permission.WRITE);
  return typeof buffer === 'number' ? buffer : readInto(task, file, [buffer]);
};

const sysReadv = (task: Task, [fd, address, count]: SyscallArgs): SyscallResult => {
  const file = readableFileAt(task, fd);
  if (typeof file === 'number') return file;
  const buffers = vectorAt(task, address, count, Permission.WRITE);
  return typeof buffers === 'number' ? buffers : readInto(task, file, buffers);
};

const readAt = (task: Task, file: OpenFile, buffers: readonly Uint8Array[], offset: number): number => {
  if (offset < 0) return -Errno.EINVAL;
  let at = offset;
  return scatter(task, buffers, (buffer) => {
    const count = file.pread(buffer, at);
    at += Math.max(0, count);
    return count;
  });
};

/** The fourth argument is a hole: 64-bit values start in an even register. */
const sysPread64 = (task: Task, [fd, address, size, , low, high]: SyscallArgs): SyscallResult => {
  const file = readableFileAt(task, fd);
  if (typeof file === 'number') return file;
  const buffer = bufferAt(task, address, size, Permission.WRITE);
  return typeof buffer === 'number' ? buffer : readAt(task, file, [buffer], pair(low, high));
};

/** No hole here: the position travels as two longs. */
const sysPreadv = (task: Task, [fd, address, count, low, high]: SyscallArgs): SyscallResult => {
  const file = readableFileAt(task, fd);
  if (typeof file === 'number') return file;
  const buffers = vectorAt(task, address, count, Permission.WRITE);
  return typeof buffers === 'number' ? buffers : readAt(task, file, buffers, pair(low, high));
};

/** preadv2(2): position -1 means the file offset. Flags are hints, except RWF_APPEND and RWF_NOWAIT, which are refused. */
const RWF_HINTS = 7;

const sysPreadv2 = (task: Task, args: SyscallArgs): SyscallResult => {
  if ((args[5] & ~RWF_HINTS) !== 0) return -Errno.EOPNOTSUPP;
  return pair(args[3], args[4]) === -1 ? sysReadv(task, args) : sysPreadv(task, args);
};

// -- write ------------------------------------------------------------------------------------------------------------

const sysWrite = (task: Task, [fd, address, size]: SyscallArgs): SyscallResult => {
  const file = writableFileAt(task, fd);
  if (typeof file === 'number') return file;
  const buffer = bufferAt(task, address, size, Permission.READ);
  return typeof buffer === 'number' ? buffer : writeFrom(task, file, buffer);
};

const sysWritev = (task: Task, [fd, address, count]: SyscallArgs): SyscallResult => {
  const file = writableFileAt(task, fd);
  if (typeof file === 'number') return file;
  const buffers = vectorAt(task, address, count, Permission.READ);
  return typeof buffers === 'number' ? buffers : writeFrom(task, file, gather(buffers));
};

const writeAt = (file: OpenFile, data: Uint8Array, offset: number): number =>
  offset < 0 ? -Errno.EINVAL : file.pwrite(data, offset);

const sysPwrite64 = (task: Task, [fd, address, size, , low, high]: SyscallArgs): SyscallResult => {
  const file = writableFileAt(task, fd);
  if (typeof file === 'number') return file;
  const buffer = bufferAt(task, address, size, Permission.READ);
  return typeof buffer === 'number' ? buffer : writeAt(file, buffer, pair(low, high));
};

const sysPwritev = (task: Task, [fd, address, count, low, high]: SyscallArgs): SyscallResult => {
  const file = writableFileAt(task, fd);
  if (typeof file === 'number') return file;
  const buffers = vectorAt(task, address, count, Permission.READ);
  return typeof buffers === 'number' ? buffers : writeAt(file, gather(buffers), pair(low, high));
};

const sysPwritev2 = (task: Task, args: SyscallArgs): SyscallResult => {
  if ((args[5] & ~RWF_HINTS) !== 0) return -Errno.EOPNOTSUPP;
  return pair(args[3], args[4]) === -1 ? sysWritev(task, args) : sysPwritev(task, args);
};

// -- position and size ------------------------------------------------------------------------------------------------

const sysLseek = (task: Task, [fd, offset, whence]: SyscallArgs): number => {
  const file = fileAt(task, fd);
  if (typeof file === 'number') return file;
  const position = file.seek(offset, whence);
  return position > 0x7fff_ffff ? -Errno.EOVERFLOW : position;
};

/** _llseek(2): high word first, and the position goes to memory. */
const sysLlseek = (task: Task, [fd, high, low, result, whence]: SyscallArgs): number => {
  const file = fileAt(task, fd);
  if (typeof file === 'number') return file;
  if (whence < 0 || whence > Whence.SEEK_HOLE) return -Errno.EINVAL;
  const position = file.seek(pair(low, high), whence);
  if (position < 0) return position;
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigInt64(0, BigInt(position), true);
  return give(task, result, bytes);
};

const truncateAt = (task: Task, pathAddress: number, size: number): number => {
  const name = nameAt(task, At.AT_FDCWD, pathAddress);
  if (typeof name === 'number') return name;
  if (size < 0) return -Errno.EINVAL;
  const file = openAt(task.group.fs, name.base, name.path, Open.O_WRONLY | Open.O_LARGEFILE, 0);
  if (typeof file === 'number') return file;
  file.references++;
  const result = file.truncate(size);
  drop(file);
  return result;
};

const truncateFd = (task: Task, fd: number, size: number): number => {
  const file = fileAt(task, fd);
  if (typeof file === 'number') return file;
  return file.canWrite && size >= 0 ? file.truncate(size) : -Errno.EINVAL;
};

const sysTruncate = (task: Task, [path, size]: SyscallArgs): number => truncateAt(task, path, size);
const sysTruncate64 = (task: Task, [path, , low, high]: SyscallArgs): number => truncateAt(task, path, pair(low, high));
const sysFtruncate = (task: Task, [fd, size]: SyscallArgs): number => truncateFd(task, fd, size);
const sysFtruncate64 = (task: Task, [fd, , low, high]: SyscallArgs): number => truncateFd(task, fd, pair(low, high));

const FALLOC_FL_KEEP_SIZE = 1;

/** fallocate(2): room is promised by making the file that long; holes and other modes are not supported. */
const sysFallocate = (task: Task, [fd, mode, low, high, lengthLow, lengthHigh]: SyscallArgs): number => {
  const file = writableFileAt(task, fd);
  if (typeof file === 'number') return file;
  const offset = pair(low, high);
  const length = pair(lengthLow, lengthHigh);
  if (offset < 0 || length <= 0) return -Errno.EINVAL;
  if ((mode & ~FALLOC_FL_KEEP_SIZE) !== 0) return -Errno.EOPNOTSUPP;
  const stat = file.stat();
  if (typeof stat === 'number') return stat;
  const isLonger = offset + length > Number(stat.size);
  return isLonger && mode === 0 ? file.truncate(offset + length) : file.isMappable ? 0 : -Errno.ESPIPE;
};

// -- advice and syncing -----------------------------------------------------------------------------------------------

const sysSync = (): number => 0;

const syncFd = (task: Task, fd: number, dataOnly: boolean): number => {
  const file = fileAt(task, fd);
  return typeof file === 'number' ? file : file.sync(dataOnly);
};

const sysFsync = (task: Task, [fd]: SyscallArgs): number => syncFd(task, fd, false);
const sysFdatasync = (task: Task, [fd]: SyscallArgs): number => syncFd(task, fd, true);

/** sync_file_range(2) asks for less than fdatasync gives. */
const sysSyncFileRange = (task: Task, [fd, flags]: SyscallArgs): number =>
  (flags & ~7) !== 0 ? -Errno.EINVAL : syncFd(task, fd, true);

/** syncfs(2): there is no such call on the host side; what was written is with the host's kernel already. */
const sysSyncfs = (task: Task, [fd]: SyscallArgs): number => {
  const file = fileAt(task, fd);
  return typeof file === 'number' ? file : 0;
};

const ADVICES = 6;

const sysFadvise64 = (task: Task, [fd, advice]: SyscallArgs): number => {
  const file = fileAt(task, fd);
  if (typeof file === 'number') return file;
  if (!file.isMappable) return -Errno.ESPIPE;
  return advice >= 0 && advice < ADVICES ? 0 : -Errno.EINVAL;
};

const sysReadahead = (task: Task, [fd]: SyscallArgs): number => {
  const file = readableFileAt(task, fd);
  if (typeof file === 'number') return file;
  return file.isMappable ? 0 : -Errno.EINVAL;
};

// -- memory files -----------------------------------------------------------------------------------------------------

const MFD_CLOEXEC = 1;
const MFD_KNOWN = 3;

const sysMemfdCreate = (task: Task, [name, flags]: SyscallArgs): number => {
  const text = pathAt(task, name);
  if (typeof text === 'number') return text;
  if ((flags & ~MFD_KNOWN) !== 0 || text.length > 249) return -Errno.EINVAL;
  const { files } = task.group;
  return files.install(createMemfd(text, files.newInode()), (flags & MFD_CLOEXEC) !== 0);
};

export const fileSyscalls: SyscallRow[] = [
  sys(3, 'read', sysRead, 'fd buf:out:ret size'),
  sys(4, 'write', sysWrite, 'fd buf:in:2 size'),
  sys(5, 'open', sysOpen, 'path openflags openmode -> fd'),
  sys(6, 'close', sysClose, 'fd'),
  sys(8, 'creat', sysCreat, 'path mode -> fd'),
  sys(19, 'lseek', sysLseek, 'fd off whence'),
  sys(36, 'sync', sysSync, ''),
  sys(92, 'truncate', sysTruncate, 'path off'),
  sys(93, 'ftruncate', sysFtruncate, 'fd off'),
  sys(118, 'fsync', sysFsync, 'fd'),
  sys(140, '_llseek', sysLlseek, 'fd off64hl *off64:out whence'),
  sys(145, 'readv', sysReadv, 'fd iovec:out:2 i32'),
  sys(146, 'writev', sysWritev, 'fd iovec:in:2 i32'),
  sys(148, 'fdatasync', sysFdatasync, 'fd'),
  sys(180, 'pread64', sysPread64, 'fd buf:out:ret size pad off64'),
  sys(181, 'pwrite64', sysPwrite64, 'fd buf:in:2 size pad off64'),
  sys(193, 'truncate64', sysTruncate64, 'path pad off64'),
  sys(194, 'ftruncate64', sysFtruncate64, 'fd pad off64'),
  sys(225, 'readahead', sysReadahead, 'fd pad off64 size'),
  sys(270, 'arm_fadvise64_64', sysFadvise64, 'fd fadvise off64 off64'),
  sys(322, 'openat', sysOpenat, 'dirfd path openflags openmode -> fd'),
  sys(341, 'arm_sync_file_range', sysSyncFileRange, 'fd hex off64 off64'),
  sys(352, 'fallocate', sysFallocate, 'fd hex off64 off64'),
  sys(361, 'preadv', sysPreadv, 'fd iovec:out:2 i32 off64'),
  sys(362, 'pwritev', sysPwritev, 'fd iovec:in:2 i32 off64'),
  sys(373, 'syncfs', sysSyncfs, 'fd'),
  sys(385, 'memfd_create', sysMemfdCreate, 'str memfdflags -> fd'),
  sys(392, 'preadv2', sysPreadv2, 'fd iovec:out:2 i32 off64 hex'),
  sys(393, 'pwritev2', sysPwritev2, 'fd iovec:in:2 i32 off64 hex'),
  sys(436, 'close_range', sysCloseRange, 'u32 u32 hex'),
  sys(437, 'openat2', sysOpenat2, 'dirfd path ptr size -> fd'),
];
