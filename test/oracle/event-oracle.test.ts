/**
 * The event oracle: calls, returns and blocks of our trace against those qemu-arm's single-step log implies. Both sides
 * get the same argv, environment and directory; qemu runs as a core without NEON, so that glibc picks the same routines.
 * Differences that stem from the emulators and not from the program are kept out: the kuser page has no code in qemu.
 */
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { makeFixtures } from '../e2e/busybox-commands.js';
import { repository, sample } from '../support/cli.js';
import { debianPackage } from '../support/debian.js';
import { isLongRun } from '../support/long-run.js';
import { ORACLE_CPU, type RunOptions } from '../support/qemu.js';
import { compile } from '../support/toolchain.js';
import { compareRuns } from './compare.js';
import { recordRun } from './record-run.js';
import { recordedRun } from './recorded-events.js';
import { referenceRun } from './reference-events.js';

const scratch = realpathSync(mkdtempSync(join(tmpdir(), 'armstalk-oracle-')));
const work = join(scratch, 'work');
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const freshDirectory = (): void => {
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work);
  makeFixtures(work);
};

/** Runs both sides and expects no difference; gives the number of events compared. */
const expectAgreement = async (program: string, options: RunOptions): Promise<number> => {
  const argv0 = options.argv0 ?? program;
  const trace = join(scratch, 'trace.pb');
  freshDirectory();
  const run = await recordRun(program, { ...options, argv0, cwd: work }, trace);
  freshDirectory();
  const reference = await referenceRun(program, { ...options, argv0, cwd: work, cpu: ORACLE_CPU });
  expect(run.stderr.toString('latin1')).toBe(reference.result.stderr.replace(/^qemu: .*\n/gm, ''));
  expect({ status: run.status, stdout: run.stdout.toString('latin1') }).toEqual({
    status: reference.result.status,
    stdout: reference.result.stdout.toString('latin1'),
  });
  const { events, differences } = compareRuns(await recordedRun(trace), reference);
  expect(differences.join('\n')).toBe('');
  return events;
};

describe('samples without a C library', () => {
  const names = [
    'hello',
    'fib',
    'deep-recursion',
    'longjmp',
    'tail-call',
    'switch-table',
    'segv-handler',
    'smc',
    'cat',
  ];
  it.each(names.flatMap((name) => [`${name}-arm`, `${name}-thumb`]))('%s', async (name) => {
    const args = name.startsWith('deep') ? ['1500'] : name.startsWith('fib') ? ['12'] : [];
    expect(await expectAgreement(sample(name), { args, stdin: 'to standard output\n' })).toBeGreaterThan(1);
  });

  it.each(['thumb-interwork', 'it-blocks', 'undefined-arm', 'undefined-thumb', 'kuser-helpers-arm', 'hello-armv4t'])(
    '%s',
    async (name) => expect(await expectAgreement(sample(name), {})).toBeGreaterThan(1),
  );
});

describe('static glibc programs', () => {
  it.each(['lock-arm', 'lock-thumb'])('%s', async (name) => {
    expect(await expectAgreement(sample(name), { stdin: '4711\n' })).toBeGreaterThan(100);
  });
  it.each(['float-thumb'])('%s', async (name) => {
    expect(await expectAgreement(sample(name), {})).toBeGreaterThan(1000);
  });
  // With soft floats it takes as long as all samples together.
  it.each([['hard', '-marm'] as const, ...(isLongRun ? [['soft', '-mthumb'] as const] : [])])(
    'the sorting half of the library walk, %s float %s',
    async (abi, isa) => {
      const source = readFileSync(`${repository}test/e2e/programs/library.c`, 'utf8').replace('  heap();\n', '');
      const program = compile('library-short', source, { abi, flags: [isa, '-O2'], libraries: ['-lm'] });
      expect(await expectAgreement(program, {})).toBeGreaterThan(1000);
    },
  );
});

/** `npm test` takes every third. */
const commands = [
  'cat words.txt numbers.txt',
  'wc words.txt numbers.txt table.txt',
  'tr a-z A-Z',
  'base64 packed.gz',
  'md5sum words.txt',
  'gunzip -c packed.gz',
  'bunzip2 packed.bz2',
  'unxz -c packed.xz',
  'tar tf tree.tar',
  'ls -l -n words.txt numbers.txt',
  'expr 6 * 7',
  'cal 2 2024',
  'grep -c word9 words.txt',
  'sort words.txt',
  'sh -c i=0;while\t[\t$i\t-lt\t9\t];do\ti=$((i+1));echo\t$i;done',
].filter((_, n) => isLongRun || n % 3 === 2);

describe('Debian busybox', () => {
  it.each(commands)('busybox %s', { timeout: 300_000 }, async (line) => {
    const args = line.split(' ').map((word) => word.replaceAll('\t', ' '));
    const program = `${debianPackage('busybox-static')}/bin/busybox`;
    expect(await expectAgreement(program, { args, argv0: 'busybox', stdin: 'some text\n' })).toBeGreaterThan(100);
  });
});
