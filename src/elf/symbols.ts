import type { ElfSection } from './elf-file.js';
import { readString } from './strings.js';
import { type ElfSymbol, type MappingSymbol, SymbolTable } from './symbol-table.js';

const SHT_SYMTAB = 2;
const SHT_DYNSYM = 11;
const SYM_BYTES = 16;
const SHN_UNDEF = 0;
const SHN_LORESERVE = 0xff00;
/** Symbol types (st_info & 15) that name code or data; sections, files and TLS offsets do not. */
const KINDS: Readonly<Record<number, ElfSymbol['kind']>> = { 0: 'label', 1: 'object', 2: 'function', 10: 'function' };
const BINDINGS: Readonly<Record<number, ElfSymbol['binding']>> = { 0: 'local', 1: 'global', 2: 'weak', 10: 'global' };
const STATES = { a: 'arm', t: 'thumb', d: 'data' } as const;

interface Found {
  readonly symbols: ElfSymbol[];
  readonly mapping: MappingSymbol[];
}

/** The bytes of a section, cut at the end of the file. */
export const sectionBytes = (bytes: Uint8Array, section: ElfSection): Uint8Array =>
  bytes.subarray(section.offset, section.offset + section.sizeBytes);

/** `$a`, `$t`, `$d`, each alone or followed by a dot and anything. */
const mappingState = (name: string): MappingSymbol['state'] | undefined => {
  if (name.charCodeAt(0) !== 0x24) return undefined;
  const match = /^\$([atd])(?:\.|$)/.exec(name);
  return match === null ? undefined : STATES[match[1] as keyof typeof STATES];
};

const readTable = (bytes: Uint8Array, sections: readonly ElfSection[], table: ElfSection, found: Found): void => {
  const data = sectionBytes(bytes, table);
  const stringSection = sections[table.link];
  if (stringSection === undefined) return;
  const strings = sectionBytes(bytes, stringSection);
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  for (let at = SYM_BYTES; at + SYM_BYTES <= data.length; at += SYM_BYTES) {
    const info = data[at + 12];
    const kind = KINDS[info & 15];
    const sectionIndex = view.getUint16(at + 14, true);
    if (kind === undefined || sectionIndex === SHN_UNDEF || sectionIndex >= SHN_LORESERVE) continue;
    const name = readString(strings, view.getUint32(at, true));
    if (name === '') continue;
    const value = view.getUint32(at + 4, true);
    const state = kind === 'label' ? mappingState(name) : undefined;
    if (state !== undefined) {
      found.mapping.push({ address: value, state });
      continue;
    }
    const isCode = kind === 'function' || (kind === 'label' && (sections[sectionIndex]?.isExecutable ?? false));
    const isThumb = isCode && (value & 1) === 1;
    found.symbols.push({
      name,
      address: isThumb ? value - 1 : value,
      sizeBytes: view.getUint32(at + 8, true),
      kind: isCode ? kind : 'object',
      binding: BINDINGS[info >>> 4] ?? 'local',
      isThumb,
    });
  }
};

/** Reads `.symtab` and then what only `.dynsym` has. */
export const readSymbols = (bytes: Uint8Array, sections: readonly ElfSection[]): SymbolTable => {
  const found: Found = { symbols: [], mapping: [] };
  for (const type of [SHT_SYMTAB, SHT_DYNSYM]) {
    for (const table of sections) if (table.type === type) readTable(bytes, sections, table, found);
  }
  const seen = new Set<string>();
  const symbols = found.symbols.filter((symbol) => {
    const key = `${symbol.address}:${symbol.name}`;
    return seen.has(key) ? false : seen.add(key);
  });
  return new SymbolTable(symbols, found.mapping, codeEndOf(sections));
};

/** The end of the executable section around an address; the address itself when there is none. */
const codeEndOf = (sections: readonly ElfSection[]): ((address: number) => number) => {
  const code = sections.filter((section) => section.isExecutable);
  return (address) => {
    const section = code.find((one) => address >= one.address && address < one.address + one.sizeBytes);
    return section === undefined ? address : section.address + section.sizeBytes;
  };
};

/** Whether the names of local functions are there too, not only what the dynamic linker needs. */
export const hasSymbolTable = (sections: readonly ElfSection[]): boolean =>
  sections.some(({ type, sizeBytes }) => type === SHT_SYMTAB && sizeBytes > SYM_BYTES);
