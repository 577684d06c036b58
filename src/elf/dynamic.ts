import type { ElfSegment } from './elf-file.js';
import { readString } from './strings.js';

const DT_NEEDED = 1;
const DT_STRTAB = 5;
const DT_STRSZ = 10;
const DT_SONAME = 14;

/** The dynamic section. Empty for programs without one. */
export interface DynamicTags {
  /** Every tag with its value, in the order of the file. */
  readonly entries: readonly (readonly [tag: number, value: number])[];
  /** DT_NEEDED: names of the shared libraries, in search order. */
  readonly needed: readonly string[];
  readonly soname: string;
}

const NONE: DynamicTags = { entries: [], needed: [], soname: '' };

/** The file bytes behind a virtual address range, when a segment holds them all. */
export const bytesAt = (
  bytes: Uint8Array,
  segments: readonly ElfSegment[],
  vaddr: number,
  sizeBytes: number,
): Uint8Array | undefined => {
  const segment = segments.find((one) => vaddr >= one.vaddr && vaddr + sizeBytes <= one.vaddr + one.filesz);
  if (segment === undefined) return undefined;
  const offset = segment.offset + (vaddr - segment.vaddr);
  return bytes.subarray(offset, offset + sizeBytes);
};

/** Reads PT_DYNAMIC's entries up to DT_NULL or the end of what is there. */
export const readDynamic = (
  table: Uint8Array | undefined,
  bytes: Uint8Array,
  segments: readonly ElfSegment[],
): DynamicTags => {
  if (table === undefined) return NONE;
  const view = new DataView(table.buffer, table.byteOffset, table.byteLength);
  const entries: (readonly [number, number])[] = [];
  for (let at = 0; at + 8 <= table.length; at += 8) {
    const tag = view.getUint32(at, true);
    if (tag === 0) break;
    entries.push([tag, view.getUint32(at + 4, true)]);
  }
  const tagValue = (tag: number): number => entries.find(([candidate]) => candidate === tag)?.[1] ?? 0;
  const strings = bytesAt(bytes, segments, tagValue(DT_STRTAB), tagValue(DT_STRSZ)) ?? new Uint8Array();
  const named = (tag: number): string[] =>
    entries.filter(([candidate]) => candidate === tag).map(([, offset]) => readString(strings, offset));
  return { entries, needed: named(DT_NEEDED), soname: named(DT_SONAME)[0] ?? '' };
};
