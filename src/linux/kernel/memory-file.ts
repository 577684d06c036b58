/** Files that exist in memory only: memfd_create, and the text of synthetic files (kernel/proc). */
import { Errno } from '../abi/errno.js';
import { Mode, Open } from '../abi/open-flags.js';
import { seekTarget } from './host-file.js';
import { type FileStat, OpenFile, virtualStat } from './open-file.js';

/** Larger than any guest could map; guards the host against a sparse write far out. */
const SIZE_LIMIT = 0x4000_0000;

export class MemoryFile extends OpenFile {
  private bytes: Uint8Array;
  private size: number;
  private offset = 0;
  private readonly base: FileStat;
  private mode: number;

  constructor(path: string, flags: number, stat: FileStat, contents: Uint8Array = new Uint8Array(0)) {
    super(path, flags);
    this.bytes = contents;
    this.size = contents.length;
    this.base = stat;
    this.mode = Number(stat.mode);
  }

  override get isMappable(): boolean {
    return true;
  }

  override stat(): FileStat {
    const blocks = BigInt(Math.ceil(this.size / 4096) * 8);
    return { ...this.base, mode: BigInt(this.mode), size: BigInt(this.size), blocks };
  }

  override read(into: Uint8Array): number {
    const count = this.pread(into, this.offset);
    this.offset += count;
    return count;
  }

  override pread(into: Uint8Array, offset: number): number {
    const part = this.bytes.subarray(Math.min(offset, this.size), Math.min(this.size, offset + into.length));
    into.set(part);
    return part.length;
  }

  override write(from: Uint8Array): number {
    const at = (this.flags & Open.O_APPEND) !== 0 ? this.size : this.offset;
    const count = this.pwrite(from, at);
    if (count > 0) this.offset = at + count;
    return count;
  }

  override pwrite(from: Uint8Array, offset: number): number {
    const end = offset + from.length;
    if (end > SIZE_LIMIT) return -Errno.EFBIG;
    this.reserve(end);
    this.bytes.set(from, offset);
    this.size = Math.max(this.size, end);
    return from.length;
  }

  override seek(offset: number, whence: number): number {
    const target = seekTarget(offset, whence, this.offset, this.size);
    if (target >= 0) this.offset = target;
    return target;
  }

  override truncate(size: number): number {
    if (size > SIZE_LIMIT) return -Errno.EFBIG;
    this.reserve(size);
    if (size < this.size) this.bytes.fill(0, size, this.size);
    this.size = size;
    return 0;
  }

  override sync(): number {
    return 0;
  }

  override chmod(mode: number): number {
    this.mode = (this.mode & Mode.S_IFMT) | (mode & 0o7777);
    return 0;
  }

  private reserve(size: number): void {
    if (size <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(size, this.bytes.length * 2, 4096));
    grown.set(this.bytes.subarray(0, this.size));
    this.bytes = grown;
  }
}

/** memfd_create(2). */
export const createMemfd = (name: string, inode: number): MemoryFile =>
  new MemoryFile(
    `/memfd:${name} (deleted)`,
    Open.O_RDWR | Open.O_LARGEFILE,
    virtualStat(inode, Mode.S_IFREG | 0o777, { nlink: 0n }),
  );
