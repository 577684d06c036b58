/**
 * Names to files for one process (path_resolution(7)), with a working directory and umask of its own.
 *
 * A guest path is walked component by component, so that symbolic links, ".." and the overlays mean what they mean on
 * the guest's machine: an absolute link inside the sysroot stays inside it. At every step a synthetic node wins, then
 * the sysroot (when there is one), then the host: as with `qemu -L`, the host's files show through. New files go into
 * the sysroot when their directory is there.
 *
 * All paths here are byte strings (kernel/host-path) and, unless named `path` in a parameter, resolved: absolute, no
 * ".", "..", doubled slash or link; the root is ''. File facts (inode, device, owner, times) are the host's: they are
 * inputs of a run.
 */
import fs from 'node:fs';
import { Errno } from '../abi/errno.js';
import { Mode } from '../abi/open-flags.js';
import { ALLOW_ALL, type FileOperation, type FilePolicy } from './file-policy.js';
import { hostCall } from './host-call.js';
import { fromBytes, toByteString, toHostPath } from './host-path.js';
import type { FileStat, OpenFile } from './open-file.js';
import { type SyntheticNode, SyntheticTree, statOfNode } from './synthetic.js';

const PATH_MAX = 4096;
const NAME_MAX = 255;
/** The kernel's limit on links in one resolution. */
const MAX_LINKS = 40;

export interface VfsOptions {
  /** Host directory searched before the host's own files for every absolute guest path. */
  readonly sysroot?: string;
  /** Guest working directory, absolute; the host's by default. */
  readonly cwd?: string;
  readonly umask?: number;
  readonly policy?: FilePolicy;
}

/** What a name turned out to be. `stat` is of the file itself (not followed) and undefined when nothing is there yet. */
export interface Location {
  /** Resolved guest path, '' for the root. */
  readonly path: string;
  /** Host path of the same; for a missing name where it would be created. Meaningless for synthetic nodes. */
  readonly hostPath: string;
  readonly stat: FileStat | undefined;
  readonly node?: SyntheticNode;
  /** The name is a link to this very open file (/proc/self/fd/N). */
  readonly file?: OpenFile;
  /** The name ended in a slash or a dot: it must be a directory. */
  readonly mustBeDirectory: boolean;
}

interface Found {
  readonly hostPath: string;
  readonly stat: FileStat;
  readonly node?: SyntheticNode;
}

/** A walk in progress. */
interface Walk {
  directory: string;
  pending: string[];
  links: number;
  mustBeDirectory: boolean;
}

export class Vfs {
  /** Resolved guest path of the working directory. */
  cwd: string;
  umask: number;
  readonly policy: FilePolicy;
  readonly synthetic = new SyntheticTree();
  /** Host path without a trailing slash; undefined without a sysroot. */
  readonly sysroot: string | undefined;
  /** The host process's umask, which the host applies on top of ours. */
  readonly hostUmask: number;

  constructor(options: VfsOptions = {}) {
    const root = options.sysroot === undefined ? undefined : toByteString(options.sysroot).replace(/\/+$/, '');
    this.sysroot = root === '' ? undefined : root;
    this.cwd = toByteString(options.cwd ?? process.cwd()).replace(/\/+$/, '');
    this.umask = options.umask ?? 0o022;
    this.policy = options.policy ?? ALLOW_ALL;
    this.hostUmask = process.umask();
  }

  /** 0, or the negative errno with which the policy refuses. */
  check(operation: FileOperation, location: Location): number {
    const hostPath = location.node === undefined ? location.hostPath : undefined;
    return this.policy.check({ operation, path: location.path === '' ? '/' : location.path, hostPath });
  }

  /**
   * Resolves `path` from the directory `base` (resolved). `follow` decides about a link in the last component. A missing
   * last component is an answer (`stat` undefined), a missing earlier one -ENOENT; -ENOTDIR, -ELOOP, -ENAMETOOLONG and
   * the host's errors as usual.
   */
  locate(base: string, path: string, follow: boolean): Location | number {
    if (path === '') return -Errno.ENOENT;
    if (path.length >= PATH_MAX) return -Errno.ENAMETOOLONG;
    const walk: Walk = {
      directory: path.startsWith('/') ? '' : base,
      pending: componentsOf(path).reverse(),
      links: 0,
      mustBeDirectory: /(^|\/)\.{0,2}$/.test(path),
    };
    return this.walk(walk, follow);
  }

  /** The same, and a missing file is -ENOENT. */
  locateExisting(base: string, path: string, follow: boolean): (Location & { readonly stat: FileStat }) | number {
    const location = this.locate(base, path, follow);
    if (typeof location === 'number') return location;
    const { stat } = location;
    if (stat === undefined) return -Errno.ENOENT;
    if (location.mustBeDirectory && !isDirectory(stat)) return -Errno.ENOTDIR;
    return { ...location, stat };
  }

