/** Static glibc programs in every combination of instruction set, float ABI and optimisation, against qemu-arm. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { repository, runGuest } from '../support/cli.js';
import { runQemu } from '../support/qemu.js';
import { compile, type FloatAbi } from '../support/toolchain.js';

const programs: Readonly<Record<string, string>> = {
  library: 'test/e2e/programs/library.c',
  float: 'samples/float.c',
  'eight threads': 'samples/threads.c',
  'futex ping-pong': 'samples/futex-pingpong.c',
};

const combinations = (['hard', 'soft'] as FloatAbi[]).flatMap((abi) =>
  ['-marm', '-mthumb'].flatMap((isa) => ['-O0', '-O3'].map((level) => ({ abi, isa, level }))),
);

describe.each(Object.entries(programs))('static glibc program: %s', (name, file) => {
  it.each(combinations)('$abi float $isa $level prints and exits as under qemu-arm', ({ abi, isa, level }) => {
    const source = readFileSync(`${repository}${file}`, 'utf8');
    const program = compile(name.replaceAll(' ', '-'), source, { abi, flags: [isa, level], libraries: ['-lm'] });
    const options = { args: ['argument'] };
    const [ours, reference] = [runGuest(program, options), runQemu(program, options)];
    expect({ status: ours.status, stdout: ours.stdout.toString() }).toEqual({
      status: reference.status,
      stdout: reference.stdout.toString(),
    });
  });
});
