/** Source lines against GNU addr2line: every address in the line table of programs built with each DWARF version. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { ElfFile } from '../../src/elf/elf-file.js';
import { parseElf } from '../../src/elf/parse-elf.js';
import { SymbolPaths } from '../../src/elf/symbol-paths.js';
import { ElfFormatError, UsageError } from '../../src/errors.js';
import { record } from '../../src/index.js';
import { Random } from '../support/random.js';
import { compile, hasCompiler } from '../support/toolchain.js';

const PREFIX = 'arm-linux-gnueabihf-';
const scratch = mkdtempSync(join(tmpdir(), 'armstalk-lines-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const tool = (name: string, args: readonly string[], input = ''): string => {
  const run = spawnSync(`${PREFIX}${name}`, args, { input, encoding: 'utf8', maxBuffer: 1 << 28 });
  if (run.status !== 0) throw new Error(`${PREFIX}${name} ${args.join(' ')}: ${run.stderr}`);
  return run.stdout;
};

const read = (path: string): ElfFile => parseElf(readFileSync(path), path);
const sourceOf = (name: string): string => readFileSync(new URL(name, import.meta.url), 'utf8');
const SOURCE = sourceOf('../recording/probe-types.c');
const CRASH = `
#include <stdio.h>
__attribute__((noinline)) static int scribble(int *at) {
  *at = 1;
  return *at;
}
int main(int argc, char **argv) {
  puts("about to crash");
  int value = scribble((int *)(long)(argc * 12));
  return value + 1;
}
`;

/** `addr2line` on all addresses at once, `FILE:LINE` or undefined. */
const addr2line = (path: string, addresses: readonly number[]): (string | undefined)[] =>
  tool('addr2line', ['-e', path], `${addresses.map((at) => `0x${at.toString(16)}`).join('\n')}\n`)
    .trimEnd()
    .split('\n')
    .map((line) => (/:(?:0|\?)$/.test(line) ? undefined : line.replace(/ \(discriminator \d+\)$/, '')));

const builds = [2, 3, 4, 5].flatMap((version) => [
  [`-gdwarf-${version}`, '-O2', '-mthumb'],
  [`-gdwarf-${version}`, '-O0', '-marm', '-gz=zlib'],
  [`-gdwarf-${version}`, '-Os', '-mthumb', '-ffunction-sections', '-Wl,--gc-sections'],
]);

// Built here by gcc-arm-linux-gnueabihf. `npm test` installs it or stops; only a file run by hand goes without.
describe.skipIf(!hasCompiler())('source lines (needs gcc-arm-linux-gnueabihf)', () => {
  test.each(builds.map((flags) => [flags] as const))('%j: every address agrees with addr2line', (flags) => {
    const path = compile('lines', SOURCE, { flags });
    const { lines } = read(path);
    const rows = lines.rowAddresses();
    expect(rows.length).toBeGreaterThan(100);
    // The next byte pair belongs to the same instruction or the next row; both must be known too.
    const asked = [...rows, ...rows.map((at) => at + 2)];
    const theirs = addr2line(path, asked);
    const differing = asked.flatMap((at, i) => {
      const ours = lines.lookup(at);
      const text = ours === undefined ? undefined : `${ours.file}:${ours.line}`;
      const isSame = text === theirs[i] || (text !== undefined && theirs[i]?.endsWith(`/${text}`));
      return isSame ? [] : [`${at.toString(16)} ${text} ${theirs[i]}`];
    });
    expect(differing).toEqual([]);
  });

  test('a line is found again at its addresses', () => {
    const { lines, symbols } = read(compile('lines', SOURCE, { flags: builds[0] }));
    const number = SOURCE.split('\n').findIndex((line) => line.startsWith('NOINLINE int ints(')) + 1;
    const file = lines.lookup(symbols.addressesOf('ints')[0] as number)?.file as string;
    const found = lines.addressesOf(file.split('/').at(-1) as string, number);
    expect(found).toContain((symbols.addressesOf('ints')[0] as number) & ~1);
    for (const at of found) expect(symbols.lookup(at)?.name).toBe('ints');
    expect(lines.addressesOf('other.c', number)).toEqual([]);
    expect(lines.addressesOf(file, 100_000)).toEqual([]);
  });

  test('damage ends a table early, and nothing else', () => {
    const path = compile('lines', SOURCE, { flags: ['-gdwarf-5', '-O2', '-mthumb'] });
    const whole = readFileSync(path);
    const section = read(path).sections.find(({ name }) => name === '.debug_line');
    const random = new Random(7);
    for (let round = 0; round < 300; round++) {
      const bytes = Uint8Array.from(whole);
      for (let i = 0; i < 8; i++) {
        bytes[(section?.offset ?? 0) + random.below(section?.sizeBytes ?? 1)] = random.below(256);
      }
      const { lines } = parseElf(bytes, path);
      expect(lines.size).toBeLessThan(1 << 20);
      lines.lookup(0x10500);
    }
  });

  test('a crash report has them, and a probe can stand at one', async () => {
    const path = compile('crash-lines', CRASH, { flags: ['-g', '-O0', '-mthumb'] });
    const quiet = { stdin: new Uint8Array(), stdout: () => {}, env: {} };
    const file = read(path).lines.lookup(read(path).symbols.addressesOf('main')[0] as number)?.file as string;
    const { crash, probes } = await record(path, { ...quiet, probes: [`${file.split('/').at(-1)}:9@count`] });
    expect(crash?.pc.line).toBe(`${file}:4`);
    expect(probes[0]).toMatchObject({ hits: 1 });
    // Without recorded calls the backtrace has lr only: the line of the call, not the one after it.
    expect(crash?.backtrace.map(({ line }) => line)).toEqual([`${file}:4`, `${file}:9`]);
  });
});

