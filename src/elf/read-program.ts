import { readFileSync } from 'node:fs';
import { ArmstalkError, ElfFormatError, ProgramNotFoundError } from '../errors.js';
import type { ElfFile } from './elf-file.js';
import { parseElf } from './parse-elf.js';

/** File offset of e_phoff: where an unsupported program header is to be looked for. */
const FIELD_PHOFF = 28;

/** What a failed `open` or `read` of the program means to the person who named it. */
const openError = (path: string, cause: unknown): ArmstalkError => {
  const code = (cause as NodeJS.ErrnoException).code ?? 'unknown error';
  if (code === 'EISDIR') return new ElfFormatError(`${path} is a directory, not an ARM program`, 0, { cause });
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return new ProgramNotFoundError(`${path} does not exist`, { cause, details: { path, errno: code } });
  }
  return new ArmstalkError('not-readable', 126, `${path} cannot be read`, { cause, details: { path, found: code } });
};

const readBytes = (path: string): Uint8Array => {
  try {
    return readFileSync(path);
  } catch (error) {
    throw openError(path, error);
  }
};

/** Programs that need a dynamic linker cannot be run yet (126). */
export const requireStatic = (elf: ElfFile): void => {
  if (elf.interpreter === undefined) return;
  throw new ElfFormatError(`${elf.path} is dynamically linked, which is not supported yet`, FIELD_PHOFF, {
    details: { found: `it asks for the dynamic linker ${JSON.stringify(elf.interpreter)} (PT_INTERP)` },
    hint: 'link it statically: arm-linux-gnueabihf-gcc -static ...',
  });
};

/**
 * Reads a program that can be run: ARM, static, whole. Throws ProgramNotFoundError (127) or ElfFormatError (126).
 */
export const readProgram = (path: string): ElfFile => {
  const elf = parseElf(readBytes(path), path);
  requireStatic(elf);
  return elf;
};
