/**
 * From the bytes of a file to an `ElfFile`, or an ElfFormatError that names what was found and where. Everything the
 * loader relies on is checked here, so that it can copy segments without looking again; what only people and analyses
 * use (sections, symbols, notes, attributes) is read leniently and, being slow, on first use.
 */
import type { ElfyProgram, ElfySection } from 'elfy';
import { hex } from '../bits.js';
import { ElfFormatError } from '../errors.js';
import { type ArmAttributes, readAttributes } from './attributes.js';
import { DebugTables } from './debug-tables.js';
import { type DynamicTags, readDynamic } from './dynamic.js';
import type { ElfAbi, ElfFile, ElfSection, ElfSegment } from './elf-file.js';
import { type ElfHeaders, readHeaders } from './headers.js';
import { buildIdOf, findBuildId, readNotes } from './notes.js';
import { loadSegments, tlsSegment } from './segments.js';
import { readString } from './strings.js';
import { sectionBytes } from './symbols.js';

const SHT_NOBITS = 8;
const SHT_ARM_ATTRIBUTES = 0x7000_0003;
const FIELD_ENTRY = 24;
const EF_ARM_ABI_FLOAT_SOFT = 0x200;
const EF_ARM_ABI_FLOAT_HARD = 0x400;
/** elfy's names for the section types used here. */
const ELFY_SECTION_TYPES: Readonly<Record<string, number>> = {
  symtab: 2,
  strtab: 3,
  note: 7,
  nobits: SHT_NOBITS,
  dynsym: 11,
};

const readAbi = (flags: number): ElfAbi => ({
  eabiVersion: flags >>> 24,
  float: flags & EF_ARM_ABI_FLOAT_HARD ? 'hard' : flags & EF_ARM_ABI_FLOAT_SOFT ? 'soft' : 'unspecified',
});

const SHF_COMPRESSED = 0x800;
/** Offset of sh_flags in a section header. */
const FIELD_FLAGS = 8;

const toSection = (section: ElfySection, names: Uint8Array, flags: number): ElfSection => ({
  name: readString(names, section.name),
  type: typeof section.type === 'number' ? section.type : (ELFY_SECTION_TYPES[section.type] ?? 1),
  address: section.addr,
  offset: section.off,
  sizeBytes: section.size,
  isExecutable: section.flags.execinstr === true,
  isCompressed: (flags & SHF_COMPRESSED) !== 0,
  link: section.link,
});

const toSections = (bytes: Uint8Array, { sections, header }: ElfHeaders): ElfSection[] => {
  const names = sections[header.shstrndx]?.data ?? new Uint8Array();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return sections.map((section, index) =>
    toSection(section, names, view.getUint32(header.shoff + index * header.shentsize + FIELD_FLAGS, true)),
  );
};

const readInterpreter = (programs: readonly ElfyProgram[]): string | undefined => {
  const program = programs.find((candidate) => candidate.type === 'interp');
  return program === undefined ? undefined : readString(program.data, 0) || '(empty path)';
};

const checkEntry = (path: string, entry: number, segments: readonly ElfSegment[], isExec: boolean): void => {
  const at = entry - (entry & 1);
  if (!isExec && entry === 0) {
    throw new ElfFormatError(`${path} is a shared library, not a program`, FIELD_ENTRY, {
      details: { found: 'it has no entry point (e_entry 0)' },
    });
  }
  if (!segments.some((segment) => at >= segment.vaddr && at < segment.vaddr + segment.memsz)) {
    throw new ElfFormatError(`${path} is damaged`, FIELD_ENTRY, {
      details: { found: `the entry point ${hex(entry)} (e_entry) lies in no segment` },
    });
  }
};

class ParsedElf extends DebugTables implements ElfFile {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly type: 'exec' | 'dyn';
  readonly entry: number;
  readonly abi: ElfAbi;
  readonly segments: readonly ElfSegment[];
  readonly phdrOffset: number;
  readonly phentsize: number;
  readonly phnum: number;
  readonly interpreter?: string;
  readonly tls?: ElfSegment;
  readonly executableStack: boolean;
  private readonly headers: ElfHeaders;
  private lazySections: readonly ElfSection[] | undefined;

  constructor(bytes: Uint8Array, path: string) {
    super();
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.headers = readHeaders(buffer, path);
    const { header, programs } = this.headers;
    this.path = path;
    this.bytes = bytes;
    this.type = header.type === 'exec' ? 'exec' : 'dyn';
    this.entry = header.entry;
    this.abi = readAbi(header.flags);
    this.phdrOffset = header.phoff;
    this.phentsize = header.phentsize;
    this.phnum = header.phnum;
    const isExec = this.type === 'exec';
    this.segments = loadSegments(programs, {
      path,
      sizeBytes: bytes.length,
      isExec,
      phdrOffset: header.phoff,
      phentsize: header.phentsize,
    });
    checkEntry(path, this.entry, this.segments, isExec);
    const interpreter = readInterpreter(programs);
    if (interpreter !== undefined) this.interpreter = interpreter;
    const tls = tlsSegment(programs, bytes.length);
    if (tls !== undefined) this.tls = tls;
    const stack = programs.find((program) => program.type === 'gnu_stack');
    this.executableStack = stack === undefined || stack.flags.x === true;
  }

  get buildId(): string {
    const fromSegments = this.headers.programs
      .filter((program) => program.type === 'note')
      .map((program) => program.data);
    const fromSegment = fromSegments.map((data) => findBuildId(readNotes(data))).find((id) => id !== '');
    return fromSegment ?? buildIdOf(this.bytes, this.sections);
  }

  get sections(): readonly ElfSection[] {
    this.lazySections ??= toSections(this.bytes, this.headers);
    return this.lazySections;
  }

  get attributes(): ArmAttributes {
    const section = this.sections.find((one) => one.type === SHT_ARM_ATTRIBUTES);
    return readAttributes(section === undefined ? undefined : sectionBytes(this.bytes, section));
  }

  get dynamic(): DynamicTags {
    const table = this.headers.programs.find((program) => program.type === 'dynamic');
    return readDynamic(table?.data, this.bytes, this.segments);
  }
}

/** Only the sections of an ARM file, for those that cannot be run. Throws ElfFormatError. */
export const parseSections = (bytes: Uint8Array, path: string): readonly ElfSection[] =>
  toSections(bytes, readHeaders(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), path));

/** Checks and reads `bytes`, which are kept, not copied. `path` is for messages. Throws ElfFormatError. */
export const parseElf = (bytes: Uint8Array, path: string): ElfFile => new ParsedElf(bytes, path);
