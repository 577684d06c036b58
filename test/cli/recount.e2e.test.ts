/** The numbers of `summarize` against a recount of `export --to jsonl` by a script that has nothing of armstalk's. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { runJs, sample } from '../support/cli.js';
import { stepQemu } from '../support/qemu.js';

const scratch = mkdtempSync(join(tmpdir(), 'armstalk-recount-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
const script = fileURLToPath(new URL('../support/recount.py', import.meta.url));

const armstalk = (args: readonly string[], input: string | Buffer = '') =>
  spawnSync(process.execPath, [runJs, ...args], { cwd: scratch, input, maxBuffer: 1 << 28 });

interface Row {
  readonly symbol: string;
  readonly offset: string;
  readonly calls: number;
  readonly total: number;
  readonly self: number;
}

describe.each([
  ['lock-thumb', '4711\n'],
  ['fib-arm', ''],
  ['longjmp-thumb', ''],
  ['tail-call-thumb', ''],
  ['segv-handler-arm', ''],
  ['threads-thumb', ''],
  ['crash-arm', ''],
])('%s', (name, input) => {
  test('has the calls and costs a recount finds', () => {
    armstalk(['run', '-q', '-o', `${name}.pb`, sample(name)], input);
    const events = armstalk(['export', `${name}.pb`, '--to', 'jsonl', '-q']).stdout;
    const recount = spawnSync('python3', [script], { input: events, encoding: 'utf8' });
    expect(recount.stderr).toBe('');
    const { functions } = JSON.parse(armstalk(['summarize', `${name}.pb`, '--json', '--top', '0']).stdout.toString());
    const rows = (functions as Row[]).map(({ symbol, offset, calls, total, self }) => [
      `${symbol} at ${offset}`,
      [calls, total, self],
    ]);
    expect(rows.length).toBeGreaterThan(2);
    expect(Object.fromEntries(rows)).toEqual(JSON.parse(recount.stdout));
  });
});

test.each(['fib-thumb', 'hello-arm', 'switch-table-thumb', 'longjmp-arm', 'deep-recursion-thumb'])(
  'the instructions of %s are as many as qemu-arm steps through',
  async (name) => {
    armstalk(['run', '-q', '-o', `${name}.pb`, sample(name)]);
    let steps = 0;
    await stepQemu(sample(name), { stdin: '' }, () => {
      steps++;
      return undefined;
    });
    const { trace, functions } = JSON.parse(
      armstalk(['summarize', `${name}.pb`, '--json', '--top', '0']).stdout.toString(),
    );
    expect(trace.insns).toBe(steps);
    expect((functions as Row[]).reduce((sum, { self }) => sum + self, 0)).toBe(steps);
  },
);
