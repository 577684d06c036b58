/** Traces gone wrong on purpose: as bytes (checksums no longer fit) and as content (they do, so that readers believe it). */
import { crc32, deflateRawSync } from 'node:zlib';
import { ByteColumn } from '../../src/trace/byte-column.js';
import { encodeMessage } from '../../src/trace/message-encoder.js';
import { BODY } from '../../src/trace/schema.js';
import { VarintCursor } from '../../src/trace/varint-cursor.js';

interface Packet {
  /** The whole packet as it stands in the file. */
  readonly bytes: Uint8Array;
  /** 0 for preambles and trailers, which have no content. */
  readonly field: number;
  readonly seq: number;
  readonly body: Uint8Array;
}

/** The packets of a whole trace. */
export const splitTrace = (trace: Uint8Array): Packet[] => {
  const packets: Packet[] = [];
  const file = new VarintCursor();
  for (let at = 0; at < trace.length; ) {
    file.open(trace.subarray(at));
    file.next();
    const content = file.take(file.next());
    const end = content.byteOffset - trace.byteOffset + content.length;
    packets.push({ bytes: trace.subarray(at, end), ...parse(content) });
    at = end;
  }
  return packets;
};

const parse = (content: Uint8Array): Omit<Packet, 'bytes'> => {
  const cursor = new VarintCursor();
  cursor.open(content);
  let seq = 0;
  while (!cursor.atEnd) {
    const tag = cursor.next();
    if (tag % 8 === 0) seq = cursor.next();
    else if (tag % 8 === 5) cursor.take(4);
    else if (tag % 8 === 2) return { seq, field: Math.floor(tag / 8), body: cursor.take(cursor.next()) };
    else break;
  }
  return { seq, field: 0, body: new Uint8Array(0) };
};

/** A packet with the right checksum for whatever it holds. */
export const packetOf = (seq: number, field: number, body: Uint8Array): Uint8Array => {
  const content = new ByteColumn();
  content.tag(2, 0);
  content.varint(seq);
  content.tag(3, 5);
  content.fixed32(crc32(body));
  content.bytesField(field, body);
  const packet = new ByteColumn();
  packet.bytesField(1, content.view());
  return packet.view();
};

const HUGE = Uint8Array.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]);
const BOMB = deflateRawSync(Buffer.alloc(1 << 25));

const insert = (bytes: Uint8Array, at: number, more: Uint8Array): Uint8Array =>
  Buffer.concat([bytes.subarray(0, at), more, bytes.subarray(at)]);

const packed = (codec: number, rawSize: number, data: Uint8Array, events: number): Uint8Array =>
  encodeMessage('Packed', { codec, rawSize, data, tid: 1, firstClock: 1, lastClock: 2, events });

/** One way for the content of a packet to be wrong; the field may become another. */
type Harm = (packet: Packet, random: () => number) => readonly [field: number, body: Uint8Array];

const somewhere = (bytes: Uint8Array, random: () => number): number => Math.floor(random() * bytes.length);

const HARMS: readonly Harm[] = [
  ({ field, body }, random) => {
    const bytes = Buffer.from(body);
    for (let i = 0; i < 1 + random() * 6 && bytes.length > 0; i++) {
      const at = somewhere(bytes, random);
      bytes[at] = (bytes[at] as number) ^ (1 << Math.floor(random() * 8));
    }
    return [field, bytes];
  },
  ({ field, body }, random) => [field, insert(body, somewhere(body, random), HUGE)],
  ({ field, body }, random) => [field, body.subarray(0, somewhere(body, random))],
  ({ field, body }, random) => {
    const at = somewhere(body, random);
    return [field, insert(body, at, body.subarray(0, at))];
  },
  ({ body }, random) => [1 + Math.floor(random() * 16), body],
  // A packet inside packets, and one message deep inside itself.
  ({ field, body }) => [BODY.packed, packed(0, body.length, packed(0, 4, packetOf(1, field, body), 9), 9)],
  (_, random) => {
    let body: Uint8Array = new Uint8Array(2);
    for (let depth = 0; depth < 400; depth++) {
      const outer = new ByteColumn();
      outer.bytesField(1, body);
      body = outer.view().slice();
    }
    return [BODY.header + Math.floor(random() * 11), body];
  },
  // Little that unpacks to much, and says so or does not.
  (_, random) => [BODY.packed, packed(1, random() < 0.5 ? 1 << 25 : 64, BOMB, 1 << 30)],
  (_, random) => [
    BODY.chunk,
    encodeMessage('EventChunk', {
      tid: 1,
      events: random() < 0.5 ? 1 << 20 : 2 ** 32 - 1,
      depth: -(2 ** 31),
      edgeKind: Uint8Array.from([0x41, 0x42]),
      edgeLocation: [1, 2],
      edgeTarget: [3, 4],
      runs: [3, 3],
    }),
  ],
];

/** A trace that is wrong in one to three places. */
export const mutantOf = (trace: Uint8Array, random: () => number): Buffer => {
  if (random() < 0.3) return roughly(Buffer.from(trace), random);
  const packets = splitTrace(trace);
  const pieces = packets.map(({ bytes }) => bytes);
  for (let i = 0; i < 1 + random() * 2; i++) {
    const at = Math.floor(random() * packets.length);
    const packet = packets[at] as Packet;
    const harm = HARMS[Math.floor(random() * HARMS.length)] as Harm;
    if (packet.field !== 0) pieces[at] = packetOf(packet.seq, ...harm(packet, random));
  }
  if (random() < 0.2) pieces.splice(Math.floor(random() * pieces.length), 0, pieces[pieces.length >> 1] as Uint8Array);
  if (random() < 0.2) pieces.splice(Math.floor(random() * pieces.length), 1);
  return Buffer.concat(pieces);
};

/** Bytes flipped, overwritten, cut or doubled without regard to what they mean. */
const roughly = (bytes: Buffer, random: () => number): Buffer => {
  for (let i = 0; i < 1 + random() * 8; i++) {
    const at = somewhere(bytes, random);
    bytes[at] = (bytes[at] as number) ^ (1 << Math.floor(random() * 8));
  }
  const at = somewhere(bytes, random);
  if (random() < 0.3) return bytes.subarray(0, at);
  if (random() < 0.3) return Buffer.concat([bytes.subarray(0, at), bytes]);
  return random() < 0.3 ? bytes.fill(0xff, at, Math.min(bytes.length, at + 10)) : bytes;
};
