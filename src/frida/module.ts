/** Loaded files and their symbols, as Frida's Module and DebugSymbol show them. */
import type { SymbolSource } from '../elf/symbol-file.js';
import { UsageError } from '../errors.js';
import type { ModuleNote } from '../events/event.js';
import { attached } from './attached.js';
import { NativePointer, type PointerValue, ptr } from './native-pointer.js';
import { type RangeDetails, rangesWith } from './ranges.js';

export interface ModuleExport {
  readonly name: string;
  readonly type: 'function';
  readonly address: NativePointer;
}

export interface ModuleSymbol extends ModuleExport {
  readonly isGlobal: boolean;
  /** In bytes; 0 when the file does not say. */
  readonly size: number;
}

export class Module {
  readonly name: string;
  readonly base: NativePointer;
  /** In bytes. */
  readonly size: number;
  readonly path: string;
  private readonly bias: number;
  private readonly source: SymbolSource | undefined;

  /** `source` gives its names and lines. */
  constructor(note: ModuleNote, source: SymbolSource | undefined) {
    this.name = note.name;
    this.path = note.path;
    this.base = new NativePointer(note.start);
    this.size = note.end - note.start;
    this.bias = note.bias;
    this.source = source;
  }

  /** Functions in the order of their addresses; bit 0 of the address is set for Thumb code, sizes are in bytes. */
  enumerateSymbols(): ModuleSymbol[] {
    return (this.source?.symbols.functions() ?? []).map((symbol) => ({
      name: symbol.name,
      type: 'function',
      isGlobal: symbol.binding !== 'local',
      address: this.at((symbol.address & ~1) | Number(symbol.isThumb)),
      size: symbol.sizeBytes,
    }));
  }

  /** The functions that other modules can see. */
  enumerateExports(): ModuleExport[] {
    return this.enumerateSymbols()
      .filter(({ isGlobal }) => isGlobal)
      .map(({ name, type, address }) => ({ name, type, address }));
  }

  /** What is mapped of it and has at least this protection (`r-x`, `rw-`). */
  enumerateRanges(protection: string): RangeDetails[] {
    return rangesWith(protection).filter(
      ({ base }) => base.compare(this.base) >= 0 && base.compare(this.base.add(this.size)) < 0,
    );
  }

  findSymbolByName(name: string): NativePointer | null {
    const address = this.source?.symbols.addressesOf(name)[0];
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

  /** `file.c` and line of an address, where the program has debugging information. */
  lineAt(address: number): { file: string; line: number } | undefined {
    return this.source?.lines.lookup((address & ~1) - this.bias);
  }

  /** What covers an address: name and distance. */
  lookup(address: number): { name: string; offset: number } | undefined {
    const match = this.source?.symbols.lookup((address & ~1) - this.bias);
    return match === undefined ? undefined : { name: match.name, offset: match.offset };
  }

  private at(address: number): NativePointer {
    return new NativePointer((address + this.bias) >>> 0);
  }

  /** Where a module is, null when there is none of this name. */
  static findBaseAddress(name: string): NativePointer | null {
    return modules().find((module) => module.name === name)?.base ?? null;
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
  const { process, source } = attached();
  return process.modules.map((note) => new Module(note, note === process.loaded.module ? source : undefined));
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
  /** null and 0 without debugging information. */
  readonly fileName: string | null;
  readonly lineNumber: number;
  private readonly offset: number;

  private constructor(address: NativePointer) {
    const module = moduleAt(address);
    const match = module?.lookup(address.toUInt32());
    this.address = address;
    this.moduleName = module?.name ?? null;
    this.name = match?.name ?? null;
    this.offset = match?.offset ?? 0;
    const line = module?.lineAt(address.toUInt32());
    this.fileName = line?.file ?? null;
    this.lineNumber = line?.line ?? 0;
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

  /** `0x10491 lock!check_pin+0x26 lock.c:20`, as much as is known. */
  toString(): string {
    const offset = this.offset === 0 ? '' : `+0x${this.offset.toString(16)}`;
    const place = this.moduleName === null ? '' : ` ${this.moduleName}!${this.name ?? ''}${offset}`;
    const line = this.fileName === null ? '' : ` ${this.fileName}:${this.lineNumber}`;
    return `${this.address}${place}${line}`;
  }
}
