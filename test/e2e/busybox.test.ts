/**
 * Debian armhf busybox-static, fetched by apt when the test runs: every command line gives the same bytes on stdout, the
 * same exit code and the same files as under qemu-arm. Both runs happen in the same directory, made anew for each.
 */
import { createHash } from 'node:crypto';
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runGuest } from '../support/cli.js';
import { debianPackage } from '../support/debian.js';
import { isWholeRun } from '../support/long-run.js';
import { type RunOptions, type RunResult, runQemu } from '../support/qemu.js';
import { type BusyboxCommand, busyboxCommands, makeFixtures } from './busybox-commands.js';

/** Every path below a directory with its mode and what it holds. */
const listing = (directory: string): string[] => {
  const paths = readdirSync(directory, { recursive: true, encoding: 'utf8' }).sort();
  return paths.map((path) => {
    const full = join(directory, path);
    const stat = lstatSync(full);
    const content = stat.isSymbolicLink()
      ? readlinkSync(full)
      : stat.isFile()
        ? createHash('sha256').update(readFileSync(full)).digest('hex').slice(0, 16)
        : '';
    return `${stat.mode.toString(8)} ${path} ${content}`;
  });
};

const scratch = realpathSync(mkdtempSync(join(tmpdir(), 'armstalk-busybox-')));
const work = join(scratch, 'work');
let busybox = '';

beforeAll(() => {
  busybox = `${debianPackage('busybox-static')}/bin/busybox`;
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const outcome = (
  run: (program: string, options: RunOptions) => RunResult,
  { args, stdin, anyOrder = false }: BusyboxCommand,
) => {
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work);
  makeFixtures(work);
  const options = { args, ...(stdin === undefined ? {} : { stdin }), cwd: work, argv0: 'busybox' };
  const { stdout, status } = run(busybox, options);
  const text = stdout.toString('latin1');
  return { status, stdout: anyOrder ? text.split('\n').sort().join('\n') : text, files: listing(work) };
};

/** `npm test` takes every third. */
const chosen = busyboxCommands.filter((_, n) => isWholeRun || n % 3 === 0);

describe('busybox does what it does under qemu-arm', () => {
  it.each(chosen.map((command) => [command.args.join(' ').replaceAll('\n', '\\n'), command] as const))(
    '%s',
    (_title, command) => expect(outcome(runGuest, command)).toEqual(outcome(runQemu, command)),
  );
});
