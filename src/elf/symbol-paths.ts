/**
 * Looks for the files that have a program's names and lines when the program itself was stripped of them: where the user
 * says, by build-id where Debian and Fedora put them, and by `.gnu_debuglink` near the program.
 */
import { readFileSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';
import { ElfFormatError, UsageError } from '../errors.js';
import type { ElfFile } from './elf-file.js';
import { SymbolFile, type SymbolSource } from './symbol-file.js';

const SYSTEM_DIRECTORY = '/usr/lib/debug';
/** A Buffer holds no more, and no 32-bit program has that much to say. */
const MAX_FILE_BYTES = 2 ** 31;

/** The program whose names are wanted. */
export interface NamelessModule {
  readonly name: string;
  /** Hex digits, empty when unknown. */
  readonly buildId: string;
}

interface Candidate {
  readonly path: string;
  /** The user named this very file. */
  readonly isNamed?: boolean;
  readonly crc?: number;
}

const kindOf = (path: string): 'file' | 'directory' | undefined => {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat?.isDirectory()) return 'directory';
  return stat?.isFile() && stat.size <= MAX_FILE_BYTES ? 'file' : undefined;
};

const readSymbolFile = (path: string): SymbolFile | undefined => {
  try {
    return kindOf(path) === 'file' ? new SymbolFile(readFileSync(path), path) : undefined;
  } catch (error) {
    if (error instanceof ElfFormatError || (error as NodeJS.ErrnoException).code !== undefined) return undefined;
    throw error;
  }
};

const byBuildId = (directory: string, buildId: string): string =>
  join(directory, '.build-id', buildId.slice(0, 2), `${buildId.slice(2)}.debug`);

export class SymbolPaths {
  private readonly files: string[] = [];
  private readonly directories: string[] = [];

  /** `paths` are files and directories. Throws UsageError for one that is neither. */
  constructor(paths: readonly string[]) {
    for (const path of paths) {
      const kind = kindOf(path);
      if (kind === undefined) {
        throw new UsageError(`there are no symbols in ${path}`, {
          hint: 'name a program, a file with debugging information, or a directory of them',
        });
      }
      (kind === 'file' ? this.files : this.directories).push(path);
    }
  }

  get isEmpty(): boolean {
    return this.files.length + this.directories.length === 0;
  }

  /** A file with the names of `module`, by build-id, or by its name where one of them has none. */
  find(module: NamelessModule): SymbolFile | undefined {
    const { name, buildId } = module;
    const inDirectory = (directory: string): Candidate[] => [
      ...(buildId === '' ? [] : [{ path: byBuildId(directory, buildId) }]),
      { path: join(directory, name) },
      { path: join(directory, `${name}.debug`) },
    ];
    const named = this.files.map((path) => ({ path, isNamed: true }));
    const system = buildId === '' ? [] : [{ path: byBuildId(SYSTEM_DIRECTORY, buildId) }];
    return firstMatch([...named, ...this.directories.flatMap(inDirectory), ...system], module);
  }

  /** Names and lines of a program that is there: its own, else those of another file. */
  sourceFor(program: ElfFile, path: string): SymbolSource {
    const own = new SymbolFile(program.bytes, path);
    if (own.isNamed && this.isEmpty) return program;
    const module = { name: basename(path), buildId: program.buildId };
    const separate = this.find(module) ?? linkedFile(own, module);
    if (separate === undefined) return program;
    return {
      get symbols() {
        return separate.isNamed || !own.isNamed ? separate.symbols : program.symbols;
      },
      get lines() {
        return separate.lines.size > 0 ? separate.lines : program.lines;
      },
      get functionTypes() {
        return separate.functionTypes.isEmpty ? program.functionTypes : separate.functionTypes;
      },
    };
  }
}

const linkedFile = ({ path, debugLink }: SymbolFile, module: NamelessModule): SymbolFile | undefined => {
  if (debugLink === undefined || debugLink.name.includes('/')) return undefined;
  const { name, crc } = debugLink;
  const directory = dirname(path);
  const places = [directory, join(directory, '.debug'), join(SYSTEM_DIRECTORY, directory)];
  return firstMatch(
    places.map((place) => ({ path: join(place, name), crc })),
    module,
  );
};

const firstMatch = (candidates: readonly Candidate[], module: NamelessModule): SymbolFile | undefined => {
  for (const candidate of candidates) {
    const file = readSymbolFile(candidate.path);
    if (file !== undefined && isMatch(file, candidate, module)) return file;
  }
  return undefined;
};

const isMatch = (file: SymbolFile, { crc, isNamed }: Candidate, { name, buildId }: NamelessModule): boolean => {
  if (crc !== undefined) return crc32(file.bytes) === crc;
  const found = file.buildId;
  if (buildId !== '' && found !== '') return buildId === found;
  const stem = basename(file.path).replace(/\.debug$/, '');
  return stem === name || (isNamed === true && stem.startsWith(name));
};
