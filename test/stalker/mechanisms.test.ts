/** The README's table of mechanisms names files that exist and tests that are there by that name. */
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const room = new URL('../../src/stalker/', import.meta.url);
const tests = new URL('../', import.meta.url);

const rows = [
  ...readFileSync(new URL('README.md', room), 'utf8').matchAll(/^\| (.+) \| (.+) \| (.+) \| (`.+`: .+) \|$/gm),
].map(([, mechanism = '', , where = '', test = '']) => {
  const [, file = '', title = ''] = /^`(.+?)`: (.+?) *$/.exec(test) ?? [];
  return {
    mechanism: mechanism.trim(),
    files: [...where.matchAll(/`(.+?)`/g)].map(([, name]) => name ?? ''),
    file,
    title,
  };
});

describe('the table of mechanisms', () => {
  it('has a row for each', () => {
    expect(rows.length).toBeGreaterThan(35);
    expect(new Set(rows.map(({ mechanism }) => mechanism)).size).toBe(rows.length);
  });

  it.each(rows)('$mechanism', ({ files, file, title }) => {
    expect(files.filter((name) => !existsSync(new URL(name, room)))).toEqual([]);
    expect(files.length).toBeGreaterThan(0);
    const titles = readFileSync(new URL(file, tests), 'utf8')
      .split('\n')
      .filter((line) => /['"`]/.test(line));
    expect(
      titles.filter((line) => line.includes(title)),
      `${file} has no test "${title}"`,
    ).not.toEqual([]);
  });
});
