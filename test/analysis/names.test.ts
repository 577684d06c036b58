/** Names and lines for traces of stripped programs, from files that stand elsewhere. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  diffTraces,
  exportTrace,
  isVeneer,
  openForReplay,
  type ReplayRecord,
  record,
  replayTrace,
  summarize,
  TraceReader,
} from '../../src/index.js';
import { compile, hasCompiler } from '../support/toolchain.js';

const SOURCE = `
#include <unistd.h>
__attribute__((noinline)) int leaf(int n) { return n * 3 + getpid(); }
__attribute__((noinline)) int inner(int n) {
  return leaf(n) + 1;
}
int main(void) {
  return inner(4) & 1;
}
`;

const hasAnnotate = spawnSync('callgrind_annotate', ['--version']).status === 0;

describe('veneers', () => {
  test.each([
    '__puts_from_thumb',
    '__memcpy_from_arm',
    '__main_veneer',
    '__foo_bar_veneer',
    '__ARMv7ABSLongThunk_puts',
  ])('%s is one', (name) => expect(isVeneer(name)).toBe(true));
  test.each(['main', 'puts', '__libc_start_main', 'veneer', '__veneers', 'x_from_thumb'])('%s is none', (name) =>
    expect(isVeneer(name)).toBe(false),
  );
});

// Built here by gcc-arm-linux-gnueabihf. `npm test` installs it or stops; only a file run by hand goes without.
describe.skipIf(!hasCompiler())('a trace of a stripped program (needs gcc-arm-linux-gnueabihf)', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'armstalk-names-'));
  afterAll(() => rmSync(scratch, { recursive: true, force: true }));
  const named = compile('names', SOURCE, { flags: ['-g', '-O1', '-mthumb', '-Wl,--build-id=sha1'] });
  const stripped = join(scratch, 'names');
  const trace = join(scratch, 'names.pb');
  const names = { symbols: [named], lines: true };

  beforeAll(async () => {
    spawnSync('arm-linux-gnueabihf-objcopy', ['--strip-all', named, stripped]);
    await record(stripped, { stdin: new Uint8Array(), stdout: () => {}, env: {}, output: { path: trace } });
  });

  const functions = async (options: { names?: typeof names }): Promise<string[]> => {
    const calls: ReplayRecord[] = [];
    for await (const batch of replayTrace(openForReplay(trace, undefined), options)) calls.push(...batch);
    return calls.flatMap((one) =>
      one.type === 'open' || one.type === 'call' ? [`${one.function.symbol} ${one.function.source ?? ''}`] : [],
    );
  };

  test('names functions by module and address', async () => {
    expect((await functions({})).filter((name) => !name.startsWith('0x'))).toEqual([]);
  });

  test('replays with the names and lines of another file', async () => {
    const found = (await functions({ names })).map((name) => name.replace(/ .*\//, ' '));
    const source = /names-\w+\.c/;
    const at = found.findIndex((name) => name.startsWith('main '));
    expect(found.slice(at, at + 3).map((name) => name.replace(source, 'names.c'))).toEqual([
      'main names.c:7',
      'inner names.c:4',
      'leaf names.c:3',
    ]);
  });

  test('summarizes, compares and exports with them', async () => {
    const { functions: rows } = await summarize(TraceReader.open(trace), { names });
    expect(rows?.find(({ symbol }) => symbol === 'inner')).toMatchObject({ calls: 1 });
    expect(rows?.find(({ symbol }) => symbol === 'inner')?.source).toMatch(/\.c:4$/);
    const diff = await diffTraces(TraceReader.open(trace), TraceReader.open(trace), { names });
    expect(diff.same).toBe(true);
    let folded = '';
    await exportTrace(TraceReader.open(trace), {
      to: 'folded',
      names,
      write: (bytes) => {
        folded += Buffer.from(bytes).toString();
      },
    });
    expect(folded).toMatch(/main;inner;leaf/);
  });

  test('exports source lines where a format has room for them', async () => {
    const exported = async (to: 'callgrind' | 'speedscope' | 'pprof'): Promise<Buffer> => {
      const pieces: Buffer[] = [];
      await exportTrace(TraceReader.open(trace), { to, names, write: (bytes) => pieces.push(Buffer.from(bytes)) });
      return Buffer.concat(pieces);
    };
    const { frames } = JSON.parse((await exported('speedscope')).toString()).shared;
    const inner = frames.find(({ name }: { name: string }) => name === 'inner');
    expect([inner.file, inner.line]).toEqual([expect.stringMatching(/names-\w+\.c$/), 4]);
    const file = join(scratch, 'callgrind.out');
    writeFileSync(file, await exported('callgrind'));
    const lines = readFileSync(file, 'utf8').split('\n');
    expect(lines).toContain('positions: instr line');
    // The call of leaf stands in line 5; of main's call of inner, line 8 (callgrind's own: address, line, cost).
    const call = lines.findIndex((line) => /^cfn=\(\d+\) leaf$/.test(line));
    expect(lines[call + 2]).toMatch(/^0x[0-9a-f]+ 5 \d+$/);
    if (hasAnnotate) {
      const args = ['--threshold=100', '--auto=no', file];
      const { stdout, stderr } = spawnSync('callgrind_annotate', args, { encoding: 'utf8' });
      expect(stderr).toBe('');
      expect(stdout).toMatch(/names-\w+\.c:inner /);
      expect(stdout).toMatch(/names-\w+\.c:leaf /);
    }
    const pprof = gunzipSync(await exported('pprof')).toString('latin1');
    expect(pprof).toMatch(/names-\w+\.c/);
  });
});
