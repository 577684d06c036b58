import { readFileSync } from 'node:fs';
import { UsageError } from '../../errors.js';

/** The probes in a file, one a line; empty lines and those that begin with `#` say nothing. Throws UsageError. */
export const readProbeFile = (path: string): string[] => {
  try {
    return readFileSync(path, 'utf8')
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '' && !line.startsWith('#'));
  } catch (error) {
    throw new UsageError(`the probes in ${path} cannot be read: ${(error as NodeJS.ErrnoException).code}`, {
      cause: error,
    });
  }
};
