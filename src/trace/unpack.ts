import { MAX_RAW_BYTES } from './chunk-format.js';
import { decompress } from './codec.js';
import { decodeMessage } from './message-decoder.js';
import { BODY } from './schema.js';
import { VarintCursor } from './varint-cursor.js';

/** A packet's body and what it is. */
export interface PacketBody {
  readonly field: number;
  readonly body: Uint8Array;
}

/**
 * What a packet holds, unpacked when it is Packed. Throws RangeError, or an Error of zlib's, when the bytes make no sense
 * or unpack to more than a reader accepts.
 */
export const unpack = (packet: PacketBody): PacketBody => {
  if (packet.field !== BODY.packed) return packet;
  const { codec, rawSize, data } = decodeMessage('Packed', packet.body) as Record<string, unknown>;
  if ((rawSize as number) > MAX_RAW_BYTES)
    throw new RangeError(`a packet that unpacks to ${rawSize} bytes is too large`);
  const cursor = new VarintCursor();
  cursor.open(decompress(codec as number, data as Uint8Array, rawSize as number));
  const field = Math.floor(cursor.next() / 8);
  if (field === BODY.packed) throw new RangeError('a packed packet inside a packed one');
  return { field, body: cursor.take(cursor.next()) };
};

/** Errors that mean the bytes are wrong, as opposed to mistakes of ours. */
export const isContentError = (error: unknown): boolean =>
  error instanceof RangeError ||
  (error instanceof Error && /^(Z_|ERR_(BUFFER|BROTLI|_ERROR|PADDING|OUT_OF_RANGE|FORMAT))/.test(codeOf(error)));

const codeOf = (error: Error): string => (error as NodeJS.ErrnoException).code ?? '';
