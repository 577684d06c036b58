/** What is different on a terminal: pager, colour, progress. util-linux's `script` is the terminal. */
import { spawn, spawnSync } from 'node:child_process';
import { appendFileSync, copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { progressText } from '../../src/cli/progress.js';
import { runJs, sample } from '../support/cli.js';

const scratch = mkdtempSync(join(tmpdir(), 'armstalk-terminal-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const env = { PATH: process.env.PATH ?? '', TERM: 'xterm' };
const armstalk = `'${process.execPath}' '${runJs}'`;
const ESCAPE = '\u001b[';

const plain = (words: string) =>
  spawnSync('bash', ['-c', `${armstalk} ${words}`], { cwd: scratch, env, encoding: 'utf8' }).stdout;

/** What a command prints on a terminal. */
const onTerminal = (words: string, variables: Record<string, string> = {}): string => {
  const args = ['-qec', `${armstalk} ${words}`, '/dev/null'];
  const { stdout } = spawnSync('script', args, { cwd: scratch, env: { ...env, ...variables }, encoding: 'utf8' });
  return stdout.replaceAll('\r\n', '\n');
};

const hasTerminal = spawnSync('script', ['-qec', 'true', '/dev/null']).status === 0;

beforeAll(() => {
  copyFileSync(sample('lock-thumb'), join(scratch, 'lock'));
  for (const [name, pin] of [
    ['good', '4711'],
    ['bad', '4721'],
  ])
    plain(`run -q -o ${name}.pb ./lock <<< ${pin}`);
});

// Without a pseudo-terminal (util-linux's script) there is no terminal to look at.
describe.skipIf(!hasTerminal)('on a terminal', () => {
  const pager = { PAGER: "sed 's/^/P:/'" };

  test.each(['replay good.pb -F main', 'diff good.pb bad.pb', 'summarize good.pb'])(
    '%s goes through the pager',
    (words) => {
      const text = onTerminal(words, { ...pager, NO_COLOR: '1' });
      const lines = text.trimEnd().split('\n');
      expect(lines.length).toBeGreaterThan(4);
      expect(lines.every((line) => line.startsWith('P:'))).toBe(true);
      expect(onTerminal(`${words} --no-pager`, pager)).not.toContain('P:');
    },
  );

  test('JSON does not', () => {
    expect(onTerminal('summarize good.pb --json', pager)).toBe(plain('summarize good.pb --json'));
    expect(onTerminal('replay good.pb --jsonl', pager)).toBe(plain('replay good.pb --jsonl'));
  });

  test('a pager that is left ends the command', () => {
    const text = onTerminal('replay good.pb; echo "code $?"', { PAGER: 'head -n 2' });
    expect(text).toMatch(/INSNS[^\n]*\n[^\n]*_start\(\) \{\ncode (0|141)\n$/);
  });

  test('there is colour, unless NO_COLOR or --color says otherwise', () => {
    const words = 'diff good.pb bad.pb --no-pager';
    expect(onTerminal(words)).toContain(`${ESCAPE}31m-`);
    for (const [extra, variables] of [
      ['', { NO_COLOR: '1' }],
      [' --color never', {}],
    ] as const) {
      expect(onTerminal(words + extra, variables)).toBe(plain(words));
    }
    expect(plain(`${words} --color always`)).toContain(`${ESCAPE}31m-`);
    expect(plain('replay good.pb -F main --color always')).toContain(`} ${ESCAPE}2m/* main */${ESCAPE}0m`);
    expect(plain('summarize good.pb --color always')).toContain(`${ESCAPE}1m CALLS`);
  });

  test('a long read shows how far it is, and takes that away again', () => {
    plain(`run -q -o fib.pb '${sample('fib-thumb')}' -- 35`);
    const text = onTerminal('summarize fib.pb --no-pager --top 1');
    expect(text).toContain(`\r${ESCAPE}Kreading fib.pb [`);
    expect(text).toContain(`\r${ESCAPE}K${ESCAPE}2m# fib.pb: `);
    expect(onTerminal('summarize fib.pb --no-pager --top 1 -q')).not.toContain('reading');
  });
});

test('progress is a bar where the end is known, else a size', () => {
  expect(progressText('a/b.pb', 50, 100)).toBe('reading b.pb [###############               ]  50%');
  expect(progressText('-', 2_400_000, undefined)).toBe('reading standard input 2 MB');
});

describe('--follow', () => {
  const whole = () => readFileSync(join(scratch, 'good.pb'));
  const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

  const follow = (path: string, words: readonly string[] = []) => {
    const child = spawn(process.execPath, [runJs, 'replay', '--follow', path, ...words], { cwd: scratch, env });
    let text = '';
    child.stdout.on('data', (piece) => {
      text += piece;
    });
    const done = new Promise<number | null>((resolve) => child.on('close', resolve));
    return { child, done, text: () => text };
  };

  test('shows a file to its end while it grows', async () => {
    const path = join(scratch, 'growing.pb');
    const bytes = whole();
    writeFileSync(path, bytes.subarray(0, 0));
    const { done, text } = follow(path);
    for (let at = 0; at < bytes.length; at += 3000) {
      await wait(150);
      appendFileSync(path, bytes.subarray(at, at + 3000));
    }
    expect(await done).toBe(0);
    expect(text()).toBe(plain('replay good.pb'));
  });

  test('waits as long as there is no end', async () => {
    const path = join(scratch, 'endless.pb');
    writeFileSync(path, whole().subarray(0, -40));
    const { child, done, text } = follow(path, ['--no-header']);
    await wait(1500);
    expect(child.exitCode).toBeNull();
    expect(text().length).toBeGreaterThanOrEqual(0);
    child.kill();
    await done;
  });
});
