const encoder = new TextEncoder();

/**
 * A growing byte array that speaks protobuf's wire types. One class serves the columns of a chunk (packed varints) and
 * whole messages. Importing protobufjs costs more than a traced hello may take in all, so writing does without it; the
 * tests hold every byte against it.
 */
export class ByteColumn {
  bytes: Uint8Array;
  length = 0;

  constructor(capacity = 256) {
    this.bytes = new Uint8Array(capacity);
  }

  clear(): void {
    this.length = 0;
  }

  view(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }

  byte(value: number): void {
    if (this.length === this.bytes.length) this.reserve(1);
    this.bytes[this.length++] = value;
  }

  /** An unsigned integer below 2^53. */
  varint(value: number): void {
    if (this.length + 8 > this.bytes.length) this.reserve(8);
    const bytes = this.bytes;
    let at = this.length;
    let rest = value;
    while (rest >= 0x1_0000_0000) {
      bytes[at++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    rest >>>= 0;
    while (rest > 127) {
      bytes[at++] = (rest & 127) | 0x80;
      rest >>>= 7;
    }
    bytes[at++] = rest;
    this.length = at;
  }

  /** An int32, zigzag (sint32). */
  zigzag32(value: number): void {
    this.varint(((value << 1) ^ (value >> 31)) >>> 0);
  }

  /** An integer of magnitude below 2^52, zigzag (sint64). */
  zigzag(value: number): void {
    this.varint(value < 0 ? -2 * value - 1 : 2 * value);
  }

  fixed32(value: number): void {
    for (let shift = 0; shift < 32; shift += 8) this.byte((value >>> shift) & 0xff);
  }

  fixed64(value: number): void {
    this.fixed32(value >>> 0);
    this.fixed32(Math.floor(value / 0x1_0000_0000));
  }

  double(value: number): void {
    this.append(new Uint8Array(new Float64Array([value]).buffer));
  }

  append(from: Uint8Array): void {
    this.reserve(from.length);
    this.bytes.set(from, this.length);
    this.length += from.length;
  }

  tag(field: number, wireType: number): void {
    this.varint(field * 8 + wireType);
  }

  /** A length-delimited field. */
  bytesField(field: number, value: Uint8Array): void {
    this.tag(field, 2);
    this.varint(value.length);
    this.append(value);
  }

  stringField(field: number, value: string): void {
    this.bytesField(field, encoder.encode(value));
  }

  private reserve(more: number): void {
    if (this.length + more <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(this.bytes.length * 2, this.length + more));
    grown.set(this.bytes);
    this.bytes = grown;
  }
}
