/** open(2): from a name and flags to an open file description. */
import fs from 'node:fs';
import tty from 'node:tty';
import { Errno } from '../abi/errno.js';
import { CREATION_FLAGS, hostOpenFlags, Mode, Open } from '../abi/open-flags.js';
import { HostDirectory } from './directory.js';
import type { FileOperation } from './file-policy.js';
import { hostAction, hostCall } from './host-call.js';
import { HostFile } from './host-file.js';
import { toHostPath } from './host-path.js';
import { HostStream } from './host-stream.js';
import { type FileStat, OpenFile } from './open-file.js';
import { openNode } from './synthetic.js';
import { Terminal, TerminalState } from './terminal.js';
import { isDirectory, isLink, type Location, parentOf, type Vfs } from './vfs.js';

/** O_PATH: a place, not a file; only stat, dup and the *at calls work on it. */
class PathFile extends OpenFile {
  private readonly known: FileStat;

  constructor(path: string, flags: number, stat: FileStat) {
    super(path, flags);
    this.known = stat;
  }

  override stat(): FileStat {
    return this.known;
  }
}

/** Opens `path` relative to the resolved directory `base`. A new file gets `mode` without the umask's bits. */
export const openAt = (vfs: Vfs, base: string, path: string, flags: number, mode: number): OpenFile | number => {
  const isExclusive = (flags & (Open.O_CREAT | Open.O_EXCL)) === (Open.O_CREAT | Open.O_EXCL);
  const follow = !isExclusive && (flags & Open.O_NOFOLLOW) === 0;
  const location = vfs.locate(base, path, follow);
  if (typeof location === 'number') return location;
  if ((flags & Open.O_TMPFILE) === Open.O_TMPFILE) return -Errno.EOPNOTSUPP;
  if (location.stat === undefined) return create(vfs, location, flags, mode);
  const refused = isExclusive ? -Errno.EEXIST : mayOpen(location, location.stat, flags);
  if (refused < 0) return refused;
  return openExisting(vfs, location, location.stat, flags);
};

const mayOpen = (location: Location, stat: FileStat, flags: number): number => {
  const directory = isDirectory(stat);
  if (!directory && (location.mustBeDirectory || (flags & Open.O_DIRECTORY) !== 0)) return -Errno.ENOTDIR;
  if (isLink(stat) && location.file === undefined && (flags & Open.O_PATH) === 0) return -Errno.ELOOP;
  const writes = (flags & Open.O_ACCMODE) !== Open.O_RDONLY || (flags & Open.O_CREAT) !== 0;
  return directory && writes && (flags & Open.O_PATH) === 0 ? -Errno.EISDIR : 0;
};

const statusFlags = (flags: number): number => flags & ~CREATION_FLAGS;

const openExisting = (vfs: Vfs, location: Location, stat: FileStat, flags: number): OpenFile | number => {
  const refused = checkOpen(vfs, location, stat, flags);
  if (refused < 0) return refused;
  if (location.file !== undefined) return location.file;
  if ((flags & Open.O_PATH) !== 0) return openPath(vfs, location, stat, flags);
  if (location.node !== undefined) return openNode(location.node, location.path, statusFlags(flags), vfs.synthetic);
  return isDirectory(stat) ? openHostDirectory(vfs, location, flags) : openHost(location, flags, 0);
};

const checkOpen = (vfs: Vfs, location: Location, stat: FileStat, flags: number): number => {
  if ((flags & Open.O_PATH) !== 0) return vfs.check('stat', location);
  if (isDirectory(stat)) return vfs.check('list', location);
  const access = flags & Open.O_ACCMODE;
  const wanted: FileOperation[] = [];
  if (access !== Open.O_WRONLY) wanted.push('read');
  if (access !== Open.O_RDONLY || (flags & Open.O_TRUNC) !== 0) wanted.push('write');
  return wanted.reduce((refused, operation) => refused || vfs.check(operation, location), 0);
};

const openPath = (vfs: Vfs, location: Location, stat: FileStat, flags: number): OpenFile =>
  isDirectory(stat) && location.node === undefined
    ? openHostDirectory(vfs, location, flags & (Open.O_PATH | Open.O_DIRECTORY | Open.O_NOFOLLOW))
    : new PathFile(location.path, statusFlags(flags), stat);

const openHostDirectory = (vfs: Vfs, location: Location, flags: number): OpenFile => {
  const directory: HostDirectory = new HostDirectory(
    location.path,
    statusFlags(flags),
    () => vfs.hostPathOf(directory?.path ?? location.path),
    () => vfs.hostPathOf(parentOf(directory?.path ?? location.path)),
  );
  return directory;
};

/** The walk has followed every link, so the host must not follow one more that appeared since. */
const openHost = (location: Location, flags: number, mode: number): OpenFile | number => {
  const hostFlags = hostOpenFlags(flags) | (fs.constants.O_NOFOLLOW ?? 0) | (fs.constants.O_NOCTTY ?? 0);
  const hostFd = hostCall(() => fs.openSync(toHostPath(location.hostPath), hostFlags, mode));
  return hostFd < 0 ? hostFd : wrapHostFd(location.path, statusFlags(flags), hostFd);
};

const wrapHostFd = (path: string, flags: number, hostFd: number): OpenFile => {
  if (tty.isatty(hostFd)) return new Terminal(path, flags, hostFd, new TerminalState(), true);
  const stat = hostCall(() => fs.fstatSync(hostFd));
  const isFifo = typeof stat !== 'number' && (stat.mode & Mode.S_IFMT) === Mode.S_IFIFO;
  return isFifo ? new HostStream(path, flags, hostFd, true) : new HostFile(path, flags, hostFd);
};

const create = (vfs: Vfs, location: Location, flags: number, mode: number): OpenFile | number => {
  if ((flags & Open.O_CREAT) === 0) return -Errno.ENOENT;
  if (location.mustBeDirectory) return -Errno.EISDIR;
  if ((flags & Open.O_DIRECTORY) !== 0) return -Errno.EINVAL;
  const refused = vfs.check('create', location);
  if (refused < 0) return refused;
  const permissions = mode & 0o7777 & ~vfs.umask;
  const file = openHost(location, flags, permissions);
  if (typeof file === 'number') return file;
  // The host process's own umask must not show.
  if ((permissions & vfs.hostUmask) !== 0) file.chmod(permissions);
  return file;
};

/** mkdir(2) below the walk: kept here because it treats modes as `create` does. */
export const makeDirectory = (vfs: Vfs, location: Location, mode: number): number => {
  const permissions = mode & 0o1777 & ~vfs.umask;
  const path = toHostPath(location.hostPath);
  return hostAction(() => {
    fs.mkdirSync(path, permissions);
    if ((permissions & (vfs.hostUmask | 0o1000)) !== 0) fs.chmodSync(path, permissions);
  });
};
