/**
 * Real programs under the three tiers: BusyBox applets (Debian armhf, fetched by apt) and static glibc programs with
 * threads. What they print, how they end, which files they leave and every recorded byte must be the same.
 */
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeFixtures } from '../e2e/busybox-commands.js';
import { repository } from '../support/cli.js';
import { debianPackage } from '../support/debian.js';
import { isLongRun } from '../support/long-run.js';
import { compile } from '../support/toolchain.js';
import { expectSame, TIERS, type TracedRunOptions, tracedRun } from './traced-run.js';

/** CALL, RET, BLOCK, COMPILE. */
const EVENTS = 1 | 2 | 8 | 16;

const applets: readonly (readonly string[])[] = [
  ['sed', '-e', 's/word\\([0-9]*\\)/<\\1>/g', '-e', '3,5d', 'words.txt'],
  ['sort', '-rn', 'numbers.txt'],
  ['gzip', '-c', '-9', 'long.txt'],
  ['ls', '-lRn', 'tree'],
  ['awk', '-F:', '{ n[$2] += $3 / 7 } END { for (k = 0; k < 7; k++) print k, n["group" k] }', 'table.txt'],
  ['grep', '-c', 'w.*9', 'words.txt'],
  ['diff', '-u', 'words.txt', 'words2.txt'],
  ['sha256sum', 'long.txt'],
  ['md5sum', '-c', 'sums.md5'],
  ['bunzip2', '-c', 'packed.bz2'],
  ['unxz', '-c', 'packed.xz'],
  ['tar', 'cf', '-', 'words.txt', 'tree/a'],
  ['dc', '-e', '2 100 ^ p 3 k 22 7 / p'],
  ['sh', '-c', 'i=0; while [ $i -lt 40 ]; do i=$((i + 1)); printf "%d " $((i * i % 17)); done; kill -TERM $$'],
].slice(0, isLongRun ? undefined : 3);

const scratch = realpathSync(mkdtempSync(join(tmpdir(), 'armstalk-real-')));
const work = join(scratch, 'work');
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const inFreshDirectory = (program: string, tier: keyof typeof TIERS, options: TracedRunOptions) => {
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work);
  makeFixtures(work);
  return tracedRun(program, TIERS[tier], { ...options, cwd: work });
};

const expectSameInAllTiers = async (program: string, options: TracedRunOptions): Promise<void> => {
  const cold = await inFreshDirectory(program, 'cold', options);
  expect(cold.status).toBeTypeOf('number');
  for (const tier of ['auto', 'hot'] as const) {
    const run = await inFreshDirectory(program, tier, options);
    expect(run.stats.hot.functions).toBeGreaterThan(0);
    await expectSame(cold, run);
  }
};

describe('busybox records the same bytes in every tier', () => {
  let busybox = '';
  beforeAll(() => {
    busybox = `${debianPackage('busybox-static')}/bin/busybox`;
  });

  it.each(applets.map((args) => [args.join(' '), args] as const))('%s', async (_title, args) => {
    await expectSameInAllTiers(busybox, { args, argv0: 'busybox', events: EVENTS });
  });

  it('under gum too', async () => {
    const args = ['awk', 'BEGIN { for (i = 1; i <= 20; i++) printf "%d %.6f %s\\n", i, i / 7, int(i * 1.37) % 5 }'];
    await expectSameInAllTiers(busybox, { args, argv0: 'busybox', events: EVENTS, profile: 'gum' });
  });
});

const LONG_PROGRAMS = [
  ['eight-threads', 'samples/threads.c', '-marm', '-O0'],
  ['futex-ping-pong', 'samples/futex-pingpong.c', '-mthumb', '-O3'],
];

describe('static glibc programs record the same bytes in every tier', () => {
  const program = (name: string, file: string, flags: readonly string[]): string =>
    compile(name, readFileSync(`${repository}${file}`, 'utf8'), { flags, libraries: ['-lm'] });

  it.each([
    ...(isLongRun ? LONG_PROGRAMS : []),
    ['eight-threads', 'samples/threads.c', '-mthumb', '-O3'],
    ['library', 'test/e2e/programs/library.c', '-marm', '-O3'],
  ])('%s (%s %s %s)', async (name, file, isa, level) => {
    const options = { args: ['argument'], events: EVENTS, quantum: 5000 };
    await expectSameInAllTiers(program(name, file, [isa, level]), options);
  });
});
