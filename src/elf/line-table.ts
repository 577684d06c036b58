/**
 * Source lines for addresses and addresses for source lines, from `.debug_line`. Addresses are the file's own, without
 * the Thumb bit. Paths are as the compiler wrote them, often relative to where it ran.
 */
import type { LineRow, LineSequence } from './line-program.js';

export interface SourceLine {
  readonly file: string;
  readonly line: number;
}

const NOWHERE = -1;

export class LineTable {
  private readonly files: string[] = [];
  private readonly addresses: number[] = [];
  /** Index into `files`, or NOWHERE after the end of a sequence. */
  private readonly rowFiles: number[] = [];
  private readonly rowLines: number[] = [];
  /** By address, the file as an index into `files`. */
  private readonly statements: LineRow[] = [];

  /** `isCode` tells which addresses are code of the program; sequences of functions that were dropped are elsewhere. */
  constructor(sequences: readonly LineSequence[], isCode: (address: number) => boolean) {
    const numbers = new Map<string, number>();
    const numberOf = (file: string): number => {
      const known = numbers.get(file) ?? this.files.push(file) - 1;
      numbers.set(file, known);
      return known;
    };
    const kept = sequences.filter(({ rows }) => isCode(rows[0]?.address ?? 0));
    kept.sort((a, b) => (a.rows[0]?.address ?? 0) - (b.rows[0]?.address ?? 0));
    for (const { rows, statements, end, files } of kept) {
      const first = rows[0]?.address ?? 0;
      const last = this.addresses.at(-1) ?? 0;
      if (this.addresses.length > 0 && first < last) continue;
      if (first === last && this.rowFiles.at(-1) === NOWHERE) this.pop();
      for (const row of rows) this.push(row.address, numberOf(files[row.file] ?? ''), row.line);
      this.push(end, NOWHERE, 0);
      for (const row of statements) this.statements.push({ ...row, file: numberOf(files[row.file] ?? '') });
    }
  }

  /** Rows of all functions together. */
  get size(): number {
    return this.addresses.length;
  }

  /** The line an instruction belongs to (bit 0 ignored); undefined where the file does not say. */
  lookup(address: number): SourceLine | undefined {
    const row = this.rowAt((address & ~1) >>> 0);
    const file = this.rowFiles[row] ?? NOWHERE;
    const line = this.rowLines[row] ?? 0;
    return file === NOWHERE || line === 0 ? undefined : { file: this.files[file] as string, line };
  }

  /** Addresses of every row, ascending. */
  rowAddresses(): readonly number[] {
    return this.addresses.filter((_, row) => this.rowFiles[row] !== NOWHERE);
  }

  /**
   * Where statements of `line` begin, each stretch of it once; of the next line that has code when this one has none.
   * `file` is the end of a path.
   */
  addressesOf(file: string, line: number): number[] {
    const wanted = new Set(this.files.flatMap((path, n) => (path === file || path.endsWith(`/${file}`) ? [n] : [])));
    let nearest = Number.POSITIVE_INFINITY;
    for (const row of this.statements) {
      if (row.line >= line && wanted.has(row.file)) nearest = Math.min(nearest, row.line);
    }
    const isNearest = (row: LineRow | undefined): boolean =>
      row !== undefined && row.line === nearest && wanted.has(row.file);
    return this.statements
      .filter((row, n) => isNearest(row) && !isNearest(this.statements[n - 1]))
      .map(({ address }) => address);
  }

  private push(address: number, file: number, line: number): void {
    this.addresses.push(address);
    this.rowFiles.push(file);
    this.rowLines.push(line);
  }

  private pop(): void {
    this.addresses.pop();
    this.rowFiles.pop();
    this.rowLines.pop();
  }

  /** The last row at or below `address`; -1 when there is none. */
  private rowAt(address: number): number {
    let low = 0;
    let high = this.addresses.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.addresses[middle] as number) <= address) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}
