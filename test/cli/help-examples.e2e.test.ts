/** Every example of every --help, run as written in a directory where its files are. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { repository, runJs, sample } from '../support/cli.js';

const scratch = mkdtempSync(join(tmpdir(), 'armstalk-examples-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const shell = (line: string) => {
  const script = `set -o pipefail; armstalk() { '${process.execPath}' '${runJs}' "$@"; }; ${line}`;
  return spawnSync('bash', ['-c', script], {
    cwd: scratch,
    input: '4711\n',
    encoding: 'utf8',
    timeout: 60_000,
    maxBuffer: 1 << 28,
  });
};

interface CommandClass {
  readonly id: string;
  readonly examples: readonly string[];
}

const names = readdirSync(`${repository}src/commands`).map((name) => name.replace(/\.ts$/, ''));
const commands: CommandClass[] = await Promise.all(
  names.map(async (name) => (await import(`../../src/commands/${name}.ts`)).default),
);
const examples = commands.flatMap(({ id, examples: lines }) =>
  lines.map((line) => [id, line.replaceAll('<%= config.bin %>', 'armstalk')] as const),
);

/** Exit codes that say "done": a diff may find a difference. */
const isDone = (id: string, status: number | null): boolean => status === 0 || (id === 'diff' && status === 1);

beforeAll(() => {
  for (const name of ['lock', 'a.out']) copyFileSync(sample('lock-thumb'), join(scratch, name));
  copyFileSync(`${repository}samples/scripts/call-counter.mjs`, join(scratch, 'hooks.mjs'));
  mkdirSync(join(scratch, 'corpus'));
  shell('armstalk run -q ./lock; armstalk run -q ./lock');
  shell('armstalk run -q -o good.pb -e +block ./lock <<< 4711; armstalk run -q -o bad.pb -e +block ./lock <<< 4721');
  for (const name of ['good.pb', 'bad.pb']) copyFileSync(join(scratch, name), join(scratch, 'corpus', name));
  const whole = readFileSync(join(scratch, 'good.pb'));
  writeFileSync(join(scratch, 'cut.pb'), whole.subarray(0, whole.length - 60));
});

test('every command has examples', () => {
  for (const { id, examples: lines } of commands) expect(lines.length, id).toBeGreaterThan(0);
});

test.each(examples)('%s: %s', (id, line) => {
  const { stdout, stderr, status } = shell(line);
  expect(isDone(id, status), `${line}\n${status}\n${stderr}`).toBe(true);
  expect(stderr).not.toMatch(/^armstalk: error/m);
  expect(stdout.length + stderr.length + (line.includes('-q') ? 1 : 0)).toBeGreaterThan(0);
});
