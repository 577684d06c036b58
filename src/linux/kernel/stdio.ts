/**
 * Descriptors 0 to 2 of a new process: the host's, or memory for library use and tests.
 *
 * A regular file is read and written through the host's own offset (kernel/host-file), a terminal keeps its own
 * settings (kernel/terminal), anything else is a stream. What the host says about offset and flags of an inherited
 * descriptor comes from /proc/self/fdinfo where there is one; elsewhere offset 0 is assumed.
 */
import fs from 'node:fs';
import tty from 'node:tty';
import { Mode, Open, Poll } from '../abi/open-flags.js';
import type { FdTable } from './fd-table.js';
import { hostCall } from './host-call.js';
import { HostFile } from './host-file.js';
import { HostStream } from './host-stream.js';
import { type FileStat, OpenFile, virtualStat } from './open-file.js';
import { DEFAULT_WINDOW, Terminal, TerminalState, type WindowSize } from './terminal.js';

/** A host descriptor; bytes to read; a receiver of what is written (it must copy); or nothing at all (closed). */
export type StdioTarget = number | Uint8Array | ((chunk: Uint8Array) => void) | 'closed';

interface StdioOptions {
  readonly stdin?: StdioTarget;
  readonly stdout?: StdioTarget;
  readonly stderr?: StdioTarget;
  readonly window?: Readonly<WindowSize>;
}

/** Installs descriptors 0, 1 and 2; by default the host's own. */
export const installStdio = (files: FdTable, options: StdioOptions = {}): void => {
  const terminal = new TerminalState(options.window ?? DEFAULT_WINDOW);
  const targets = [options.stdin ?? 0, options.stdout ?? 1, options.stderr ?? 2];
  targets.forEach((target, fd) => {
    const file = openTarget(files, target, fd, terminal);
    if (file !== undefined) files.replace(fd, file);
  });
};

const openTarget = (files: FdTable, target: StdioTarget, fd: number, terminal: TerminalState): OpenFile | undefined => {
  if (target === 'closed') return undefined;
  if (typeof target === 'function') return new Sink(files.newInode(), target);
  if (typeof target === 'number') return openHostDescriptor(target, fd === 0 ? Open.O_RDONLY : Open.O_WRONLY, terminal);
  return new Source(files.newInode(), target);
};

/** Undefined when the host has no such descriptor open. */
const openHostDescriptor = (hostFd: number, access: number, terminal: TerminalState): OpenFile | undefined => {
  const stat = hostCall(() => fs.fstatSync(hostFd));
  if (typeof stat === 'number') return undefined;
  const { offset, flags } = descriptorInfo(hostFd, access);
  const path = hostDescriptorPath(hostFd, stat);
  if (tty.isatty(hostFd)) return new Terminal(path, flags, hostFd, terminal);
  const type = stat.mode & Mode.S_IFMT;
  const isStream = type === Mode.S_IFIFO || type === Mode.S_IFSOCK;
  return isStream ? new HostStream(path, flags, hostFd) : new HostFile(path, flags, hostFd, { offset });
};

const hostDescriptorPath = (hostFd: number, stat: fs.Stats): string => {
  const link = hostCall(() => fs.readlinkSync(`/proc/self/fd/${hostFd}`, { encoding: 'latin1' }));
  return typeof link === 'string' ? link : `pipe:[${stat.ino}]`;
};

/** Only what a program can tell: access mode and O_APPEND. O_NONBLOCK on our side of a descriptor is our affair. */
const SHOWN_FLAGS = Open.O_ACCMODE | Open.O_APPEND;

const descriptorInfo = (hostFd: number, access: number): { offset: number; flags: number } => {
  const text = hostCall(() => fs.readFileSync(`/proc/self/fdinfo/${hostFd}`, 'latin1'));
  if (typeof text === 'number') return { offset: 0, flags: access };
  const offset = Number(/^pos:\s*(\d+)/m.exec(text)?.[1] ?? 0);
  const flags = Number.parseInt(/^flags:\s*(\d+)/m.exec(text)?.[1] ?? '', 8);
  return { offset, flags: Number.isNaN(flags) ? access : (flags & SHOWN_FLAGS) | Open.O_LARGEFILE };
};

/** Input from memory: a pipe whose writer has gone. */
class Source extends OpenFile {
  private readonly inode: number;
  private rest: Uint8Array;

  constructor(inode: number, bytes: Uint8Array) {
    super(`pipe:[${inode}]`, Open.O_RDONLY);
    this.inode = inode;
    this.rest = bytes;
  }

  override stat(): FileStat {
    return virtualStat(this.inode, Mode.S_IFIFO | 0o600);
  }

  override read(into: Uint8Array): number {
    const part = this.rest.subarray(0, into.length);
    into.set(part);
    this.rest = this.rest.subarray(part.length);
    return part.length;
  }

  override poll(): number {
    return this.rest.length > 0 ? Poll.POLLIN | Poll.POLLRDNORM : Poll.POLLHUP;
  }
}

/** Output to a function: a pipe that is never full. */
class Sink extends OpenFile {
  private readonly inode: number;
  private readonly receive: (chunk: Uint8Array) => void;

  constructor(inode: number, receive: (chunk: Uint8Array) => void) {
    super(`pipe:[${inode}]`, Open.O_WRONLY);
    this.inode = inode;
    this.receive = receive;
  }

  override stat(): FileStat {
    return virtualStat(this.inode, Mode.S_IFIFO | 0o600);
  }

  override write(from: Uint8Array): number {
    this.receive(from);
    return from.length;
  }

  override poll(): number {
    return Poll.POLLOUT | Poll.POLLWRNORM;
  }
}
