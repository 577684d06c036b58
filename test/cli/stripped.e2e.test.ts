/**
 * A program without any names, through the command line: functions are what calls lead to, called by module and address;
 * what is counted for them is what the program with its symbols has there.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SymbolFile } from '../../src/elf/symbol-file.js';
import { runJs, sample } from '../support/cli.js';
import { hasCompiler } from '../support/toolchain.js';

const scratch = mkdtempSync(join(tmpdir(), 'armstalk-stripped-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const armstalk = (words: string, input = '') => {
  const { stdout, stderr, status } = spawnSync(process.execPath, [runJs, ...words.split(' ')], {
    cwd: scratch,
    input,
    env: {},
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  return { stdout, stderr, status };
};

interface Row {
  readonly symbol: string;
  readonly module: string;
  readonly offset: string;
  readonly calls: number;
  readonly self: number;
}

const rowsOf = (words: string): readonly Row[] =>
  JSON.parse(armstalk(`summarize --json --top 0 ${words}`).stdout).functions;

// Stripped here by binutils, which come with the compiler. `npm test` installs it or stops.
describe.skipIf(!hasCompiler()).each(['thumb', 'arm'])('a stripped program (%s)', (isa) => {
  const named = new SymbolFile(readFileSync(sample(`lock-${isa}`)), 'lock').symbols;
  const at = (name: string): string => `0x${((named.addressesOf(name)[0] as number) & ~1).toString(16)}`;

  beforeAll(() => {
    copyFileSync(sample(`lock-${isa}`), join(scratch, 'lock'));
    armstalk('run -q -o named.pb -e +block ./lock', '4711\n');
    copyFileSync(sample(`lock-${isa}`), join(scratch, 'lock.debug'));
    spawnSync('arm-linux-gnueabihf-strip', ['--strip-all', join(scratch, 'lock')]);
    armstalk('run -q -o bare.pb -e +block ./lock', '4711\n');
  });

  test('has a function for every place that is called', () => {
    const rows = rowsOf('bare.pb');
    for (const { symbol, module, offset } of rows) expect([symbol, module]).toEqual([offset, 'lock']);
    const flat = armstalk('replay --flat --no-header bare.pb').stdout;
    const called = [...flat.matchAll(/ call +.* -> lock!(0x[0-9a-f]+)$/gm)].map(([, target]) => target);
    expect(called.length).toBeGreaterThan(100);
    const [start, ...others] = [...rows].sort((a, b) => a.calls - b.calls);
    expect(start).toMatchObject({ calls: 0, symbol: at('_start') });
    expect(new Set(others.map(({ symbol }) => symbol))).toEqual(new Set(called));
    for (const { symbol, calls } of others) expect(calls).toBe(called.filter((one) => one === symbol).length);
  });

  test('costs what the one with names costs, function by function', () => {
    // Several places may be called in one symbol; the PLT has none.
    const sums = new Map<string, { calls: number; self: number }>();
    for (const { offset, calls, self } of rowsOf('bare.pb')) {
      const name = named.lookup(Number(offset))?.name ?? offset;
      const sum = sums.get(name) ?? { calls: 0, self: 0 };
      sums.set(name, { calls: sum.calls + calls, self: sum.self + self });
    }
    const expected = rowsOf('named.pb').map(({ symbol, calls, self }) => [symbol, { calls, self }] as const);
    expect(expected.length).toBeGreaterThan(70);
    expect(sums).toEqual(new Map(expected));
  });

  test('is called by module and address in every view', () => {
    const [check, digit] = [at('check_pin'), at('cmp_digit')];
    expect(armstalk('summarize bare.pb --top 3').stdout).toMatch(/^ +\d+ +\d+ +\d+ +\d+\.\d% {2}lock!0x[0-9a-f]+$/m);
    const tree = armstalk(`replay bare.pb --no-header -F ${check}`).stdout.split('\n');
    expect(tree[0]?.slice(19)).toBe(`lock!${check}() {`);
    expect(tree.filter((line) => line.endsWith(`lock!${digit}();`))).toHaveLength(4);
    expect(armstalk(`export bare.pb --to folded -F ${check}`).stdout).toContain(`lock;lock!${check};lock!${digit} `);
    expect(armstalk(`replay bare.pb --no-header -r @${digit}~@${digit} --flat`).stdout).toMatch(
      new RegExp(`^ +\\d+ +1000 call +0x[0-9a-f]+ lock!0x[0-9a-f]+ -> lock!${digit}\n`),
    );
    expect(armstalk(`summarize bare.pb -F lock!${check} --csv -f calls,function -s calls`).stdout).toMatch(
      new RegExp(`^4,lock!${digit}$`, 'm'),
    );
  });

  test('is probed by address', () => {
    const run = armstalk(`run --no-trace -q --live=probes ./lock -p ${at('cmp_digit')}@arg1/c,retval`, '4711\n');
    // Nothing in the file says whether that is ARM or Thumb code.
    expect(run.stderr).toBe([...'4711'].map((c) => `[1000] lock!${at('cmp_digit')}(arg1='${c}') = 1\n`).join(''));
  });

  test('is the same run as that of the program with names, once it is told the names', () => {
    expect(armstalk('diff bare.pb named.pb --first').status).toBe(1);
    expect(armstalk('diff bare.pb named.pb --match addr')).toEqual({ stdout: '', stderr: '', status: 0 });
    expect(armstalk('diff bare.pb named.pb --symbols lock.debug')).toEqual({ stdout: '', stderr: '', status: 0 });
    expect(armstalk('summarize bare.pb --symbols lock.debug --top 0').stdout.replace('bare', 'named')).toBe(
      armstalk('summarize named.pb --top 0').stdout,
    );
  });
});
