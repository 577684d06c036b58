import type { ElfyProgram } from 'elfy';
import { hex } from '../bits.js';
import { ElfFormatError } from '../errors.js';
import { type ElfSegment, PF_R, PF_W, PF_X } from './elf-file.js';

/** First address that does not belong to the guest (TASK_SIZE of a 3G/1G kernel split). */
export const ADDRESS_LIMIT = 0xc000_0000;
/** The page at 0 stays unmapped so that null pointers fault. */
const LOWEST_ADDRESS = 0x1000;
const PAGE_SIZE = 0x1000;
/** More than any program needs in memory image; larger claims are damage, and zeroing them would take the host's memory. */
const MAX_IMAGE_BYTES = 0x4000_0000;

const toSegment = (program: ElfyProgram): ElfSegment => ({
  vaddr: program.vaddr,
  memsz: program.memsz,
  filesz: program.filesz,
  offset: program.offset,
  flags: (program.flags.r ? PF_R : 0) | (program.flags.w ? PF_W : 0) | (program.flags.x ? PF_X : 0),
  align: program.align,
});

/** What is wrong with one PT_LOAD by itself, or undefined. */
const segmentFault = (segment: ElfSegment, fileBytes: number, isExec: boolean): string | undefined => {
  const { vaddr, memsz, filesz, offset, align } = segment;
  if (memsz < filesz) return `p_memsz ${memsz} is smaller than p_filesz ${filesz}`;
  if (offset + filesz > fileBytes)
    return `its ${filesz} bytes at file offset ${offset} lie beyond the end of the file at ${fileBytes}`;
  if (vaddr + memsz > ADDRESS_LIMIT)
    return `it ends at ${hexOf(vaddr + memsz)}, above the guest's limit ${hex(ADDRESS_LIMIT)}`;
  if (memsz > MAX_IMAGE_BYTES) return `it asks for ${memsz} bytes of memory; armstalk allows ${MAX_IMAGE_BYTES}`;
  if (isExec && vaddr < LOWEST_ADDRESS) return `it begins at ${hex(vaddr)}, in the page that must stay unmapped`;
  if (filesz > 0 && vaddr % PAGE_SIZE !== offset % PAGE_SIZE) {
    return `p_vaddr ${hex(vaddr)} and p_offset ${hex(offset)} differ within the page`;
  }
  if (align > 1 && (align & (align - 1)) !== 0) return `p_align ${align} is not a power of two`;
  return undefined;
};

/** Like `hex`, for sums that need more than 32 bits. */
const hexOf = (x: number): string => `0x${x.toString(16)}`;

/**
 * The PT_LOAD segments that occupy memory, checked one by one and against each other. Throws ElfFormatError with the
 * file offset of the offending program header.
 */
export const loadSegments = (
  programs: readonly ElfyProgram[],
  file: { path: string; sizeBytes: number; isExec: boolean; phdrOffset: number; phentsize: number },
): ElfSegment[] => {
  const segments: ElfSegment[] = [];
  programs.forEach((program, index) => {
    if (program.type !== 'load') return;
    const segment = toSegment(program);
    const previous = segments.at(-1);
    const fault =
      segmentFault(segment, file.sizeBytes, file.isExec) ??
      (previous !== undefined && segment.memsz > 0 && segment.vaddr < previous.vaddr + previous.memsz
        ? `it begins at ${hex(segment.vaddr)}, before the end ${hex(previous.vaddr + previous.memsz)} of the segment ahead of it`
        : undefined);
    if (fault !== undefined) {
      throw new ElfFormatError(`${file.path} is damaged`, file.phdrOffset + index * file.phentsize, {
        details: { found: `segment ${index} (PT_LOAD): ${fault}` },
      });
    }
    if (segment.memsz > 0) segments.push(segment);
  });
  checkImage(segments, file);
  return segments;
};

const checkImage = (segments: readonly ElfSegment[], file: { path: string; phdrOffset: number }): void => {
  const imageBytes = segments.reduce((sum, segment) => sum + segment.memsz, 0);
  const found =
    segments.length === 0
      ? 'no segment to load (PT_LOAD)'
      : imageBytes > MAX_IMAGE_BYTES
        ? `its segments ask for ${imageBytes} bytes of memory; armstalk allows ${MAX_IMAGE_BYTES}`
        : undefined;
  if (found !== undefined) throw new ElfFormatError(`${file.path} is damaged`, file.phdrOffset, { details: { found } });
};

/** The PT_TLS image, when its bytes are in the file. */
export const tlsSegment = (programs: readonly ElfyProgram[], sizeBytes: number): ElfSegment | undefined => {
  const program = programs.find((candidate) => candidate.type === 'tls');
  if (program === undefined || program.offset + program.filesz > sizeBytes) return undefined;
  return toSegment(program);
};
