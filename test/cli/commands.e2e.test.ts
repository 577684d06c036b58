/** The built command line on the bundled samples: what people see, and what scripts can rely on. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runJs, sample } from '../support/cli.js';

const scratch = mkdtempSync(join(tmpdir(), 'armstalk-commands-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const armstalk = (args: readonly string[], input = '') => {
  const { stdout, stderr, status } = spawnSync(process.execPath, [runJs, ...args], {
    cwd: scratch,
    input,
    encoding: 'utf8',
  });
  return { stdout, stderr, status };
};

describe('run', () => {
  test('ends with one line that says how it went', () => {
    const { stdout, stderr, status } = armstalk(['run', '-o', 'lock.pb', sample('lock-thumb')], '4711\n');
    expect([stdout, status]).toEqual(['unlocked\n', 0]);
    expect(stderr).toMatch(
      /^armstalk: exit 0; [\d,]+ instructions, [\d,]+ calls, [\d,]+ blocks, 1 thread; wrote lock\.pb \(\d+ kB\)\n$/,
    );
  });

  test('says nothing with -q', () => {
    expect(armstalk(['run', '-q', '-o', 'quiet.pb', sample('hello-arm')]).stderr).toBe('');
  });

  test('keeps the trace before as trace.pb.old, and does not touch it for a program that is not there', () => {
    armstalk(['run', '-q', sample('hello-arm')]);
    const first = readFileSync(join(scratch, 'trace.pb'));
    armstalk(['run', '-q', './nope']);
    expect(existsSync(join(scratch, 'trace.pb.old'))).toBe(false);
    armstalk(['run', '-q', sample('fib-arm')]);
    expect(readFileSync(join(scratch, 'trace.pb.old')).equals(first)).toBe(true);
  });

  test.each([[['--probe', 'check_pin']], [['--probe', 'lock-thumb!check_pin']], [['-p', 'check_pin+0x2']]])(
    'counts the hits of a probe at %s',
    (probe) => {
      const { stderr, status } = armstalk(['run', sample('lock-thumb'), ...probe, '-o', 'probe.pb'], '4711\n');
      expect(stderr).toMatch(/; 1 probe hit; /);
      expect(status).toBe(0);
    },
  );

  test('warns of a probe that matches nothing', () => {
    expect(armstalk(['run', sample('hello-arm'), '-p', 'no_such', '-o', 'none.pb']).stderr).toContain(
      'armstalk: warning: the probe no_such matches nothing\n',
    );
  });

  test('writes a report that says how it ended', () => {
    const { stderr } = armstalk(['run', '-q', '--report', 'report.json', '-o', 'crash.pb', sample('crash-arm')]);
    const report = JSON.parse(readFileSync(join(scratch, 'report.json'), 'utf8'));
    expect(report).toMatchObject({
      schema: 'armstalk.run/1',
      end: { reason: 'signal', signo: 11, signalName: 'SIGSEGV' },
      exitCode: 139,
      crash: { signal: 'SIGSEGV', code: 'SEGV_MAPERR' },
    });
    expect(report.crash.backtrace.map(({ text }: { text: string }) => text.replace(/\+.*/, ''))).toEqual([
      'crash-arm!scribble',
      'crash-arm!careless',
      'crash-arm!main',
      'crash-arm!_start',
    ]);
    expect(stderr).toBe('');
  });

  test('prints the report instead of the guest’s output with --json, which moves to standard error', () => {
    const { stdout, stderr } = armstalk(['run', '--json', '-o', 'json.pb', sample('hello-arm')]);
    expect(JSON.parse(stdout)).toMatchObject({ end: { reason: 'exit', exitCode: 0 }, exitCode: 0 });
    expect(stderr).toContain('Hello');
  });

  test('shows calls as a tree while they happen', () => {
    const { stderr } = armstalk(['run', '--live', '-q', '-o', 'live.pb', sample('lock-arm')], '4711\n');
    const tree = stderr.slice(stderr.indexOf('check_pin() {'));
    expect(
      tree
        .split('\n')
        .slice(1, 7)
        .map((line) => line.replace(/^\[\d+\] */, '')),
    ).toEqual(['strlen();', 'cmp_digit();', 'cmp_digit();', 'cmp_digit();', 'cmp_digit();', 'hash_pin();']);
  });

  test('shows system calls as strace does', () => {
    const { stderr } = armstalk(['run', '--no-trace', '-q', '--live=strace', sample('lock-arm')], '4711\n');
    expect(stderr).toMatch(/^\[\d+\] read\(0, "4711\\n", 15\) +?= 5$/m);
    expect(stderr).toMatch(/\+\+\+ exited with 0 \+\+\+\n$/);
  });

  test.each([
    [['run'], /which program/],
    [['run', '--events', 'calls', 'x'], /no event kind "calls"/],
    [['run', '--probe', '!', 'x'], /cannot make sense of the probe/],
    [['run', '-o', 'x.pb', '--no-trace', 'x'], /contradict/],
    [['run', '--timeout', 'soon', 'x'], /needs a duration/],
  ])('%j is exit code 125', (args, message) => {
    const { stdout, stderr, status } = armstalk(args);
    expect([status, stdout]).toEqual([125, '']);
    expect(stderr).toMatch(message);
  });

  test('says why a trace cannot be written, with 125', () => {
    const { stderr, status } = armstalk(['run', '-o', '/nonexistent/t.pb', sample('hello-arm')]);
    expect(status).toBe(125);
    expect(stderr).toContain('cannot write the trace to /nonexistent/t.pb: ENOENT');
  });

  test('errors are one line of JSON on standard error with --json', () => {
    const { stdout, stderr, status } = armstalk(['run', '--json', './nope']);
    expect([stdout, status]).toEqual(['', 127]);
    expect(JSON.parse(stderr).error).toMatchObject({ code: 'not-found', message: './nope does not exist' });
  });

  test('stops at a time limit with 124 and a whole trace', () => {
    const { status, stderr } = armstalk(['run', '--timeout', '300ms', '-o', 'limit.pb', sample('fib-arm'), '--', '45']);
    expect(status).toBe(124);
    expect(stderr).toContain('stopped by timeout');
    expect(armstalk(['info', '--strict', 'limit.pb']).status).toBe(0);
  });
});

