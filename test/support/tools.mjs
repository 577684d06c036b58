/**
 * What the tests need besides npm's packages: cross compilers, qemu-arm, Unicorn's library, protoc and the like, all from
 * Debian. As root on a machine with apt whatever is missing is installed; anybody else is told the command.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';

/** Debian package, and how to tell that it is there: a command, or a file in a library directory. */
const TOOLS = [
  { packages: ['gcc-arm-linux-gnueabihf', 'libc6-dev-armhf-cross'], command: 'arm-linux-gnueabihf-gcc' },
  { packages: ['g++-arm-linux-gnueabihf'], command: 'arm-linux-gnueabihf-g++' },
  { packages: ['gcc-arm-linux-gnueabi', 'libc6-dev-armel-cross'], command: 'arm-linux-gnueabi-gcc' },
  { packages: ['qemu-user'], command: 'qemu-arm' },
  { packages: ['protobuf-compiler'], command: 'protoc' },
  { packages: ['csmith', 'libcsmith-dev'], command: 'csmith' },
  { packages: ['valgrind'], command: 'callgrind_annotate' },
  { packages: ['jq'], command: 'jq' },
  { packages: ['zsh'], command: 'zsh' },
  { packages: ['fish'], command: 'fish' },
  { packages: ['libunicorn2'], library: /^libunicorn\.so\.2/ },
];

const LIBRARY_DIRECTORIES = ['/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu', '/usr/lib', '/usr/local/lib'];

const isOnPath = (command) =>
  (process.env.PATH ?? '').split(':').some((directory) => directory !== '' && existsSync(`${directory}/${command}`));

const hasLibrary = (pattern) =>
  LIBRARY_DIRECTORIES.some((directory) => existsSync(directory) && readdirSync(directory).some((f) => pattern.test(f)));

const missing = TOOLS.filter(({ command, library }) => (command ? !isOnPath(command) : !hasLibrary(library)));
const packages = missing.flatMap((tool) => tool.packages);

const run = (...words) => {
  const [command, ...args] = words;
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  return spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'], env }).status === 0;
};

if (packages.length > 0) {
  const install = ['apt-get', 'install', '-qy', '--no-install-recommends', ...packages];
  console.error(`the tests need ${packages.join(' ')}`);
  if (process.getuid?.() !== 0 || !isOnPath('apt-get')) {
    console.error(`install them first:  sudo ${install.join(' ')}`);
    process.exit(1);
  }
  if (!run('apt-get', 'update', '-q') || !run(...install)) process.exit(1);
}
