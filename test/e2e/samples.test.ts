/** The bundled samples, run untraced and traced, against qemu-arm and against what their sources promise. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { armstalk, repository, runGuest, sample } from '../support/cli.js';
import { isWholeRun } from '../support/long-run.js';
import { runQemu } from '../support/qemu.js';

const scratch = mkdtempSync(join(tmpdir(), 'armstalk-samples-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
const names = readdirSync(`${repository}samples/bin`).sort();
/** `npm test` traces one build of each. */
const traced = names.filter((name) => isWholeRun || !name.endsWith('-arm'));
const options = { stdin: '4711\n' };

describe.each(names)('sample %s', (name) => {
  it('prints and exits as under qemu-arm', () => {
    const [ours, reference] = [runGuest(sample(name), options), runQemu(sample(name), options)];
    expect({ status: ours.status, stdout: ours.stdout.toString() }).toEqual({
      status: reference.status,
      stdout: reference.stdout.toString(),
    });
  });
});

describe.each(traced)('sample %s, traced', (name) => {
  it('gives byte-identical traces in two runs, and prints the same with tracing on', () => {
    const traces = ['one', 'two'].map((run) => join(scratch, `${name}.${run}.pb`));
    const runs = traces.map((trace) => armstalk(['run', '-q', '-e', '+block', '-o', trace, sample(name)], options));
    const [first, second] = traces.map((trace) => readFileSync(trace));
    expect(first?.equals(second as Buffer)).toBe(true);
    const reference = runQemu(sample(name), options);
    for (const { status, stdout } of runs) {
      expect({ status, stdout: stdout.toString() }).toEqual({
        status: reference.status,
        stdout: reference.stdout.toString(),
      });
    }
  });
});

interface FunctionRow {
  readonly symbol: string;
  readonly calls: number;
  readonly returns: number;
  readonly deepest: number;
}

const summaryOf = (trace: string): { functions: FunctionRow[] } & Record<string, unknown> => {
  const { stdout, stderr, status } = armstalk(['summarize', trace, '--json', '--top', '0']);
  expect(stderr).toBe('');
  expect(status).toBe(0);
  return JSON.parse(stdout.toString());
};

describe('fib(20)', () => {
  it.each(['arm', 'thumb'])('shows 21,891 calls and returns of fib, 20 frames of it at the deepest (%s)', (isa) => {
    const trace = join(scratch, `fib-${isa}.pb`);
    const run = armstalk(['run', '-o', trace, sample(`fib-${isa}`)]);
    expect(run.stdout.toString()).toBe('fib(20) = 6765\n');
    expect(run.status).toBe(0);
    const fib = summaryOf(trace).functions.find(({ symbol }) => symbol === 'fib');
    expect([fib?.calls, fib?.returns, fib?.deepest]).toEqual([21_891, 21_891, 20]);
    const columns = armstalk([
      'summarize',
      trace,
      '-f',
      '+returns,deepest',
      '--top',
      '1',
      '--no-header',
    ]).stdout.toString();
    expect(columns).toMatch(/^ *21891 +207\d\d\d +207\d\d\d +99\.\d% +21891 +20 +fib$/m);
  });

  it('hands words after -- to the guest', () => {
    expect(runGuest(sample('fib-arm'), { args: ['10'] }).stdout.toString()).toBe('fib(10) = 55\n');
  });
});

describe('the lock', () => {
  it('lets 4711 in and nothing else', () => {
    const outcome = (stdin: string) => {
      const { status, stdout } = runGuest(sample('lock-thumb'), { stdin });
      return `${stdout}${status}`;
    };
    expect(outcome('4711\n')).toBe('unlocked\n0');
    expect(outcome('4721\n')).toBe('denied\n1');
    expect(outcome('')).toBe('denied\n1');
  });

  it('shows four digit comparisons for the right PIN and three for a wrong third digit', () => {
    const digits = (stdin: string): number | undefined => {
      const trace = join(scratch, 'lock.pb');
      armstalk(['run', '-q', '-o', trace, sample('lock-thumb')], { stdin });
      return summaryOf(trace).functions.find(({ symbol }) => symbol === 'cmp_digit')?.calls;
    };
    expect(digits('4711\n')).toBe(4);
    expect(digits('4721\n')).toBe(3);
  });
});
