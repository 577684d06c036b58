/** Completion as a person at a terminal has it: the tab key in real shells, and what the shells are told. */
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RUN_FLAGS } from '../../src/cli/run-flags.js';
import Complete from '../../src/commands/__complete.js';
import Completion from '../../src/commands/completion.js';
import { armstalk, runJs, sample } from '../support/cli.js';

const scratch = mkdtempSync(join(tmpdir(), 'armstalk-completion-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
const env = { PATH: `${scratch}/bin:${process.env.PATH}`, HOME: scratch, TERM: 'dumb' };

beforeAll(() => {
  mkdirSync(join(scratch, 'bin'));
  mkdirSync(join(scratch, 'traces'));
  const command = join(scratch, 'bin/armstalk');
  writeFileSync(command, `#!/bin/sh\nexec '${process.execPath}' '${runJs}' "$@"\n`);
  chmodSync(command, 0o755);
  copyFileSync(sample('lock-thumb'), join(scratch, 'lock'));
  spawnSync(command, ['run', '-q', './lock', '-o', 'traces/good.pb'], { cwd: scratch, env, input: '4711\n' });
});

/** Candidates and what the shell is told besides; `line` has the cursor at its end, or at a `|` of its own. */
const complete = (line: string): { words: string[]; rest: string } => {
  const words = line.replace(/\|$/, '').split(' ');
  const at = words.findIndex((word) => word.endsWith('|'));
  const index = at < 0 ? words.length - 1 : at;
  const plain = words.map((word) => word.replace(/\|$/, ''));
  const { stdout } = armstalk(['__complete', String(index), ...plain], { cwd: scratch });
  const lines = stdout.toString().trimEnd().split('\n');
  const rest = lines.pop() ?? '';
  return { words: lines.map((one) => one.split('\t')[0] as string), rest };
};

describe('candidates', () => {
  test('are the commands', () => {
    const commands = ['run', 'summarize', 'replay', 'diff', 'export', 'info', 'repair', 'completion', 'help'];
    expect(complete('').words).toEqual([...commands, '--help', '--version']);
    expect(complete('re').words).toEqual(['replay', 'repair']);
  });

  test('are the options not given yet, with what they do', () => {
    const all = complete('run --').words;
    expect(all).toEqual([...Object.keys(RUN_FLAGS).map((name) => `--${name}`), '--help']);
    const left = complete('run -q --seed 1 --probe main ./lock --').words;
    expect(all.filter((word) => !left.includes(word))).toEqual(['--quiet', '--seed']);
    const { stdout } = armstalk(['__complete', '1', 'run', '--no-tr'], { cwd: scratch });
    expect(stdout.toString()).toBe('--no-trace\tonly run the program\n:\n');
  });

  test.each([
    ['run --tier ', ['auto', 'cold', 'hot']],
    ['run --tier=h', ['--tier=hot']],
    ['run -e +bl', ['+block']],
    ['run -e call,r', ['call,ret']],
    ['diff --ignore args,re', ['args,retval']],
    ['export --to p', ['pprof', 'perfetto']],
    ['summarize --by th', ['thread']],
    ['completion ', ['bash', 'zsh', 'fish']],
    ['help summ', ['summarize']],
  ])('%s', (line, words) => expect(complete(line).words).toEqual(words));

  test.each([
    ['run ./lock -p cmp_', ['cmp_digit']],
    ['run -p cmp_| ./lock', ['cmp_digit']],
    ['run -q -pcmp_| ./lock -- -p', ['-pcmp_digit']],
    ['run ./lock -p lock!cmp_', ['lock!cmp_digit']],
    ['run ./lock -p main@arg1/s,ret', ['main@arg1/s,retval']],
    ['summarize traces/good.pb -F check_', ['check_pin']],
    ['replay traces/good.pb --notrace=check_', ['--notrace=check_pin']],
    ['replay traces/good.pb -X l', ['lock']],
    ['replay traces/good.pb -r @check_', ['@check_pin']],
    ['replay traces/good.pb -r 10k~@hash_', ['10k~@hash_pin']],
    ['summarize traces/good.pb -r @main~@hash_', ['@main~@hash_pin']],
    ['replay traces/good.pb -r che', []],
    ['diff traces/good.pb traces/good.pb -F hash_', ['hash_pin']],
  ])('%s: names from the file on the line', (line, words) => expect(complete(line).words).toEqual(words));

  test('are names of files where these are meant', () => {
    const lines = ['run ', 'run -o ', 'summarize t', 'run ./lock -- -', 'run --symbols ', 'replay --symbols='];
    for (const line of lines) expect(complete(line), line).toEqual({ words: [], rest: ':files' });
  });

  test('are none where nothing is known, or what is named is no program', () => {
    const lines = ['frobnicate ', 'run --seed ', 'run ./nothing -p m', 'run /etc/passwd -p m', 'summarize -F m'];
    for (const line of lines) expect(complete(line).words, line).toEqual([]);
  });
});

/** The lines `<word><word>` a shell prints for what was typed; a tab is the tab key. */
const typed = async (shell: string, setup: readonly string[], lines: readonly string[]): Promise<string[]> => {
  const child = spawn('script', ['-qec', shell, '/dev/null'], { cwd: scratch, env });
  let text = '';
  child.stdout.on('data', (piece) => {
    text += piece;
  });
  const seen = (pattern: RegExp): boolean => pattern.test(text);
  const wait = async (pattern: RegExp): Promise<void> => {
    for (let i = 0; i < 600 && !seen(pattern); i++) await new Promise((resolve) => setTimeout(resolve, 50));
    expect(text).toMatch(pattern);
  };
  const print =
    'armstalk() { if [[ $1 == __complete ]]; then command armstalk "$@"; else printf "<%s>" "$@"; echo; fi; }';
  for (const line of [...setup, print, 'echo "is" ready']) child.stdin.write(`${line}\n`);
  await wait(/\nis ready\r?\n/);
  for (const [n, line] of lines.entries()) {
    child.stdin.write(`${line}\n`);
    child.stdin.write(`echo "line" ${n} done\n`);
    await wait(new RegExp(`\\nline ${n} done\\r?\\n`));
  }
  child.stdin.end('exit\n');
  await new Promise((resolve) => child.on('close', resolve));
  return [...text.matchAll(/^(<.*>)\r?$/gm)].map((match) => match[1] as string);
};

const has = (command: string): boolean => spawnSync(command, ['--version']).status === 0;
const hasTerminal = spawnSync('script', ['-qec', 'true', '/dev/null']).status === 0;

const LINES = [
  ['armstalk summ\t tra\tgo\t', '<summarize><traces/good.pb>'],
  ['armstalk run --tier=c\t ./lo\t -p cmp_\t', '<run><--tier=cold><./lock><-p><cmp_digit>'],
  ['armstalk run ./lock -p main@ret\t', '<run><./lock><-p><main@retval>'],
  ['armstalk run ./lock -p main@arg1/s,cou\t', '<run><./lock><-p><main@arg1/s,count>'],
  ['armstalk run -e +blo\t ./lock', '<run><-e><+block><./lock>'],
  ['armstalk repair --comp\tno\t traces/g\t', '<repair><--compress><none><traces/good.pb>'],
  ['armstalk replay traces/good.pb --notr\tcheck_\t', '<replay><traces/good.pb><--notrace><check_pin>'],
] as const;

const commandLines = LINES.map(([line]) => line);
const results = LINES.map(([, result]) => result);

// A tab key needs a pseudo-terminal (script, which every Debian has; elsewhere it may be missing) and the shell.
test.skipIf(!hasTerminal || !has('bash'))('the tab key in bash', { timeout: 60_000 }, async () => {
  const setup = ['PS1="> "; bind "set enable-bracketed-paste off"; source <(command armstalk completion bash)'];
  expect(await typed('bash --norc --noprofile -i', setup, commandLines)).toEqual(results);
});

// As above, with zsh; `npm test` installs it or stops.
test.skipIf(!hasTerminal || !has('zsh'))('the tab key in zsh', { timeout: 60_000 }, async () => {
  const setup = [
    'PS1="> "; unset zle_bracketed_paste',
    'autoload -U compinit; compinit -u -D; source <(command armstalk completion zsh)',
  ];
  expect(await typed('zsh -f -i', setup, commandLines)).toEqual(results);
});

// fish completes without a terminal; `npm test` installs it or stops.
test.skipIf(!has('fish'))('fish', () => {
  const ask = (line: string): string[] => {
    const script = `armstalk completion fish | source; complete -C '${line}'`;
    const { stdout } = spawnSync('fish', ['--no-config', '-c', script], { cwd: scratch, env, encoding: 'utf8' });
    return stdout
      .trimEnd()
      .split('\n')
      .map((one) => one.split('\t')[0] as string);
  };
  expect(ask('armstalk summ')).toEqual(['summarize']);
  expect(ask('armstalk run --tier=c')).toEqual(['--tier=cold']);
  expect(ask('armstalk run ./lock -p cmp_')).toEqual(['cmp_digit']);
  expect(ask('armstalk run ./lo')).toEqual(['./lock']);
  expect(ask('armstalk replay traces/')).toEqual(['traces/good.pb']);
  expect(ask('armstalk run --no-t')).toEqual(['--no-trace']);
});

test('another shell is an error that names those there are', () => {
  const { status, stderr } = armstalk(['completion', 'tcsh']);
  expect([status, stderr]).toEqual([2, expect.stringContaining('bash, zsh, fish')]);
  expect(armstalk(['completion']).status).toBe(2);
});

test('the command the scripts ask is not listed', () => {
  expect(Complete.hidden).toBe(true);
  expect(armstalk(['--help']).stdout.toString()).not.toContain('__complete');
  expect(armstalk(['--help']).stdout.toString()).toContain(Completion.summary.slice(0, 30));
});
