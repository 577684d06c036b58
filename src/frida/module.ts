/** Loaded files and their symbols, as Frida's Module and DebugSymbol show them. */
import type { ElfFile } from '../elf/elf-file.js';
import { UsageError } from '../errors.js';
import type { ModuleNote } from '../events/event.js';
import { attached } from './attached.js';
import { NativePointer, type PointerValue, ptr } from './native-pointer.js';

export class Module {
  readonly name: string;
  readonly base: NativePointer;
  /** In bytes. */
  readonly size: number;
  readonly path: string;
  private readonly bias: number;
  private readonly elf: ElfFile | undefined;

  constructor(note: ModuleNote, elf: ElfFile | undefined) {
    this.name = note.name;
    this.path = note.path;
    this.base = new NativePointer(note.start);
    this.size = note.end - note.start;
    this.bias = note.bias;
    this.elf = elf;
  }

  /** Functions by name; bit 0 of the address is set for Thumb code. */
  enumerateSymbols(): { name: string; type: 'function'; address: NativePointer; size: number }[] {
    return (this.elf?.symbols.functions() ?? []).map(({ name, address, sizeBytes, isThumb }) => ({
      name,
      type: 'function',
      address: this.at((address & ~1) | Number(isThumb)),
      size: sizeBytes,
    }));
  }

  findSymbolByName(name: string): NativePointer | null {
    const address = this.elf?.symbols.addressesOf(name)[0];
    return address === undefined ? null : this.at(address);
  }

  /** Throws UsageError when there is none. */
  getSymbolByName(name: string): NativePointer {
    const found = this.findSymbolByName(name);
    if (found === null)
      throw new UsageError(`${this.name} has no symbol ${name}`, { hint: 'enumerateSymbols() lists them' });
    return found;
  }

  findExportByName(name: string): NativePointer | null {
    return this.findSymbolByName(name);
  }

  getExportByName(name: string): NativePointer {
    return this.getSymbolByName(name);
  }

  /** What covers an address: name and distance. */
  lookup(address: number): { name: string; offset: number } | undefined {
    const match = this.elf?.symbols.lookup((address & ~1) - this.bias);
    return match === undefined ? undefined : { name: match.name, offset: match.offset };
  }

  private at(address: number): NativePointer {
    return new NativePointer((address + this.bias) >>> 0);
  }

  /** The first module that has the symbol, or the one named. */
  static findExportByName(moduleName: string | null, name: string): NativePointer | null {
    for (const module of modules()) {
      const found = moduleName === null || module.name === moduleName ? module.findSymbolByName(name) : null;
      if (found !== null) return found;
    }
    return null;
  }
}

/** In the order they were mapped; the program is first. */
export const modules = (): Module[] => {
  const { process } = attached();
  return process.modules.map((note) => new Module(note, note === process.loaded.module ? process.program : undefined));
};

export const moduleAt = (address: PointerValue): Module | null => {
  const at = ptr(address);
  return modules().find(({ base, size }) => at.compare(base) >= 0 && at.compare(base.add(size)) < 0) ?? null;
};

export class DebugSymbol {
  readonly address: NativePointer;
  /** null when no symbol covers the address. */
  readonly name: string | null;
  readonly moduleName: string | null;
  /** Always null and 0: line tables are not read. */
  readonly fileName = null;
  readonly lineNumber = 0;
  private readonly offset: number;

  private constructor(address: NativePointer) {
    const module = moduleAt(address);
    const match = module?.lookup(address.toUInt32());
    this.address = address;
    this.moduleName = module?.name ?? null;
    this.name = match?.name ?? null;
    this.offset = match?.offset ?? 0;
  }

  static fromAddress(address: PointerValue): DebugSymbol {
    return new DebugSymbol(ptr(address));
  }

  static fromName(name: string): DebugSymbol {
    return new DebugSymbol(DebugSymbol.getFunctionByName(name));
  }

  /** Throws UsageError when there is none. */
  static getFunctionByName(name: string): NativePointer {
    const found = Module.findExportByName(null, name);
    if (found === null) throw new UsageError(`unable to find function with name ${name}`);
    return found;
  }

  /** `0x10491 lock!check_pin+0x26`. */
  toString(): string {
    const offset = this.offset === 0 ? '' : `+0x${this.offset.toString(16)}`;
    const place = this.moduleName === null ? '' : ` ${this.moduleName}!${this.name ?? ''}${offset}`;
    return `${this.address}${place}`;
  }
}
