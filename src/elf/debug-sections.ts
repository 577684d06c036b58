/** Sections with debugging information, unpacked where the linker compressed them (SHF_COMPRESSED, or `.zdebug_*`). */
import { inflateSync } from 'node:zlib';
import { FunctionTypes } from './dwarf/function-types.js';
import type { ElfSection } from './elf-file.js';
import { readLineSequences } from './line-program.js';
import { LineTable } from './line-table.js';
import { sectionBytes } from './symbols.js';

const COMPRESS_ZLIB = 1;
const CHDR_BYTES = 12;
const ZDEBUG_HEADER_BYTES = 12;
/** No debugging information of a 32-bit program is larger; a bomb is. */
const MAX_SECTION_BYTES = 1 << 29;
const NOTHING = new Uint8Array();

const inflated = (bytes: Uint8Array): Uint8Array => {
  try {
    return inflateSync(bytes, { maxOutputLength: MAX_SECTION_BYTES });
  } catch {
    return NOTHING;
  }
};

/** The contents of section `name`; empty when there is none or it cannot be unpacked. */
const debugSection = (bytes: Uint8Array, sections: readonly ElfSection[], name: string): Uint8Array => {
  const section = sections.find((one) => one.name === name);
  if (section !== undefined) {
    const data = sectionBytes(bytes, section);
    if (!section.isCompressed) return data;
    const type = data.length < CHDR_BYTES ? 0 : new DataView(data.buffer, data.byteOffset).getUint32(0, true);
    return type === COMPRESS_ZLIB ? inflated(data.subarray(CHDR_BYTES)) : NOTHING;
  }
  const old = sections.find((one) => one.name === name.replace('.debug', '.zdebug'));
  return old === undefined ? NOTHING : inflated(sectionBytes(bytes, old).subarray(ZDEBUG_HEADER_BYTES));
};

/** Reads the line table; empty without one. */
export const readLines = (bytes: Uint8Array, sections: readonly ElfSection[]): LineTable => {
  const strings = {
    debugStr: debugSection(bytes, sections, '.debug_str'),
    debugLineStr: debugSection(bytes, sections, '.debug_line_str'),
  };
  const code = sections.filter(({ isExecutable }) => isExecutable);
  const isCode = (at: number): boolean =>
    code.some(({ address, sizeBytes }) => at >= address && at < address + sizeBytes);
  return new LineTable(readLineSequences(debugSection(bytes, sections, '.debug_line'), strings), isCode);
};

/** What is known of functions; nothing without debugging information. */
export const readFunctionTypes = (bytes: Uint8Array, sections: readonly ElfSection[]): FunctionTypes => {
  const section = (name: string): Uint8Array => debugSection(bytes, sections, name);
  const sectionsOf = {
    info: section('.debug_info'),
    str: section('.debug_str'),
    lineStr: section('.debug_line_str'),
    strOffsets: section('.debug_str_offsets'),
    addr: section('.debug_addr'),
  };
  return new FunctionTypes(sectionsOf, section('.debug_abbrev'));
};

/** `.gnu_debuglink`: the name of the file that has what was stripped, and its CRC-32. */
export const readDebugLink = (
  bytes: Uint8Array,
  sections: readonly ElfSection[],
): { name: string; crc: number } | undefined => {
  const section = sections.find((one) => one.name === '.gnu_debuglink');
  if (section === undefined) return undefined;
  const data = sectionBytes(bytes, section);
  const nul = data.indexOf(0);
  const crcAt = (nul + 4) & ~3;
  if (nul <= 0 || crcAt + 4 > data.length) return undefined;
  const name = Buffer.from(data.subarray(0, nul)).toString('utf8');
  return { name, crc: new DataView(data.buffer, data.byteOffset).getUint32(crcAt, true) };
};
