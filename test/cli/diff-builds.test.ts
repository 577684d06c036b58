/** Two builds of one source: addresses move, and only what was changed may differ. Needs an ARM compiler. */
import { copyFileSync, mkdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { branchInsn } from '../../src/cli/diff-branch.js';
import { type DiffOptions, diffTraces, parseEventList, record, summarize, TraceReader } from '../../src/index.js';
import { LockTraces } from '../support/lock-traces.js';
import { compile, hasCompiler } from '../support/toolchain.js';

/** Sums up some weights; `weigh` is the function that changes from build to build. */
const source = (weigh: string): string => `
#include <stdio.h>
#include <stdlib.h>
#define APART __attribute__((noipa))
APART static int check(int value) { return value % 7 == 3 ? -1 : value; }
APART static int weigh(int value) { ${weigh} }
APART static int total(const int *values, int count) {
  int sum = 0;
  for (int i = 0; i < count; i++) sum += check(weigh(values[i]));
  return sum;
}
int main(void) {
  int values[12];
  for (int i = 0; i < 12; i++) values[i] = rand() % 100;
  printf("%d\\n", total(values, 12));
  return 0;
}
`;

const LOOPING = 'for (int i = 0; i < value; i += 40) value += 2; if (value > 50) value -= 20; return value * 3;';

const FLAGS = ['-O0', '-O1', '-O2'].flatMap((level) => ['-mthumb', '-marm'].map((isa) => [level, isa] as const));

// Built here by gcc-arm-linux-gnueabihf. `npm test` installs it or stops; only a file run by hand goes without.
describe.skipIf(!hasCompiler()).each(FLAGS)('two builds with %s %s', (level, isa) => {
  const traces = new LockTraces();
  afterAll(() => traces.remove());

  const trace = async (name: string, weigh: string, list = '+block', directory = name.slice(0, 5)): Promise<string> => {
    const built = compile('weights', source(weigh), { flags: [level, isa] });
    mkdirSync(traces.path(directory), { recursive: true });
    const program = traces.path(`${directory}/weights`);
    copyFileSync(built, program);
    await record(program, {
      argv0: 'weights',
      stdin: new Uint8Array(),
      stdout: () => {},
      events: parseEventList(list),
      output: { path: traces.path(`${name}.pb`) },
    });
    return traces.path(`${name}.pb`);
  };

  const compare = async (old: string, now: string, options: DiffOptions = {}) =>
    diffTraces(TraceReader.open(traces.path(`${old}.pb`)), TraceReader.open(traces.path(`${now}.pb`)), options);

  /** Where functions begin, in the builds recorded. */
  const offsets = async (name: string): Promise<Map<string, string>> => {
    const { functions = [] } = await summarize(TraceReader.open(traces.path(`${name}.pb`)));
    return new Map(functions.map(({ symbol, offset }) => [symbol, offset]));
  };

  beforeAll(async () => {
    await trace('plain', 'return value * 3;');
    await trace('branch', LOOPING);
    await trace('other', 'return value > 80 ? abs(value - 100) * atoi("3") : value * 3;');
    await trace('plain-calls', 'return value * 3;', '-compile');
    await trace('branch-calls', LOOPING, '-compile');
  });

  test('have their functions at other addresses', async () => {
    const [plain, branch, other] = await Promise.all(['plain', 'branch', 'other'].map(offsets));
    for (const build of [branch, other]) {
      const moved = [...(plain as Map<string, string>)].filter(([name, offset]) => build?.get(name) !== offset);
      expect(moved.length).toBeGreaterThan(20);
      expect(moved.map(([name]) => name)).toContain('total');
    }
  });

  test('of which one function was changed part in that function', async () => {
    const diff = await compare('plain', 'branch');
    expect(diff.first?.stack.slice(-3)).toEqual(['main', 'total', 'weigh']);
    expect(diff.first?.at?.symbol).toBe('weigh');
    expect((await branchInsn(diff.first))?.text).toMatch(/^(b|cb|pop|it|ldr|ldm)/);
  });

  test('make the same calls where only the inside of a function differs', async () => {
    const { hunks, functions } = await compare('plain', 'branch');
    expect([hunks, functions]).toEqual([[], []]);
  });

  test('are told apart in the function that changed when only calls were recorded, too', async () => {
    const diff = await compare('plain-calls', 'branch-calls');
    expect(diff.first?.stack.slice(-3)).toEqual(['main', 'total', 'weigh']);
  });

  test('that call other functions have a hunk with these calls and no others', async () => {
    const { hunks, functions } = await compare('plain', 'other');
    expect(hunks).toHaveLength(1);
    const changed = hunks[0]?.lines.filter(({ sign }) => sign !== ' ').map(({ function: name }) => name);
    // Only with optimisation on does the header make atoi a call of strtol, to which atoi itself jumps.
    const called = level === '-O0' ? 'atoi' : 'strtol';
    expect(new Set(changed)).toEqual(new Set([called]));
    expect(functions.find((row) => row.function === called)?.old).toBe(0);
  });

  test('can be compared from a function on, when what runs before it differs', async () => {
    await trace('longer-path', 'return value * 3;', '+block', 'a-longer-directory');
    expect((await compare('plain', 'longer-path')).first?.stack).toContain('_dl_get_origin');
    const only = ({ symbol }: { symbol: string }) => symbol === 'main';
    expect((await compare('plain', 'longer-path', { only })).first).toBeUndefined();
    expect((await compare('branch', 'longer-path', { only })).first?.stack.slice(-2)).toEqual(['total', 'weigh']);
  });

  test('are other programs by address', async () => {
    const diff = await compare('plain', 'branch', { match: 'addr' });
    expect(diff.first?.commonBlocks).toBeLessThan((await compare('plain', 'branch')).first?.commonBlocks ?? 0);
  });
});
