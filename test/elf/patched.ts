import { readFileSync } from 'node:fs';

export const samplePath = (name: string): string => new URL(`../../samples/bin/${name}`, import.meta.url).pathname;

export const sampleBytes = (name: string): Buffer => readFileSync(samplePath(name));

/** Field offsets of the ELF32 header and, relative to its start, of a program header. */
export const Ehdr = {
  CLASS: 4,
  DATA: 5,
  TYPE: 16,
  MACHINE: 18,
  ENTRY: 24,
  PHOFF: 28,
  SHOFF: 32,
  PHENTSIZE: 42,
  PHNUM: 44,
  SHNUM: 48,
} as const;
export const Phdr = { TYPE: 0, OFFSET: 4, VADDR: 8, FILESZ: 16, MEMSZ: 20, FLAGS: 24, ALIGN: 28 } as const;

export const PT_LOAD = 1;

/** File offset of the `nth` program header of `type`. */
export const phdrAt = (bytes: Buffer, type: number, nth = 0): number => {
  const first = bytes.readUInt32LE(Ehdr.PHOFF);
  for (let index = 0, seen = 0; index < bytes.readUInt16LE(Ehdr.PHNUM); index++) {
    const at = first + index * 32;
    if (bytes.readUInt32LE(at) === type && seen++ === nth) return at;
  }
  throw new Error(`no program header of type ${type}`);
};
