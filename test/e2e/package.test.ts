/** The package as npm would publish it, unpacked elsewhere: nothing is missing that a command or an importer needs. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'armstalk-package-'));
const installed = join(scratch, 'node_modules', 'armstalk');
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const armstalk = (...args: string[]) =>
  spawnSync(process.execPath, [join(installed, 'bin/run.js'), ...args], { cwd: scratch, encoding: 'utf8' });

beforeAll(() => {
  const { ARMSTALK_TIER: _, ...env } = process.env;
  // What is packed has been built already; building again would pull the files from under other tests.
  execFileSync('npm', ['pack', '--ignore-scripts', '--pack-destination', scratch], { cwd: root, env, stdio: 'pipe' });
  const [tarball] = readdirSync(scratch).filter((name) => name.endsWith('.tgz'));
  execFileSync('mkdir', ['-p', installed]);
  execFileSync('tar', ['-xzf', tarball as string, '--strip-components=1', '-C', installed], { cwd: scratch });
  symlinkSync(join(root, 'node_modules'), join(installed, 'node_modules'));
}, 120_000);

describe('the package', () => {
  test('records and reads a program it brings along', () => {
    const program = join(installed, 'samples/bin/fib-thumb');
    expect(armstalk('run', '-o', 'fib.pb', program)).toMatchObject({ status: 0, stdout: 'fib(20) = 6765\n' });
    const summary = armstalk('summarize', '--json', 'fib.pb');
    expect(JSON.parse(summary.stdout).functions[0]).toMatchObject({ symbol: 'fib', calls: 21_891 });
    expect(armstalk('diff', 'fib.pb', 'fib.pb').status).toBe(0);
    expect(armstalk('export', 'fib.pb', '--to', 'folded').stdout).toContain(';main;fib');
  });

  test('has the script of the second thread, which only long traces start', () => {
    expect(existsSync(join(installed, 'dist/bundle/encode-worker.cjs'))).toBe(true);
  });

  test('has help, versions and the description of its format', () => {
    expect(armstalk('--version').stdout).toMatch(/^armstalk\/\d/);
    expect(armstalk('run', '--help').stdout).toContain('EXAMPLES');
    const proto = /^schema +(.*)$/m.exec(armstalk('info', 'fib.pb').stdout)?.[1] as string;
    expect(proto.startsWith(installed)).toBe(true);
    const decoded = execFileSync('protoc', ['--decode_raw'], {
      input: execFileSync('head', ['-c', '11', join(scratch, 'fib.pb')]),
      encoding: 'utf8',
    });
    expect(decoded).toContain('1: 0x314b4c54534d5241');
  });

  test('can be imported, with types', () => {
    writeFileSync(
      join(scratch, 'count.mjs'),
      "import { summarize, TraceReader } from 'armstalk';\n" +
        "const { functions } = await summarize(TraceReader.open('fib.pb'));\nconsole.log(functions[0].calls);\n",
    );
    expect(execFileSync(process.execPath, ['count.mjs'], { cwd: scratch, encoding: 'utf8' })).toBe('21891\n');
    writeFileSync(
      join(scratch, 'count.mts'),
      "import { summarize, TraceReader } from 'armstalk';\n" +
        "const { functions } = await summarize(TraceReader.open('fib.pb'));\n" +
        'export const calls: number | undefined = functions?.[0]?.calls;\n' +
        '// @ts-expect-error: a row has no such key\nexport const nothing = functions?.[0]?.nothing;\n',
    );
    const options = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2022', '--types', 'node'];
    const tsc = [join(root, 'node_modules/typescript/bin/tsc'), ...options];
    const types = ['--typeRoots', join(root, 'node_modules/@types')];
    const check = spawnSync(process.execPath, [...tsc, ...types, 'count.mts'], { cwd: scratch, encoding: 'utf8' });
    expect(check.stdout).toBe('');
    expect(check.status).toBe(0);
  }, 60_000);
});
