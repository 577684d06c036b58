/** Reads numbers and strings of a debugging section one after the other. Reading past the end is an `OutOfBytes`. */
import { readString } from './strings.js';

/** The bytes ended too early: whoever reads a section stops there and keeps what it has. */
export class OutOfBytes extends Error {}

export class ByteCursor {
  at: number;
  readonly end: number;
  private readonly bytes: Uint8Array;
  private readonly view: DataView;

  constructor(bytes: Uint8Array, at = 0, end = bytes.length) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = at;
    this.end = Math.min(end, bytes.length);
  }

  get isDone(): boolean {
    return this.at >= this.end;
  }

  /** Moves on by `count` bytes and gives where they begin. */
  skip(count: number): number {
    const at = this.at;
    if (!(at + count <= this.end)) throw new OutOfBytes();
    this.at += count;
    return at;
  }

  u8(): number {
    return this.view.getUint8(this.skip(1));
  }

  i8(): number {
    return this.view.getInt8(this.skip(1));
  }

  u16(): number {
    return this.view.getUint16(this.skip(2), true);
  }

  u32(): number {
    return this.view.getUint32(this.skip(4), true);
  }

  /** Exact up to 2^53. */
  u64(): number {
    const at = this.skip(8);
    return this.view.getUint32(at + 4, true) * 2 ** 32 + this.view.getUint32(at, true);
  }

  uleb(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  }

  sleb(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return (byte & 0x40) !== 0 ? value - scale * 128 : value;
    }
  }

  string(): string {
    const nul = this.bytes.subarray(this.at, this.end).indexOf(0);
    if (nul < 0) throw new OutOfBytes();
    return readString(this.bytes, this.skip(nul + 1));
  }
}
