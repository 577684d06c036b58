/**
 * Descriptors of one process: small numbers, lowest free first, each a reference to an open file description and a
 * close-on-exec bit. Host descriptors never show.
 */
import { Errno } from '../abi/errno.js';
import { FlockTable } from './flock-table.js';
import type { OpenFile } from './open-file.js';

export interface Descriptor {
  readonly file: OpenFile;
  closeOnExec: boolean;
}

export class FdTable {
  /** RLIMIT_NOFILE: descriptors are below this. */
  limit: number;
  readonly flocks = new FlockTable();
  private inodes = 0;
  private readonly slots: (Descriptor | undefined)[] = [];

  constructor(limit = 1024) {
    this.limit = limit;
  }

  get(fd: number): OpenFile | undefined {
    return this.slots[fd]?.file;
  }

  descriptor(fd: number): Descriptor | undefined {
    return this.slots[fd];
  }

  /** Gives `file` the lowest free number that is at least `minimum`; -EMFILE when there is none below the limit. */
  install(file: OpenFile, closeOnExec = false, minimum = 0): number {
    let fd = minimum;
    while (this.slots[fd] !== undefined) fd++;
    if (fd >= this.limit) {
      if (file.references === 0) file.release();
      return -Errno.EMFILE;
    }
    this.put(fd, file, closeOnExec);
    return fd;
  }

  /** Makes `fd` refer to `file`, closing what it referred to before (dup2). */
  replace(fd: number, file: OpenFile, closeOnExec = false): number {
    if (fd < 0 || fd >= this.limit) return -Errno.EBADF;
    file.references++;
    this.close(fd);
    this.put(fd, file, closeOnExec);
    file.references--;
    return fd;
  }

  close(fd: number): number {
    const descriptor = this.slots[fd];
    if (descriptor === undefined) return -Errno.EBADF;
    this.slots[fd] = undefined;
    drop(descriptor.file);
    return 0;
  }

  closeAll(): void {
    for (let fd = 0; fd < this.slots.length; fd++) this.close(fd);
  }

  closeOnExec(): void {
    for (const [fd, descriptor] of this.entries()) if (descriptor.closeOnExec) this.close(fd);
  }

  /** Open descriptors in rising order, as of now. */
  entries(): [fd: number, descriptor: Descriptor][] {
    const list: [number, Descriptor][] = [];
    this.slots.forEach((descriptor, fd) => {
      if (descriptor !== undefined) list.push([fd, descriptor]);
    });
    return list;
  }

  /** The next inode number for a file without a name (pipe, eventfd, memfd): the same in every run. */
  newInode(): number {
    return ++this.inodes;
  }

  private put(fd: number, file: OpenFile, closeOnExec: boolean): void {
    file.references++;
    this.slots[fd] = { file, closeOnExec };
  }
}

/** Gives up one reference (a descriptor's, a mapping's); the last one releases the file. */
export const drop = (file: OpenFile): void => {
  file.references--;
  if (file.references === 0) file.release();
};