// Built here by gcc-arm-linux-gnueabihf. `npm test` installs it or stops; only a file run by hand goes without.
describe.skipIf(!hasCompiler())('separate files with symbols (needs gcc-arm-linux-gnueabihf)', () => {
  const named = compile('separate', CRASH, { flags: ['-g', '-O0', '-mthumb', '-Wl,--build-id=sha1'] });
  const stripped = join(scratch, 'separate');
  const { buildId } = read(named);
  const main = read(named).symbols.addressesOf('main');
  const debug = join(scratch, 'elsewhere', '.build-id', buildId.slice(0, 2), `${buildId.slice(2)}.debug`);
  mkdirSync(dirname(debug), { recursive: true });
  tool('objcopy', ['--only-keep-debug', '--compress-debug-sections', named, debug]);
  tool('objcopy', ['--strip-all', named, stripped]);
  const sourceOfStripped = (paths: readonly string[]) => new SymbolPaths(paths).sourceFor(read(stripped), stripped);

  test('are found by build-id in a directory, and as a file', () => {
    expect(read(stripped).symbols.addressesOf('main')).toEqual([]);
    for (const path of [join(scratch, 'elsewhere'), debug, named]) {
      const { symbols, lines } = sourceOfStripped([path]);
      expect(symbols.addressesOf('main')).toEqual(main);
      expect(lines.lookup(main[0] as number)?.line).toBe(7);
    }
  });

  test('are not taken for another program', () => {
    const other = compile('other', SOURCE, { flags: ['-g', '-O1', '-Wl,--build-id=sha1'] });
    expect(sourceOfStripped([other]).symbols.addressesOf('main')).toEqual([]);
  });

  test('are found by .gnu_debuglink beside the program, when the checksum is right', () => {
    const directory = join(scratch, 'linked');
    mkdirSync(join(directory, '.debug'), { recursive: true });
    const link = join(directory, '.debug', 'linked.debug');
    const program = join(directory, 'linked');
    tool('objcopy', ['--only-keep-debug', named, link]);
    tool('objcopy', ['--strip-all', `--add-gnu-debuglink=${link}`, named, program]);
    const find = () => new SymbolPaths([]).sourceFor(read(program), program).symbols.addressesOf('main');
    expect(find()).toEqual(main);
    writeFileSync(link, Buffer.concat([readFileSync(link), Buffer.of(0)]));
    expect(find()).toEqual([]);
  });

  test('a path without any is an error', () => {
    expect(() => new SymbolPaths([join(scratch, 'nowhere')])).toThrow(UsageError);
    expect(() => parseElf(Buffer.from('no elf'), 'x')).toThrow(ElfFormatError);
  });

  test('name what a stripped program does', async () => {
    const options = { stdin: new Uint8Array(), stdout: () => {}, env: {}, symbols: [join(scratch, 'elsewhere')] };
    const { crash, probes } = await record(stripped, { ...options, probes: ['scribble'] });
    expect(probes[0]?.hits).toBe(1);
    expect(crash?.pc.text).toMatch(/^separate!scribble\+/);
  });
});
