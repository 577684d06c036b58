/** Programs whose linker put veneers between caller and callee: too far for a branch, or from ARM to Thumb before ARMv5. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  demangleName,
  diffTraces,
  type ExportFormatName,
  exportTrace,
  type NameOptions,
  openForReplay,
  parseEventList,
  type RecordOptions,
  type ReplayRecord,
  record,
  replayTrace,
  summarize,
  TraceReader,
} from '../../src/index.js';
import { armstalk } from '../support/cli.js';
import { compile, hasCompiler } from '../support/toolchain.js';

const FAR = `
__attribute__((noinline, section(".far"))) int far_away(int n) { return n * 3 + 1; }
__attribute__((noinline)) int near(int n) { return far_away(n) + far_away(n + 1); }
int main(void) { return near(4) - far_away(9); }
`;
const FAR_AWAY = '-Wl,--section-start=.far=0x4000000';

const INTERWORKING = `
int in_thumb(int n);
__attribute__((noinline, target("arm"))) int in_arm(int n) { return n + 2; }
__attribute__((noinline, target("arm"))) int from_arm(int n) { return in_thumb(n) + 1; }
__attribute__((noinline, target("thumb"))) int in_thumb(int n) { return n * 3; }
__attribute__((noinline, target("thumb"))) int from_thumb(int n) { return in_arm(n) + in_thumb(n); }
int main(void) { return from_arm(3) + from_thumb(4); }
`;

const scratch = mkdtempSync(join(tmpdir(), 'armstalk-veneers-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const trace = async (name: string, program: string, options: RecordOptions = {}): Promise<string> => {
  const path = join(scratch, `${name}.pb`);
  await record(program, {
    stdin: new Uint8Array(),
    stdout: () => {},
    env: {},
    argv0: 'program',
    events: parseEventList('+block'),
    output: { path },
    ...options,
  });
  return path;
};

const only = ({ symbol }: { symbol: string }): boolean => symbol === 'main';

/** The calls below main, each with its level. */
const calls = async (path: string, names: NameOptions = {}): Promise<string[]> => {
  const found: string[] = [];
  for await (const batch of replayTrace(openForReplay(path, undefined), { names, filters: { only } })) {
    for (const one of batch as readonly ReplayRecord[])
      if (one.type === 'open' || one.type === 'call') found.push('  '.repeat(one.depth) + one.function.symbol);
  }
  return found;
};

const exported = async (path: string, to: ExportFormatName, names: NameOptions = {}): Promise<string> => {
  const pieces: Buffer[] = [];
  await exportTrace(TraceReader.open(path), { to, names, write: (bytes) => pieces.push(Buffer.from(bytes)) });
  return Buffer.concat(pieces).toString();
};

const far = (state: string, more: readonly string[] = []): string =>
  compile('far', FAR, { flags: ['-O1', state, ...more] });

