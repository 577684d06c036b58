import { crc32 } from 'node:zlib';
import type { ByteWindow } from './byte-source.js';
import { MAX_PACKET_BYTES } from './chunk-format.js';
import { PREAMBLE } from './preamble.js';
import { VarintCursor } from './varint-cursor.js';

export interface RawPacket {
  /** Position in the stream. */
  readonly offset: number;
  readonly seq: number;
  /** Field number of the body; 1 for a preamble, 15 for a trailer. */
  readonly field: number;
  /** Valid until the next packet is read. */
  readonly body: Uint8Array;
}

export interface Damage {
  readonly offset: number;
  readonly reason: string;
}

/** `cut`: the stream ends inside the packet. */
type Attempt = { packet: RawPacket; length: number } | { bad: string; length: number; cut?: true };

/** Bytes looked through at a time when searching for a preamble. */
const SCAN_BYTES = 1 << 16;

/**
 * Packets of a stream, one after the other. Damage is reported through `onDamage` and stepped over: a packet whose
 * checksum is wrong when a good one follows, else everything up to the next preamble.
 */
export class PacketReader {
  private readonly window: ByteWindow;
  private readonly onDamage: (damage: Damage) => void;

  constructor(window: ByteWindow, onDamage: (damage: Damage) => void) {
    this.window = window;
    this.onDamage = onDamage;
  }

  /** The next intact packet, undefined at the end of the stream. */
  async next(): Promise<RawPacket | undefined> {
    for (;;) {
      if (!(await this.window.fill(1))) return undefined;
      const attempt = await this.attempt(0);
      if ('packet' in attempt) {
        this.window.skip(attempt.length);
        return attempt.packet;
      }
      this.onDamage({ offset: this.window.position, reason: attempt.bad });
      if (attempt.length > 0 && (await this.goodAt(attempt.length))) this.window.skip(attempt.length);
      else if (!(await this.findPreamble())) return undefined;
    }
  }

  private async goodAt(offset: number): Promise<boolean> {
    if (!(await this.window.fill(offset + 1))) return false;
    return 'packet' in (await this.attempt(offset));
  }

  /** Reads the packet that starts `offset` bytes ahead, without taking it. */
  private async attempt(offset: number): Promise<Attempt> {
    await this.window.fill(offset + 6);
    const head = this.window.peek(offset, Math.min(6, this.window.available - offset));
    if (head[0] !== 0x0a) return { bad: 'no packet begins here', length: 0 };
    const size = lengthOf(head);
    if (size === 'cut') return { bad: 'the file ends inside a packet', length: 0, cut: true };
    if (size === 'bad' || size.value > MAX_PACKET_BYTES) return { bad: 'a packet of impossible length', length: 0 };
    const length = size.bytes + 1 + size.value;
    if (!(await this.window.fill(offset + length))) {
      return { bad: 'the file ends inside a packet', length: 0, cut: true };
    }
    const content = this.window.peek(offset + length - size.value, size.value);
    return parsePacket(content, this.window.position + offset, length);
  }

  /** Moves to the next preamble after the present position; false when there is none. */
  private async findPreamble(): Promise<boolean> {
    this.window.skip(1);
    for (;;) {
      await this.window.fill(SCAN_BYTES);
      const { available } = this.window;
      if (available < PREAMBLE.length) return false;
      const ahead = Buffer.from(this.window.peek(0, available));
      const at = ahead.indexOf(PREAMBLE);
      this.window.skip(at >= 0 ? at : available - PREAMBLE.length + 1);
      if (at >= 0) return true;
    }
  }
}

const lengthOf = (head: Uint8Array): { value: number; bytes: number } | 'cut' | 'bad' => {
  let value = 0;
  for (let at = 1; at < 6; at++) {
    const byte = head[at];
    if (byte === undefined) return 'cut';
    value += (byte & 127) * 2 ** (7 * (at - 1));
    if (byte < 128) return { value, bytes: at };
  }
  return 'bad';
};

const parsePacket = (content: Uint8Array, offset: number, length: number): Attempt => {
  try {
    const fields = packetFields(content);
    if (fields.field > 3 && fields.field !== 15 && fields.crc !== crc32(fields.body)) {
      return { bad: 'a packet whose checksum is wrong', length };
    }
    return { packet: { offset, seq: fields.seq, field: fields.field, body: fields.body }, length };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return { bad: 'a packet that makes no sense', length };
  }
};

interface PacketFields {
  seq: number;
  crc: number;
  field: number;
  body: Uint8Array;
}

/** Number, checksum and the last body field. Throws RangeError when the bytes are not a message. */
const packetFields = (content: Uint8Array): PacketFields => {
  const fields: PacketFields = { seq: 0, crc: 0, field: 0, body: content.subarray(0, 0) };
  const cursor = new VarintCursor();
  cursor.open(content);
  while (!cursor.atEnd) {
    const tag = cursor.next();
    const wireType = tag % 8;
    const field = Math.floor(tag / 8);
    if (wireType === 0) {
      const value = cursor.next();
      if (field === 2) fields.seq = value;
    } else {
      const value = cursor.take(wireType === 2 ? cursor.next() : wireType === 5 ? 4 : wireType === 1 ? 8 : -1);
      if (field === 3 && wireType === 5) fields.crc = u32le(value);
      else {
        fields.field = field;
        fields.body = value;
      }
    }
  }
  return fields;
};

const u32le = (bytes: Uint8Array): number =>
  ((bytes[0] as number) | ((bytes[1] as number) << 8) | ((bytes[2] as number) << 16) | ((bytes[3] as number) << 24)) >>>
  0;
