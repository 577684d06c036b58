/**
 * Damaged programs, ARMSTALK_PROGRAM_MUTANTS of them: each run ends in a clear error of ours or in the guest's own exit or
 * signal; no JavaScript stack trace, no hang. What a mutant prints is its own affair: one that floods is killed at
 * 16 MiB. The seed is printed; ARMSTALK_SEED repeats a run.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { armstalk, sample } from '../support/cli.js';
import { fuzzSeed } from '../support/random.js';

const scratch = mkdtempSync(join(tmpdir(), 'armstalk-mutants-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const mutants = Number(process.env.ARMSTALK_PROGRAM_MUTANTS ?? 70);
const seed = fuzzSeed('mutated programs');

/** mulberry32 */
const generator = (state: number) => () => {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return (t ^ (t >>> 14)) >>> 0;
};

/** Damage by turns: a header byte, a program header word, any bytes, a cut, a run of 0xff. */
const mutate = (original: Buffer, random: () => number, kind: number): Buffer => {
  const bytes = Buffer.from(original);
  const word = [0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, random()][random() % 6] as number;
  if (kind === 0) bytes[random() % 52] = random();
  else if (kind === 1) bytes.writeUInt32LE(word, 52 + (random() % 40) * 4);
  else if (kind === 2) for (let i = 0; i < 8; i++) bytes[random() % bytes.length] = random();
  else if (kind === 3) return bytes.subarray(0, random() % bytes.length);
  else bytes.fill(0xff, random() % bytes.length, random() % bytes.length);
  return bytes;
};

it(`${mutants} mutated programs end in an error or a guest signal (seed ${seed})`, { timeout: 600_000 }, () => {
  const random = generator(seed);
  const originals = ['fib-thumb', 'segv-handler-arm', 'lock-thumb', 'it-blocks'].map((name) =>
    readFileSync(sample(name)),
  );
  const path = join(scratch, 'mutant');
  const bad: string[] = [];
  for (let i = 0; i < mutants; i++) {
    const bytes = mutate(originals[i % originals.length] as Buffer, random, i % 5);
    writeFileSync(path, bytes);
    const { stderr, status, timedOut } = armstalk(
      ['run', '--no-trace', '--max-insns', '2000000', '--timeout', '20s', path],
      { stdin: '4711\n', timeoutMs: 60_000, maxBytes: 1 << 24 },
    );
    const stack = /^\s+at .+[:(]\d+/m.test(stderr) || /internal error|this is a bug in armstalk/i.test(stderr);
    if (timedOut || stack) {
      writeFileSync(`${path}-${i}`, bytes);
      bad.push(`mutant ${i}: status ${status}${timedOut ? ', hung' : ''}\n${stderr.slice(0, 600)}`);
    }
  }
  expect(bad).toEqual([]);
});
