/**
 * Random C programs of csmith (Debian's `csmith`; its headers are fetched by apt), compiled for ARM and Thumb at three
 * levels: the checksum each prints is qemu-arm's, with hot code made early, and for some in the other tiers too.
 * ARMSTALK_CSMITH is the number of programs, ARMSTALK_SEED the first one's seed.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, rmSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { debianPackage } from '../support/debian.js';
import { runQemu } from '../support/qemu.js';
import { fuzzSeed } from '../support/random.js';
import { compile, compilers } from '../support/toolchain.js';
import { TIERS, tracedRun } from './traced-run.js';

const COUNT = Number(process.env.ARMSTALK_CSMITH ?? 3);
/** A program that qemu-arm does not finish in this time is left out: csmith's loops may never end. */
const QEMU_MS = 5000;
const OUR_MS = 120_000;
/** As a shell reports it. csmith's packed structures may hold floats at odd addresses: such a program is to die alike. */
const SIGBUS_STATUS = 128 + 7;
/** From a seed whose program was left out to the one that takes its place. */
const NEXT_CANDIDATE = 10_000_002;
const FLAGS = ['-O0', '-O2', '-O3'].flatMap((level) => ['-marm', '-mthumb'].map((isa) => [level, isa] as const));

const TOOLS = ['csmith', 'qemu-arm', 'apt-get', compilers.hard];
const hasTools = TOOLS.every((tool) => spawnSync(tool, ['--version']).status === 0);

const generate = (seed: number): string => {
  const run = spawnSync('csmith', ['--seed', `${seed}`, '--float', '--max-funcs', '8'], { encoding: 'utf8' });
  if (run.status !== 0) throw new Error(`csmith --seed ${seed} failed:\n${run.stderr}`);
  return run.stdout;
};

// Made by csmith, judged by qemu-arm. `npm test` installs them or stops; only a file run by hand goes without.
describe.runIf(hasTools)('csmith', () => {
  let headers = '';
  const first = fuzzSeed('csmith');
  const seeds = Array.from({ length: COUNT }, (_, n) => first + n);

  beforeAll(() => {
    const include = `${debianPackage('libcsmith-dev')}/usr/include`;
    headers = `${include}/${readdirSync(include).find((name) => name.startsWith('csmith')) ?? ''}`;
  });

  /** False when qemu-arm takes too long. */
  const check = async (seed: number, program: string, flags: readonly string[]): Promise<boolean> => {
    let reference = runQemu(program, { timeoutMs: QEMU_MS });
    // On a crowded machine qemu-arm has been seen to end without a word; what it says the second time counts.
    if (!reference.timedOut && reference.stdout.length === 0) reference = runQemu(program, { timeoutMs: QEMU_MS });
    if (reference.timedOut) return false;
    const expected = { status: reference.status, stdout: reference.stdout.toString() };
    if (reference.status !== SIGBUS_STATUS) {
      expect(expected.stdout, `qemu-arm ended with status ${expected.status}`).toMatch(/^checksum = /);
    }
    const names = seed % 5 === 0 ? (['auto', 'cold', 'hot'] as const) : (['auto'] as const);
    for (const name of names) {
      const events = name === 'cold' ? 0 : 3;
      const { status, stdout } = await tracedRun(program, TIERS[name], { events, timeoutMs: OUR_MS });
      expect({ status, stdout }, `csmith --seed ${seed}, ${flags.join(' ')}, tier ${name}`).toEqual(expected);
    }
    return true;
  };

  const run = async (seed: number): Promise<boolean> => {
    const flags = FLAGS[seed % FLAGS.length] as readonly [string, string];
    const program = compile('csmith', generate(seed), { flags: [...flags, '-w', `-I${headers}`] });
    try {
      return await check(seed, program, flags);
    } finally {
      for (const file of [program, `${program}.c`]) rmSync(file, { force: true });
    }
  };

  it.each(seeds)(
    'program %i computes what it does under qemu-arm',
    async (seed) => {
      let candidate = seed;
      while (!(await run(candidate))) {
        console.log(`csmith --seed ${candidate} left out: it runs for more than ${QEMU_MS} ms`);
        candidate += NEXT_CANDIDATE;
      }
    },
    5 * OUR_MS,
  );
});
