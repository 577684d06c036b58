/**
 * `diff` against qemu-arm's own execution logs: runs of one program whose inputs differ in one byte part where the logs
 * part. Counted from main's first instruction on; before it the emulators' auxiliary vectors cost glibc other numbers of
 * instructions.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { diffTraces, parseEventList, record, TraceReader } from '../../src/index.js';
import { randomFrom } from '../support/event-stream.js';
import { GUEST_ENV, ORACLE_CPU, stepQemu } from '../support/qemu.js';
import { fuzzSeed } from '../support/random.js';
import { compile, hasCompiler } from '../support/toolchain.js';

/** Compared in all. */
const PAIRS = Number(process.env.ARMSTALK_PAIRS ?? 8);
const scratch = mkdtempSync(join(tmpdir(), 'armstalk-pairs-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** A calculator that also sorts and hashes what it read: branches, table jumps, calls through pointers, recursion. */
const SOURCE = `
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char text[64];
static const char *at;
static long expression(void);

static long add(long a, long b) { return a + b; }
static long sub(long a, long b) { return a - b; }
static long mul(long a, long b) { return a * b; }
static long quo(long a, long b) { return b ? a / b : 0; }
static long (*operation(int c))(long, long) {
  switch (c) {
    case '+': return add;
    case '-': return sub;
    case '*': return mul;
    case '/': return quo;
    default: return 0;
  }
}
static long factor(void) {
  if (*at == '(') {
    at++;
    long value = expression();
    if (*at == ')') at++;
    return value;
  }
  if (isdigit((unsigned char)*at)) return strtol(at, (char **)&at, 10);
  if (isalpha((unsigned char)*at)) return toupper((unsigned char)*at++);
  return *at ? (at++, 0) : 0;
}
static long expression(void) {
  long value = factor();
  for (;;) {
    long (*apply)(long, long) = operation(*at);
    if (!apply) return value;
    at++;
    value = apply(value, factor());
  }
}
static int compare(const void *a, const void *b) { return *(const char *)a - *(const char *)b; }
int main(void) {
  int length = read(0, text, sizeof text - 1);
  at = text;
  long value = 0;
  while (*at && *at != '\\n') value += expression();
  qsort(text, length, 1, compare);
  unsigned hash = 5381;
  for (int i = 0; i < length; i++) hash = hash % 3 ? hash * 33 ^ text[i] : hash + text[i];
  if (strchr(text, 'x')) puts("x");
  return (value + hash) & 63;
}
`;

const ALPHABET = '0123456789+-*/()abxyz ?';

interface Run {
  readonly input: string;
  readonly trace: string;
  /** qemu's: every instruction from main on. */
  readonly pcs: Uint32Array;
  readonly status: number;
  /** Ours: instructions before main's first one. */
  readonly clockOfMain: number;
}

/** The clock of the first call of main, and its entry. */
const findMain = async (trace: string): Promise<{ clock: number; entry: number }> => {
  const named = new Map<string, number>();
  let clock = -1;
  for await (const item of TraceReader.open(trace).items()) {
    if (item.type === 'symbols') for (const { name, address } of item.symbols) named.set(name, address);
    if (item.type !== 'chunk') continue;
    const { count, kind, target, clock: clocks } = item.columns;
    const entry = named.get('main');
    for (let i = 0; i < count && clock < 0; i++) {
      if (kind[i] === 1 && ((target[i] as number) & ~1) >>> 0 === entry) clock = clocks[i] as number;
    }
  }
  return { clock, entry: named.get('main') ?? 0 };
};

const runBoth = async (program: string, input: string, name: string): Promise<Run> => {
  const trace = join(scratch, `${name}.pb`);
  const { exitCode } = await record(program, {
    argv0: 'calculate',
    stdin: Buffer.from(input),
    stdout: () => {},
    env: { ...GUEST_ENV },
    events: parseEventList('+block'),
    output: { path: trace },
  });
  const { clock, entry } = await findMain(trace);
  const pcs: number[] = [];
  const { status } = await stepQemu(
    `/./.${program}`,
    { argv0: 'calculate', stdin: input, cpu: ORACLE_CPU },
    ({ pc }) => {
      const address = (pc & ~1) >>> 0;
      if (pcs.length > 0 || address === entry) pcs.push(address);
      return undefined;
    },
  );
  expect(status, input).toBe(exitCode);
  return { input, trace, pcs: Uint32Array.from(pcs), status, clockOfMain: clock };
};

/** How many instructions two logs have in common. */
const commonLength = (a: Uint32Array, b: Uint32Array): number => {
  let at = 0;
  while (at < a.length && at < b.length && a[at] === b[at]) at++;
  return at;
};

const otherByte = (input: string, random: () => number): string => {
  const at = Math.floor(random() * (input.length - 1));
  const byte = ALPHABET[Math.floor(random() * ALPHABET.length)] as string;
  return input[at] === byte ? otherByte(input, random) : input.slice(0, at) + byte + input.slice(at + 1);
};

// Built here by gcc-arm-linux-gnueabihf. `npm test` installs it or stops; only a file run by hand goes without.
describe.skipIf(!hasCompiler())('runs that differ in one byte of input', () => {
  it.each([
    ['thumb', '-mthumb'],
    ['arm', '-marm'],
  ])('part where qemu-arm’s logs part (%s)', async (_name, mode) => {
    const program = compile('calculate', SOURCE, { flags: ['-O1', mode] });
    const seed = fuzzSeed('diff pairs');
    const random = randomFrom(seed);
    const first = await runBoth(program, '12*(3+x)-(40/7)*b+(9-y)\n', 'first');
    let parted = 0;
    for (let pair = 0; pair < PAIRS / 2; pair++) {
      const other = await runBoth(program, otherByte(first.input, random), 'other');
      const where = `ARMSTALK_SEED=${seed}, ${JSON.stringify(other.input)}`;
      const common = commonLength(first.pcs, other.pcs);
      const diff = await diffTraces(TraceReader.open(first.trace), TraceReader.open(other.trace), { match: 'addr' });
      if (common === first.pcs.length && common === other.pcs.length) {
        expect(diff.first, where).toBeUndefined();
        continue;
      }
      parted++;
      expect((diff.first?.clock ?? 0) - first.clockOfMain, where).toBe(common);
      const next = [diff.first?.old, diff.first?.new].map((side) => Number((side?.step?.to ?? side?.step?.at)?.offset));
      expect(next, where).toEqual([first.pcs[common], other.pcs[common]]);
      expect(Number(diff.first?.at?.offset), where).toBe(first.pcs[common - 1]);
    }
    expect(parted).toBeGreaterThan(PAIRS / 4);
  });
});
