/**
 * Writing to the standard streams, synchronously, so that nothing is lost when the process ends and our words stand in
 * the right place between the guest's.
 */
import { Console } from 'node:console';
import { writeSync } from 'node:fs';

/** What a shell reports for a process killed by SIGPIPE; said without a message. */
const EXIT_READER_GONE = 141;

const sleepCell = new Int32Array(new SharedArrayBuffer(4));

/** Writes all of `data` to `fd`, waiting while a pipe is full. Ends the process quietly when the reader has gone. */
export const writeAll = (fd: number, data: string | Uint8Array): void => {
  let rest = typeof data === 'string' ? Buffer.from(data) : data;
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(fd, rest));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EPIPE') process.exit(EXIT_READER_GONE);
      if (code !== 'EAGAIN') throw error;
      Atomics.wait(sleepCell, 0, 0, 1);
    }
  }
};

export const writeStdout = (text: string): void => writeAll(1, text);
export const writeStderr = (text: string): void => writeAll(2, text);

/** A note to the person at the terminal. */
export const note = (text: string): void => writeStderr(`armstalk: ${text}\n`);

/** What a script prints is not the program's output. */
export const consoleToStderr = (): void => {
  globalThis.console = new Console(process.stderr);
};
