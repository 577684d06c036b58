/** A line on standard error that says how far reading has come: only on a terminal, only when it takes a while. */
import { statSync } from 'node:fs';
import { basename } from 'node:path';
import type { TraceReader } from '../index.js';
import { escapeText } from './escape.js';
import { writeStderr } from './output.js';

const PATIENCE_MS = 1000;
const PERIOD_MS = 100;
const BAR = 30;
const ERASE = '\r\u001b[K';

const sizeOf = (path: string): number | undefined => {
  const stat = path === '-' ? undefined : statSync(path, { throwIfNoEntry: false });
  return stat?.isFile() ? stat.size : undefined;
};

/** `reading fib.pb [######                        ]  21%`, or megabytes where the end is not known. */
export const progressText = (name: string, bytes: number, size: number | undefined): string => {
  const what = `reading ${escapeText(name === '-' ? 'standard input' : basename(name))}`;
  if (size === undefined || size === 0 || bytes > size) return `${what} ${(bytes / 1e6).toFixed(0)} MB`;
  const share = bytes / size;
  return `${what} [${'#'.repeat(Math.floor(share * BAR)).padEnd(BAR)}] ${`${Math.floor(share * 100)}`.padStart(3)}%`;
};

/**
 * Shows how far `readers` are while they are read; the result takes the line away again. Nothing is shown where the output
 * itself goes to the terminal as it is made.
 */
export const showProgress = (
  readers: readonly TraceReader[],
  isQuiet: boolean,
  streamsOutput = false,
): (() => void) => {
  const isWanted = process.stderr.isTTY === true && !isQuiet && !(streamsOutput && process.stdout.isTTY === true);
  if (!isWanted) return () => {};
  let next = performance.now() + PATIENCE_MS;
  let isShown = false;
  for (const reader of readers) {
    const size = sizeOf(reader.name);
    reader.onProgress = (bytes) => {
      const now = performance.now();
      if (now < next) return;
      next = now + PERIOD_MS;
      isShown = true;
      writeStderr(`${ERASE}${progressText(reader.name, bytes, size)}`);
    };
  }
  return () => {
    for (const reader of readers) reader.onProgress = undefined;
    if (isShown) writeStderr(ERASE);
  };
};
