import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { MAX_PACKET_BYTES } from './chunk-format.js';
import { decodeMessage } from './message-decoder.js';
import type { IndexRow } from './messages.js';
import { BODY } from './schema.js';
import { VarintCursor } from './varint-cursor.js';

const TRAILER_BYTES = 11;
const READ_BYTES = 1 << 18;
/** Longest beginning of a packet: its tag and length. */
const FRAME_BYTES = 6;

interface Span {
  readonly from: number;
  readonly to: number;
}

/**
 * The bytes of a trace without the chunks that are not needed for what happened between two clocks (inclusive), found
 * through its index and not read. The last chunk of each thread before stays: it tells where the thread was. Undefined when there is no
 * index to go by: a pipe, a gzip file, a recording that was cut. Of several segments only the last one's chunks are left
 * out.
 */
export const openRange = (path: string, from: number, to: number): RangeSource | undefined => {
  const fd = openRegular(path);
  if (fd === undefined) return undefined;
  const source = new RangeSource(fd, from, to);
  if (source.hasIndex) return source;
  source.close();
  return undefined;
};

/** A descriptor of a regular file; undefined for anything else, and for what is not there. */
const openRegular = (path: string): number | undefined => {
  if (path === '-') return undefined;
  const fd = openSync(path, 'r');
  if (fstatSync(fd).isFile()) return fd;
  closeSync(fd);
  return undefined;
};

export class RangeSource implements AsyncIterable<Uint8Array> {
  readonly hasIndex: boolean;
  /** Bytes of the file looked at so far. */
  bytesRead = 0;
  private readonly fd: number;
  private readonly sizeBytes: number;
  private readonly left: readonly Span[];
  private isOpen = true;

  constructor(fd: number, from: number, to: number) {
    this.fd = fd;
    this.sizeBytes = fstatSync(fd).size;
    const spans = this.spansOutside(from, to);
    this.hasIndex = spans !== undefined;
    this.left = spans ?? [];
  }

  close(): void {
    if (this.isOpen) closeSync(this.fd);
    this.isOpen = false;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    try {
      let at = 0;
      for (const span of [...this.left, { from: this.sizeBytes, to: this.sizeBytes }]) {
        for (; at < span.from; at += READ_BYTES) yield this.read(at, Math.min(READ_BYTES, span.from - at));
        at = span.to;
      }
    } finally {
      this.close();
    }
  }

  /**
   * Where the chunks outside the range are; undefined when the file does not end in an index that makes sense, whatever is
   * wrong with it: everything is read then.
   */
  private spansOutside(from: number, to: number): readonly Span[] | undefined {
    const trailerAt = this.sizeBytes - TRAILER_BYTES;
    const trailer = this.read(trailerAt, TRAILER_BYTES);
    if (trailer[0] !== 0x0a || trailer[1] !== 0x09 || trailer[2] !== 0x79) return undefined;
    const indexAt = trailerAt - Number(Buffer.from(trailer).readBigUInt64LE(3));
    if (indexAt < 0 || indexAt >= trailerAt || trailerAt - indexAt > 2 * MAX_PACKET_BYTES) return undefined;
    try {
      const rows = indexRows(this.read(indexAt, trailerAt - indexAt));
      return rows && chunksOutside(rows, from, to).map((row) => this.span(indexAt, row));
    } catch {
      return undefined;
    }
  }

  /** The packet of a chunk. Throws RangeError when none is there. */
  private span(indexAt: number, { distance }: IndexRow): Span {
    const from = indexAt - distance;
    const head = new VarintCursor();
    head.open(this.read(from, FRAME_BYTES));
    if (from < 0 || head.next() !== 0x0a) throw new RangeError('no packet where the index says');
    const length = head.next();
    const to = from + 1 + varintBytes(length) + length;
    if (to > indexAt) throw new RangeError('a packet that reaches into the index');
    return { from, to };
  }

  private read(at: number, length: number): Uint8Array {
    const bytes = Buffer.allocUnsafe(Math.max(0, length));
    const count = at < 0 ? 0 : readSync(this.fd, bytes, 0, bytes.length, at);
    this.bytesRead += count;
    return bytes.subarray(0, count);
  }
}

const chunksOutside = (rows: readonly IndexRow[], from: number, to: number): readonly IndexRow[] => {
  const before = new Map<number, IndexRow>();
  for (const row of rows) if (row.lastClock < from) before.set(row.tid, row);
  return rows.filter((row) => (row.lastClock < from && before.get(row.tid) !== row) || row.firstClock > to);
};

const varintBytes = (value: number): number => (value < 128 ? 1 : 1 + varintBytes(Math.floor(value / 128)));

/** Rows of the Index packet at the start of `bytes`; undefined when something else is there. */
const indexRows = (bytes: Uint8Array): readonly IndexRow[] | undefined => {
  const cursor = new VarintCursor();
  cursor.open(bytes);
  if (cursor.next() !== 0x0a) return undefined;
  const packet = new VarintCursor();
  packet.open(cursor.take(cursor.next()));
  while (!packet.atEnd) {
    const tag = packet.next();
    const wireType = tag % 8;
    if (wireType === 0) packet.next();
    else if (wireType === 5) packet.take(4);
    else if (wireType === 2) {
      const body = packet.take(packet.next());
      if (Math.floor(tag / 8) !== BODY.index) return undefined;
      const rows = decodeMessage('Index', body).chunks as unknown as readonly IndexRow[];
      return inOrder(rows) ? rows : undefined;
    } else return undefined;
  }
  return undefined;
};

/** Chunks stand one after the other, so their distances to the index fall. */
const inOrder = (rows: readonly IndexRow[]): boolean =>
  rows.every((row, at) => at === 0 || row.distance < (rows[at - 1] as IndexRow).distance);
