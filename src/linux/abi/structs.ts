/**
 * Layouts of the structures file calls exchange with 32-bit ARM (EABI) programs: little-endian, 64-bit fields aligned
 * to 8 except where the kernel packs (statfs64). Encoders give fresh bytes, ready for `GuestMemory.write`.
 */

/** What the stat encoders need; `FileStat` of kernel/open-file and Node's BigIntStats both are one. */
interface StatFields {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly mode: bigint;
  readonly nlink: bigint;
  readonly uid: bigint;
  readonly gid: bigint;
  readonly rdev: bigint;
  readonly size: bigint;
  readonly blocks: bigint;
  readonly atimeNs: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  readonly birthtimeNs: bigint;
}

/** st_blksize is not the host's, so that buffer sizes (and with them the trace) do not depend on the file system. */
const BLOCK_BYTES = 4096;
const NS_PER_SECOND = 1_000_000_000n;

class Struct {
  readonly bytes: Uint8Array;
  private readonly view: DataView;

  constructor(size: number) {
    this.bytes = new Uint8Array(size);
    this.view = new DataView(this.bytes.buffer);
  }

  u16(offset: number, value: number | bigint): this {
    this.view.setUint16(offset, Number(value), true);
    return this;
  }

  u32(offset: number, value: number | bigint): this {
    this.view.setUint32(offset, Number(BigInt.asUintN(32, BigInt(value))), true);
    return this;
  }

  u64(offset: number, value: number | bigint): this {
    this.view.setBigUint64(offset, BigInt.asUintN(64, BigInt(value)), true);
    return this;
  }

  /** Seconds and nanoseconds as two 32-bit words. */
  time32(offset: number, ns: bigint): this {
    return this.u32(offset, secondsOf(ns)).u32(offset + 4, ns - secondsOf(ns) * NS_PER_SECOND);
  }

  /** 64-bit seconds, 32-bit nanoseconds. */
  time64(offset: number, ns: bigint): this {
    return this.u64(offset, secondsOf(ns)).u32(offset + 8, ns - secondsOf(ns) * NS_PER_SECOND);
  }
}

/** Rounded down, also before 1970. */
const secondsOf = (ns: bigint): bigint =>
  ns >= 0n ? ns / NS_PER_SECOND : -((-ns + NS_PER_SECOND - 1n) / NS_PER_SECOND);

/** struct stat of stat(106): sizes of 2 GiB and more do not fit (the caller answers EOVERFLOW). */
export const encodeStat = (stat: StatFields): Uint8Array =>
  new Struct(64)
    .u32(0, stat.dev)
    .u32(4, stat.ino)
    .u16(8, stat.mode)
    .u16(10, stat.nlink)
    .u16(12, stat.uid)
    .u16(14, stat.gid)
    .u32(16, stat.rdev)
    .u32(20, stat.size)
    .u32(24, BLOCK_BYTES)
    .u32(28, stat.blocks)
    .time32(32, stat.atimeNs)
    .time32(40, stat.mtimeNs)
    .time32(48, stat.ctimeNs).bytes;

/** struct stat64, 104 bytes. */
export const encodeStat64 = (stat: StatFields): Uint8Array =>
  new Struct(104)
    .u64(0, stat.dev)
    .u32(12, stat.ino)
    .u32(16, stat.mode)
    .u32(20, stat.nlink)
    .u32(24, stat.uid)
    .u32(28, stat.gid)
    .u64(32, stat.rdev)
    .u64(48, stat.size)
    .u32(56, BLOCK_BYTES)
    .u64(64, stat.blocks)
    .time32(72, stat.atimeNs)
    .time32(80, stat.mtimeNs)
    .time32(88, stat.ctimeNs)
    .u64(96, stat.ino).bytes;

/** The halves of a dev_t (sys/sysmacros.h). */
export const majorOf = (dev: bigint): number => Number(((dev >> 8n) & 0xfffn) | ((dev >> 32n) & 0xffff_f000n));
export const minorOf = (dev: bigint): number => Number((dev & 0xffn) | ((dev >> 12n) & 0xffff_ff00n));

