/** What can be done to names: mkdir, rmdir, unlink, rename, link, symlink (and the metadata calls that take a name). */
import fs from 'node:fs';
import { Errno } from '../abi/errno.js';
import { Directory } from './directory.js';
import type { FdTable } from './fd-table.js';
import type { FileOperation } from './file-policy.js';
import { hostAction } from './host-call.js';
import { toHostPath } from './host-path.js';
import { makeDirectory } from './open.js';
import type { FileStat } from './open-file.js';
import { isDirectory, type Location, type Vfs } from './vfs.js';

/** A name and the resolved directory it is relative to. */
export interface Name {
  readonly base: string;
  readonly path: string;
}

/** A name where nothing may be yet. */
const locateFree = (vfs: Vfs, name: Name, operation: FileOperation): Location | number => {
  const location = vfs.locate(name.base, name.path, false);
  if (typeof location === 'number') return location;
  if (location.stat !== undefined) return -Errno.EEXIST;
  const refused = vfs.check(operation, location);
  return refused < 0 ? refused : location;
};

type Existing = Location & { readonly stat: FileStat };

/** A file of the host that exists; synthetic ones cannot be changed. */
export const locateHost = (vfs: Vfs, name: Name, operation: FileOperation, follow: boolean): Existing | number => {
  const location = vfs.locateExisting(name.base, name.path, follow);
  if (typeof location === 'number') return location;
  const refused = vfs.check(operation, location);
  if (refused < 0) return refused;
  return location.node === undefined ? location : -Errno.EPERM;
};

export const mkdir = (vfs: Vfs, name: Name, mode: number): number => {
  const location = locateFree(vfs, name, 'create');
  return typeof location === 'number' ? location : makeDirectory(vfs, location, mode);
};

/** rmdir(2): a last component of "." is EINVAL, of ".." ENOTEMPTY. */
export const rmdir = (vfs: Vfs, name: Name): number => {
  if (/(^|\/)\.\/*$/.test(name.path)) return -Errno.EINVAL;
  if (/(^|\/)\.\.\/*$/.test(name.path)) return -Errno.ENOTEMPTY;
  const location = locateHost(vfs, name, 'delete', false);
  if (typeof location === 'number') return location;
  if (!isDirectory(location.stat)) return -Errno.ENOTDIR;
  return hostAction(() => fs.rmdirSync(toHostPath(location.hostPath)));
};

export const unlink = (vfs: Vfs, name: Name): number => {
  const location = locateHost(vfs, name, 'delete', false);
  if (typeof location === 'number') return location;
  if (isDirectory(location.stat)) return -Errno.EISDIR;
  return hostAction(() => fs.unlinkSync(toHostPath(location.hostPath)));
};

export const symlink = (vfs: Vfs, target: string, name: Name): number => {
  if (target === '') return -Errno.ENOENT;
  const location = locateFree(vfs, name, 'create');
  if (typeof location === 'number') return location;
  if (location.mustBeDirectory) return -Errno.ENOENT;
  return hostAction(() => fs.symlinkSync(toHostPath(target), toHostPath(location.hostPath)));
};

/** link(2); `follow` is AT_SYMLINK_FOLLOW. */
export const link = (vfs: Vfs, from: Name, to: Name, follow: boolean): number => {
  const source = locateHost(vfs, from, 'link', follow);
  if (typeof source === 'number') return source;
  if (isDirectory(source.stat)) return -Errno.EPERM;
  const target = locateFree(vfs, to, 'create');
  if (typeof target === 'number') return target;
  return hostAction(() => fs.linkSync(toHostPath(source.hostPath), toHostPath(target.hostPath)));
};

const RENAME_NOREPLACE = 1;

/** renameat2(2) with flags 0 or RENAME_NOREPLACE. Open directories and the working directory move along. */
export const rename = (vfs: Vfs, files: FdTable, from: Name, to: Name, flags: number): number => {
  if ((flags & ~RENAME_NOREPLACE) !== 0) return -Errno.EINVAL;
  const source = locateHost(vfs, from, 'rename', false);
  if (typeof source === 'number') return source;
  const target = vfs.locate(to.base, to.path, false);
  if (typeof target === 'number') return target;
  const refused = mayReplace(vfs, source, target, flags);
  if (refused < 0) return refused;
  const result = hostAction(() => fs.renameSync(toHostPath(source.hostPath), toHostPath(target.hostPath)));
  if (result === 0) follow(vfs, files, source.path, target.path);
  return result;
};

const mayReplace = (vfs: Vfs, source: Existing, target: Location, flags: number): number => {
  if (target.node !== undefined) return -Errno.EPERM;
  if (target.stat !== undefined && (flags & RENAME_NOREPLACE) !== 0) return -Errno.EEXIST;
  if (target.mustBeDirectory && !isDirectory(source.stat)) return -Errno.ENOTDIR;
  return vfs.check(target.stat === undefined ? 'create' : 'delete', target);
};

const follow = (vfs: Vfs, files: FdTable, from: string, to: string): void => {
  const moved = (path: string): string =>
    path === from || path.startsWith(`${from}/`) ? to + path.slice(from.length) : path;
  vfs.cwd = moved(vfs.cwd);
  for (const [, { file }] of files.entries()) if (file instanceof Directory) file.path = moved(file.path);
};
