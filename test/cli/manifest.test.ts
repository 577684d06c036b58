import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import Info from '../../src/commands/info.js';
import Run from '../../src/commands/run.js';
import Summarize from '../../src/commands/summarize.js';

const root = new URL('../../', import.meta.url).pathname;
const manifest = JSON.parse(readFileSync(`${root}oclif.manifest.json`, 'utf8'));
const commands = { info: Info, run: Run, summarize: Summarize };

test('the manifest lists the commands there are: a stale one hides new commands', () => {
  const files = readdirSync(`${root}src/commands`).map((name) => name.replace(/\.ts$/, ''));
  expect(Object.keys(manifest.commands).sort()).toEqual(files.sort());
  expect(Object.keys(commands).sort()).toEqual(files.sort());
});

test.each(Object.entries(commands))('the manifest says of %s what its source says', (id, command) => {
  const listed = manifest.commands[id];
  expect(listed.summary).toBe(command.summary);
  expect(Object.keys(listed.flags).sort()).toEqual(Object.keys(command.flags).sort());
  for (const [name, flag] of Object.entries(command.flags)) {
    const { summary, type, char, options } = { char: undefined, options: undefined, ...flag };
    expect(JSON.parse(JSON.stringify({ name, summary, type, char, options }))).toEqual(
      JSON.parse(JSON.stringify(pick(listed.flags[name]))),
    );
  }
});

const pick = ({ name, summary, type, char, options }: Record<string, unknown>) => ({
  name,
  summary,
  type,
  char,
  options,
});

test('the manifest is of this version', () => {
  expect(manifest.version).toBe(JSON.parse(readFileSync(`${root}package.json`, 'utf8')).version);
});
