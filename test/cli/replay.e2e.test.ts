/** The built `diff` and `replay`: exit codes, pipes, and what the program's own streams carry. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runJs, sample } from '../support/cli.js';

const scratch = mkdtempSync(join(tmpdir(), 'armstalk-replay-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const armstalk = (args: readonly string[], input = '') => {
  const { stdout, stderr, status } = spawnSync(process.execPath, [runJs, ...args], {
    cwd: scratch,
    input,
    env: {},
    encoding: 'utf8',
  });
  return { stdout, stderr, status };
};

beforeAll(() => {
  armstalk(['run', '-q', '-o', 'good.pb', '-e', '+block', sample('lock-thumb')], '4711\n');
  armstalk(['run', '-q', '-o', 'bad.pb', '-e', '+block', sample('lock-thumb')], '4721\n');
});

describe('diff', () => {
  test('of a trace with itself is silent and 0', () => {
    expect(armstalk(['diff', 'good.pb', 'good.pb'])).toEqual({ stdout: '', stderr: '', status: 0 });
  });

  test('of two that differ is 1, silent with -q', () => {
    const { stdout, stderr, status } = armstalk(['diff', 'good.pb', 'bad.pb']);
    expect([status, stderr]).toEqual([1, '']);
    expect(stdout).toContain('cbz r0, 0x104b0');
    expect(armstalk(['diff', '-q', 'good.pb', 'bad.pb'])).toEqual({ stdout: '', stderr: '', status: 1 });
  });

  test('without operands compares the trace before with the last one', () => {
    armstalk(['run', '-q', sample('hello-thumb')]);
    armstalk(['run', '-q', sample('hello-thumb')]);
    expect(armstalk(['diff'])).toEqual({ stdout: '', stderr: '', status: 0 });
  });

  test('reads one of the two from standard input', () => {
    const { status } = spawnSync(process.execPath, [runJs, 'diff', 'good.pb', '-'], {
      cwd: scratch,
      input: readFileSync(join(scratch, 'good.pb')),
    });
    expect(status).toBe(0);
  });

  test('--json is one object', () => {
    const { stdout, status } = armstalk(['diff', 'good.pb', 'bad.pb', '--json']);
    expect(status).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ schema: 'armstalk.diff/1', same: false, first: { thread: 1000 } });
  });

  test.each([
    [['diff', 'good.pb'], /compares two traces, not 1/],
    [['diff', 'good.pb', 'absent.pb'], /absent\.pb does not exist/],
    [['diff', 'good.pb', runJs], /is not an armstalk trace/],
    [['diff', '-', '-'], /read only once/],
    [['diff', 'good.pb', 'bad.pb', '--ignore', 'colour'], /--ignore cannot be "colour"/],
    [['replay', 'absent.pb'], /absent\.pb does not exist/],
    [['replay', 'absent.pb', '-r', '1~2'], /absent\.pb does not exist/],
    [['replay', 'good.pb', 'bad.pb'], /shows one trace, not 2/],
    [['replay', '-r', '5', 'good.pb'], /needs a range of clocks/],
    [['replay', '-r', '9~5', 'good.pb'], /ends before it begins/],
    [['replay', '--flat', '--strace', 'good.pb'], /contradict/],
    [['replay', '--verify', '-'], /give a file/],
  ])('%j is trouble: 2', (args, message) => {
    const { stdout, stderr, status } = armstalk(args);
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(message);
  });
});

describe('replay', () => {
  test('reads files and pipes', () => {
    const args = [runJs, 'replay', '-F', 'main', '-D', '1', '-'];
    const { stdout } = spawnSync(process.execPath, args, { input: readFileSync(join(scratch, 'good.pb')) });
    expect(stdout.toString()).toBe(armstalk(['replay', '-F', 'main', '-D', '1', 'good.pb']).stdout);
    expect(stdout.toString()).toMatch(/^# {5}INSNS {3}TID {2}FUNCTION\n +\d+ +1000 {2}main\(\);\n$/);
  });

  test('gives each thread a column with --columns', () => {
    armstalk(['run', '-q', '-o', 'threads.pb', sample('threads-thumb')]);
    const { stdout } = armstalk(['replay', 'threads.pb', '--columns', '--no-header', '-D', '1']);
    const columnOf = new Map<string, Set<number>>();
    for (const [, tid, space] of stdout.matchAll(/^[ \d]{11} +(\d+) {2}( *)\S/gm)) {
      columnOf.set(tid, (columnOf.get(tid) ?? new Set()).add(space.length));
    }
    expect(columnOf.size).toBeGreaterThan(1);
    const columns = [...columnOf.values()].map((spaces) => [...spaces][0]);
    expect(new Set(columns).size).toBe(columns.length);
  });

  test('a cut trace is shown as far as it goes, with a warning, or 3 with --strict', () => {
    const whole = readFileSync(join(scratch, 'good.pb'));
    writeFileSync(join(scratch, 'cut.pb'), whole.subarray(0, whole.length - 50));
    const { stdout, stderr, status } = armstalk(['replay', 'cut.pb']);
    expect(status).toBe(0);
    expect(stdout).toContain('_start() {');
    expect(stderr).toMatch(/^armstalk: warning: cut\.pb: /);
    expect(armstalk(['replay', '--strict', 'cut.pb']).status).toBe(3);
  });

  test('stops when nobody reads on, with 141', () => {
    armstalk(['run', '-q', '-o', 'fib.pb', sample('fib-thumb'), '--', '20']);
    const script = `'${process.execPath}' '${runJs}' replay '${join(scratch, 'fib.pb')}' | head -n 1; echo "\${PIPESTATUS[0]}"`;
    const { stdout, stderr } = spawnSync('bash', ['-c', script], { encoding: 'utf8' });
    expect(stdout).toBe('#     INSNS   TID  FUNCTION\n141\n');
    expect(stderr).toBe('');
  });
});

describe('a range between calls', () => {
  const names = (text: string): string[] => text.match(/\w+(?=\()/g) ?? [];

  test('begins with the first call of one function and ends with that of another', () => {
    const { stdout, stderr, status } = armstalk(['replay', 'good.pb', '-r', '@check_pin~@unlock', '-F', 'main']);
    expect([stderr, status]).toEqual(['', 0]);
    const digits = Array(4).fill('cmp_digit');
    expect(names(stdout)).toEqual(['check_pin', 'strlen', ...digits, 'hash_pin', 'unlock']);
    const next = armstalk(['replay', 'good.pb', '-r', '@cmp_digit~@cmp_digit', '--jsonl']).stdout;
    const calls = next.split('\n').filter((line) => line.includes('"cmp_digit"'));
    expect(calls.map((line) => JSON.parse(line).leaving)).toEqual(['returned', 'cut']);
  });

  test('is the same in every reader, and as given in clocks', () => {
    const records = armstalk(['replay', 'good.pb', '-C', 'check_pin', '--jsonl']).stdout.trimEnd().split('\n');
    const { clock } = records.map((line) => JSON.parse(line)).find((each) => each.function?.symbol === 'check_pin');
    const words = [
      ['replay', '--flat'],
      ['replay', '--strace'],
      ['summarize', '--csv', '--top', '0'],
      ['summarize', '--by', 'block', '--csv'],
      ['export', '--to', 'folded'],
      ['export', '--to', 'jsonl'],
    ];
    for (const [command, ...more] of words as [string, ...string[]][]) {
      const named = armstalk([command, 'good.pb', '-r', '@check_pin~', ...more]);
      expect(named.stdout.length, command).toBeGreaterThan(20);
      expect(named, command).toEqual(armstalk([command, 'good.pb', '-r', `${clock}~`, ...more]));
    }
  });

  test('is found in each of several traces', () => {
    const cost = (...traces: string[]): number => {
      const { stdout } = armstalk(['summarize', ...traces, '-r', '@check_pin~', '-F', 'main', '--top', '0', '--json']);
      return JSON.parse(stdout).functions.reduce((sum: number, { self }: { self: number }) => sum + self, 0);
    };
    armstalk(
      ['run', '-q', '-o', 'other.pb', '-e', '+block', '-E', 'SHIFTS=every clock', sample('lock-thumb')],
      '4721\n',
    );
    expect(cost('good.pb', 'other.pb')).toBe(cost('good.pb') + cost('other.pb'));
    expect(cost('good.pb')).toBeGreaterThan(cost('other.pb'));
  });

  test.each(['replay', 'summarize', 'export --to csv'])('that cannot be found is said to be so by %s', (words) => {
    const failing = (range: string, trace = 'bad.pb') => armstalk([...words.split(' '), trace, '-r', range]);
    expect(failing('@hash_pin~')).toEqual({
      stdout: '',
      stderr: 'armstalk: error: @hash_pin is never called in bad.pb\n',
      status: 2,
    });
    expect(failing('@no_such~').stderr).toContain('armstalk: error: bad.pb knows no function @no_such\n');
    expect(failing('@main~', '-').stderr).toContain('standard input can be read only once, and @main has to be looked');
    expect(failing('@main~10').stderr).toMatch(/ends at clock 10, before it begins \(@main is first called at clock /);
  });
});

describe('replay --verify', () => {
  test('holds when the program does the same again', () => {
    const { stdout, stderr, status } = armstalk(['replay', '--verify', 'good.pb'], '4711\n');
    expect([stdout, status]).toEqual(['unlocked\n', 0]);
    expect(stderr).toMatch(/^armstalk: verified: [\d,]+ events and [\d,]+ instructions are the same\n$/);
  });

  test('names the first event that differs', () => {
    const { stdout, stderr, status } = armstalk(['replay', '--verify', 'good.pb'], '4721\n');
    expect([stdout, status]).toEqual(['denied\n', 1]);
    expect(stderr).toContain('cbz r0, 0x104b0');
    expect(stderr).toMatch(/armstalk: not the same/);
  });

  test('is JSON with --json, and nothing but the exit code with -q', () => {
    const json = armstalk(['replay', '--verify', '--json', 'good.pb'], '4721\n');
    expect(JSON.parse(json.stdout)).toMatchObject({ holds: false, first: { at: { symbol: 'check_pin' } } });
    expect(armstalk(['replay', '--verify', '-q', 'good.pb'], '4711\n')).toEqual({
      stdout: 'unlocked\n',
      stderr: '',
      status: 0,
    });
  });

  test('holds for a run that a limit stopped', () => {
    armstalk(['run', '-q', '-o', 'limit.pb', '--max-insns', '20k', sample('fib-thumb'), '--', '20']);
    expect(armstalk(['replay', '--verify', '-q', 'limit.pb']).status).toBe(0);
  });

  test('is trouble when the program is gone', () => {
    const program = join(scratch, 'gone');
    writeFileSync(program, readFileSync(sample('hello-arm')), { mode: 0o755 });
    armstalk(['run', '-q', '-o', 'gone.pb', program]);
    rmSync(program);
    expect(armstalk(['replay', '--verify', 'gone.pb']).status).toBe(2);
  });
});
