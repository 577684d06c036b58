/**
 * An open file description: what `open` makes and `dup` shares. Status flags and file offset live here, the
 * close-on-exec bit lives in the descriptor (kernel/fd-table).
 *
 * Every operation answers a count or a negative errno and never throws for a guest's mistake. -EAGAIN means "not now":
 * whether the caller then waits or is told so is the system call's decision (O_NONBLOCK), not the file's. The defaults
 * here are what the kernel answers for a file without that operation.
 */
import type { BigIntStats } from 'node:fs';
import { Errno } from '../abi/errno.js';
import { Open, Poll } from '../abi/open-flags.js';
import type { Task } from './task.js';

/** What stat(2) tells, in the host's own bigint shape (so that a host's answer needs no copying). */
export type FileStat = Pick<
  BigIntStats,
  | 'dev'
  | 'ino'
  | 'mode'
  | 'nlink'
  | 'uid'
  | 'gid'
  | 'rdev'
  | 'size'
  | 'blocks'
  | 'atimeNs'
  | 'mtimeNs'
  | 'ctimeNs'
  | 'birthtimeNs'
>;

export abstract class OpenFile {
  /** Guest path it was opened by, or the kernel's name for it (`pipe:[3]`); one character per byte. */
  path: string;
  /** Access mode and status flags as F_GETFL shows them. */
  flags: number;
  /** Descriptors (and mappings) that share this description; at zero it is released. */
  references = 0;
  /** Counts arrivals of data or room: what edge-triggered epoll looks at. */
  activity = 0;

  constructor(path: string, flags: number) {
    this.path = path;
    this.flags = flags;
  }

  get canRead(): boolean {
    return (this.flags & Open.O_ACCMODE) !== Open.O_WRONLY && (this.flags & Open.O_PATH) === 0;
  }

  get canWrite(): boolean {
    return (this.flags & Open.O_ACCMODE) !== Open.O_RDONLY && (this.flags & Open.O_PATH) === 0;
  }

  get isNonBlocking(): boolean {
    return (this.flags & Open.O_NONBLOCK) !== 0;
  }

  /** Whether mmap may map it (through pread, and pwrite for shared writable mappings). */
  get isMappable(): boolean {
    return false;
  }

  abstract stat(): FileStat | number;

  /** Reads at the file offset and moves it. */
  read(_into: Uint8Array): number {
    return -Errno.EINVAL;
  }

  /** Writes at the file offset (the end with O_APPEND) and moves it. */
  write(_from: Uint8Array): number {
    return -Errno.EINVAL;
  }

  /** Reads at `offset` bytes, leaving the file offset alone; 0 at the end. */
  pread(_into: Uint8Array, _offset: number): number {
    return -Errno.ESPIPE;
  }

  pwrite(_from: Uint8Array, _offset: number): number {
    return -Errno.ESPIPE;
  }

  /** Moves the file offset; the new offset in bytes, or -errno. */
  seek(_offset: number, _whence: number): number {
    return -Errno.ESPIPE;
  }

  truncate(_size: number): number {
    return -Errno.EINVAL;
  }

  sync(_dataOnly: boolean): number {
    return -Errno.EINVAL;
  }

  chmod(_mode: number): number {
    return -Errno.EPERM;
  }

  chown(_uid: number, _gid: number): number {
    return -Errno.EPERM;
  }

  /** Sets access and modification time, in nanoseconds since the epoch. */
  setTimes(_atimeNs: bigint, _mtimeNs: bigint): number {
    return -Errno.EPERM;
  }

  /** Requests every file knows (FIONBIO, FIOCLEX) are answered before this is asked. `argument` is a u32. */
  ioctl(_task: Task, _request: number, _argument: number): number {
    return -Errno.ENOTTY;
  }

  /** The poll(2) bits that hold now. A file that never blocks is always ready. */
  poll(): number {
    return Poll.POLLIN | Poll.POLLOUT | Poll.POLLRDNORM | Poll.POLLWRNORM;
  }

  /** Host descriptors to wait on while `read` answers -EAGAIN. */
  get waitsOn(): readonly number[] {
    return [];
  }

  /** The last reference is gone. */
  release(): void {}
}

/** A stat with everything but the given fields zero, for files the host does not have. */
export const virtualStat = (ino: number, mode: number, more: Partial<FileStat> = {}): FileStat => ({
  dev: 0xdn,
  ino: BigInt(ino),
  mode: BigInt(mode),
  nlink: 1n,
  uid: 0n,
  gid: 0n,
  rdev: 0n,
  size: 0n,
  blocks: 0n,
  atimeNs: 0n,
  mtimeNs: 0n,
  ctimeNs: 0n,
  birthtimeNs: 0n,
  ...more,
});
