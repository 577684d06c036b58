import { signedLength, unsignedLength } from './leb128.js';

/** A growable byte buffer that writes the encodings of the WebAssembly binary format. */
export class ByteBuffer {
  private bytes: Uint8Array;
  length = 0;

  constructor(capacity = 256) {
    this.bytes = new Uint8Array(capacity);
  }

  byte(value: number): void {
    if (this.length === this.bytes.length) this.reserve(1);
    this.bytes[this.length++] = value;
  }

  /** Replaces the byte at `offset`, which must have been written. */
  patch(offset: number, value: number): void {
    this.bytes[offset] = value;
  }

  /** Unsigned LEB128 of a u32. */
  u32(value: number): void {
    let rest = value >>> 0;
    if (this.length + unsignedLength(rest) > this.bytes.length) this.reserve(5);
    while (rest > 0x7f) {
      this.bytes[this.length++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.bytes[this.length++] = rest;
  }

  /** Unsigned LEB128 in five bytes whatever the value, so that `patchU32` can replace it. */
  paddedU32(value: number): void {
    this.reserve(5);
    this.length += 5;
    this.patchU32(this.length - 5, value);
  }

  /** Replaces a padded u32 at `offset`. */
  patchU32(offset: number, value: number): void {
    for (let n = 0; n < 4; n++) this.bytes[offset + n] = ((value >>> (7 * n)) & 0x7f) | 0x80;
    this.bytes[offset + 4] = value >>> 28;
  }

  /** Signed LEB128 of an int32. */
  s32(value: number): void {
    let rest = value | 0;
    if (this.length + signedLength(rest) > this.bytes.length) this.reserve(5);
    while (rest < -64 || rest > 63) {
      this.bytes[this.length++] = (rest & 0x7f) | 0x80;
      rest >>= 7;
    }
    this.bytes[this.length++] = rest & 0x7f;
  }

  /** Signed LEB128 of an int64. */
  s64(value: bigint): void {
    let rest = BigInt.asIntN(64, value);
    while (rest < -64n || rest > 63n) {
      this.byte(Number(rest & 0x7fn) | 0x80);
      rest >>= 7n;
    }
    this.byte(Number(rest & 0x7fn));
  }

  f32(value: number): void {
    this.reserve(4);
    new DataView(this.bytes.buffer).setFloat32(this.length, value, true);
    this.length += 4;
  }

  f64(value: number): void {
    this.reserve(8);
    new DataView(this.bytes.buffer).setFloat64(this.length, value, true);
    this.length += 8;
  }

  /** A name: UTF-8 with its length before it. */
  name(text: string): void {
    const encoded = new TextEncoder().encode(text);
    this.u32(encoded.length);
    this.append(encoded);
  }

  append(data: Uint8Array): void {
    this.reserve(data.length);
    this.bytes.set(data, this.length);
    this.length += data.length;
  }

  /** Appends another buffer with its length before it: how sections and function bodies nest. */
  sized(inner: ByteBuffer): void {
    this.u32(inner.length);
    this.append(inner.view());
  }

  /** The bytes written so far; a view, valid until the next write. */
  view(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }

  private reserve(size: number): void {
    const needed = this.length + size;
    if (needed <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }
}
