/** eventfd(2): a 64-bit counter one can wait for. */
import { Errno } from '../abi/errno.js';
import { Open, Poll } from '../abi/open-flags.js';
import { type FileStat, OpenFile, virtualStat } from './open-file.js';

export const EFD_SEMAPHORE = 1;

const MAXIMUM = 0xffff_ffff_ffff_fffen;

export class EventFd extends OpenFile {
  private readonly inode: number;
  private readonly isSemaphore: boolean;
  private count: bigint;

  constructor(inode: number, initial: number, flags: number) {
    super('anon_inode:[eventfd]', Open.O_RDWR | (flags & Open.O_NONBLOCK));
    this.inode = inode;
    this.count = BigInt(initial);
    this.isSemaphore = (flags & EFD_SEMAPHORE) !== 0;
  }

  override stat(): FileStat {
    return virtualStat(this.inode, 0o600);
  }

  override read(into: Uint8Array): number {
    if (into.length < 8) return -Errno.EINVAL;
    if (this.count === 0n) return -Errno.EAGAIN;
    const value = this.isSemaphore ? 1n : this.count;
    this.count -= value;
    this.activity++;
    new DataView(into.buffer, into.byteOffset, 8).setBigUint64(0, value, true);
    return 8;
  }

  override write(from: Uint8Array): number {
    if (from.length < 8) return -Errno.EINVAL;
    const value = new DataView(from.buffer, from.byteOffset, 8).getBigUint64(0, true);
    if (value > MAXIMUM) return -Errno.EINVAL;
    if (value > MAXIMUM - this.count) return -Errno.EAGAIN;
    this.count += value;
    this.activity++;
    return 8;
  }

  override poll(): number {
    return (this.count > 0n ? Poll.POLLIN : 0) | (this.count < MAXIMUM ? Poll.POLLOUT : 0);
  }
}
