/** From argument registers to what file calls work on. Errors are negative errnos. */
import { type GuestMemory, Permission } from '../../guest/memory.js';
import { Errno } from '../abi/errno.js';
import { At, Open } from '../abi/open-flags.js';
import { IOVEC_BYTES } from '../abi/structs.js';
import { Directory } from '../kernel/directory.js';
import { fromBytes } from '../kernel/host-path.js';
import type { Name } from '../kernel/name-operations.js';
import type { OpenFile } from '../kernel/open-file.js';
import type { Task } from '../kernel/task.js';

const PATH_MAX = 4096;
const PAGE_BYTES = 4096;

/** Longest transfer of one call: MAX_RW_COUNT. */
export const MAX_COUNT = 0x7fff_f000;

/** A 64-bit argument in two registers as a number (exact to 2^53). */
export const pair = (low: number, high: number): number => high * 0x1_0000_0000 + (low >>> 0);

/** The path string (bytes as characters) at a guest address. */
export const pathAt = (task: Task, address: number): string | number => {
  const bytes = task.memory.readCString(address >>> 0, PATH_MAX - 1);
  if (bytes !== undefined) return fromBytes(bytes);
  return task.memory.allows(address >>> 0, PATH_MAX, Permission.READ) ? -Errno.ENAMETOOLONG : -Errno.EFAULT;
};

/** A path argument with the directory it is relative to. Calls with AT_EMPTY_PATH look at an empty path first. */
export const nameAt = (task: Task, dirfd: number, address: number): Name | number => {
  const path = pathAt(task, address);
  if (typeof path === 'number') return path;
  if (path === '') return -Errno.ENOENT;
  const base = path.startsWith('/') ? '' : baseOf(task, dirfd);
  return typeof base === 'number' ? base : { base, path };
};

const baseOf = (task: Task, dirfd: number): string | number => {
  if (dirfd === At.AT_FDCWD) return task.group.fs.cwd;
  const file = task.group.files.get(dirfd);
  if (file === undefined) return -Errno.EBADF;
  return file instanceof Directory ? file.path : -Errno.ENOTDIR;
};

/** The file a descriptor stands for. A descriptor from O_PATH counts as bad unless `allowPath`. */
export const fileAt = (task: Task, fd: number, allowPath = false): OpenFile | number => {
  const file = task.group.files.get(fd);
  if (file === undefined) return -Errno.EBADF;
  return !allowPath && (file.flags & Open.O_PATH) !== 0 ? -Errno.EBADF : file;
};

export const readableFileAt = (task: Task, fd: number): OpenFile | number => {
  const file = fileAt(task, fd);
  return typeof file === 'number' || file.canRead ? file : -Errno.EBADF;
};

export const writableFileAt = (task: Task, fd: number): OpenFile | number => {
  const file = fileAt(task, fd);
  return typeof file === 'number' || file.canWrite ? file : -Errno.EBADF;
};

/** How many bytes from `address` on allow `permission`, at most `size`: the kernel transfers up to the first bad page. */
const accessible = (memory: GuestMemory, address: number, size: number, permission: number): number => {
  if (memory.allows(address, size, permission)) return size;
  let end = address;
  while (end < address + size && memory.allows(end, 1, permission))
    end = (Math.floor(end / PAGE_BYTES) + 1) * PAGE_BYTES;
  return Math.min(end, address + size) - address;
};

/** A live view of the guest's buffer for reading from it or writing to it, cut at the first inaccessible page. */
export const bufferAt = (task: Task, address: number, size: number, permission: number): Uint8Array | number => {
  if (size < 0) return -Errno.EINVAL;
  const start = address >>> 0;
  const length = accessible(task.memory, start, Math.min(size, MAX_COUNT), permission);
  if (length === 0 && size > 0) return -Errno.EFAULT;
  return task.memory.u8.subarray(start, start + length);
};

const IOV_MAX = 1024;

/** The buffers of an iovec array, each accessible in full. */
export const vectorAt = (task: Task, address: number, count: number, permission: number): Uint8Array[] | number => {
  if (count < 0 || count > IOV_MAX) return -Errno.EINVAL;
  const buffers: Uint8Array[] = [];
  for (let i = 0; i < count; i++) {
    const at = (address >>> 0) + i * IOVEC_BYTES;
    const base = task.memory.readU32(at);
    const length = task.memory.readU32(at + 4);
    if (base === undefined || length === undefined) return -Errno.EFAULT;
    if (length > 0x7fff_ffff) return -Errno.EINVAL;
    if (length === 0) continue;
    if (!task.memory.allows(base, length, permission)) return -Errno.EFAULT;
    buffers.push(task.memory.u8.subarray(base, base + length));
  }
  return buffers;
};

/** Copies an answer out; 0 or -EFAULT. */
export const give = (task: Task, address: number, bytes: Uint8Array): number =>
  task.memory.write(address >>> 0, bytes) ? 0 : -Errno.EFAULT;

export const giveU32 = (task: Task, address: number, value: number): number =>
  task.memory.writeU32(address >>> 0, value) ? 0 : -Errno.EFAULT;
