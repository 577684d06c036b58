/**
 * A pipe between tasks of the emulator (pipe(7)): 64 KiB, writes of up to PIPE_BUF bytes go in whole or not at all.
 * Its two ends are open files; an end counts as gone when its last descriptor is closed.
 */
import { Errno } from '../abi/errno.js';
import { Mode, Open, Poll } from '../abi/open-flags.js';
import { type FileStat, OpenFile, virtualStat } from './open-file.js';

const PIPE_BUF = 4096;
const CAPACITY = 65_536;

export class Pipe {
  readonly inode: number;
  private buffer = new Uint8Array(CAPACITY);
  private start = 0;
  used = 0;
  readers = 0;
  writers = 0;
  readonly read: PipeReader;
  readonly write: PipeWriter;

  /** Both ends with these status flags (O_NONBLOCK). */
  constructor(inode: number, flags: number) {
    this.inode = inode;
    this.read = new PipeReader(this, flags | Open.O_RDONLY);
    this.write = new PipeWriter(this, flags | Open.O_WRONLY);
  }

  get capacity(): number {
    return this.buffer.length;
  }

  get room(): number {
    return this.buffer.length - this.used;
  }

  take(into: Uint8Array): number {
    const count = Math.min(into.length, this.used);
    const first = Math.min(count, this.buffer.length - this.start);
    into.set(this.buffer.subarray(this.start, this.start + first));
    into.set(this.buffer.subarray(0, count - first), first);
    this.start = (this.start + count) % this.buffer.length;
    this.used -= count;
    if (count > 0) this.write.activity++;
    return count;
  }

  put(from: Uint8Array): number {
    const count = Math.min(from.length, this.room);
    const end = (this.start + this.used) % this.buffer.length;
    const first = Math.min(count, this.buffer.length - end);
    this.buffer.set(from.subarray(0, first), end);
    this.buffer.set(from.subarray(first, count), 0);
    this.used += count;
    if (count > 0) this.read.activity++;
    return count;
  }

  /** F_SETPIPE_SZ: rounded up to a power of two of at least a page; -EBUSY when the contents would not fit. */
  resize(size: number): number {
    if (size > 1_048_576) return -Errno.EPERM;
    let capacity = 4096;
    while (capacity < size) capacity *= 2;
    if (capacity < this.used) return -Errno.EBUSY;
    const contents = new Uint8Array(this.used);
    this.take(contents);
    this.buffer = new Uint8Array(capacity);
    this.start = 0;
    this.put(contents);
    return capacity;
  }

  stat(): FileStat {
    return virtualStat(this.inode, Mode.S_IFIFO | 0o600);
  }
}

abstract class PipeEnd extends OpenFile {
  readonly pipe: Pipe;

  constructor(pipe: Pipe, flags: number) {
    super(`pipe:[${pipe.inode}]`, flags);
    this.pipe = pipe;
  }

  override stat(): FileStat {
    return this.pipe.stat();
  }
}

export class PipeReader extends PipeEnd {
  constructor(pipe: Pipe, flags: number) {
    super(pipe, flags);
    pipe.readers++;
  }

  override read(into: Uint8Array): number {
    if (into.length === 0) return 0;
    if (this.pipe.used > 0) return this.pipe.take(into);
    return this.pipe.writers === 0 ? 0 : -Errno.EAGAIN;
  }

  override poll(): number {
    const readable = this.pipe.used > 0 ? Poll.POLLIN | Poll.POLLRDNORM : 0;
    return readable | (this.pipe.writers === 0 ? Poll.POLLHUP : 0);
  }

  override release(): void {
    this.pipe.readers--;
    this.pipe.write.activity++;
  }
}

export class PipeWriter extends PipeEnd {
  constructor(pipe: Pipe, flags: number) {
    super(pipe, flags);
    pipe.writers++;
  }

  /** -EPIPE without readers; -EAGAIN when full, or when PIPE_BUF bytes or fewer do not fit in one piece. */
  override write(from: Uint8Array): number {
    if (this.pipe.readers === 0) return -Errno.EPIPE;
    if (from.length === 0) return 0;
    if (this.pipe.room === 0 || (from.length <= PIPE_BUF && this.pipe.room < from.length)) return -Errno.EAGAIN;
    return this.pipe.put(from);
  }

  override poll(): number {
    const writable = this.pipe.room >= PIPE_BUF ? Poll.POLLOUT | Poll.POLLWRNORM : 0;
    return writable | (this.pipe.readers === 0 ? Poll.POLLERR : 0);
  }

  override release(): void {
    this.pipe.writers--;
    this.pipe.read.activity++;
  }
}
