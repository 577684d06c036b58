/** Threads, faults and signals of static glibc programs: what they print and how they end, as under qemu-arm. */
import fs from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { ProcessOptions } from '../../src/process/options.js';
import { Process, type ProcessResult } from '../../src/process/process.js';
import { GUEST_ENV, runQemu } from '../support/qemu.js';
import { compile, type FloatAbi } from '../support/toolchain.js';

interface Outcome extends ProcessResult {
  readonly stdout: string;
}

const runOurs = async (program: string, options: ProcessOptions = {}): Promise<Outcome> => {
  const chunks: Buffer[] = [];
  const process = Process.spawn(program, {
    env: GUEST_ENV,
    stdin: new Uint8Array(),
    stdout: (chunk) => chunks.push(Buffer.from(chunk)),
    stderr: () => undefined,
    maxInsns: 200_000_000,
    ...options,
  });
  const result = await process.resume();
  return { ...result, stdout: Buffer.concat(chunks).toString() };
};

const status = ({ exitCode, signo }: ProcessResult): number | undefined =>
  signo === undefined ? exitCode : 128 + signo;

const build = (name: string, abi: FloatAbi, isa: string): string => {
  const source = fs.readFileSync(new URL(`./programs/${name}.c`, import.meta.url), 'utf8');
  return compile(name, source, { abi, flags: [isa, '-O1', '-pthread', '-w'], libraries: ['-lrt'] });
};

const variants: [FloatAbi, string][] = [
  ['hard', '-mthumb'],
  ['hard', '-marm'],
  ['soft', '-marm'],
];

describe.each(['threads', 'faults', 'signals'])('%s', (name) => {
  test.each(variants)('%s float %s: prints and ends as under qemu-arm', async (abi, isa) => {
    const program = build(name, abi, isa);
    const reference = runQemu(program);
    const ours = await runOurs(program);
    expect(ours.stdout).toBe(reference.stdout.toString());
    expect(status(ours)).toBe(reference.status);
  });

  test('two runs retire the same instructions; a short quantum changes nothing that is printed', async () => {
    const program = build(name, 'hard', '-mthumb');
    const [first, second] = [await runOurs(program), await runOurs(program)];
    expect(second).toEqual(first);
    const hasty = await runOurs(program, { quantum: 97 });
    expect(hasty.stdout).toBe(first.stdout);
  });
});

test('a thread that dies with a robust mutex leaves EOWNERDEAD, with and without priority inheritance', async () => {
  const { stdout, exitCode } = await runOurs(build('robust', 'hard', '-mthumb'));
  expect(stdout).toBe('robust EOWNERDEAD unlock 0 again 0\nrobust-pi EOWNERDEAD unlock 0 again 0\n');
  expect(exitCode).toBe(0);
});

test('recursion without end is SIGSEGV below the stack, with its size as asked for', async () => {
  const program = build('overflow', 'hard', '-mthumb');
  const small = await runOurs(program, { stackSizeBytes: 0x2_0000 });
  expect(small).toMatchObject({ stdout: '1\n', signo: 11, crash: { name: 'SIGSEGV', code: 1 } });
  const address = small.crash?.faultAddress as number;
  expect(address).toBeLessThan(0xbf00_0000 - 0x2_0000);
  expect(address).toBeGreaterThan(0xbf00_0000 - 0x2_0000 - 1024);
  const large = await runOurs(program);
  expect(large.instructions).toBeGreaterThan(small.instructions * 10);
});

test('a position-independent program runs at its fixed place and is told so', async () => {
  const source = fs.readFileSync(new URL('./programs/pie.S', import.meta.url), 'utf8');
  const flags = ['-nostdlib', '-Wl,-pie,--no-dynamic-linker'];
  const program = compile('pie', source, { flags, language: 'S' });
  expect(await runOurs(program)).toMatchObject({ exitCode: 0 });
  const { loaded, program: elf } = Process.spawn(program);
  expect([elf.type, loaded.bias, loaded.module.start]).toEqual(['dyn', 0x40_0000, 0x40_0000]);
  expect(loaded.entry).toBe(0x40_0000 + elf.entry);
});