const STATX_BASIC_STATS_AND_BTIME = 0xfff;

/** struct statx, 256 bytes; always all of the basic fields and the birth time. */
export const encodeStatx = (stat: StatFields): Uint8Array =>
  new Struct(256)
    .u32(0, STATX_BASIC_STATS_AND_BTIME)
    .u32(4, BLOCK_BYTES)
    .u32(16, stat.nlink)
    .u32(20, stat.uid)
    .u32(24, stat.gid)
    .u16(28, stat.mode)
    .u64(32, stat.ino)
    .u64(40, stat.size)
    .u64(48, stat.blocks)
    .time64(64, stat.atimeNs)
    .time64(80, stat.birthtimeNs)
    .time64(96, stat.ctimeNs)
    .time64(112, stat.mtimeNs)
    .u32(128, majorOf(stat.rdev))
    .u32(132, minorOf(stat.rdev))
    .u32(136, majorOf(stat.dev))
    .u32(140, minorOf(stat.dev)).bytes;

/** Counts in blocks of `bsize` bytes. */
export interface StatfsFields {
  readonly type: bigint;
  readonly bsize: bigint;
  readonly blocks: bigint;
  readonly bfree: bigint;
  readonly bavail: bigint;
  readonly files: bigint;
  readonly ffree: bigint;
}

const NAME_MAX = 255;
const ST_VALID = 0x20;

/** struct statfs, 64 bytes. */
export const encodeStatfs = (fs: StatfsFields): Uint8Array =>
  new Struct(64)
    .u32(0, fs.type)
    .u32(4, fs.bsize)
    .u32(8, fs.blocks)
    .u32(12, fs.bfree)
    .u32(16, fs.bavail)
    .u32(20, fs.files)
    .u32(24, fs.ffree)
    .u32(36, NAME_MAX)
    .u32(40, fs.bsize)
    .u32(44, ST_VALID).bytes;

/** struct statfs64: 84 bytes, packed to 4. */
export const encodeStatfs64 = (fs: StatfsFields): Uint8Array =>
  new Struct(84)
    .u32(0, fs.type)
    .u32(4, fs.bsize)
    .u64(8, fs.blocks)
    .u64(16, fs.bfree)
    .u64(24, fs.bavail)
    .u64(32, fs.files)
    .u64(40, fs.ffree)
    .u32(56, NAME_MAX)
    .u32(60, fs.bsize)
    .u32(64, ST_VALID).bytes;

/** linux_dirent64: ino 0, off 8, reclen 16, type 18, name 19, padded to 8. `name` is a byte string. */
export const encodeDirent64 = (ino: bigint, offset: number, type: number, name: string): Uint8Array => {
  const size = (19 + name.length + 1 + 7) & ~7;
  const struct = new Struct(size).u64(0, ino).u64(8, offset).u16(16, size);
  struct.bytes[18] = type;
  putName(struct.bytes, 19, name);
  return struct.bytes;
};

/** linux_dirent of getdents(141): ino 0, off 4, reclen 8, name 10, type in the last byte, padded to 4. */
export const encodeDirent = (ino: bigint, offset: number, type: number, name: string): Uint8Array => {
  const size = (10 + name.length + 2 + 3) & ~3;
  const struct = new Struct(size).u32(0, ino).u32(4, offset).u16(8, size);
  struct.bytes[size - 1] = type;
  putName(struct.bytes, 10, name);
  return struct.bytes;
};

const putName = (bytes: Uint8Array, offset: number, name: string): void => {
  for (let i = 0; i < name.length; i++) bytes[offset + i] = name.charCodeAt(i);
};

/** struct flock (16 bytes of 32-bit fields) and flock64 (32 bytes; start 8, len 16, pid 24). Type first in both. */
export const FLOCK_BYTES = 16;
export const FLOCK64_BYTES = 32;

/** struct epoll_event: events 0, data 8; 16 bytes, not packed on ARM. */
export const EPOLL_EVENT_BYTES = 16;

/** struct pollfd: fd 0, events 4, revents 6. */
export const POLLFD_BYTES = 8;

/** struct iovec: base 0, length 4. */
export const IOVEC_BYTES = 8;
