/** What is measured: kernels of ours, compiled here, and BusyBox on made-up data. At size 1 qemu-arm takes about 4 seconds for each kernel. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { debianPackage } from '../support/debian.js';
import { CACHE_DIR, compile } from '../support/toolchain.js';

export interface Workload {
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  readonly argv0?: string;
}

interface Kernel {
  readonly name: string;
  readonly file: string;
  /** argv[1] at size 1. */
  readonly units: number;
  readonly flags?: readonly string[];
}

const kernels: readonly Kernel[] = [
  { name: 'recursion', file: 'recursion', units: 310_000, flags: ['-fno-optimize-sibling-calls'] },
  { name: 'virtual', file: 'virtual', units: 320_000 },
  { name: 'sieve', file: 'sieve', units: 9000 },
  { name: 'sha256', file: 'sha256', units: 1350 },
  { name: 'quicksort', file: 'quicksort', units: 400 },
  { name: 'strings', file: 'strings', units: 1400 },
  { name: 'nbody-f32', file: 'nbody', units: 15_000, flags: ['-DREAL=float'] },
  { name: 'nbody-f64', file: 'nbody', units: 12_000, flags: ['-DREAL=double'] },
  { name: 'bytecode', file: 'bytecode', units: 315 },
  { name: 'malloc', file: 'malloc', units: 22_000 },
];

const compiled = (isa: string, size: number): Workload[] =>
  kernels.map(({ name, file, units, flags = [] }) => {
    const source = readFileSync(fileURLToPath(new URL(`programs/${file}.c`, import.meta.url)), 'utf8');
    const program = compile(`bench-${name}`, source, { flags: ['-O2', `-m${isa}`, ...flags], libraries: ['-lm'] });
    return { name, program, args: [String(Math.max(1, Math.round(units * size)))] };
  });

/** Text with repetitions, numbers to sort, bytes to digest: `megabytes` of each, the same every time. */
const writeData = (directory: string, megabytes: number): void => {
  mkdirSync(directory, { recursive: true });
  let state = 1;
  const next = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state;
  };
  const lines: string[] = [];
  for (let bytes = 0; bytes < megabytes * 1e6; ) {
    const line = `${next() % 100_000} item${next() % 500} of group ${(next() >>> 16) % 50} weighs ${next() % 1000}`;
    lines.push(line);
    bytes += line.length + 1;
  }
  writeFileSync(join(directory, 'lines.txt'), `${lines.join('\n')}\n`);
};

const busybox = (size: number): Workload[] => {
  const program = `${debianPackage('busybox-static')}/bin/busybox`;
  const directory = join(CACHE_DIR, 'bench');
  const megabytes = Math.max(0.01, 15 * size);
  writeData(directory, megabytes);
  const file = join(directory, 'lines.txt');
  const command = (name: string, ...args: string[]): Workload => ({ name, program, args, argv0: 'busybox' });
  return [
    command('bb-sha256sum', 'sha256sum', ...Array<string>(16).fill(file)),
    command('bb-gzip', 'gzip', '-c', file),
    command('bb-sort', 'sort', file),
    command(
      'bb-awk',
      'awk',
      '{ n[$2] += $NF; t = t + length($0) } END { for (k in n) s += n[k]; print NR, s, t }',
      file,
    ),
  ];
};

export const workloads = (isa: string, size: number, withBusybox: boolean): Workload[] => [
  ...compiled(isa, size),
  ...(withBusybox ? busybox(size) : []),
];
