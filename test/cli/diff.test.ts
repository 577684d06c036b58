import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { branchInsn } from '../../src/cli/diff-branch.js';
import { diffJson } from '../../src/cli/diff-json.js';
import { type DiffParts, diffText } from '../../src/cli/diff-text.js';
import { type DiffOptions, diffTraces } from '../../src/index.js';
import { LOCK, LockTraces } from '../support/lock-traces.js';

const ALL: DiffParts = { first: true, tree: true, functions: 'line' };
const traces = new LockTraces();
afterAll(() => traces.remove());

beforeAll(async () => {
  await traces.record('good.pb', '4711');
  await traces.record('bad.pb', '4721');
  await traces.record('calls-good.pb', '4711', { list: '-compile' });
  await traces.record('calls-bad.pb', '4721', { list: '-compile' });
});

const compare = async (old: string, now: string, options: DiffOptions = {}, parts = ALL) => {
  const diff = await diffTraces(traces.open(old), traces.open(now), options);
  const branch = await branchInsn(diff.first);
  const text = diffText(diff, parts, branch).replaceAll(LOCK, './lock');
  return { diff, text, json: diffJson(diff, branch) as Record<string, unknown> };
};

const numbersAside = (text: string): string =>
  text
    .replace(/ +/g, ' ')
    .replace(/\b(\d+,)?\d+ insns/g, 'N insns')
    .replace(/clock \d+(,\d+)*/g, 'clock N');

describe('the right and a wrong PIN', () => {
  test('part at one branch of check_pin', async () => {
    const { diff, text } = await compare('good.pb', 'bad.pb');
    expect(numbersAside(text)).toBe(
      numbersAside(`--- good.pb ./lock exit 0 N insns
+++ bad.pb ./lock exit 1 N insns
first divergence: thread 1000, clock N, after ${diff.first?.commonBlocks.toLocaleString('en-US')} identical blocks
 main > check_pin (check_pin+0x26)
 0x10490 cbz r0, 0x104b0 r0 = return of cmp_digit
 - fell through to 0x10492 then called cmp_digit (clock N)
 + branched to 0x104b0 then returned to main (clock N)
first system call that differs: thread 1000
- read(0, "4711\\n", 15) = 5 (clock N)
+ read(0, "4721\\n", 15) = 5 (clock N)
@@ main @@
 read_pin();
 check_pin() {
 strlen();
 cmp_digit(); x3
- cmp_digit();
- hash_pin();
 } /* check_pin */
- unlock();
+ deny();
functions: 2 only in old (hash_pin, unlock), 1 only in new (deny), 1 count changed (cmp_digit 4 -> 3)
`),
    );
    expect(diff.same).toBe(false);
  });

  test('are told apart in JSON with every place spelled out', async () => {
    const { json } = await compare('good.pb', 'bad.pb');
    expect(json.first).toMatchObject({
      thread: 1000,
      at: { module: 'lock-thumb', offset: '0x10490', symbol: 'check_pin', symbolOffset: 0x26 },
      old: { next: '0x10492' },
      new: { next: '0x104b0' },
      stack: ['main', 'check_pin'],
      branch: { address: '0x10490', text: 'cbz r0, 0x104b0' },
    });
  });

  test('part at the call that differs, or the cost before it, when blocks were not recorded', async () => {
    const { diff, text } = await compare('calls-good.pb', 'calls-bad.pb');
    expect(diff).toMatchObject({ level: 'call', first: { kind: 'flow', last: { kind: 'return' } } });
    expect(text).toContain('after the return to check_pin+0x24');
    expect(text).toMatch(/ {2}- {3}called cmp_digit at check_pin\+0x20/);
    expect(text).toMatch(/ {2}\+ {3}returned to main at check_pin\+0x48/);
    expect(text).toContain('only calls were recorded');
  });

  test('are compared on what both have recorded', async () => {
    expect((await compare('good.pb', 'calls-bad.pb')).diff.level).toBe('call');
  });

  test('differ in the same place the other way round', async () => {
    const forth = (await compare('good.pb', 'bad.pb')).diff.first;
    const back = (await compare('bad.pb', 'good.pb')).diff.first;
    expect([back?.at, back?.commonBlocks, back?.old, back?.new]).toEqual([
      forth?.at,
      forth?.commonBlocks,
      forth?.new,
      forth?.old,
    ]);
  });

  test('ran different blocks', async () => {
    const { diff, text } = await compare('good.pb', 'bad.pb', { coverage: true });
    const functionsOf = (blocks: readonly { at: { symbol: string } }[] = []) =>
      new Set(blocks.map(({ at }) => at.symbol));
    expect(functionsOf(diff.coverage?.onlyOld)).toEqual(new Set(['check_pin', 'hash_pin', 'main', 'unlock']));
    expect(functionsOf(diff.coverage?.onlyNew)).toEqual(new Set(['check_pin', 'deny', 'main']));
    expect(text).toMatch(/^coverage: \d+ blocks only in old, \d+ only in new, \d+ in both$/m);
  });

  test('show only the parts asked for', async () => {
    const parts = { first: false, tree: false, functions: 'stat' } as const;
    const { text } = await compare('good.pb', 'bad.pb', {}, parts);
    expect(text.split('\n').slice(2)).toEqual([
      ' cmp_digit | 4 -> 3',
      ' deny      | 0 -> 1',
      ' hash_pin  | 1 -> 0',
      ' unlock    | 1 -> 0',
      'functions: 2 only in old (hash_pin, unlock), 1 only in new (deny), 1 count changed (cmp_digit 4 -> 3)',
      '',
    ]);
  });

  test('need not be read to the end for the first divergence', async () => {
    const { diff } = await compare('good.pb', 'bad.pb', { firstOnly: true });
    expect(diff).toMatchObject({
      same: false,
      hunks: [],
      functions: [],
      first: { new: { transfer: { kind: 'return' } } },
    });
  });
});

test.each(['good.pb', 'calls-good.pb'])('%s is the same as itself: nothing is printed', async (name) => {
  const { diff, text } = await compare(name, name);
  expect([diff.same, text, diff.first, diff.functions]).toEqual([true, '', undefined, []]);
});

test('a branch in code that cannot be read is told by its block', async () => {
  const { diff } = await compare('good.pb', 'bad.pb');
  const first = diff.first && { ...diff.first, block: diff.first.block && { ...diff.first.block, code: undefined } };
  expect(await branchInsn(first as typeof diff.first)).toBeUndefined();
  expect(diffText({ ...diff, first } as typeof diff, ALL, undefined)).toContain(
    'the branch that ends the block 0x1048e-0x10492',
  );
});
