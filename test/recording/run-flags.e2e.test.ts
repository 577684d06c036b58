/** The flags that steer the Stalker, as people use them. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { runJs, sample } from '../support/cli.js';

const scratch = mkdtempSync(join(tmpdir(), 'armstalk-run-flags-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const armstalk = (...args: readonly string[]) => {
  const { stdout, stderr, status } = spawnSync(process.execPath, [runJs, ...args], {
    cwd: scratch,
    input: '4711\n',
    encoding: 'utf8',
  });
  return { stdout, stderr, status };
};
const lock = sample('lock-thumb');

describe('--exclude', () => {
  test('leaves the calls and their system calls and drops what else they do, for every one that is given', () => {
    const { stdout, status } = armstalk('run', '-q', lock, '-o', 'e.pb', '--exclude', 'check_pin', '--exclude', 'puts');
    expect([stdout, status]).toEqual(['unlocked\n', 0]);
    const { stdout: tree } = armstalk('replay', 'e.pb', '-F', 'main');
    expect(tree).toMatch(/ check_pin\(\);.*\n.* unlock\(\) \{\n.* puts\(\) \{\n.* statx\(.*\n.* \} \/\* puts/);
    expect(tree).not.toContain('cmp_digit');
  });

  test('says when there is nothing of the name; --strict refuses', () => {
    const { stderr, status } = armstalk('run', lock, '--no-trace', '--exclude', 'nix');
    expect([stderr.split('\n')[0], status]).toEqual(['armstalk: warning: the exclusion nix matches nothing', 0]);
    expect(armstalk('run', lock, '--no-trace', '--exclude', 'nix', '--strict')).toEqual({
      stdout: '',
      stderr: 'armstalk: error: the exclusion nix matches nothing\n  hint: without --strict it is only a warning\n',
      status: 125,
    });
  });
});

describe('--follow-from', () => {
  test('begins there, in calls and system calls', () => {
    expect(armstalk('run', '-q', lock, '-o', 'f.pb', '--follow-from', 'check_pin').status).toBe(0);
    expect(armstalk('replay', 'f.pb').stdout).toMatch(/^#.*\n +1000 {2}check_pin\(\) \{\n.* strlen\(\);/);
    expect(armstalk('replay', 'f.pb', '--strace').stdout).not.toContain('brk');
  });

  test.each(['no_such', '0x', 'str*'])('%s is an error', (place) => {
    const { stdout, stderr, status } = armstalk('run', lock, '--no-trace', '--follow-from', place);
    expect([stdout, status]).toEqual(['', 125]);
    expect(stderr).toMatch(/^armstalk: error: .*\n {2}hint: .*\n$/);
  });
});

test('--trust-threshold is a matter of self-modifying code under gum: 0 never sees it', () => {
  const blocks = (threshold: string) => {
    const { stdout } = armstalk(
      'run',
      sample('fib-arm'),
      '-o',
      't.pb',
      '--stats',
      '--profile',
      'gum',
      `--trust-threshold=${threshold}`,
      '--tier',
      'cold',
      '--report',
      't.json',
    );
    expect(stdout).toBe('fib(20) = 6765\n');
    return JSON.parse(readFileSync(join(scratch, 't.json'), 'utf8')).stats;
  };
  const [never, atOnce, once] = [blocks('-1'), blocks('0'), blocks('1')];
  expect(never.links).toBe(0);
  expect(atOnce.dispatches).toBeLessThan(once.dispatches);
  expect(once.dispatches).toBeLessThan(never.dispatches);
  expect(armstalk('run', lock, '--trust-threshold', '-2')).toMatchObject({ status: 125 });
});

describe('--stats', () => {
  test('three lines on standard error, and the same numbers in the report', () => {
    const { stdout, stderr } = armstalk('run', '--json', '-o', 's.pb', '--stats', '--tier', 'hot', sample('fib-thumb'));
    const { stats } = JSON.parse(stdout);
    const [, dispatches, compiled] =
      /^armstalk: dispatches ([\d,]+), links .*blocks: ([\d,]+) compiled/m.exec(stderr) ?? [];
    expect([dispatches, compiled]).toEqual(
      [stats.dispatches, stats.blocks.compiled].map((n) => n.toLocaleString('en')),
    );
    expect(stderr).toMatch(/^armstalk: hot code: [1-9]\d* modules?, [\d,]+ functions?, [\d,]+ bytes$/m);
    expect(stats.hot.bytes).toBeGreaterThan(0);
    expect(stats.held).toMatchObject({ contexts: 1, shadowStacks: 1, probes: 0 });
    expect(stats.held.blocks).toBe(stats.blocks.compiled);
  });

  test('the same twice; not there unless asked for', () => {
    const stats = () =>
      JSON.parse(armstalk('run', '-q', '--json', '-o', 's.pb', '--stats', sample('fib-thumb')).stdout);
    expect(stats()).toEqual(stats());
    expect(JSON.parse(armstalk('run', '-q', '--json', '-o', 's.pb', sample('fib-thumb')).stdout).stats).toBeUndefined();
  });
});

test('replay --verify repeats a run with all of these', () => {
  const options = ['--exclude', 'fib', '--follow-from', 'main', '--trust-threshold', '3'];
  expect(armstalk('run', '-q', '-o', 'v.pb', sample('fib-thumb'), ...options).status).toBe(0);
  const { stderr, status } = armstalk('replay', '--verify', 'v.pb');
  expect(stderr).toMatch(/^armstalk: verified: /m);
  expect(status).toBe(0);
});
