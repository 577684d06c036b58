/**
 * ARM programs compiled at test time. Results are kept in .cache/built, named by a digest of source and flags, so that
 * a second run compiles nothing.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const CACHE_DIR = fileURLToPath(new URL('../../.cache/', import.meta.url));

/** Debian's names; hard float is the armhf port, soft float the armel one. */
export const compilers = { hard: 'arm-linux-gnueabihf-gcc', soft: 'arm-linux-gnueabi-gcc' } as const;
export type FloatAbi = keyof typeof compilers;

export const hasCompiler = (abi: FloatAbi = 'hard'): boolean => spawnSync(compilers[abi], ['--version']).status === 0;

export interface CompileOptions {
  readonly abi?: FloatAbi;
  readonly flags?: readonly string[];
  /** `cc` is C++. */
  readonly language?: 'c' | 'cc' | 'S';
  readonly libraries?: readonly string[];
}

/**
 * Compiles a source text to a static program and gives its path. Throws with the compiler's own words when it fails and
 * with the package to install when there is no compiler.
 */
export const compile = (name: string, source: string, options: CompileOptions = {}): string => {
  const { abi = 'hard', flags = ['-O2'], language = 'c', libraries = [] } = options;
  const compiler = language === 'cc' ? compilers[abi].replace(/gcc$/, 'g++') : compilers[abi];
  const digest = createHash('sha256')
    .update(JSON.stringify([compiler, flags, libraries, language, source]))
    .digest('hex');
  const directory = join(CACHE_DIR, 'built');
  const program = join(directory, `${name}-${digest.slice(0, 12)}`);
  if (existsSync(program)) return program;
  mkdirSync(directory, { recursive: true });
  const sourceFile = `${program}.${language}`;
  const unfinished = `${program}.${process.pid}`;
  writeFileSync(sourceFile, source);
  const run = spawnSync(compiler, ['-static', ...flags, sourceFile, '-o', unfinished, ...libraries], {
    encoding: 'utf8',
  });
  if (run.error !== undefined) {
    throw new Error(
      `${compiler} is not installed; on Debian: apt-get install ${compiler.slice(-3)}-${compiler.slice(0, -4)}`,
    );
  }
  if (run.status !== 0) throw new Error(`${compiler} failed on ${name}:\n${run.stderr}`);
  renameSync(unfinished, program);
  return program;
};
