/**
 * Names for run-time addresses: which module, which symbol, how far in. Modules are announced by `module` notes; their
 * ELF files are supplied by whoever loaded them.
 */
import { hex } from '../bits.js';
import type { ElfFile } from '../elf/elf-file.js';
import type { ModuleNote } from '../events/event.js';

export interface CodeLocation {
  /** Base name of the file; empty when the address lies in no module. */
  readonly module: string;
  /** Address as objdump shows it for that module; the run-time address without one. */
  readonly offset: number;
  /** Empty when no symbol covers the address. */
  readonly symbol: string;
  readonly symbolOffset: number;
}

interface Module {
  readonly note: ModuleNote;
  readonly elf: ElfFile | undefined;
}

const KUSER_START = 0xffff_0000;

export class CodeMap {
  private readonly modules: Module[] = [];

  /** `elf` gives symbols; without it addresses get only the module's name. */
  add(note: ModuleNote, elf: ElfFile | undefined): void {
    this.modules.push({ note, elf });
  }

  get all(): readonly ModuleNote[] {
    return this.modules.map((module) => module.note);
  }

  /** Where `address` (bit 0 ignored) lies. */
  locate(address: number): CodeLocation {
    const at = (address & ~1) >>> 0;
    const module = this.modules.find(({ note }) => at >= note.start && at < note.end);
    if (module === undefined) {
      return { module: at >= KUSER_START ? '[kuser]' : '', offset: at, symbol: '', symbolOffset: 0 };
    }
    const offset = (at - module.note.bias) >>> 0;
    const match = module.elf?.symbols.lookup(offset);
    return { module: module.note.name, offset, symbol: match?.name ?? '', symbolOffset: match?.offset ?? 0 };
  }

  /** `module!symbol+0x12`, `module!0x1040` or `0x1040`: as much as is known. */
  describe(address: number): string {
    const { module, offset, symbol, symbolOffset } = this.locate(address);
    if (module === '') return hex(offset);
    if (symbol === '') return `${module}!${hex(offset)}`;
    return `${module}!${symbol}${symbolOffset === 0 ? '' : `+${hex(symbolOffset)}`}`;
  }

  /** The name a call tree shows: the symbol, else module and address. */
  functionName(address: number): string {
    const { symbol, symbolOffset } = this.locate(address);
    return symbol !== '' && symbolOffset === 0 ? symbol : this.describe(address);
  }
}
