/**
 * An open directory. Its entries are a snapshot in byte order of their names, "." and ".." first, taken at the first
 * getdents and again after a rewind, so that a listing does not depend on the host's file system. The `offset` is the
 * index of the next entry.
 */
import fs from 'node:fs';
import { Errno } from '../abi/errno.js';
import { Whence } from '../abi/open-flags.js';
import { hostAction, hostCall } from './host-call.js';
import { closeHost, hostTime } from './host-file.js';
import { fromBytes, toHostPath } from './host-path.js';
import { type FileStat, OpenFile } from './open-file.js';

/** d_type values (dirent.h): st_mode's file type shifted right by 12. */
const DirentType = { UNKNOWN: 0, FIFO: 1, CHR: 2, DIR: 4, BLK: 6, REG: 8, LNK: 10, SOCK: 12 } as const;

export interface DirectoryEntry {
  /** Byte string. */
  readonly name: string;
  readonly ino: bigint;
  readonly type: number;
}

/** Where a directory's contents come from. `list` leaves out "." and "..". */
interface DirectorySource {
  list(): DirectoryEntry[] | number;
  stat(): FileStat | number;
  /** stat of the parent, for "..". */
  parentStat(): FileStat | number;
}

const inoOf = (stat: FileStat | number): bigint => (typeof stat === 'number' ? 1n : stat.ino);

const byName = (a: DirectoryEntry, b: DirectoryEntry): number => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);

export class Directory extends OpenFile {
  private readonly source: DirectorySource;
  private entries: DirectoryEntry[] | undefined;
  private offset = 0;

  constructor(path: string, flags: number, source: DirectorySource) {
    super(path, flags);
    this.source = source;
  }

  override stat(): FileStat | number {
    return this.source.stat();
  }

  override read(_into: Uint8Array): number {
    return -Errno.EISDIR;
  }

  /** The entries from the current position on; the caller tells with `advance` how many fitted. */
  remaining(): DirectoryEntry[] | number {
    this.entries ??= this.snapshot();
    return this.entries === undefined ? -Errno.ENOENT : this.entries.slice(this.offset);
  }

  /** d_off of the entry `index` places after the current one: the position after it. */
  positionAfter(index: number): number {
    return this.offset + index + 1;
  }

  advance(count: number): void {
    this.offset += count;
  }

  private snapshot(): DirectoryEntry[] | undefined {
    const list = this.source.list();
    if (typeof list === 'number') return undefined;
    const dots: DirectoryEntry[] = [
      { name: '.', ino: inoOf(this.source.stat()), type: DirentType.DIR },
      { name: '..', ino: inoOf(this.source.parentStat()), type: DirentType.DIR },
    ];
    return dots.concat(list.sort(byName));
  }

  override seek(offset: number, whence: number): number {
    const target = whence === Whence.SEEK_SET ? offset : whence === Whence.SEEK_CUR ? this.offset + offset : -1;
    if (target < 0) return -Errno.EINVAL;
    if (target === 0) this.entries = undefined;
    this.offset = target;
    return target;
  }

  override sync(): number {
    return 0;
  }
}

/** A directory of the host, by its host path (byte string); `parent` is the host path of "..". */
export class HostDirectory extends Directory {
  private readonly hostPath: () => string;
  private readonly hostFd: number | undefined;

  /** `hostPath` is asked each time, because the guest may rename the directory while it is open. */
  constructor(path: string, flags: number, hostPath: () => string, parent: () => string) {
    super(path, flags, hostSource(hostPath, parent));
    this.hostPath = hostPath;
    const opened = hostCall(() => fs.openSync(toHostPath(hostPath()), fs.constants.O_RDONLY));
    this.hostFd = opened < 0 ? undefined : opened;
  }

  /** By descriptor where the host has one for directories: it stays right after the directory is gone. */
  override stat(): FileStat | number {
    const { hostFd } = this;
    return hostFd === undefined ? super.stat() : hostCall(() => fs.fstatSync(hostFd, { bigint: true }));
  }

  override sync(): number {
    const { hostFd } = this;
    return hostFd === undefined ? 0 : hostAction(() => fs.fsyncSync(hostFd));
  }

  override chmod(mode: number): number {
    return hostAction(() => fs.chmodSync(toHostPath(this.hostPath()), mode));
  }

  override chown(uid: number, gid: number): number {
    return hostAction(() => fs.chownSync(toHostPath(this.hostPath()), uid, gid));
  }

  override setTimes(atimeNs: bigint, mtimeNs: bigint): number {
    return hostAction(() => fs.utimesSync(toHostPath(this.hostPath()), hostTime(atimeNs), hostTime(mtimeNs)));
  }

  override release(): void {
    if (this.hostFd !== undefined) closeHost(this.hostFd);
  }
}

const lstat = (path: string): FileStat | number =>
  hostCall(() => fs.lstatSync(toHostPath(path), { bigint: true }) as FileStat);

const direntType = (entry: fs.Dirent<Buffer>): number => {
  if (entry.isFile()) return DirentType.REG;
  if (entry.isDirectory()) return DirentType.DIR;
  if (entry.isSymbolicLink()) return DirentType.LNK;
  if (entry.isFIFO()) return DirentType.FIFO;
  if (entry.isCharacterDevice()) return DirentType.CHR;
  if (entry.isBlockDevice()) return DirentType.BLK;
  return entry.isSocket() ? DirentType.SOCK : DirentType.UNKNOWN;
};

const hostSource = (path: () => string, parent: () => string): DirectorySource => ({
  stat: () => lstat(path()),
  parentStat: () => lstat(parent()),
  list: () =>
    hostCall(() =>
      fs.readdirSync(toHostPath(path()), { encoding: 'buffer', withFileTypes: true }).map((entry) => {
        const name = fromBytes(entry.name);
        return { name, ino: inoOf(lstat(`${path()}/${name}`)), type: direntType(entry) };
      }),
    ),
});
