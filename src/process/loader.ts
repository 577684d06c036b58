/**
 * A program file into the address space, as binfmt_elf does it: whole pages of every PT_LOAD segment, bss zeroed, brk
 * after the last one. A position-independent program goes to a fixed address, so runs repeat.
 */
import { alignDown, alignUp, hex } from '../bits.js';
import { type ElfFile, type ElfSegment, PF_R, PF_W, PF_X } from '../elf/elf-file.js';
import { ElfFormatError } from '../errors.js';
import type { ModuleNote } from '../events/event.js';
import { PAGE_SIZE, TASK_SIZE } from '../guest/layout.js';
import { PROT_EXEC, PROT_READ, PROT_WRITE } from '../linux/abi/constants.js';
import type { AddressSpace, MappableFile } from '../linux/kernel/mm.js';

/** Where position-independent programs are put. */
export const PIE_BASE = 0x40_0000;

export interface LoadedProgram {
  /** Added to the file's addresses. */
  readonly bias: number;
  /** Run-time interworking address. */
  readonly entry: number;
  /** Run-time address of the program headers (AT_PHDR); 0 when no segment holds them. */
  readonly phdrAddress: number;
  /** First address after the highest segment. */
  readonly end: number;
  readonly module: ModuleNote;
}

/** Maps `elf` from `file`. Throws ElfFormatError when a segment cannot lie where it wants to. */
export const loadProgram = (mm: AddressSpace, elf: ElfFile, file: MappableFile): LoadedProgram => {
  const lowest = alignDown((elf.segments[0] as ElfSegment).vaddr, PAGE_SIZE);
  const bias = elf.type === 'dyn' ? PIE_BASE - lowest : 0;
  for (const segment of elf.segments) mapSegment(mm, elf, file, segment, bias);
  const end = Math.max(...elf.segments.map((segment) => segment.vaddr + segment.memsz)) + bias;
  return {
    bias,
    entry: elf.entry + bias,
    phdrAddress: phdrAddressOf(elf, bias),
    end,
    module: moduleOf(elf, file.path, bias, lowest + bias, end),
  };
};

const protOf = (flags: number): number =>
  ((flags & PF_R) !== 0 ? PROT_READ : 0) |
  ((flags & PF_W) !== 0 ? PROT_WRITE : 0) |
  ((flags & PF_X) !== 0 ? PROT_EXEC : 0);

const mapSegment = (mm: AddressSpace, elf: ElfFile, file: MappableFile, segment: ElfSegment, bias: number): void => {
  if (segment.memsz === 0) return;
  const start = segment.vaddr + bias;
  const page = alignDown(start, PAGE_SIZE);
  const fileEnd = start + segment.filesz;
  const mapEnd = Math.ceil((start + segment.memsz) / PAGE_SIZE) * PAGE_SIZE;
  const filePagesEnd = segment.filesz === 0 ? page : Math.ceil(fileEnd / PAGE_SIZE) * PAGE_SIZE;
  const prot = protOf(segment.flags);
  if (mapEnd > TASK_SIZE) refuse(elf, segment, bias);
  if (filePagesEnd > page) {
    const offset = segment.offset - (start - page);
    const result = mm.map({ addr: page, sizeBytes: filePagesEnd - page, prot, fixed: 'replace', file, offset });
    if (result < 0) refuse(elf, segment, bias);
    if (segment.memsz > segment.filesz) mm.memory.zero(fileEnd, Math.min(filePagesEnd, mapEnd) - fileEnd);
  }
  if (mapEnd > filePagesEnd) {
    const result = mm.map({ addr: filePagesEnd, sizeBytes: mapEnd - filePagesEnd, prot, fixed: 'replace' });
    if (result < 0) refuse(elf, segment, bias);
  }
};

const refuse = (elf: ElfFile, segment: ElfSegment, bias: number): never => {
  const start = segment.vaddr + bias;
  throw new ElfFormatError(`${elf.path} cannot be loaded`, elf.phdrOffset, {
    details: { found: `its segment at ${hex(start)} lies outside the addresses a program may use` },
  });
};

const phdrAddressOf = (elf: ElfFile, bias: number): number => {
  const size = elf.phnum * elf.phentsize;
  const holder = elf.segments.find(
    (segment) => elf.phdrOffset >= segment.offset && elf.phdrOffset + size <= segment.offset + segment.filesz,
  );
  return holder === undefined ? 0 : elf.phdrOffset - holder.offset + holder.vaddr + bias;
};

const moduleOf = (elf: ElfFile, path: string, bias: number, start: number, end: number): ModuleNote => ({
  type: 'module',
  clock: 0,
  path,
  name: path.slice(path.lastIndexOf('/') + 1),
  bias,
  start,
  end: alignUp(end, PAGE_SIZE),
  entry: elf.entry + bias,
  buildId: elf.buildId,
  segments: elf.segments.map((segment) => ({
    address: segment.vaddr + bias,
    sizeBytes: segment.memsz,
    fileOffset: segment.offset,
    flags: segment.flags,
  })),
});
