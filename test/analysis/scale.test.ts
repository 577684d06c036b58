/**
 * The largest traces: 200 million events of a recorded recursion (ARMSTALK_SCALE says how many, as the argument of fib:
 * 38 makes 253 million), two of about as many that differ in one branch at their ends, and a stream of two gigabytes. Rates are by processor time, so that a busy machine is no
 * failure. `npm run test:long` runs it; `npm test` runs it on a small trace.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TraceWriter } from '../../src/trace/writer.js';
import { runJs, sample } from '../support/cli.js';
import { randomFrom, SyntheticMachine } from '../support/event-stream.js';
import { compile, hasCompiler } from '../support/toolchain.js';
import { HEADER } from '../support/trace-file.js';

const N = Number(process.env.ARMSTALK_SCALE ?? 27);
const STREAM_BYTES = Number(process.env.ARMSTALK_STREAM ?? 3e7);
/** Below this a run is mostly start-up, and a rate says nothing. */
const isLarge = N >= 35;
const EVENTS_PER_SECOND = 10e6;
const MAX_KB = 250_000;

const scratch = mkdtempSync(join(tmpdir(), 'armstalk-scale-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
const path = (name: string): string => join(scratch, name);

interface Measured {
  readonly out: string;
  readonly status: number | null;
  /** Most memory, processor time. */
  readonly kb: number;
  readonly cpuSeconds: number;
}

/** A shell line whose last command is `armstalk WORDS`, and what that one took. */
const measure = (words: string, before = ''): Measured => {
  const script = fileURLToPath(new URL('../support/measure-child.mjs', import.meta.url));
  const line = `set -o pipefail; ${before} '${process.execPath}' '${script}' '${runJs}' ${words}`;
  const { stdout, stderr, status } = spawnSync('bash', ['-c', line], {
    cwd: scratch,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  const [, kb, cpu] = /measured (\d+) ([\d.]+)\n$/.exec(stderr) ?? [];
  // For whoever wants to know by how much a limit is kept.
  if (isLarge) process.stdout.write(`${words}: ${Number(cpu).toFixed(1)} s of processor time, ${kb} kB\n`);
  return { out: stdout, status, kb: Number(kb), cpuSeconds: Number(cpu) };
};

const run = (name: string, n: number): void => {
  measure(`run -q -o ${name} '${sample('fib-thumb')}' -- ${n} > /dev/null`);
};

/** A trace that does not pack well: 200,000 instructions in no order. */
const writeUnpredictable = (file: string): void => {
  const random = randomFrom(1);
  const writer = new TraceWriter({ mask: 31, codec: 'none' });
  writer.open(file, HEADER);
  const machine = new SyntheticMachine((batch) => writer.process(batch));
  for (let i = 0; i < 200_000; i++) {
    machine.run(Math.floor(random() * 100));
    machine.exec(0x10000 + 4 * Math.floor(random() * 20_000));
  }
  machine.flush();
  writer.end({ reason: 'exit', exitCode: 0, clock: machine.clock });
};

// Memory is measured as Linux tells it, in /proc; elsewhere there is nothing to hold the limit against.
describe.skipIf(!existsSync('/proc/self/status'))('a large trace', () => {
  let events = 0;
  let insns = 0;

  beforeAll(() => {
    run('large.pb', N);
  });

  test('is summarised fast and in little memory', () => {
    const { out, kb, cpuSeconds } = measure('summarize large.pb --json');
    const { trace, functions } = JSON.parse(out);
    ({ events, insns } = trace);
    expect(functions[0]).toMatchObject({ symbol: 'fib', self: functions[0].total, deepest: N });
    expect(events).toBeGreaterThan(2 * functions[0].calls);
    expect(kb).toBeLessThan(MAX_KB);
    if (isLarge) expect(events / cpuSeconds).toBeGreaterThan(EVENTS_PER_SECOND);
  });

  test('answers for a range in the middle within a second', () => {
    const from = Math.floor(insns / 2);
    const { out, kb, cpuSeconds } = measure(`replay large.pb -r ${from}~${from + 1000}`);
    expect(out.split('\n').length).toBeGreaterThan(50);
    expect(cpuSeconds).toBeLessThan(1);
    expect(kb).toBeLessThan(MAX_KB);
  });

  test('is the same as itself, in one pass', () => {
    const { out, status, kb } = measure('diff large.pb large.pb');
    expect([out, status]).toEqual(['', 0]);
    expect(kb).toBeLessThan(MAX_KB);
  });

  test('comes through a pipe', () => {
    const { out, kb } = measure('summarize - --json', 'cat large.pb |');
    expect(JSON.parse(out).trace).toMatchObject({ events, insns, complete: true });
    expect(kb).toBeLessThan(MAX_KB);
  });
});

/** The argument of fib below that makes about as many events, blocks among them. */
const WITH_BLOCKS = N - 2;

/** Works for long, and then does what the first character it reads says. */
const SOURCE = `
#include <stdio.h>
#include <stdlib.h>
#define APART __attribute__((noipa))
APART int fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
APART int left(int n) { return n + 1; }
APART int right(int n) { return n + 2; }
APART int decide(int choice, int n) { return choice == 'l' ? left(n) : right(n); }
int main(int argc, char **argv) {
  int choice = getchar();
  int n = fib(atoi(argv[argc - 1]));
  printf("%d\\n", decide(choice, n));
  return 0;
}
`;

// Built here by gcc-arm-linux-gnueabihf. `npm test` installs it or stops; only a file run by hand goes without.
describe.skipIf(!existsSync('/proc/self/status') || !hasCompiler())(
  'two large traces that differ in a late branch',
  () => {
    const program = compile('late-branch', SOURCE, { flags: ['-O1', '-mthumb'] });
    const record = (name: string, choice: string): Measured =>
      measure(
        `run -q -e call,ret,block,syscall -o ${name} '${program}' -- ${WITH_BLOCKS} > /dev/null`,
        `echo ${choice} |`,
      );

    beforeAll(() => {
      for (const [name, choice] of [
        ['left.pb', 'l'],
        ['right.pb', 'r'],
      ] as const)
        expect(record(name, choice).status).toBe(0);
    });

    test('are told apart at that branch, in one pass and little memory', () => {
      const { out, status, kb } = measure('diff left.pb right.pb --json');
      const { first } = JSON.parse(out);
      expect(status).toBe(1);
      expect(first).toMatchObject({ at: { symbol: 'decide' }, stack: expect.arrayContaining(['main', 'decide']) });
      const { trace } = JSON.parse(measure('summarize left.pb --json --top 1').out);
      expect(first.clock / trace.insns).toBeGreaterThan(0.98);
      expect(first.commonBlocks).toBeGreaterThan(trace.events / 3);
      expect(first.clock).toBeLessThan(trace.insns);
      expect(kb).toBeLessThan(MAX_KB);
    });

    test('say so after the work alike, with what was called instead', () => {
      const { out, status, kb } = measure('diff left.pb right.pb');
      expect(status).toBe(1);
      expect(out).toMatch(/^ {2}main > decide +\(decide\+0x[0-9a-f]+\)$/m);
      expect(out).toMatch(/^-( *)left\(\);\n\+\1right\(\);$/m);
      expect(out).toContain('functions: 1 only in old (left), 1 only in new (right), 0 counts changed');
      expect(kb).toBeLessThan(MAX_KB);
    });
  },
);

test('a stream of gigabytes is read in constant memory', () => {
  writeUnpredictable(path('part.pb'));
  const endless = `while cat part.pb; do :; done 2>/dev/null | head -c ${STREAM_BYTES} |`;
  const { out, kb } = measure('summarize - --json -q', endless);
  const { trace } = JSON.parse(out);
  expect(trace.events).toBeGreaterThan(0);
  expect(kb).toBeLessThan(MAX_KB);
});
