/** Guest strings: bytes of UTF-8 in memory, JavaScript strings on our side. */
const encoder = new TextEncoder();

export const toBytes = (text: string): Uint8Array => encoder.encode(text);

/** The bytes of `text` and a NUL. */
export const toCString = (text: string): Uint8Array => {
  const bytes = encoder.encode(text);
  const result = new Uint8Array(bytes.length + 1);
  result.set(bytes);
  return result;
};
