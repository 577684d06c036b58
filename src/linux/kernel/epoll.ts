/**
 * epoll(7). Level-triggered, edge-triggered and one-shot. An edge is seen as a change of the file's `activity` count (or
 * a readiness bit that was not there before), not of the host's buffers.
 */
import { Errno } from '../abi/errno.js';
import { Open, Poll } from '../abi/open-flags.js';
import { type FileStat, OpenFile, virtualStat } from './open-file.js';

export const EpollCtl = { EPOLL_CTL_ADD: 1, EPOLL_CTL_DEL: 2, EPOLL_CTL_MOD: 3 } as const;

const EPOLLONESHOT = 1 << 30;
const EPOLLET = 1 << 31;
/** Bits that say how to report, not what. */
const MODE_BITS = EPOLLET | EPOLLONESHOT | (1 << 29) | (1 << 28);
const ALWAYS = Poll.POLLERR | Poll.POLLHUP;

export interface EpollEvent {
  readonly events: number;
  /** epoll_data, opaque. */
  readonly data: bigint;
}

interface Interest {
  readonly file: OpenFile;
  events: number;
  data: bigint;
  /** What was last reported, and the file's activity then (edge-triggered). */
  seen: number;
  seenActivity: number;
  /** False once a one-shot interest has fired. */
  isArmed: boolean;
}

export class Epoll extends OpenFile {
  private readonly inode: number;
  private readonly interests = new Map<number, Interest>();

  constructor(inode: number) {
    super('anon_inode:[eventpoll]', Open.O_RDWR);
    this.inode = inode;
  }

  override stat(): FileStat {
    return virtualStat(this.inode, 0o600);
  }

  /** epoll_ctl(2) on the descriptor `fd`, which refers to `file`. */
  control(operation: number, fd: number, file: OpenFile, event: EpollEvent | undefined): number {
    this.forgetClosed();
    const interest = this.interests.get(fd);
    const known = interest !== undefined && interest.file === file;
    if (operation === EpollCtl.EPOLL_CTL_DEL) return known && this.interests.delete(fd) ? 0 : -Errno.ENOENT;
    if (event === undefined) return -Errno.EFAULT;
    if (operation === EpollCtl.EPOLL_CTL_ADD && known) return -Errno.EEXIST;
    if (operation === EpollCtl.EPOLL_CTL_MOD && !known) return -Errno.ENOENT;
    this.interests.set(fd, { file, events: event.events, data: event.data, seen: 0, seenActivity: -1, isArmed: true });
    return 0;
  }

  /** Closing the last descriptor of a file takes it out of every epoll. */
  private forgetClosed(): void {
    for (const [fd, { file }] of this.interests) if (file.references === 0) this.interests.delete(fd);
  }

  /** Up to `maximum` events that hold now, in order of descriptor. */
  collect(maximum: number): EpollEvent[] {
    this.forgetClosed();
    const ready: EpollEvent[] = [];
    const inOrder = [...this.interests].sort(([a], [b]) => a - b);
    for (const [, interest] of inOrder) {
      if (ready.length === maximum) break;
      const events = take(interest);
      if (events !== 0) ready.push({ events, data: interest.data });
    }
    return ready;
  }

  /** Host descriptors to wait on while nothing is ready. */
  override get waitsOn(): readonly number[] {
    return [...this.interests.values()].flatMap(({ file, events }) =>
      (events & Poll.POLLIN) !== 0 ? file.waitsOn : [],
    );
  }

  override poll(): number {
    this.forgetClosed();
    return [...this.interests.values()].some((interest) => readiness(interest) !== 0) ? Poll.POLLIN : 0;
  }
}

const readiness = (interest: Interest): number => {
  const wanted = interest.events & ~MODE_BITS;
  const ready = interest.isArmed ? interest.file.poll() & (wanted | ALWAYS) : 0;
  if ((interest.events & EPOLLET) === 0) return ready;
  const isNews = interest.seenActivity !== interest.file.activity || (ready & ~interest.seen) !== 0;
  return isNews ? ready : 0;
};

const take = (interest: Interest): number => {
  const events = readiness(interest);
  if (events === 0) return 0;
  interest.seen = events;
  interest.seenActivity = interest.file.activity;
  interest.isArmed = (interest.events & EPOLLONESHOT) === 0;
  return events;
};
