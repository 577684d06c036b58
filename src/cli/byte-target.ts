/** Where a command's bytes go when the user may name a file: that file, or standard output. */
import { closeSync, openSync, statSync } from 'node:fs';
import { isatty } from 'node:tty';
import { OutputError, UsageError } from '../errors.js';
import { writeAll } from './output.js';

export interface ByteTarget {
  readonly name: string;
  write(bytes: Uint8Array): void;
  close(): void;
}

const isSameFile = (a: string, b: string): boolean => {
  const [one, other] = [a, b].map((path) => statSync(path, { throwIfNoEntry: false }));
  return one !== undefined && other !== undefined && one.ino === other.ino && one.dev === other.dev;
};

/** Throws UsageError when writing `output` would destroy `input` while it is read. */
export const refuseOverwrite = (input: string, output: string): void => {
  if (input === '-' || output === '-' || !isSameFile(input, output)) return;
  throw new UsageError(`${output} is the trace that is read`, { hint: 'choose another name with --output' });
};

/** Throws UsageError when bytes would land on a terminal. */
export const refuseTerminal = (output: string, what: string): void => {
  if (output !== '-' || !isatty(1)) return;
  throw new UsageError(`${what} is not for a terminal`, { hint: 'choose a file with --output, or redirect' });
};

/** `-` is standard output. Throws OutputError. */
export const openTarget = (output: string): ByteTarget => {
  if (output === '-') return { name: 'standard output', write: (bytes) => writeAll(1, bytes), close: () => {} };
  const attempt = <T>(what: () => T): T => {
    try {
      return what();
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      throw new OutputError(`cannot write ${output}: ${code}`, { cause: error, details: { errno: code } });
    }
  };
  const fd = attempt(() => openSync(output, 'w'));
  return { name: output, write: (bytes) => attempt(() => writeAll(fd, bytes)), close: () => closeSync(fd) };
};
