import { closeSync, fstatSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { OutputError } from '../errors.js';

const RETRY_MS = 2;

/**
 * Where a trace goes: a file, or standard output for `-`, or a descriptor the caller owns. Writes are synchronous and
 * complete: a slow reader slows the caller. When a write fails, a regular file is cut back to the last whole packet.
 */
export class Output {
  readonly name: string;
  /** Bytes written in whole packets. */
  length = 0;
  private readonly fd: number;
  private readonly owned: boolean;
  private failed = false;

  /** Throws OutputError when the file cannot be created. */
  constructor(target: string | number) {
    this.name = typeof target === 'number' ? `descriptor ${target}` : target;
    this.owned = typeof target === 'string' && target !== '-';
    if (typeof target === 'number') this.fd = target;
    else if (target === '-') this.fd = 1;
    else this.fd = create(target);
  }

  /** Writes one packet. Throws OutputError; from then on every write throws it again. */
  write(bytes: Uint8Array): void {
    if (this.failed) throw new OutputError(`${this.name}: writing failed earlier`);
    try {
      writeAll(this.fd, bytes);
    } catch (error) {
      this.failed = true;
      this.cutBack();
      throw outputError(this.name, error as NodeJS.ErrnoException);
    }
    this.length += bytes.length;
  }

  close(): void {
    if (this.owned) closeSync(this.fd);
  }

  private cutBack(): void {
    if (!this.owned || !fstatSync(this.fd).isFile()) return;
    ftruncateSync(this.fd, this.length);
  }
}

const create = (path: string): number => {
  try {
    return openSync(path, 'w');
  } catch (error) {
    throw outputError(path, error as NodeJS.ErrnoException);
  }
};

const writeAll = (fd: number, bytes: Uint8Array): void => {
  let at = 0;
  while (at < bytes.length) {
    try {
      at += writeSync(fd, bytes, at, bytes.length - at);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS);
    }
  }
};

const HINTS: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full; what was written so far can be read',
  EPIPE: 'the reader of the trace went away',
  EACCES: 'choose another place with --output',
  ENOENT: 'the directory does not exist',
  EISDIR: 'name a file with --output',
};

const outputError = (name: string, error: NodeJS.ErrnoException): OutputError => {
  const code = error.code ?? 'EIO';
  const hint = HINTS[code];
  return new OutputError(`cannot write the trace to ${name}: ${code}`, {
    cause: error,
    details: { errno: code },
    ...(hint === undefined ? {} : { hint }),
  });
};
