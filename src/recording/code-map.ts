/**
 * Names for run-time addresses: which module, which symbol, how far in. Modules are announced by `module` notes; their
 * ELF files are supplied by whoever loaded them.
 */
import { hex } from '../bits.js';
import type { SymbolSource } from '../elf/symbol-file.js';
import type { ModuleNote } from '../events/event.js';
import type { SymbolAnswer } from '../trace/messages.js';

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
  readonly source: SymbolSource | undefined;
}

const KUSER_START = 0xffff_0000;

export class CodeMap {
  private readonly modules: Module[] = [];
  private readonly demangle: (name: string) => string;

  /** `demangle` makes names readable where they are for people; `locate` and `symbolize` answer as the file has them. */
  constructor(demangle: (name: string) => string = (name) => name) {
    this.demangle = demangle;
  }

  /** `source` gives symbols and lines; without it addresses get only the module's name. */
  add(note: ModuleNote, source: SymbolSource | undefined): void {
    this.modules.push({ note, source });
  }

  get all(): readonly ModuleNote[] {
    return this.modules.map((module) => module.note);
  }

  /** Where `address` (bit 0 ignored) lies. */
  locate(address: number): CodeLocation {
    const at = (address & ~1) >>> 0;
    const module = this.moduleAt(at);
    if (module === undefined) {
      return { module: at >= KUSER_START ? '[kuser]' : '', offset: at, symbol: '', symbolOffset: 0 };
    }
    const offset = (at - module.note.bias) >>> 0;
    const match = module.source?.symbols.lookup(offset);
    return { module: module.note.name, offset, symbol: match?.name ?? '', symbolOffset: match?.offset ?? 0 };
  }

  /** `module!symbol+0x12`, `module!0x1040` or `0x1040`: as much as is known. */
  describe(address: number): string {
    const { module, offset, symbol, symbolOffset } = this.locate(address);
    if (module === '') return hex(offset);
    if (symbol === '') return `${module}!${hex(offset)}`;
    return `${module}!${this.demangle(symbol)}${symbolOffset === 0 ? '' : `+${hex(symbolOffset)}`}`;
  }

  /** `symbol` or `symbol+0x12`, where a symbol covers the address. */
  nameAt(address: number): string | undefined {
    const { symbol, symbolOffset } = this.locate(address);
    if (symbol === '') return undefined;
    return symbolOffset === 0 ? this.demangle(symbol) : `${this.demangle(symbol)}+${hex(symbolOffset)}`;
  }

  /** `file.c:12`, where the program has debugging information. */
  lineAt(address: number): string | undefined {
    const at = (address & ~1) >>> 0;
    const module = this.moduleAt(at);
    const found = module?.source?.lines.lookup(at - module.note.bias);
    return found === undefined ? undefined : `${found.file}:${found.line}`;
  }

  /** The answer a trace writer asks for. */
  symbolize(address: number): SymbolAnswer | undefined {
    const module = this.moduleAt(address);
    const match = module?.source?.symbols.lookup(address - module.note.bias);
    if (module === undefined || match === undefined) return undefined;
    return { module: module.note.name, name: match.name, offset: match.offset, sizeBytes: match.reachBytes };
  }

  /** The name a call tree has: the symbol as it stands in the file, else module and address. */
  functionName(address: number): string {
    const { symbol, symbolOffset } = this.locate(address);
    return symbol !== '' && symbolOffset === 0 ? symbol : this.describe(address);
  }

  private moduleAt(address: number): Module | undefined {
    return this.modules.find(({ note }) => address >= note.start && address < note.end);
  }
}
