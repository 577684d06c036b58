/** The guide to scripts and its examples, as written; scripts on the command line. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { repository, runJs, sample } from '../support/cli.js';

const scratch = mkdtempSync(join(tmpdir(), 'armstalk-guide-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const shell = (line: string, cwd = repository): string =>
  spawnSync('bash', ['-c', `armstalk() { '${process.execPath}' '${runJs}' "$@"; }; ${line}`], { cwd, encoding: 'utf8' })
    .stdout;

const armstalk = (...args: readonly string[]) => {
  const { stdout, stderr, status } = spawnSync(process.execPath, [runJs, ...args], { cwd: scratch, encoding: 'utf8' });
  return { stdout, stderr, status };
};

const guide = readFileSync(`${repository}samples/scripts/README.md`, 'utf8');
const examples = [...guide.matchAll(/^```\n\$ (.*)\n([^`]*)```$/gm)].map(([, line, output]) => [
  line as string,
  output as string,
]);

const script = (name: string, body: string): string => {
  writeFileSync(join(scratch, name), body);
  return name;
};

describe('the guide', () => {
  test('runs every script there is', () => {
    const scripts = readdirSync(`${repository}samples/scripts`).filter((name) => name.endsWith('.mjs'));
    expect(scripts).toHaveLength(6);
    for (const name of scripts)
      expect(
        examples.some(([line]) => line?.includes(name)),
        name,
      ).toBe(true);
  });

  test.each(examples)('%s', (line, output) => {
    expect(shell(`{ ${line}; } 2>&1`)).toBe(output);
  });

  test('its first script', () => {
    const [, body] = /^```js\n(export default[^`]*)```$/m.exec(guide) ?? [];
    const { stdout, stderr, status } = armstalk(
      'run',
      '-q',
      '--script',
      script('first.mjs', body as string),
      sample('fib-arm'),
    );
    expect([stdout, status]).toEqual(['fib(20) = 6765\n', 0]);
    // Deliveries come by the host's clock; together they are all calls.
    const counts = [...stderr.matchAll(/'0x100b8': (\d+)/g)].map(([, count]) => Number(count));
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(21_891);
    expect(stderr).toMatch(/\}\nit ended with 0\n$/);
  });

  test('its program', () => {
    const [, body] = /^```js\n(import \{ Process[^`]*)```$/m.exec(guide) ?? [];
    mkdirSync(join(scratch, 'node_modules'), { recursive: true });
    symlinkSync(repository, join(scratch, 'node_modules', 'armstalk'));
    symlinkSync(sample('fib-thumb'), join(scratch, 'a.out'));
    script('program.mjs', `${body}\nconsole.log('exit', exitCode);\n`);
    const { stdout, stderr } = spawnSync(process.execPath, ['program.mjs'], { cwd: scratch, encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^fib\(0\) = 0\n\{[^}]*\}\nexit 0\n$/);
  });
});

describe('--script', () => {
  test('names can be imported: they mean the process of the command line', () => {
    script(
      'imports.mjs',
      `import { DebugSymbol, Process, Stalker } from 'armstalk';
      Stalker.follow({ transform() { throw new Error('oh no'); } });
      console.log(Process.mainModule.name, DebugSymbol.fromName('fib').name);`,
    );
    const { stdout, stderr, status } = armstalk(
      'run',
      '-q',
      '--no-trace',
      '--script',
      'imports.mjs',
      sample('fib-thumb'),
    );
    expect([stdout, status]).toEqual(['fib(20) = 6765\n', 0]);
    expect(stderr).toMatch(
      /^fib-thumb fib\narmstalk: error: the transformer transform at 0x[0-9a-f]+ threw: oh no\n {2}hint: the thread is no longer followed; the program went on\n$/,
    );
  });

  test('standard output is the trace or the report: a script prints elsewhere', () => {
    script('prints.mjs', `console.log('here'); console.error('and here');`);
    const { stdout, stderr } = armstalk(
      'run',
      '-q',
      '--json',
      '-o',
      'p.pb',
      '--script',
      'prints.mjs',
      sample('crash-arm'),
    );
    expect(JSON.parse(stdout).exitCode).toBe(139);
    expect(stderr).toBe('here\nand here\nabout to crash\n');
  });

  test("the exit code is the program's; errors are lines of JSON with --json", () => {
    script('throws.mjs', `export default () => { throw new Error('oh no'); };`);
    const { stderr, status } = armstalk(
      'run',
      '--json',
      '--no-trace',
      '-q',
      '--script',
      'throws.mjs',
      sample('crash-arm'),
    );
    expect(status).toBe(139);
    const [line] = stderr.split('\n');
    expect(JSON.parse(line as string)).toEqual({
      error: {
        code: 'script',
        message: 'the script throws.mjs threw: oh no',
        hint: 'the program runs with what the script had set up until then',
        details: { script: 'throws.mjs' },
      },
    });
  });

  test('a script that cannot be loaded is our failure, without a stack trace', () => {
    expect(armstalk('run', '--script', 'none.mjs', sample('fib-arm'))).toEqual({
      stdout: '',
      stderr: 'armstalk: error: the script none.mjs does not exist\n  hint: name a file such as hooks.mjs\n',
      status: 125,
    });
    script('broken.mjs', 'export default (');
    const { stderr, status } = armstalk('run', '--script', 'broken.mjs', sample('fib-arm'));
    expect([stderr.split('\n').length, status]).toEqual([3, 125]);
    expect(stderr).toMatch(/^armstalk: error: the script broken\.mjs cannot be loaded: /);
  });

  test('replay --verify runs no script a trace names', () => {
    armstalk('run', '-q', '-o', 's.pb', '--script', 'prints.mjs', sample('fib-arm'));
    const { stderr, status } = armstalk('replay', '--verify', 's.pb');
    expect(status).toBe(2);
    expect(stderr).toContain('was recorded with the script prints.mjs, which --verify does not run');
  });
});