  private walk(walk: Walk, follow: boolean): Location | number {
    for (let name = walk.pending.pop(); name !== undefined; name = walk.pending.pop()) {
      if (name === '..') {
        walk.directory = parentOf(walk.directory);
        continue;
      }
      if (name.length > NAME_MAX) return -Errno.ENAMETOOLONG;
      const end = this.step(walk, name, follow);
      if (end !== undefined) return end;
    }
    return this.locationOfDirectory(walk.directory);
  }

  /** One component: undefined to go on, else the answer. */
  private step(walk: Walk, name: string, follow: boolean): Location | number | undefined {
    const path = `${walk.directory}/${name}`;
    const isLast = walk.pending.length === 0;
    const { mustBeDirectory } = walk;
    const found = this.look(path);
    if (typeof found === 'number') return found;
    if (found === undefined) {
      if (!isLast) return -Errno.ENOENT;
      return { path, hostPath: this.hostPathForNew(walk.directory, path), stat: undefined, mustBeDirectory };
    }
    if (isLink(found.stat) && (!isLast || follow || mustBeDirectory)) return this.followLink(walk, path, found, isLast);
    if (isLast) return { path, mustBeDirectory, ...found };
    if (!isDirectory(found.stat)) return -Errno.ENOTDIR;
    walk.directory = path;
    return undefined;
  }

  private followLink(walk: Walk, path: string, found: Found, isLast: boolean): Location | number | undefined {
    if (++walk.links > MAX_LINKS) return -Errno.ELOOP;
    const file = isLast && found.node?.type === 'link' ? found.node.file?.() : undefined;
    if (file !== undefined) {
      const stat = file.stat();
      return typeof stat === 'number'
        ? stat
        : { path, hostPath: '', stat, file, mustBeDirectory: walk.mustBeDirectory };
    }
    const target = readLink(found);
    if (typeof target === 'number') return target;
    if (target.startsWith('/')) walk.directory = '';
    if (isLast && /(^|\/)\.{0,2}$/.test(target)) walk.mustBeDirectory = true;
    walk.pending.push(...componentsOf(target).reverse());
    return undefined;
  }

  /** What lies at a resolved path whose parent is known to be a directory. */
  private look(path: string): Found | number | undefined {
    const node = this.synthetic.find(path);
    if (node !== undefined) return { hostPath: '', stat: statOfNode(node, path), node };
    const found = this.lookOnHost(path);
    if (found !== undefined) return found;
    const implied = this.synthetic.impliedDirectory(path);
    return implied === undefined ? undefined : { hostPath: '', stat: statOfNode(implied, path), node: implied };
  }

  private lookOnHost(path: string): Found | number | undefined {
    if (this.sysroot !== undefined) {
      const inside = lstat(this.sysroot + path);
      if (typeof inside === 'object') return { hostPath: this.sysroot + path, stat: inside };
    }
    const stat = lstat(path === '' ? '/' : path);
    return typeof stat === 'object' ? { hostPath: path === '' ? '/' : path, stat } : stat;
  }

  private locationOfDirectory(path: string): Location | number {
    const found = this.look(path);
    if (found === undefined) return -Errno.ENOENT;
    return typeof found === 'number' ? found : { path, mustBeDirectory: true, ...found };
  }

  private hostPathForNew(directory: string, path: string): string {
    if (this.sysroot === undefined) return path;
    const parent = lstat(this.sysroot + directory);
    return typeof parent === 'object' && isDirectory(parent) ? this.sysroot + path : path;
  }

  /** Where a resolved guest path is on the host now. */
  hostPathOf(path: string): string {
    const found = this.look(path);
    return typeof found === 'object' ? found.hostPath : path;
  }

  /** Text of a symbolic link; -EINVAL when it is none. */
  readLink(location: Location): string | number {
    const { stat } = location;
    if (stat === undefined) return -Errno.ENOENT;
    return isLink(stat) ? readLink({ ...location, stat }) : -Errno.EINVAL;
  }
}

export const isLink = (stat: FileStat): boolean => (Number(stat.mode) & Mode.S_IFMT) === Mode.S_IFLNK;
export const isDirectory = (stat: FileStat): boolean => (Number(stat.mode) & Mode.S_IFMT) === Mode.S_IFDIR;

export const parentOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')));

const componentsOf = (path: string): string[] => path.split('/').filter((name) => name !== '' && name !== '.');

const readLink = (found: Found): string | number => {
  if (found.node?.type === 'link') return found.node.target();
  return hostCall(() => fromBytes(fs.readlinkSync(toHostPath(found.hostPath), { encoding: 'buffer' })));
};

/** undefined when there is nothing; the errno when the host will not tell. */
const lstat = (hostPath: string): FileStat | number | undefined =>
  hostCall(() => fs.lstatSync(toHostPath(hostPath), { bigint: true, throwIfNoEntry: false }));
