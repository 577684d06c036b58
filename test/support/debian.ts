/**
 * Files of Debian armhf packages, fetched by apt into .cache/debian with a private state directory: the system's sources
 * and keys are used, the system's package database is neither read nor changed, and no root is needed.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CACHE_DIR } from './toolchain.js';

const root = join(CACHE_DIR, 'debian');

const aptOptions = (): string[] => {
  const settings: Record<string, string> = {
    'APT::Architecture': 'armhf',
    'APT::Architectures::': 'armhf',
    'APT::Sandbox::User': '',
    'Dir::State': join(root, 'state'),
    'Dir::State::status': join(root, 'status'),
    'Dir::Cache': join(root, 'cache'),
    'Acquire::Languages': 'none',
  };
  return Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
};

const updateLists = (): void => {
  const done = join(root, 'updated');
  if (existsSync(done)) return;
  mkdirSync(join(root, 'state/lists/partial'), { recursive: true });
  mkdirSync(join(root, 'cache/archives/partial'), { recursive: true });
  writeFileSync(join(root, 'status'), '');
  // A source without armhf makes update fail in part; what matters is whether the download below works.
  spawnSync('apt-get', [...aptOptions(), 'update'], { stdio: 'ignore' });
  writeFileSync(done, '');
};

/** Test files run side by side and apt's state is one: whoever makes this directory may use it. */
const LOCK = join(root, 'lock');
const LOCK_POLL_MS = 200;
const LOCK_STALE_MS = 300_000;

const lock = (): void => {
  mkdirSync(root, { recursive: true });
  for (;;) {
    try {
      mkdirSync(LOCK);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const made = statSync(LOCK, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
    if (Date.now() - made > LOCK_STALE_MS) rmSync(LOCK, { recursive: true, force: true });
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOCK_POLL_MS);
  }
};

/** The directory an armhf package was unpacked into. Throws with apt's words when it cannot be had. */
export const debianPackage = (name: string): string => {
  const directory = join(root, 'unpacked', name);
  if (existsSync(directory)) return directory;
  lock();
  try {
    return existsSync(directory) ? directory : unpack(name, directory);
  } finally {
    rmdirSync(LOCK);
  }
};

const unpack = (name: string, directory: string): string => {
  updateLists();
  const download = join(root, `download-${name}-${process.pid}`);
  const unpacked = `${download}-files`;
  mkdirSync(download, { recursive: true });
  const run = spawnSync('apt-get', [...aptOptions(), 'download', name], { cwd: download, encoding: 'utf8' });
  if (run.status !== 0) {
    rmSync(join(root, 'updated'), { force: true });
    throw new Error(`apt-get download ${name} (armhf) failed:\n${run.stderr}`);
  }
  const [file] = readdirSync(download).filter((entry) => entry.endsWith('.deb'));
  execFileSync('dpkg-deb', ['-x', join(download, file as string), unpacked]);
  rmSync(download, { recursive: true });
  mkdirSync(join(root, 'unpacked'), { recursive: true });
  renameSync(unpacked, directory);
  return directory;
};
