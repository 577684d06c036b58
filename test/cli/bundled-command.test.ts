/** Bundles run from kept code: the right code, whole or not at all, and without it just as well. */
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { repository, sample } from '../support/cli.js';

let directory = '';
const file = () => join(directory, 'say.cjs');
const codeFile = () => `${file()}.${process.version}-${process.arch}.code`;
const kept = () => readdirSync(directory).filter((name) => name.includes('.code'));

/** A bundle that says `word` and whether it was given what CommonJS gives. */
const writeBundle = (word: string): void => {
  const text = `'${word}' + argv.join('') + typeof require('node:fs') + __filename.slice(-7)`;
  writeFileSync(file(), `exports.default = { run: async (argv) => process.stdout.write(${text}) };`);
};

/** In a process of its own: within one, V8 remembers what it compiled without any of this. */
const runOnce = (options: { env?: NodeJS.ProcessEnv } = {}): string => {
  const script = join(directory, 'run.mjs');
  const module = pathToFileURL(`${repository}dist/cli/bundled-command.js`).href;
  writeFileSync(
    script,
    `import { loadBundled } from '${module}';
     const { command, keepCode } = loadBundled(process.argv[2]);
     await command.run(['!']);
     keepCode();`,
  );
  return execFileSync(process.execPath, [script, file()], { env: options.env ?? {} }).toString();
};

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'armstalk-bundle-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

describe('a bundled command', () => {
  it('leaves its code behind and runs from it', () => {
    writeBundle('one');
    expect(runOnce()).toBe('one!objectsay.cjs');
    expect(readFileSync(codeFile()).length).toBeGreaterThan(100);
    const { mtimeMs } = statSync(codeFile());
    expect(runOnce()).toBe('one!objectsay.cjs');
    expect(statSync(codeFile()).mtimeMs).toBe(mtimeMs);
    expect(kept()).toHaveLength(1);
  });

  it('never runs the code of another bundle, not even of one as long', () => {
    writeBundle('one');
    runOnce();
    writeBundle('two');
    utimesSync(file(), 1, 1);
    expect(runOnce()).toBe('two!objectsay.cjs');
    expect(runOnce()).toBe('two!objectsay.cjs');
  });

  it.each([
    ['empty', (code: Buffer) => code.subarray(0, 0)],
    ['cut', (code: Buffer) => code.subarray(0, code.length >> 1)],
    ['of another version of V8', (code: Buffer) => Buffer.concat([code.subarray(0, 16), Buffer.alloc(400, 0x5a)])],
  ])('runs although what was kept is %s, and mends it', (_what, damage) => {
    writeBundle('one');
    runOnce();
    const whole = readFileSync(codeFile());
    writeFileSync(codeFile(), damage(whole));
    expect(runOnce()).toBe('one!objectsay.cjs');
    expect(readFileSync(codeFile()).length).toBe(whole.length);
  });

  it('runs where its code cannot be written, and leaves nothing else behind', () => {
    writeBundle('one');
    mkdirSync(codeFile());
    expect(runOnce()).toBe('one!objectsay.cjs');
    expect(kept()).toHaveLength(1);
  });

  it('keeps nothing under flags of its own', () => {
    writeBundle('one');
    expect(runOnce({ env: { NODE_OPTIONS: '--no-warnings' } })).toBe('one!objectsay.cjs');
    expect(kept()).toHaveLength(0);
  });
});

describe('a recorded program with hot code', () => {
  it('runs from the code the run before it left behind', () => {
    for (const part of ['bin', 'dist/bundle', 'package.json']) {
      const isKeptCode = (from: string) => from.endsWith('.code');
      cpSync(join(repository, part), join(directory, part), { recursive: true, filter: (from) => !isKeptCode(from) });
    }
    symlinkSync(join(repository, 'node_modules'), join(directory, 'node_modules'));
    const bundles = join(directory, 'dist/bundle');
    const times = () =>
      readdirSync(bundles)
        .filter((name) => name.endsWith('.code'))
        .map((name) => statSync(join(bundles, name)).mtimeMs);
    const record = () =>
      execFileSync(
        process.execPath,
        [
          join(directory, 'bin/run.js'),
          'run',
          '-q',
          '--tier',
          'hot',
          '-o',
          join(directory, 't.pb'),
          sample('fib-thumb'),
        ],
        { env: {} },
      );
    record();
    const first = times();
    expect(first).toHaveLength(1);
    record();
    expect(times()).toEqual(first);
  });
});
