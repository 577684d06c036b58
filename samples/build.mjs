// Rebuilds samples/bin with Debian's cross compilers (gcc-arm-linux-gnueabihf, gcc-arm-linux-gnueabi).
// `node samples/build.mjs [name...]`. Every program exists as NAME-arm and NAME-thumb unless it is about mixing both.
import { execFileSync } from 'node:child_process';
import { mkdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, 'bin');

const calls = [
  '-fno-inline',
  '-fno-optimize-sibling-calls',
  '-fno-ipa-cp',
  '-fno-ipa-sra',
  '-fno-ipa-icf',
  '-fno-ipa-ra',
];
const bare = ['-nostdlib', '-ffreestanding', '-fno-tree-loop-distribute-patterns', '-fno-delete-null-pointer-checks'];
const small = ['-Wl,-z,max-page-size=4096', '-Wl,-z,noseparate-code'];
const plain = [
  '-static',
  '-no-pie',
  '-fno-pie',
  '-fno-stack-protector',
  '-Wall',
  '-Werror',
  '-Wno-pointer-to-int-cast',
  '-Wno-infinite-recursion',
];
const runtime = ['runtime/start.S', 'runtime/print.c'];

/** No C library: raw system calls, a few kilobytes. */
const withoutLibc = (optimize = ['-O1', ...calls]) => ({
  flags: [...optimize, ...bare, ...small],
  extra: runtime,
  tail: ['-lgcc'],
});
/** One assembly file is the whole program. */
const assembly = { flags: ['-nostdlib', ...small], extra: [], tail: [] };
/** Static glibc; `strip` drops the symbol table where nobody will look at names. */
const glibc = (...flags) => ({ flags: ['-O1', ...calls, ...small, ...flags], extra: [], tail: ['-lm'] });

const both = ['arm', 'thumb'];
const samples = [
  ['hello.c', both, withoutLibc()],
  ['fib.c', both, withoutLibc()],
  ['deep-recursion.c', both, withoutLibc()],
  ['longjmp.c', both, withoutLibc()],
  ['tail-call.c', both, withoutLibc(['-O2', '-fno-inline', '-fno-ipa-cp', '-fno-ipa-sra'])],
  ['switch-table.c', both, withoutLibc(['-O2', '-fno-inline', '-fno-tree-switch-conversion'])],
  ['crash.c', both, withoutLibc()],
  ['segv-handler.c', both, withoutLibc()],
  ['signal-restart.c', both, withoutLibc()],
  ['smc.c', both, withoutLibc()],
  ['kuser-helpers.c', both, withoutLibc()],
  ['undefined.c', both, withoutLibc()],
  ['cat.c', both, withoutLibc()],
  ['exclusive.S', both, assembly],
  ['thumb-interwork.S', [''], assembly],
  ['it-blocks.S', [''], assembly],
  ['lock.c', both, glibc()],
  ['threads.c', both, glibc('-s')],
  ['futex-pingpong.c', both, glibc('-s')],
  ['float.c', both, glibc('-s', '-frounding-math')],
];

const build = (source, mode, { flags, extra, tail }, compiler = 'arm-linux-gnueabihf-gcc', suffix = mode) => {
  const name = source.replace(/\.\w+$/, '') + (suffix && `-${suffix}`);
  const isa = mode === 'thumb' ? ['-mthumb'] : ['-marm'];
  // Compiled from inside samples/, so that no path of the building machine enters the file.
  const args = [
    ...isa,
    ...plain,
    ...flags,
    `-ffile-prefix-map=${here}=.`,
    source,
    ...extra,
    '-o',
    join(out, name),
    ...tail,
  ];
  execFileSync(compiler, args, { cwd: here, stdio: 'inherit' });
  process.stdout.write(`${String(statSync(join(out, name)).size).padStart(8)} ${name}\n`);
};

mkdirSync(out, { recursive: true });
const wanted = process.argv.slice(2);
for (const [source, modes, how] of samples) {
  if (wanted.length > 0 && !wanted.includes(source.replace(/\.\w+$/, ''))) continue;
  for (const mode of modes) build(source, mode, how);
}
if (wanted.length === 0) {
  // The oldest core we run: ARMv4T, soft float, no BLX.
  const how = withoutLibc();
  how.flags.push('-march=armv4t', '-mfloat-abi=soft');
  build('hello.c', 'arm', how, 'arm-linux-gnueabi-gcc', 'armv4t');
}
