/** No row of the catalogue is forgotten: each is the name of a test here or in test/frida, or is left out with a reason. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { LEFT_OUT, ROWS } from './rows.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** Names of the tests, as vitest itself lists them; one may name several rows, and say more behind a comma or colon. */
const testNames = (): ReadonlySet<string> => {
  const args = ['list', '--json', '--config', 'test/vitest.config.ts', 'test/stalker/catalogue', 'test/frida'];
  const listed = execFileSync(process.execPath, ['node_modules/vitest/vitest.mjs', ...args], { cwd: root });
  const tests = JSON.parse(listed.toString()) as { name: string; file: string }[];
  const others = tests.filter(({ file }) => !file.endsWith('rows.test.ts'));
  return new Set(others.flatMap(({ name }) => (name.split(' > ').at(-1) as string).split(/[,:( ]+/)));
};

test('every row is re-created or left out for a reason, and none is both', () => {
  const names = testNames();
  expect(names.size).toBeGreaterThan(100);
  expect(ROWS.filter((name) => names.has(name) === name in LEFT_OUT)).toEqual([]);
  expect(Object.keys(LEFT_OUT).filter((name) => !ROWS.includes(name))).toEqual([]);
});
