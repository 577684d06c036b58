import { readFileSync, statSync } from 'node:fs';
import { basename, isAbsolute, join, resolve } from 'node:path';
import type { ElfFile } from '../elf/elf-file.js';
import { parseElf } from '../elf/parse-elf.js';
import type { ModuleNote } from '../events/event.js';

/** Machine code for a disassembler. `address` is the file's own. */
export interface CodeBytes {
  readonly address: number;
  readonly isThumb: boolean;
  readonly bytes: Uint8Array;
}

const MAX_FILE_BYTES = 1 << 28;
const MAX_BLOCK_BYTES = 1 << 12;

/**
 * The bytes from `start` (interworking) to `end` out of the file of the module, looked for at the path the trace names and
 * in `directories`. Only a regular ARM ELF file with the build-id the trace recorded is believed; undefined when there is
 * none.
 */
export const readBlock = (
  module: ModuleNote,
  start: number,
  end: number,
  where: { readonly cwd: string; readonly directories: readonly string[] },
): CodeBytes | undefined => {
  const sizeBytes = ((end & ~1) >>> 0) - ((start & ~1) >>> 0);
  if (sizeBytes <= 0 || sizeBytes > MAX_BLOCK_BYTES || module.buildId === '') return undefined;
  const address = (((start & ~1) >>> 0) - module.bias) >>> 0;
  const named = isAbsolute(module.path) ? module.path : resolve(where.cwd, module.path);
  const beside = where.directories.flatMap((directory) => [directory, join(directory, basename(module.path))]);
  for (const path of [...beside, named]) {
    const bytes = codeIn(path, module.buildId, address, sizeBytes);
    if (bytes !== undefined) return { address, isThumb: (start & 1) === 1, bytes };
  }
  return undefined;
};

const codeIn = (path: string, buildId: string, address: number, sizeBytes: number): Uint8Array | undefined => {
  const elf = elfAt(path);
  if (elf?.buildId !== buildId) return undefined;
  const segment = elf.segments.find(({ vaddr, filesz }) => address >= vaddr && address + sizeBytes <= vaddr + filesz);
  if (segment === undefined) return undefined;
  const at = segment.offset + address - segment.vaddr;
  return elf.bytes.subarray(at, at + sizeBytes);
};

/** A file that cannot be read or is no ARM program is as good as none. */
const elfAt = (path: string): ElfFile | undefined => {
  try {
    const file = readRegularFile(path);
    return file && parseElf(file, path);
  } catch {
    return undefined;
  }
};

/** Never opens anything else: a path in a trace could name a pipe or a device. */
const readRegularFile = (path: string): Uint8Array | undefined => {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat?.isFile() && stat.size <= MAX_FILE_BYTES ? readFileSync(path) : undefined;
};
