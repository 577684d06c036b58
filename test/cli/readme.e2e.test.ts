/**
 * The command blocks of README.md, run as they are printed, one after the other in one shell; where output is shown, it
 * is that. `...` stands for any lines. How well a trace is packed is not what README is about: sizes may differ.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { repository, runJs, sample } from '../support/cli.js';

const readme = readFileSync(`${repository}README.md`, 'utf8');
const blocks = [...readme.matchAll(/^```(\w*)\n(.*?)^```$/gms)].map(([, language, text]) => ({
  language,
  lines: (text as string).trimEnd().split('\n'),
}));

interface Shown {
  readonly command: string;
  readonly output: readonly string[];
}

/** Commands with a prompt, and what is shown below them. */
const sessions: readonly Shown[] = blocks.flatMap(({ language, lines }) => {
  const shown: { command: string; output: string[] }[] = [];
  if (language !== '') return shown;
  for (const line of lines) {
    if (line.startsWith('$ ')) shown.push({ command: line.slice(2), output: [] });
    else shown.at(-1)?.output.push(line);
  }
  return shown;
});

/** Lines of shell without a prompt. npm is not asked to install things here: `npm run demo` has a test of its own. */
const lines: readonly string[] = blocks
  .filter(({ language }) => language === 'sh')
  .flatMap((block) => block.lines)
  .filter((line) => line !== '' && !line.startsWith('npm '));

// README's directory is /tmp/pinpad. Its path costs instructions by its length, so this one has as many characters.
const scratch = mkdtempSync('/tmp/');
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const END = '--- end of command';

/** A shell in which README's commands find what they name. */
const preamble = `
armstalk() { '${process.execPath}' '${runJs}' "$@"; }
flamegraph.pl() { cat; }
mkdir() { [ "$1" = '${scratch}' ] || command mkdir "$@"; }
cd '${repository}'
`;

const run = (script: string, input = ''): { stdout: string; status: number | null } => {
  const { stdout, status } = spawnSync('bash', ['-c', `exec 2>&1\n${preamble}\n${script}`], {
    input,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    timeout: 120_000,
  });
  return { stdout, status };
};

const plain = (text: string): string => text.trimEnd().replace(/[\d,]+ (bytes|kB|B)\b/g, 'N bytes');

/** Whether the lines are those shown. */
const isShown = (actual: readonly string[], shown: readonly string[]): boolean => {
  const [first, ...rest] = shown;
  if (first === undefined) return actual.length === 0;
  if (first !== '...') return actual[0] === first && isShown(actual.slice(1), rest);
  return Array.from({ length: actual.length + 1 }, (_, skipped) => skipped).some((n) => isShown(actual.slice(n), rest));
};

const linesOf = (text: string): string[] => (plain(text) === '' ? [] : plain(text).split('\n').map(plain));

test('README has commands', () => {
  expect(sessions.length).toBeGreaterThan(12);
  expect(lines.length).toBeGreaterThan(8);
  expect(basename(scratch)).toHaveLength('pinpad'.length);
});

describe('sessions', () => {
  let outputs: readonly string[] = [];
  beforeAll(() => {
    const commands = sessions.map(({ command }) => command.replaceAll('/tmp/pinpad', scratch));
    const { stdout } = run(commands.map((command) => `${command}\necho '${END}'`).join('\n'));
    outputs = stdout.split(`${END}\n`);
  });

  test.each(sessions.map((shown, index) => [shown.command, index] as const))('%s', (_, index) => {
    const { output } = sessions[index] as Shown;
    const actual = linesOf(outputs[index] as string);
    const shown = linesOf(output.join('\n'));
    expect(isShown(actual, shown), `${actual.join('\n')}\n--- but README shows\n${shown.join('\n')}`).toBe(true);
  });
});

describe('lines', () => {
  beforeAll(() => {
    for (const name of ['a.out', 'grep']) copyFileSync(sample('lock-thumb'), join(scratch, name));
    writeFileSync(join(scratch, 'file'), 'pattern\n');
  });

  test.each(lines)('%s', (line) => {
    const { stdout, status } = run(`cd '${scratch}'\n${line}`, '4711\n');
    expect(stdout).not.toMatch(/armstalk: error/);
    expect([0, 1], `${status}\n${stdout}`).toContain(status);
  });
});

test('the demo ends as shown', () => {
  const { scripts } = JSON.parse(readFileSync(`${repository}package.json`, 'utf8'));
  const [build, ...commands] = (scripts.demo as string).split(' && ');
  expect(build).toBe('npm run --silent build');
  const shown = blocks.find(({ lines: text }) => text[0] === 'fib(20) = 6765')?.lines ?? [];
  const inScratch = commands.join(' && ').replaceAll('fib.pb', join(scratch, 'fib.pb'));
  const { stdout, status } = run(inScratch);
  expect(status).toBe(0);
  expect(linesOf(stdout.replaceAll(`${scratch}/`, ''))).toEqual(linesOf(shown.join('\n')));
});
