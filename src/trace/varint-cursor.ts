/** Walks packed varints, the columns of a chunk. Throws RangeError when a column ends too early. */
export class VarintCursor {
  private bytes: Uint8Array = new Uint8Array(0);
  private at = 0;

  open(bytes: Uint8Array): void {
    this.bytes = bytes;
    this.at = 0;
  }

  get atEnd(): boolean {
    return this.at >= this.bytes.length;
  }

  /** An unsigned integer; exact below 2^53. */
  next(): number {
    const bytes = this.bytes;
    let at = this.at;
    if (at >= bytes.length) throw new RangeError('a column of the chunk is too short');
    let byte = bytes[at++] as number;
    if (byte < 128) {
      this.at = at;
      return byte;
    }
    let value = byte & 127;
    let scale = 128;
    do {
      if (at >= bytes.length || scale > 2 ** 56) throw new RangeError('a number of the chunk is cut or too long');
      byte = bytes[at++] as number;
      value += (byte & 127) * scale;
      scale *= 128;
    } while (byte > 127);
    this.at = at;
    return value;
  }

  /** A zigzag integer; exact below 2^52. */
  nextSigned(): number {
    const value = this.next();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  /** The next `count` bytes, as a view. */
  take(count: number): Uint8Array {
    const start = this.at;
    if (count < 0 || start + count > this.bytes.length) throw new RangeError('a field ends outside its message');
    this.at = start + count;
    return this.bytes.subarray(start, this.at);
  }
}