describe('reading', () => {
  beforeAll(() => {
    armstalk(['run', '-q', '-o', 'lock.pb', '-e', '+block', sample('lock-thumb'), '-p', 'cmp_digit'], '4711\n');
  });

  test('summarize is a table between comment lines', () => {
    const { stdout, stderr, status } = armstalk(['summarize', 'lock.pb', '-F', 'check_pin', '--top', '2']);
    expect([stderr, status]).toEqual(['', 0]);
    const lines = stdout.split('\n');
    expect(lines[0]).toMatch(/^# lock\.pb: .*lock-thumb, build-id [0-9a-f]{8}, [\d,]+ insns, exit 0, complete$/);
    expect(lines[1]).toMatch(/^ +CALLS +TOTAL +SELF +SELF% +FUNCTION$/);
    expect(lines[2]).toMatch(/^ +1 +\d+ +\d+ +\d+\.\d% +check_pin$/);
    expect(lines[4]).toMatch(/^# 2 more functions, 0 lost events, deepest stack \d+$/);
  });

  test.each([
    ['function', /check_pin/],
    ['module', /lock-thumb/],
    ['thread', /1000/],
    ['callsite', /check_pin\+0x[0-9a-f]+ +cmp_digit/],
    ['syscall', /1 +0 +read/],
    ['probe', /4 +cmp_digit/],
    ['block', /cmp_digit/],
  ])('summarize --by %s', (by, row) => {
    const { stdout, status } = armstalk(['summarize', 'lock.pb', '--by', by, '--top', '0']);
    expect(status).toBe(0);
    expect(stdout).toMatch(row);
  });

  test('summarize --csv is for programs', () => {
    const { stdout } = armstalk(['summarize', 'lock.pb', '--csv', '-f', 'function,calls', '-F', 'cmp_digit']);
    expect(stdout).toBe('FUNCTION,CALLS\ncmp_digit,4\n');
    expect(armstalk(['summarize', 'lock.pb', '--tsv', '--no-header', '-f', 'calls', '-F', 'cmp_digit']).stdout).toBe(
      '4\n',
    );
  });

  test('summarize --json is one object with complete locations', () => {
    const summary = JSON.parse(armstalk(['summarize', 'lock.pb', '--json', '-I', 'lock-*', '--top', '1']).stdout);
    expect(summary).toMatchObject({ schema: 'armstalk.summary/1', by: 'function', sort: 'self' });
    expect(summary.functions).toHaveLength(1);
    expect(summary.functions[0]).toMatchObject({
      module: 'lock-thumb',
      offset: expect.stringMatching(/^0x[0-9a-f]+$/),
    });
  });

  test('summarize --tree shows what called what, at most --top paths with all that lead to them', () => {
    const { stdout, status } = armstalk(['summarize', 'lock.pb', '--tree', '-F', 'check_pin', '--no-header']);
    expect(status).toBe(0);
    const lines = stdout.trimEnd().split('\n');
    expect(lines[0]).toMatch(/^ +1 +\d+ +\d+ +\d+\.\d% {2}check_pin$/);
    expect(lines.slice(1).map((line) => line.slice(line.indexOf('%') + 1))).toEqual([
      '    strlen',
      '    hash_pin',
      '    cmp_digit',
    ]);
    const { tree } = JSON.parse(armstalk(['summarize', 'lock.pb', '--tree', '--top', '2', '--json']).stdout);
    expect(tree).toMatchObject([{ symbol: '_start', children: [{ symbol: '__libc_start_main', children: [] }] }]);
  });

  test('summarize --jsonl is the trace and then a row on each line', () => {
    const { stdout } = armstalk(['summarize', 'lock.pb', '--jsonl', '-s', 'calls,symbol', '--top', '3']);
    const [trace, ...rows] = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(trace).toMatchObject({ type: 'trace', schema: 'armstalk.summary/1', by: 'function', sort: 'calls' });
    expect(rows).toHaveLength(3);
    expect(rows.map(({ calls }) => calls)).toEqual(rows.map(({ calls }) => calls).sort((a, b) => b - a));
  });

  test('summarize keeps to threads, depth, range and cost', () => {
    const calls = (...args: string[]) =>
      armstalk(['summarize', 'lock.pb', '--csv', '--no-header', '-f', 'function,calls', '--top', '0', ...args]).stdout;
    expect(calls('--tid', '1,2')).toBe('');
    expect(calls('--tid', '1,1000')).toBe(calls());
    expect(calls('-F', 'main', '-D', '1')).toBe('main,1\n');
    expect(calls('-C', 'cmp_digit', '-F', 'check_pin')).toBe('check_pin,1\ncmp_digit,4\n');
    expect(calls('-F', 'check_pin', '-t', '26')).toBe('check_pin,1\nstrlen,1\n');
    expect(calls('-F', 'check_pin', '-H', 'cmp_*')).toBe('check_pin,1\nstrlen,1\nhash_pin,1\n');
    expect(calls('-r', '0~0')).toBe('');
  });

  test('summarize merges several traces, or keeps them apart with --each', () => {
    const calls = (...args: string[]) =>
      armstalk(['summarize', 'lock.pb', 'lock.pb', '--csv', '-f', 'calls', '--no-header', '-F', 'cmp_digit', ...args])
        .stdout;
    expect(calls()).toBe('8\n');
    expect(calls('--each')).toBe('4\n4\n');
  });

  test('info tells what a trace is', () => {
    const { stdout, status } = armstalk(['info', 'lock.pb']);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^format {2}armstalk\.v1, 1 segment, .* complete, crc ok, nothing lost$/m);
    expect(stdout).toMatch(/^program .*lock-thumb {2}build-id [0-9a-f]{40} {2}argv .* exit 0$/m);
    expect(stdout).toMatch(/^events {2}call \d+ {2}ret \d+ {2}block [\d,]+ {2}compile \d+ {2}syscall \d+ {2}probe 4/m);
    const [, proto] = /^schema {2}(.*)$/m.exec(stdout) ?? [];
    expect(existsSync(proto ?? '')).toBe(true);
  });

  test('a cut trace is a warning, or 3 with --strict', () => {
    const whole = readFileSync(join(scratch, 'lock.pb'));
    writeFileSync(join(scratch, 'cut.pb'), whole.subarray(0, whole.length - 100));
    const { stderr, status } = armstalk(['summarize', 'cut.pb']);
    expect(status).toBe(0);
    expect(stderr).toMatch(/^armstalk: warning: cut\.pb: .* packets? \([\d,]+ events?\) intact\n$/);
    expect(armstalk(['info', '--strict', 'cut.pb']).status).toBe(3);
  });

  test.each([
    [['summarize', 'absent.pb'], /absent\.pb does not exist/],
    [['info', runJs], /is not an armstalk trace/],
    [['summarize', '--by', 'colour', 'lock.pb'], /--by cannot be "colour"/],
    [['summarize', '-f', 'colour', 'lock.pb'], /there is no column "colour"/],
    [['summarize', '--colour', 'lock.pb'], /unknown option --colour/],
    [['summarize', '-s', 'colour', 'lock.pb'], /by function cannot be ordered by "colour"/],
    [['summarize', '--json', '--csv', 'lock.pb'], /contradict/],
    [['summarize', '--tree', '--by', 'block', 'lock.pb'], /--tree is made of functions/],
  ])('%j is exit code 2', (args, message) => {
    const { stdout, stderr, status } = armstalk(args);
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(message);
  });
});

describe('oclif', () => {
  test('explains the commands', () => {
    expect(armstalk(['--help']).stdout).toMatch(/run +run an ARM program and record what it does/);
    const { stdout, status } = armstalk(['run', '--help']);
    expect(status).toBe(0);
    for (const flag of ['--probe', '--events', '--live', '--max-insns', '--sysroot']) expect(stdout).toContain(flag);
  });

  test('knows the version and the other names of commands', () => {
    expect(armstalk(['--version']).stdout).toMatch(/^armstalk\/\d+\.\d+\.\d+ /);
    expect(armstalk(['record', '-q', '--no-trace', sample('hello-arm')]).stdout).toContain('Hello');
  });
});

test('a reader that goes away ends us quietly with 141', () => {
  const script = `'${process.execPath}' '${runJs}' summarize --top 0 --by block '${join(scratch, 'lock.pb')}'`;
  const pipe = spawnSync('bash', ['-c', `${script} | true; echo "\${PIPESTATUS[0]}"`], { encoding: 'utf8' });
  expect(['0\n', '141\n']).toContain(pipe.stdout);
  expect(pipe.stderr).toBe('');
});
