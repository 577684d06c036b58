/**
 * A pipe, socket or terminal inherited from the host.
 *
 * Node offers neither poll(2) nor a way to make an inherited descriptor non-blocking. Where the host has /proc (Linux),
 * the descriptor is therefore opened a second time with O_NONBLOCK, and a read with nothing there answers -EAGAIN like
 * any other file's, so that other guest threads go on and the scheduler decides how to wait. Elsewhere, and for
 * sockets, a read waits with everything else standing still. Whether there is input can only be found out by reading:
 * poll reads one byte ahead and keeps it for the guest.
 */
import fs from 'node:fs';
import { Errno, errnoOfHostError } from '../abi/errno.js';
import { Mode, Poll } from '../abi/open-flags.js';
import { hostCall, hostSleep } from './host-call.js';
import { closeHost } from './host-file.js';
import { type FileStat, OpenFile } from './open-file.js';

const { O_RDONLY, O_NONBLOCK, O_NOCTTY } = fs.constants;

/** How long to sleep between two looks at a descriptor that cannot be waited for. */
const GLANCE_MS = 2;

const READABLE = Poll.POLLIN | Poll.POLLRDNORM;
const WRITABLE = Poll.POLLOUT | Poll.POLLWRNORM;

export class HostStream extends OpenFile {
  readonly hostFd: number;
  private readonly isFifo: boolean;
  private glanceFd: number | undefined;
  private triedGlance = false;
  /** The byte read ahead; `ended` when the host said end of file instead. */
  private readAhead: number | undefined;
  private ended = false;
  private readonly isOwned: boolean;

  /** `isOwned`: the guest opened it by name, so its close closes the host's descriptor. */
  constructor(path: string, flags: number, hostFd: number, isOwned = false) {
    super(path, flags);
    this.hostFd = hostFd;
    this.isOwned = isOwned;
    const stat = hostCall(() => fs.fstatSync(hostFd));
    this.isFifo = typeof stat !== 'number' && (stat.mode & Mode.S_IFMT) === Mode.S_IFIFO;
  }

  override stat(): FileStat | number {
    return hostCall(() => fs.fstatSync(this.hostFd, { bigint: true }));
  }

  override get waitsOn(): readonly number[] {
    return [this.hostFd];
  }

  override read(into: Uint8Array): number {
    if (into.length === 0) return 0;
    if (this.ended) return this.endOfFile();
    let held = 0;
    if (this.readAhead !== undefined) {
      into[0] = this.readAhead;
      this.readAhead = undefined;
      held = 1;
      if (this.nonBlockingFd() === undefined) return 1;
    }
    const count = this.readNow(into.subarray(held));
    if (held === 0) return count;
    return count > 0 ? 1 + count : 1;
  }

  /** A terminal can go on after ^D, a pipe without writers cannot. */
  private endOfFile(): number {
    this.ended = this.isFifo;
    return 0;
  }

  private readNow(into: Uint8Array): number {
    if (into.length === 0) return 0;
    const fd = this.nonBlockingFd();
    return fd === undefined ? readWaiting(this.hostFd, into) : hostCall(() => fs.readSync(fd, into));
  }

  private nonBlockingFd(): number | undefined {
    if (this.triedGlance) return this.glanceFd;
    this.triedGlance = true;
    const opened = hostCall(() => fs.openSync(`/proc/self/fd/${this.hostFd}`, O_RDONLY | O_NONBLOCK | O_NOCTTY));
    this.glanceFd = opened < 0 ? undefined : opened;
    return this.glanceFd;
  }

  /** Looks for a byte without waiting; without /proc there is no looking, and a read is said to be possible. */
  private hasInput(): boolean {
    if (this.ended || this.readAhead !== undefined) return true;
    const fd = this.nonBlockingFd();
    if (fd === undefined) return true;
    const count = hostCall(() => fs.readSync(fd, byte));
    if (count === -Errno.EAGAIN) return false;
    this.keep(count, byte);
    return true;
  }

  private keep(count: number, from: Uint8Array): void {
    if (count > 0) this.readAhead = from[0];
    else this.ended = true;
  }

  override write(from: Uint8Array): number {
    let done = 0;
    while (done < from.length) {
      const count = writeSome(this.hostFd, from.subarray(done));
      if (count === -Errno.EAGAIN) hostSleep(GLANCE_MS);
      else if (count < 0) return done > 0 ? done : count;
      else done += count;
    }
    return done;
  }

  override poll(): number {
    const writable = this.canWrite ? WRITABLE : 0;
    if (!this.canRead || !this.hasInput()) return writable;
    return writable | (this.ended && this.isFifo ? Poll.POLLHUP : READABLE);
  }

  /** Bytes known to be there (FIONREAD): the host cannot be asked, so at most the one read ahead. */
  protected get knownBytes(): number {
    return this.canRead && this.hasInput() && this.readAhead !== undefined ? 1 : 0;
  }

  override release(): void {
    if (this.glanceFd !== undefined) closeHost(this.glanceFd);
    if (this.isOwned) closeHost(this.hostFd);
  }
}

const byte = new Uint8Array(1);

const writeSome = (fd: number, from: Uint8Array): number => hostCall(() => fs.writeSync(fd, from));

/** A blocking read, also when someone left the descriptor non-blocking. */
const readWaiting = (fd: number, into: Uint8Array): number => {
  for (;;) {
    try {
      return fs.readSync(fd, into);
    } catch (error) {
      const errno = errnoOfHostError(error);
      if (errno !== -Errno.EAGAIN) return errno;
      hostSleep(GLANCE_MS);
    }
  }
};
