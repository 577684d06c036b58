import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

const READ_BYTES = 1 << 16;
const LOOK_AGAIN_MS = 100;

/**
 * The bytes of a file that is still being written: at its end, waits for more until `isOver` says that there will be
 * none. A file that becomes shorter is another recording and ends this one. The path must exist and be readable.
 */
export async function* growingFile(path: string, isOver: () => boolean): AsyncGenerator<Uint8Array> {
  const fd = openSync(path, 'r');
  try {
    let at = 0;
    for (;;) {
      const piece = Buffer.allocUnsafe(READ_BYTES);
      const length = readSync(fd, piece, 0, READ_BYTES, at);
      at += length;
      if (length > 0) yield piece.subarray(0, length);
      else if (isOver() || fstatSync(fd).size < at) return;
      else await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
    }
  } finally {
    closeSync(fd);
  }
}
