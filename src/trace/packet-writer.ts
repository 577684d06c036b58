import { crc32 } from 'node:zlib';
import { ByteColumn } from './byte-column.js';
import { CODEC, type CodecName, compress } from './codec.js';
import { encodeMessage, type Message } from './message-encoder.js';
import type { Output } from './output.js';
import { PREAMBLE } from './preamble.js';
import { BODY } from './schema.js';

/** The trailer's first bytes; the distance back to the Index packet follows. */
const TRAILER_HEAD = Uint8Array.from([0x0a, 0x09, 0x79]);

/** Bytes between two preambles at most, apart from the length of one packet. */
const PREAMBLE_INTERVAL = 1 << 22;
/** Below this, packing costs more than it saves. */
const MIN_PACKED_BYTES = 64;

/** A body compressed as Packed's `data`. */
export interface PackedBody {
  readonly rawSize: number;
  readonly data: Uint8Array;
}

/** Body `field` compressed; undefined when that is not worth it. */
export const pack = (codec: CodecName, field: number, body: Uint8Array): PackedBody | undefined => {
  if (codec === 'none' || body.length < MIN_PACKED_BYTES) return undefined;
  const raw = new ByteColumn(body.length + 16);
  raw.bytesField(field, body);
  return { rawSize: raw.length, data: compress(codec, raw.view()) };
};

/** Frames packets: number, checksum, length, preambles in between. One write per packet. */
export class PacketWriter {
  private readonly output: Output;
  private readonly codec: CodecName;
  private readonly head = new ByteColumn(64);
  private readonly packet = new ByteColumn(1 << 14);
  private seq = 0;
  private sincePreamble = 0;

  constructor(output: Output, codec: CodecName) {
    this.output = output;
    this.codec = codec;
  }

  preamble(): void {
    this.output.write(PREAMBLE);
    this.sincePreamble = 0;
  }

  /** Where the next packet will be. */
  nextOffset(): number {
    if (this.sincePreamble >= PREAMBLE_INTERVAL) this.preamble();
    return this.output.length;
  }

  /** A packet with body `field`; answers its offset in the output. */
  write(field: number, body: Uint8Array): number {
    const offset = this.nextOffset();
    const { head, packet } = this;
    head.clear();
    head.tag(2, 0);
    head.varint(++this.seq);
    head.tag(3, 5);
    head.fixed32(crc32(body));
    head.tag(field, 2);
    head.varint(body.length);
    packet.clear();
    packet.tag(1, 2);
    packet.varint(head.length + body.length);
    packet.append(head.view());
    packet.append(body);
    this.output.write(packet.view());
    this.sincePreamble += packet.length;
    return offset;
  }

  /** Like `write`, compressed when that is worth it; `facts` are Packed's fields about a chunk. */
  writePacked(field: number, body: Uint8Array, facts: Message = {}): number {
    return this.writeFinished(field, pack(this.codec, field, body) ?? body, facts);
  }

  /** The same for a body that `pack` has seen. */
  writeFinished(field: number, body: PackedBody | Uint8Array, facts: Message = {}): number {
    if (body instanceof Uint8Array) return this.write(field, body);
    return this.write(BODY.packed, encodeMessage('Packed', { codec: CODEC[this.codec], ...body, ...facts }));
  }

  trailer(indexOffset: number): void {
    const { packet } = this;
    const distance = this.output.length - indexOffset;
    packet.clear();
    packet.append(TRAILER_HEAD);
    packet.fixed64(distance);
    this.output.write(packet.view());
  }
}
