import { brotliCompressSync, brotliDecompressSync, deflateRawSync, inflateRawSync, constants as zlib } from 'node:zlib';

/** Codec numbers of the Packed message. */
export const CODEC = { none: 0, deflate: 1, brotli: 2 } as const;
export type CodecName = keyof typeof CODEC;

const BROTLI = { params: { [zlib.BROTLI_PARAM_QUALITY]: 1, [zlib.BROTLI_PARAM_LGWIN]: 18 } };
const DEFLATE = { level: 1 };

export const compress = (codec: 'deflate' | 'brotli', bytes: Uint8Array): Uint8Array =>
  codec === 'deflate' ? deflateRawSync(bytes, DEFLATE) : brotliCompressSync(bytes, BROTLI);

/**
 * Unpacks at most `rawSize` bytes, whatever the data claims. Throws RangeError when it holds more or less, an Error of
 * zlib's when it is damaged, and RangeError for a codec this version does not know.
 */
export const decompress = (codec: number, data: Uint8Array, rawSize: number): Uint8Array => {
  const options = { maxOutputLength: Math.max(1, rawSize) };
  if (codec !== CODEC.deflate && codec !== CODEC.brotli) throw new RangeError(`unknown codec ${codec}`);
  const raw = codec === CODEC.deflate ? inflateRawSync(data, options) : brotliDecompressSync(data, options);
  if (raw.length !== rawSize) throw new RangeError(`unpacks to ${raw.length} bytes instead of ${rawSize}`);
  return raw;
};
