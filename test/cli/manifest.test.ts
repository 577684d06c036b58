import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

interface CommandClass {
  readonly id: string;
  readonly summary: string;
  readonly flags: Readonly<Record<string, object>>;
}

const root = new URL('../../', import.meta.url).pathname;
const manifest = JSON.parse(readFileSync(`${root}oclif.manifest.json`, 'utf8'));
const names = readdirSync(`${root}src/commands`).map((name) => name.replace(/\.ts$/, ''));

/** What of an option the manifest repeats. */
const pick = ({ summary, type, char, options }: Record<string, unknown>) => ({ summary, type, char, options });

test('the manifest lists the commands there are: a stale one hides new commands', () => {
  expect(Object.keys(manifest.commands).sort()).toEqual(names.sort());
});

test.each(names)('the manifest says of %s what its source says', async (name) => {
  const command: CommandClass = (await import(`../../src/commands/${name}.ts`)).default;
  const listed = manifest.commands[name];
  expect([listed.id, listed.summary]).toEqual([command.id, command.summary]);
  expect(Object.keys(listed.flags).sort()).toEqual(Object.keys(command.flags).sort());
  for (const [option, flag] of Object.entries(command.flags)) {
    expect(pick(listed.flags[option]), option).toEqual(pick({ ...flag }));
  }
});

test('the manifest is of this version', () => {
  expect(manifest.version).toBe(JSON.parse(readFileSync(`${root}package.json`, 'utf8')).version);
});
