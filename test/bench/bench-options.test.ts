import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { repository } from '../support/cli.js';
import { BenchUsageError, benchOptions } from './bench-options.js';

test('options have values, or none where they need none', () => {
  expect(benchOptions(['--size', '0.5', '--json', '-', '--no-busybox'])).toMatchObject({
    size: '0.5',
    rounds: '3',
    json: '-',
    'no-busybox': true,
  });
});

test.each([
  [['--json'], "Option '--json <value>' argument missing"],
  [['--json='], '--json needs a file or -'],
  [['--rounds', '0'], '--rounds needs a count, not "0"'],
  [['--size', 'big'], '--size needs a number above 0, not "big"'],
  [['--isa', 'mips'], '--isa is thumb or arm, not "mips"'],
  [['--filter', '('], '--filter "(" is not a regular expression'],
  [['--frobnicate'], "Unknown option '--frobnicate'"],
  [['sha256'], "Unexpected argument 'sha256'"],
])('%j is refused', (words, message) => {
  expect(() => benchOptions(words)).toThrow(BenchUsageError);
  expect(() => benchOptions(words)).toThrow(message);
});

test('the bench says so in a line and its usage, and exits with 2', () => {
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    ['--import', 'tsx', 'test/bench/bench.ts', '--rounds', '1', '--json'],
    { cwd: repository, encoding: 'utf8' },
  );
  expect([stdout, status]).toEqual(['', 2]);
  expect(stderr).toMatch(/^bench: Option '--json <value>' argument missing\nusage: npm run bench -- \[--size 1\]/);
  expect(stderr).not.toMatch(/^ +at /m);
});
