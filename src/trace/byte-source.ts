import { closeSync, openSync, readSync } from 'node:fs';
import { TraceFormatError } from '../errors.js';

export type ByteIterable = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

const READ_BYTES = 1 << 18;

/** A file in pieces. The path must exist and be readable; the system's own error is thrown when it is not. */
async function* fileBytes(path: string): AsyncGenerator<Uint8Array> {
  const fd = openSync(path, 'r');
  try {
    for (;;) {
      const piece = Buffer.allocUnsafe(READ_BYTES);
      const length = readSync(fd, piece, 0, READ_BYTES, null);
      if (length === 0) return;
      yield piece.subarray(0, length);
    }
  } finally {
    closeSync(fd);
  }
}

/** Bytes of a path, of standard input for `-`, or of whatever the caller hands over. */
export const openBytes = (source: string | ByteIterable): ByteIterable => {
  if (typeof source !== 'string') return source;
  return source === '-' ? process.stdin : fileBytes(source);
};

/** Unpacks gzip on the way when the first two bytes say so. A cut gzip stream ends early instead of throwing. */
export async function* plainBytes(source: ByteIterable): AsyncGenerator<Uint8Array> {
  const pieces = toAsync(source);
  const first = await atLeastTwo(pieces);
  const rest = chain(first, pieces);
  if (first[0] !== 0x1f || first[1] !== 0x8b) {
    yield* rest;
    return;
  }
  const { createGunzip } = await import('node:zlib');
  const { Readable, pipeline } = await import('node:stream');
  const gunzip = createGunzip();
  pipeline(Readable.from(rest), gunzip, () => {});
  try {
    for await (const piece of gunzip) yield piece as Uint8Array;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== 'Z_BUF_ERROR' && code !== 'Z_DATA_ERROR') throw error;
  }
}

async function* toAsync(source: ByteIterable): AsyncGenerator<Uint8Array> {
  for await (const piece of source) {
    if (!(piece instanceof Uint8Array)) throw new TraceFormatError('a trace is read from bytes, not from text', 0);
    yield piece;
  }
}

const atLeastTwo = async (pieces: AsyncIterator<Uint8Array>): Promise<Uint8Array> => {
  let first: Uint8Array = new Uint8Array(0);
  while (first.length < 2) {
    const { value, done } = await pieces.next();
    if (done) return first;
    first = first.length === 0 ? value : Buffer.concat([first, value]);
  }
  return first;
};

async function* chain(first: Uint8Array, rest: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  if (first.length > 0) yield first;
  yield* rest;
}

/** A sliding window over a byte stream: what is ahead, and where in the stream it is. */
export class ByteWindow {
  /** Position in the stream of `bytes[start]`. */
  position = 0;
  private readonly pieces: AsyncIterator<Uint8Array>;
  private bytes: Uint8Array = new Uint8Array(0);
  private start = 0;
  private end = 0;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.pieces = source[Symbol.asyncIterator]();
  }

  /** Bytes ahead and at hand. */
  get available(): number {
    return this.end - this.start;
  }

  /** Tries to have `count` bytes at hand; false when the stream ends before. */
  async fill(count: number): Promise<boolean> {
    while (this.available < count) {
      const { value, done } = await this.pieces.next();
      if (done) return false;
      this.push(value);
    }
    return true;
  }

  /** A view of `length` bytes from `offset` ahead, valid until the next `fill`. */
  peek(offset: number, length: number): Uint8Array {
    return this.bytes.subarray(this.start + offset, this.start + offset + length);
  }

  skip(count: number): void {
    this.start += count;
    this.position += count;
  }

  async close(): Promise<void> {
    await this.pieces.return?.();
  }

  private push(piece: Uint8Array): void {
    const kept = this.available;
    if (this.end + piece.length > this.bytes.length) {
      const target = kept + piece.length > this.bytes.length ? new Uint8Array(2 * (kept + piece.length)) : this.bytes;
      target.set(this.bytes.subarray(this.start, this.end));
      this.bytes = target;
      this.start = 0;
      this.end = kept;
    }
    this.bytes.set(piece, this.end);
    this.end += piece.length;
  }
}
