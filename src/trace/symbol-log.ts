import type { ModuleNote } from '../events/event.js';
import type { Symbolizer } from './messages.js';

export interface SymbolRow {
  readonly module: number;
  readonly offset: number;
  readonly sizeBytes: number;
  readonly name: string;
}

/** Collects the symbols a trace refers to, each once. */
export class SymbolLog {
  symbolizer: Symbolizer | undefined;
  private readonly modules: ModuleNote[] = [];
  private readonly asked = new Set<number>();
  private readonly written = new Set<string>();
  private rows: SymbolRow[] = [];

  /** Modules count from 1 in this order. A module that appears later may name addresses asked for before. */
  addModule(note: ModuleNote): void {
    this.modules.push(note);
    this.asked.clear();
  }

  /** `address` may have the Thumb bit. */
  refer(address: number): void {
    if (this.symbolizer === undefined) return;
    const start = (address & ~1) >>> 0;
    if (this.asked.has(start)) return;
    this.asked.add(start);
    const answer = this.symbolizer(start);
    if (answer === undefined) return;
    const module = this.moduleNumber(answer.module, start);
    const bias = module === 0 ? 0 : (this.modules[module - 1] as ModuleNote).bias;
    const offset = (start - answer.offset - bias) >>> 0;
    const key = `${module}:${offset}:${answer.name}`;
    if (this.written.has(key)) return;
    this.written.add(key);
    this.rows.push({ module, offset, sizeBytes: answer.sizeBytes, name: answer.name });
  }

  /** Rows found since the last call. */
  take(): readonly SymbolRow[] {
    const { rows } = this;
    if (rows.length > 0) this.rows = [];
    return rows;
  }

  private moduleNumber(name: string, address: number): number {
    const covers = (note: ModuleNote): boolean => address >= note.start && address < note.end;
    const byBoth = this.modules.findLastIndex((note) => note.name === name && covers(note));
    return 1 + (byBoth >= 0 ? byBoth : this.modules.findLastIndex(covers));
  }
}
