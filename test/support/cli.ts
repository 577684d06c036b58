/** The built command line, run as a user would. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type RunOptions, type RunResult, runCommand } from './qemu.js';

export const repository = fileURLToPath(new URL('../../', import.meta.url));
export const runJs = `${repository}bin/run.js`;
export const sample = (name: string): string => `${repository}samples/bin/${name}`;

/** Whether `npm run build` has produced the commands. */
export const isBuilt = (): boolean => existsSync(`${repository}dist/commands/run.js`);

/** `armstalk ARGS`. */
export const armstalk = (args: readonly string[], options: RunOptions = {}): RunResult =>
  runCommand(process.execPath, [runJs, ...args], options);

/** An ARM program untraced, with the same environment and argv0 as `runQemu` gives it. */
export const runGuest = (program: string, options: RunOptions = {}): RunResult => {
  const argv0 = options.argv0 === undefined ? [] : ['--argv0', options.argv0];
  return armstalk(['run', '--no-trace', '-q', ...argv0, program, '--', ...(options.args ?? [])], options);
};
