/**
 * Assembles a WebAssembly module. Types are merged. Imported functions may be added until the end, even after bodies that
 * call them were written: they come first in the index space anyway, and calls of defined functions are relocated.
 */
import { ByteBuffer } from './byte-buffer.js';
import { DEFINED, type FunctionBuilder, type FunctionRef } from './function-builder.js';
import type { ValueType } from './opcode.js';

const MAGIC = new Uint8Array([0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]);
const Section = { custom: 0, type: 1, import: 2, function: 3, global: 6, export: 7, element: 9, code: 10 } as const;
const Kind = { function: 0, table: 1, memory: 2, global: 3 } as const;
const FUNCREF = 0x70;
const I32_CONST = 0x41;
const END = 0x0b;

export interface Signature {
  readonly params: readonly ValueType[];
  readonly results: readonly ValueType[];
}

export class ModuleBuilder {
  private readonly types = new Map<string, { index: number; signature: Signature }>();
  private readonly imports = new ByteBuffer();
  private readonly exports: { name: string; ref: FunctionRef }[] = [];
  private readonly elements: { start: number; refs: readonly FunctionRef[] }[] = [];
  private readonly globals = new ByteBuffer();
  private readonly functions: { type: number; body: FunctionBuilder | undefined }[] = [];
  private readonly counts = {
    imports: 0,
    importedFunctions: 0,
    globals: 0,
    globalsDefined: 0,
    exports: 0,
    elements: 0,
  };

  /** Index of a function type. */
  type(params: readonly ValueType[], results: readonly ValueType[]): number {
    const key = `${params.join()}>${results.join()}`;
    const known = this.types.get(key);
    if (known !== undefined) return known.index;
    const index = this.types.size;
    this.types.set(key, { index, signature: { params, results } });
    return index;
  }

  /** Imports a memory of at least `pages` and at most `maximum` 64 KiB pages. */
  importMemory(module: string, name: string, pages: number, maximum: number, isShared = false): void {
    this.import(module, name, Kind.memory);
    this.imports.byte(isShared ? 3 : 1);
    this.imports.u32(pages);
    this.imports.u32(maximum);
  }

  importTable(module: string, name: string, minimum: number): void {
    this.import(module, name, Kind.table);
    this.imports.byte(FUNCREF);
    this.imports.byte(0);
    this.imports.u32(minimum);
  }

  importGlobal(module: string, name: string, type: ValueType, mutable: boolean): number {
    if (this.counts.globalsDefined > 0) throw new Error('imported globals come before defined ones');
    this.import(module, name, Kind.global);
    this.imports.byte(type);
    this.imports.byte(mutable ? 1 : 0);
    return this.counts.globals++;
  }

  importFunction(module: string, name: string, typeIndex: number): FunctionRef {
    this.import(module, name, Kind.function);
    this.imports.u32(typeIndex);
    return this.counts.importedFunctions++;
  }

  /** Reserves a function whose body follows with `define`. */
  declare(typeIndex: number): FunctionRef {
    this.functions.push({ type: typeIndex, body: undefined });
    return DEFINED + this.functions.length - 1;
  }

  define(ref: FunctionRef, builder: FunctionBuilder): void {
    const entry = this.functions[ref - DEFINED];
    if (entry === undefined) throw new Error(`function ${ref} is not declared`);
    entry.body = builder;
  }

  /** A mutable or constant i32 global of this module. */
  defineGlobal(type: ValueType, mutable: boolean, initial: number): number {
    this.globals.byte(type);
    this.globals.byte(mutable ? 1 : 0);
    this.globals.byte(I32_CONST);
    this.globals.s32(initial);
    this.globals.byte(END);
    this.counts.globalsDefined++;
    return this.counts.globals++;
  }

  exportFunction(name: string, ref: FunctionRef): void {
    this.exports.push({ name, ref });
  }

  /** Puts functions into table 0 from slot `start` on when the module is instantiated. */
  element(start: number, refs: readonly FunctionRef[]): void {
    this.elements.push({ start, refs });
  }

  /** The module's bytes. Throws when a declared function has no body. */
  finish(): Uint8Array<ArrayBuffer> {
    const out = new ByteBuffer(4096);
    out.append(MAGIC);
    this.section(out, Section.type, this.types.size, this.typeBytes());
    this.section(out, Section.import, this.counts.imports, this.imports);
    this.section(out, Section.function, this.functions.length, this.functionBytes());
    this.section(out, Section.global, this.counts.globalsDefined, this.globals);
    this.section(out, Section.export, this.exports.length, this.exportBytes());
    this.section(out, Section.element, this.elements.length, this.elementBytes());
    this.branchHints(out);
    this.section(out, Section.code, this.functions.length, this.codeBytes());
    return out.view().slice() as Uint8Array<ArrayBuffer>;
  }

  private import(module: string, name: string, kind: number): void {
    this.imports.name(module);
    this.imports.name(name);
    this.imports.byte(kind);
    this.counts.imports++;
  }

  private section(out: ByteBuffer, id: number, count: number, content: ByteBuffer): void {
    if (count === 0) return;
    const body = new ByteBuffer(content.length + 8);
    body.u32(count);
    body.append(content.view());
    out.byte(id);
    out.sized(body);
  }

  private indexOf(ref: FunctionRef): number {
    return ref >= DEFINED ? ref - DEFINED + this.counts.importedFunctions : ref;
  }

  private exportBytes(): ByteBuffer {
    const bytes = new ByteBuffer();
    for (const { name, ref } of this.exports) {
      bytes.name(name);
      bytes.byte(Kind.function);
      bytes.u32(this.indexOf(ref));
    }
    return bytes;
  }

  private elementBytes(): ByteBuffer {
    const bytes = new ByteBuffer();
    for (const { start, refs } of this.elements) {
      bytes.u32(0);
      bytes.byte(I32_CONST);
      bytes.s32(start);
      bytes.byte(END);
      bytes.u32(refs.length);
      for (const ref of refs) bytes.u32(this.indexOf(ref));
    }
    return bytes;
  }

  private typeBytes(): ByteBuffer {
    const bytes = new ByteBuffer();
    for (const { signature } of this.types.values()) {
      bytes.byte(0x60);
      for (const list of [signature.params, signature.results]) {
        bytes.u32(list.length);
        for (const type of list) bytes.byte(type);
      }
    }
    return bytes;
  }

  /** The branch hinting proposal's section; engines without it skip it. */
  private branchHints(out: ByteBuffer): void {
    const hints = new ByteBuffer();
    let count = 0;
    this.functions.forEach(({ body }, n) => {
      const offsets = body?.unlikelyOffsets() ?? [];
      if (offsets.length === 0) return;
      count++;
      hints.u32(this.indexOf(DEFINED + n));
      hints.u32(offsets.length);
      for (const offset of offsets) {
        hints.u32(offset);
        hints.u32(1);
        hints.byte(0);
      }
    });
    if (count === 0) return;
    const content = new ByteBuffer(hints.length + 40);
    content.name('metadata.code.branch_hint');
    content.u32(count);
    content.append(hints.view());
    out.byte(Section.custom);
    out.sized(content);
  }

  private functionBytes(): ByteBuffer {
    const bytes = new ByteBuffer();
    for (const { type } of this.functions) bytes.u32(type);
    return bytes;
  }

  private codeBytes(): ByteBuffer {
    const bytes = new ByteBuffer(4096);
    this.functions.forEach(({ body }, n) => {
      if (body === undefined) throw new Error(`function ${n} has no body`);
      bytes.sized(body.finish(this.counts.importedFunctions));
    });
    return bytes;
  }
}