// Built here by gcc-arm-linux-gnueabihf. `npm test` installs it or stops; only a file run by hand goes without.
describe.skipIf(!hasCompiler()).each(['-marm', '-mthumb'])('a call too far for a branch, %s', (state) => {
  let path = '';
  let direct = '';
  beforeAll(async () => {
    path = await trace(`far${state}`, far(state, [FAR_AWAY]), { probes: ['far_away@arg1/d,retval/d'] });
    direct = await trace(`direct${state}`, far(state));
  });

  test('is one of the function it leads to', async () => {
    const expected = ['main', '  near', '    far_away', '    far_away', '  far_away'];
    expect(await calls(path)).toEqual(expected);
    const veneer = '__far_away_veneer';
    const shown = expected.map((name) => name.replace('far_away', veneer));
    expect(await calls(path, { veneers: true })).toEqual(shown);
  });

  test('counts as one of it, with the instructions of the veneer', async () => {
    const { functions = [] } = await summarize(TraceReader.open(path));
    expect(functions.filter(({ symbol }) => symbol.includes('far_away'))).toMatchObject([
      { symbol: 'far_away', calls: 3, returns: 3, offset: '0x4000000' },
    ]);
    const { functions: shown = [] } = await summarize(TraceReader.open(path), { names: { veneers: true } });
    const row = shown.find(({ symbol }) => symbol === '__far_away_veneer');
    expect(row).toMatchObject({ calls: 3, self: functions.find(({ symbol }) => symbol === 'far_away')?.self });
    const { callsites = [] } = await summarize(TraceReader.open(path), { by: 'callsite' });
    const sites = callsites.filter(({ to }) => to.symbol === 'far_away');
    expect(sites.map(({ from, calls: count, to }) => [from.symbol, count, to.via])).toEqual([
      ['near', 1, '__far_away_veneer'],
      ['near', 1, '__far_away_veneer'],
      ['main', 1, '__far_away_veneer'],
    ]);
  });

  test('has the arguments and the result a probe saw behind the veneer', async () => {
    const records: ReplayRecord[] = [];
    for await (const batch of replayTrace(openForReplay(path, undefined), { filters: { only } }))
      records.push(...batch);
    expect(records.filter(({ type }) => type === 'note')).toEqual([]);
    const text = armstalk(['replay', path, '-F', 'main', '--no-header']).stdout.toString();
    expect(text.match(/far_away\(.*\) = \d+/g)).toEqual([
      'far_away(arg1=4) = 13',
      'far_away(arg1=5) = 16',
      'far_away(arg1=9) = 28',
    ]);
  });

  test('is the same call as a direct one', async () => {
    const open = (): [TraceReader, TraceReader] => [TraceReader.open(direct), TraceReader.open(path)];
    // The far section moves the heap, which system calls of the start tell.
    const options = { only, ignore: ['args', 'retval'] as const };
    expect(await diffTraces(...open(), options)).toMatchObject({ same: true, level: 'block', functions: [] });
    const shown = await diffTraces(...open(), { ...options, names: { veneers: true } });
    expect(shown.same).toBe(false);
    expect(shown.first).toMatchObject({ kind: 'flow', stack: expect.arrayContaining(['main', 'near']) });
  });

  test.each(['folded', 'callgrind', 'speedscope', 'chrome'] as const)('is that in %s', async (to) => {
    expect(await exported(path, to)).not.toContain('_veneer');
    expect(await exported(path, to, { veneers: true })).toContain('__far_away_veneer');
  });

  test('is that in jsonl, which tells the way', async () => {
    const lines = (await exported(path, 'jsonl')).trimEnd().split('\n');
    const targets = lines.map((line) => JSON.parse(line)).filter(({ type, target }) => type === 'call' && target.via);
    expect(targets.map(({ target }) => [target.symbol, target.via])).toEqual(
      Array(3).fill(['far_away', '__far_away_veneer']),
    );
  });

  test('looks like that on the command line, unless --show-veneers says otherwise', () => {
    const run = (...words: readonly string[]): string => armstalk(words).stdout.toString();
    for (const words of [
      ['summarize', path, '--top', '0'],
      ['replay', path],
      ['export', path, '--to', 'folded'],
    ]) {
      expect(run(...words)).not.toContain('_veneer');
      expect(run(...words, '--show-veneers')).toContain('__far_away_veneer');
    }
    const live = armstalk(['run', '--no-trace', '-q', '--live=tree', far(state, [FAR_AWAY])]).stderr;
    expect(live).toContain('far_away()');
    expect(live).not.toContain('_veneer');
  });
});

// Built here by gcc-arm-linux-gnueabi. `npm test` installs it or stops; only a file run by hand goes without.
describe.skipIf(!hasCompiler('soft'))('calls from ARM to Thumb and back on ARMv4T', () => {
  test('are of the functions behind the veneers', async () => {
    const program = compile('interworking', INTERWORKING, {
      abi: 'soft',
      flags: ['-O1', '-march=armv4t', '-mthumb-interwork'],
    });
    const path = await trace('interworking', program);
    expect(await calls(path)).toEqual([
      'main',
      '  from_arm',
      '    in_thumb',
      '  from_thumb',
      '    in_arm',
      '    in_thumb',
    ]);
    expect((await calls(path, { veneers: true })).filter((name) => name.includes('__'))).toEqual([
      '    __in_thumb_from_arm',
      '  __from_thumb_from_arm',
      '    __in_arm_from_thumb',
    ]);
    const { functions = [] } = await summarize(TraceReader.open(path));
    expect(functions.find(({ symbol }) => symbol === 'in_thumb')).toMatchObject({ calls: 2 });
  });
});

test('names of C++ are readable and found either way', () => {
  expect(demangleName('_ZN3foo3barEi')).toBe('foo::bar(int)');
});
