/**
 * The ELF header and its two tables. elfy does the reading; because it throws bare errors on short files and takes any
 * machine, everything it relies on is checked first, and its parts are called one by one: `elfy.parse` itself fails on
 * programs whose section headers were stripped, which Linux runs.
 */
import elfy, { type ElfyHeader, type ElfyProgram, type ElfySection, type Parser } from 'elfy';
import { ElfFormatError } from '../errors.js';
import { describeMagic, machineName, typeName } from './foreign.js';

const EM_ARM = 40;
const EHDR_BYTES = 52;
const PHDR_BYTES = 32;
const SHDR_BYTES = 40;
/** The kernel reads at most 64 KiB of program headers (fs/binfmt_elf.c, load_elf_phdrs). */
const MAX_PHNUM = 65536 / PHDR_BYTES;

/** File offsets of the fields an error points at. */
const Field = { CLASS: 4, DATA: 5, TYPE: 16, MACHINE: 18, PHOFF: 28, PHENTSIZE: 42, PHNUM: 44 } as const;

export interface ElfHeaders {
  readonly header: ElfyHeader;
  readonly programs: readonly ElfyProgram[];
  readonly sections: readonly ElfySection[];
}

const notAProgram = (path: string, offset: number, found: string): ElfFormatError =>
  new ElfFormatError(`${path} is not an ARM program`, offset, { details: { found } });

const damaged = (path: string, offset: number, found: string): ElfFormatError =>
  new ElfFormatError(`${path} is damaged`, offset, { details: { found } });

/** Refuses everything that is not a whole header of an ELF32 little-endian ARM file. */
const checkIdentity = (bytes: Buffer, path: string): void => {
  if (bytes.length < 4 || bytes.readUInt32BE(0) !== 0x7f454c46) {
    throw notAProgram(path, 0, `${describeMagic(bytes)}; armstalk runs ELF32 ARM (e_machine ${EM_ARM})`);
  }
  if (bytes.length < 20)
    throw damaged(path, bytes.length, `the file ends inside the ELF header, after ${bytes.length} bytes`);
  const isBig = bytes[Field.DATA] === 2;
  const machine = isBig ? bytes.readUInt16BE(Field.MACHINE) : bytes.readUInt16LE(Field.MACHINE);
  const elfClass = bytes[Field.CLASS] === 1 ? 'ELF32' : bytes[Field.CLASS] === 2 ? 'ELF64' : 'ELF of unknown class';
  const wanted = `armstalk runs ELF32 ARM (e_machine ${EM_ARM})`;
  if (machine !== EM_ARM) {
    throw notAProgram(path, Field.MACHINE, `${elfClass} ${machineName(machine)} (e_machine ${machine}); ${wanted}`);
  }
  if (bytes[Field.CLASS] !== 1)
    throw notAProgram(path, Field.CLASS, `${elfClass} (EI_CLASS ${bytes[Field.CLASS]}); ${wanted}`);
  if (bytes[Field.DATA] !== 1) {
    throw notAProgram(
      path,
      Field.DATA,
      `${isBig ? 'big-endian ARM' : 'unknown byte order'} (EI_DATA ${bytes[Field.DATA]}); armstalk runs little-endian ARM`,
    );
  }
  if (bytes.length < EHDR_BYTES)
    throw damaged(path, bytes.length, `the file ends inside the ELF header, after ${bytes.length} bytes`);
  const type = bytes.readUInt16LE(Field.TYPE);
  if (type !== 2 && type !== 3) {
    throw new ElfFormatError(`${path} is ${typeName(type)}, not a program`, Field.TYPE, {
      details: { found: `e_type ${type}; armstalk runs ET_EXEC (2) and ET_DYN (3)` },
      ...(type === 1 ? { hint: 'link it first: arm-linux-gnueabihf-gcc -static FILE.o' } : {}),
    });
  }
};

const checkPrograms = (bytes: Buffer, path: string, header: ElfyHeader): void => {
  const { phoff, phnum, phentsize } = header;
  if (phnum === 0 || phoff === 0)
    throw damaged(path, Field.PHNUM, 'the file has no program headers, so nothing to load');
  if (phentsize !== PHDR_BYTES) {
    throw damaged(
      path,
      Field.PHENTSIZE,
      `program headers of ${phentsize} bytes (e_phentsize) instead of ${PHDR_BYTES}`,
    );
  }
  if (phnum > MAX_PHNUM)
    throw damaged(path, Field.PHNUM, `${phnum} program headers (e_phnum); Linux takes at most ${MAX_PHNUM}`);
  if (phoff + phnum * PHDR_BYTES > bytes.length) {
    throw damaged(
      path,
      Field.PHOFF,
      `program headers at ${phoff} (e_phoff) lie beyond the end of the file at ${bytes.length}`,
    );
  }
};

/** Section headers are for people and symbols; nonsense there does not stop a program, so it is left out. */
const readSections = (parser: Parser, bytes: Buffer, header: ElfyHeader): ElfySection[] => {
  const { shoff, shnum, shentsize } = header;
  if (shoff === 0 || shentsize !== SHDR_BYTES || shoff + shnum * SHDR_BYTES > bytes.length) return [];
  return parser.parseSections(bytes, header);
};

/** Reads the three header structures. Throws ElfFormatError with the offset of the field that is wrong. */
export const readHeaders = (bytes: Buffer, path: string): ElfHeaders => {
  checkIdentity(bytes, path);
  const parser = new elfy.Parser();
  const header = parser.parseHeader(bytes);
  checkPrograms(bytes, path, header);
  return { header, programs: parser.parsePrograms(bytes, header), sections: readSections(parser, bytes, header) };
};
