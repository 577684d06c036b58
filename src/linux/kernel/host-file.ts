/**
 * A file of the host: regular, block or character device, FIFO. The file offset is ours, because Node has no lseek;
 * every access names its position. A file inherited from the host (`isSequential`) moves the host's own offset as long
 * as the guest never seeks, so that whoever shares it goes on where the guest stopped.
 */
import fs from 'node:fs';
import { Errno, errnoOfHostError } from '../abi/errno.js';
import { Mode, Open, Whence } from '../abi/open-flags.js';
import { hostAction, hostCall } from './host-call.js';
import { type FileStat, OpenFile } from './open-file.js';

const NS_PER_SECOND = 1_000_000_000n;

/** Node takes seconds as a double: exact to about a quarter of a microsecond. */
export const hostTime = (ns: bigint): number => Number(ns / NS_PER_SECOND) + Number(ns % NS_PER_SECOND) / 1e9;

/** `whence` turned into an absolute offset; -EINVAL when it falls before the start or is unknown. */
export const seekTarget = (offset: number, whence: number, current: number, size: number): number => {
  const target = seekBase(whence, offset, current, size);
  return target === undefined ? -Errno.EINVAL : target;
};

const seekBase = (whence: number, offset: number, current: number, size: number): number | undefined => {
  switch (whence) {
    case Whence.SEEK_SET:
      return offset < 0 ? undefined : offset;
    case Whence.SEEK_CUR:
      return current + offset < 0 ? undefined : current + offset;
    case Whence.SEEK_END:
      return size + offset < 0 ? undefined : size + offset;
    case Whence.SEEK_DATA:
      return offset < 0 || offset >= size ? -Errno.ENXIO : offset;
    case Whence.SEEK_HOLE:
      return offset < 0 || offset >= size ? -Errno.ENXIO : size;
    default:
      return undefined;
  }
};

export class HostFile extends OpenFile {
  readonly hostFd: number;
  private offset = 0;
  private readonly isSeekable: boolean;
  private readonly isRegular: boolean;
  /** The host's own offset still equals ours. */
  private isSequential: boolean;
  private readonly isInherited: boolean;

  constructor(path: string, flags: number, hostFd: number, inherited?: { readonly offset: number }) {
    super(path, flags);
    this.hostFd = hostFd;
    const stat = hostCall(() => fs.fstatSync(hostFd));
    const type = typeof stat === 'number' ? 0 : stat.mode & Mode.S_IFMT;
    this.isRegular = type === Mode.S_IFREG;
    this.isSeekable = this.isRegular || type === Mode.S_IFBLK;
    this.isInherited = inherited !== undefined;
    this.isSequential = this.isInherited || !this.isSeekable;
    this.offset = inherited?.offset ?? 0;
  }

  override get isMappable(): boolean {
    return this.isSeekable;
  }

  override stat(): FileStat | number {
    return hostCall(() => fs.fstatSync(this.hostFd, { bigint: true }));
  }

  private size(): number {
    const stat = this.stat();
    return typeof stat === 'number' ? 0 : Number(stat.size);
  }

  override read(into: Uint8Array): number {
    const position = this.isSequential ? null : this.offset;
    const count = hostCall(() => fs.readSync(this.hostFd, into, 0, into.length, position));
    if (count > 0) this.offset += count;
    return count;
  }

  override write(from: Uint8Array): number {
    const appends = (this.flags & Open.O_APPEND) !== 0 && this.isSeekable;
    const position = this.isSequential ? null : appends ? this.size() : this.offset;
    const count = hostCall(() => fs.writeSync(this.hostFd, from, 0, from.length, position));
    if (count > 0) this.offset = appends ? this.size() : this.offset + count;
    return count;
  }

  override pread(into: Uint8Array, offset: number): number {
    if (!this.isSeekable) return -Errno.ESPIPE;
    return hostCall(() => fs.readSync(this.hostFd, into, 0, into.length, offset));
  }

  override pwrite(from: Uint8Array, offset: number): number {
    if (!this.isSeekable) return -Errno.ESPIPE;
    const position = (this.flags & Open.O_APPEND) !== 0 ? this.size() : offset;
    return hostCall(() => fs.writeSync(this.hostFd, from, 0, from.length, position));
  }

  override seek(offset: number, whence: number): number {
    if (!this.isSeekable) return -Errno.ESPIPE;
    const target = seekTarget(offset, whence, this.offset, whence >= Whence.SEEK_END ? this.size() : 0);
    if (target < 0) return target;
    if (target !== this.offset) this.isSequential = false;
    this.offset = target;
    return target;
  }

  override truncate(size: number): number {
    return this.isRegular ? hostAction(() => fs.ftruncateSync(this.hostFd, size)) : -Errno.EINVAL;
  }

  override sync(dataOnly: boolean): number {
    return hostAction(() => (dataOnly ? fs.fdatasyncSync(this.hostFd) : fs.fsyncSync(this.hostFd)));
  }

  override chmod(mode: number): number {
    return hostAction(() => fs.fchmodSync(this.hostFd, mode));
  }

  override chown(uid: number, gid: number): number {
    return hostAction(() => fs.fchownSync(this.hostFd, uid, gid));
  }

  override setTimes(atimeNs: bigint, mtimeNs: bigint): number {
    return hostAction(() => fs.futimesSync(this.hostFd, hostTime(atimeNs), hostTime(mtimeNs)));
  }

  override release(): void {
    if (!this.isInherited) closeHost(this.hostFd);
  }
}

/** Closing cannot usefully fail here: the guest's close has already succeeded. */
export const closeHost = (hostFd: number): void => {
  try {
    fs.closeSync(hostFd);
  } catch (error) {
    if (errnoOfHostError(error) !== -Errno.EBADF) return;
  }
};
