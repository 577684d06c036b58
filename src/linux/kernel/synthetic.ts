/**
 * Files the guest sees that no host has: /proc, a few of /sys, the devices. A tree of nodes laid over the host's files;
 * inode numbers are made from the path, times are zero, so every run sees the same.
 */
import { Errno } from '../abi/errno.js';
import { Mode, Open } from '../abi/open-flags.js';
import { type Device, type DeviceBehaviour, Device as DeviceFile, deviceStat } from './device.js';
import { Directory, type DirectoryEntry } from './directory.js';
import { toBytes } from './host-path.js';
import { MemoryFile } from './memory-file.js';
import { type FileStat, type OpenFile, virtualStat } from './open-file.js';

export interface SyntheticText {
  readonly type: 'text';
  /** Made at every open. */
  readonly content: () => string | Uint8Array;
  /** What a write does (a few of /proc); without it the file is read-only. */
  readonly write?: (bytes: Uint8Array) => number;
}

export interface SyntheticLink {
  readonly type: 'link';
  readonly target: () => string;
  /** /proc/self/fd/N: following the link gives this very file, whatever its text says. */
  readonly file?: () => OpenFile | undefined;
}

export interface SyntheticDirectory {
  readonly type: 'directory';
  readonly names: () => readonly string[];
  readonly child: (name: string) => SyntheticNode | undefined;
}

export interface SyntheticDevice {
  readonly type: 'device';
  readonly behaviour: DeviceBehaviour;
}

/** A file made by its owner at every open (/dev/tty). */
export interface SyntheticOpener {
  readonly type: 'opener';
  readonly open: (flags: number) => OpenFile | number;
  readonly stat: (ino: number) => FileStat;
}

export type SyntheticNode = SyntheticText | SyntheticLink | SyntheticDirectory | SyntheticDevice | SyntheticOpener;

export const directoryOf = (children: Readonly<Record<string, SyntheticNode>>): SyntheticDirectory => ({
  type: 'directory',
  names: () => Object.keys(children),
  child: (name) => (Object.hasOwn(children, name) ? children[name] : undefined),
});

export const textOf = (content: () => string | Uint8Array): SyntheticText => ({ type: 'text', content });

export const linkTo = (target: () => string): SyntheticLink => ({ type: 'link', target });

/** FNV-1a of the path, never zero: a stable inode number. */
const inodeOf = (path: string): number => {
  let hash = 0x811c_9dc5;
  for (let i = 0; i < path.length; i++) hash = Math.imul(hash ^ path.charCodeAt(i), 0x0100_0193);
  return hash >>> 0 || 1;
};

export const statOfNode = (node: SyntheticNode, path: string): FileStat => {
  const ino = inodeOf(path);
  switch (node.type) {
    case 'directory':
      return virtualStat(ino, Mode.S_IFDIR | 0o555, { nlink: 2n });
    case 'link':
      return virtualStat(ino, Mode.S_IFLNK | 0o777);
    case 'device':
      return deviceStat(ino, node.behaviour.minor);
    case 'opener':
      return node.stat(ino);
    default:
      return virtualStat(ino, Mode.S_IFREG | (node.write === undefined ? 0o444 : 0o644));
  }
};

/** Opens a node that is not a link. */
export const openNode = (node: SyntheticNode, path: string, flags: number, tree: SyntheticTree): OpenFile | number => {
  switch (node.type) {
    case 'directory':
      return isWriting(flags) ? -Errno.EISDIR : openDirectory(node, path, flags, tree);
    case 'device':
      return new DeviceFile(path, flags, inodeOf(path), node.behaviour) satisfies Device;
    case 'opener':
      return node.open(flags);
    case 'link':
      return -Errno.ELOOP;
    default:
      return openText(node, path, flags);
  }
};

const isWriting = (flags: number): boolean => (flags & Open.O_ACCMODE) !== Open.O_RDONLY;

const openText = (node: SyntheticText, path: string, flags: number): OpenFile | number => {
  if (isWriting(flags) && node.write === undefined) return -Errno.EACCES;
  const content = node.content();
  const bytes = typeof content === 'string' ? toBytes(content) : content;
  const stat = statOfNode(node, path);
  return node.write === undefined
    ? new TextFile(path, flags, stat, bytes)
    : new TextFile(path, flags, stat, bytes, node.write);
};

/** As in /proc, st_size stays 0 whatever there is to read. */
class TextFile extends MemoryFile {
  private readonly writer: ((bytes: Uint8Array) => number) | undefined;

  constructor(
    path: string,
    flags: number,
    stat: FileStat,
    contents: Uint8Array,
    writer?: (bytes: Uint8Array) => number,
  ) {
    super(path, flags, stat, contents);
    this.writer = writer;
  }

  override get isMappable(): boolean {
    return false;
  }

  override stat(): FileStat {
    return { ...super.stat(), size: 0n, blocks: 0n };
  }

  override write(from: Uint8Array): number {
    return this.writer === undefined ? -Errno.EINVAL : this.writer(from);
  }

  override pwrite(from: Uint8Array): number {
    return this.write(from);
  }

  override truncate(): number {
    return this.writer === undefined ? -Errno.EINVAL : 0;
  }
}

const openDirectory = (node: SyntheticDirectory, path: string, flags: number, tree: SyntheticTree): OpenFile =>
  new Directory(path, flags, {
    stat: () => statOfNode(node, path),
    parentStat: () => tree.statOfParent(path) ?? statOfNode(node, path),
    list: () => node.names().flatMap((name) => entryOf(node, path, name)),
  });

const entryOf = (directory: SyntheticDirectory, path: string, name: string): DirectoryEntry[] => {
  const child = directory.child(name);
  if (child === undefined) return [];
  const stat = statOfNode(child, `${path}/${name}`);
  return [{ name, ino: stat.ino, type: Number(stat.mode) >> 12 }];
};

/** The nodes by the absolute path they are mounted at. */
export class SyntheticTree {
  private readonly mounts = new Map<string, SyntheticNode>();
  private readonly tops = new Set<string>();

  mount(path: string, node: SyntheticNode): void {
    this.mounts.set(path, node);
    this.tops.add(topOf(path));
  }

  /** The node at a resolved absolute path. */
  find(path: string): SyntheticNode | undefined {
    if (!this.tops.has(topOf(path))) return undefined;
    const exact = this.mounts.get(path);
    if (exact !== undefined) return exact;
    const slash = path.lastIndexOf('/');
    if (slash <= 0) return undefined;
    const parent = this.find(path.slice(0, slash));
    return parent?.type === 'directory' ? parent.child(path.slice(slash + 1)) : undefined;
  }

  /** A directory that exists only because something is mounted below it (/dev on a host without one). */
  impliedDirectory(path: string): SyntheticDirectory | undefined {
    const prefix = `${path}/`;
    const names = [...this.mounts.keys()]
      .filter((mount) => mount.startsWith(prefix))
      .map((m) => m.slice(prefix.length));
    if (names.length === 0) return undefined;
    return { type: 'directory', names: () => names, child: (name) => this.mounts.get(prefix + name) };
  }

  statOfParent(path: string): FileStat | undefined {
    const parent = path.slice(0, Math.max(0, path.lastIndexOf('/')));
    const node = this.find(parent);
    return node === undefined ? undefined : statOfNode(node, parent);
  }
}

const topOf = (path: string): string => {
  const end = path.indexOf('/', 1);
  return end < 0 ? path : path.slice(0, end);
};
