/**
 * Paths inside the emulator are byte strings: one character per byte (latin1), so that a name that is not UTF-8 keeps
 * its bytes from the guest to the host and back.
 */
export const toHostPath = (path: string): Buffer => Buffer.from(path, 'latin1');

/** A byte string for an ordinary JavaScript string (options, identity). */
export const toByteString = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

export const fromBytes = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');

export const toBytes = (path: string): Uint8Array => Buffer.from(path, 'latin1');
