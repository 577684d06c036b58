import type { ArmAttributes } from './attributes.js';
import type { FunctionTypes } from './dwarf/function-types.js';
import type { DynamicTags } from './dynamic.js';
import type { LineTable } from './line-table.js';
import type { SymbolTable } from './symbol-table.js';

/** p_flags bits. */
export const PF_X = 1;
export const PF_W = 2;
export const PF_R = 4;

/** A PT_LOAD segment, checked: inside the file, inside the guest's address space, in ascending order, no overlap. */
export interface ElfSegment {
  readonly vaddr: number;
  readonly memsz: number;
  readonly filesz: number;
  /** File offset of the first byte; congruent to `vaddr` modulo the page size. */
  readonly offset: number;
  /** PF_R, PF_W, PF_X. */
  readonly flags: number;
  readonly align: number;
}

export interface ElfSection {
  readonly name: string;
  /** sh_type. */
  readonly type: number;
  readonly address: number;
  readonly offset: number;
  readonly sizeBytes: number;
  readonly isExecutable: boolean;
  /** SHF_COMPRESSED: the bytes begin with what they were packed with. */
  readonly isCompressed: boolean;
  readonly link: number;
}

/** What e_flags says about the calling convention. */
export interface ElfAbi {
  /** EF_ARM_EABIMASK as a number: 5 today, 0 for pre-EABI files. */
  readonly eabiVersion: number;
  readonly float: 'hard' | 'soft' | 'unspecified';
}

/** A parsed ARM program. Addresses are the file's own (add the load bias for `dyn`). */
export interface ElfFile {
  readonly path: string;
  /** `exec` is loaded where it says, `dyn` (position independent) anywhere. */
  readonly type: 'exec' | 'dyn';
  /** e_entry: an interworking address, bit 0 set when the program starts in Thumb state. */
  readonly entry: number;
  readonly abi: ElfAbi;
  readonly segments: readonly ElfSegment[];
  /** File offset, entry size and count of the program headers, for AT_PHDR, AT_PHENT and AT_PHNUM. */
  readonly phdrOffset: number;
  readonly phentsize: number;
  readonly phnum: number;
  /** PT_INTERP: set when the program is dynamically linked. */
  readonly interpreter?: string;
  /** The initial contents of thread-local storage (PT_TLS). */
  readonly tls?: ElfSegment;
  /** Whether the stack must be executable: PT_GNU_STACK asks for it, or the file does not say. */
  readonly executableStack: boolean;
  /** Hex digits of the GNU build-id note; empty when there is none. */
  readonly buildId: string;
  /** Empty when the section headers were stripped or do not make sense; a program runs without them. */
  readonly sections: readonly ElfSection[];
  /** Read from the file on first use, like the four below. */
  readonly attributes: ArmAttributes;
  readonly dynamic: DynamicTags;
  readonly symbols: SymbolTable;
  /** Source lines; empty for a file without debugging information. */
  readonly lines: LineTable;
  /** Parameters and results, of functions with debugging information. */
  readonly functionTypes: FunctionTypes;
  /** The whole file; the reader does not copy it. */
  readonly bytes: Uint8Array;
}
