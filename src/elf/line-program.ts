/** Runs the programs of `.debug_line` (DWARF section 6.2.5): each gives sequences of rows, address by address. */
import { ByteCursor, OutOfBytes } from './byte-cursor.js';
import { joinPath, type LineHeader, type LineStrings, readLineHeader, unitEnd } from './line-header.js';

/** A row holds up to the next one. `file` is a number of the unit's header. */
export interface LineRow {
  readonly address: number;
  readonly file: number;
  readonly line: number;
}

export interface LineSequence {
  readonly rows: readonly LineRow[];
  /** Where statements begin; several may begin at one address. */
  readonly statements: readonly LineRow[];
  /** Past the last byte. */
  readonly end: number;
  readonly files: readonly string[];
}

const Standard = {
  COPY: 1,
  ADVANCE_PC: 2,
  ADVANCE_LINE: 3,
  SET_FILE: 4,
  NEGATE_STMT: 6,
  CONST_ADD_PC: 8,
  FIXED_ADVANCE_PC: 9,
} as const;
const Extended = { END_SEQUENCE: 1, SET_ADDRESS: 2, DEFINE_FILE: 3 } as const;

/** Damage must not make a program run for ever. */
const MAX_ROWS = 1 << 24;

class LineMachine {
  readonly sequences: LineSequence[] = [];
  private readonly header: LineHeader;
  private readonly cursor: ByteCursor;
  private rows: LineRow[] = [];
  private statements: LineRow[] = [];
  private address = 0;
  private file = 1;
  private line = 1;
  private isStatement: boolean;

  constructor(header: LineHeader, section: Uint8Array) {
    this.header = header;
    this.cursor = new ByteCursor(section, header.programAt, header.end);
    this.isStatement = header.defaultIsStatement;
  }

  run(): void {
    const { cursor, header } = this;
    while (!cursor.isDone) {
      const opcode = cursor.u8();
      if (opcode >= header.opcodeBase) this.special(opcode - header.opcodeBase);
      else if (opcode === 0) this.extended();
      else this.standard(opcode);
    }
  }

  private advance(operations: number): void {
    this.address = (this.address + operations * this.header.minInstructionLength) >>> 0;
  }

  private special(adjusted: number): void {
    const { lineRange } = this;
    this.advance(Math.floor(adjusted / lineRange));
    this.line += this.header.lineBase + (adjusted % lineRange);
    this.row();
  }

  private standard(opcode: number): void {
    const { cursor, header } = this;
    if (opcode === Standard.COPY) this.row();
    else if (opcode === Standard.ADVANCE_PC) this.advance(cursor.uleb());
    else if (opcode === Standard.ADVANCE_LINE) this.line += cursor.sleb();
    else if (opcode === Standard.SET_FILE) this.file = cursor.uleb();
    else if (opcode === Standard.NEGATE_STMT) this.isStatement = !this.isStatement;
    else if (opcode === Standard.CONST_ADD_PC) this.advance(Math.floor((255 - header.opcodeBase) / this.lineRange));
    else if (opcode === Standard.FIXED_ADVANCE_PC) this.address = (this.address + cursor.u16()) >>> 0;
    else for (let i = header.opcodeLengths[opcode] ?? 0; i > 0; i--) cursor.uleb();
  }

  private get lineRange(): number {
    const { lineRange } = this.header;
    if (lineRange === 0) throw new OutOfBytes();
    return lineRange;
  }

  private extended(): void {
    const { cursor } = this;
    const length = cursor.uleb();
    const end = cursor.at + length;
    const opcode = length === 0 ? 0 : cursor.u8();
    if (opcode === Extended.END_SEQUENCE) this.endSequence();
    else if (opcode === Extended.SET_ADDRESS) this.address = length === 9 ? cursor.u64() : cursor.u32();
    else if (opcode === Extended.DEFINE_FILE) this.header.files.push(joinPath('', cursor.string()));
    cursor.at = Math.max(cursor.at, end);
  }

  private row(): void {
    const { rows, statements } = this;
    if (rows.length + statements.length >= MAX_ROWS) throw new OutOfBytes();
    const row = { address: this.address, file: this.file, line: this.line };
    // Of several rows for one address the last one tells.
    if (rows.at(-1)?.address === row.address) rows[rows.length - 1] = row;
    else rows.push(row);
    if (this.isStatement) statements.push(row);
  }

  private endSequence(): void {
    const isOrdered = this.rows.every(({ address }, i) => i === 0 || address > (this.rows[i - 1] as LineRow).address);
    const rows = isOrdered ? this.rows : [...this.rows].sort((a, b) => a.address - b.address);
    if (rows.length > 0)
      this.sequences.push({ rows, statements: this.statements, end: this.address, files: this.header.files });
    this.rows = [];
    this.statements = [];
    this.address = 0;
    this.file = 1;
    this.line = 1;
    this.isStatement = this.header.defaultIsStatement;
  }
}

/** Every sequence of a `.debug_line` section, up to where it makes no sense. */
export const readLineSequences = (section: Uint8Array, strings: LineStrings): LineSequence[] => {
  const found: LineSequence[] = [];
  for (let at = 0, end = unitEnd(section, at); end !== undefined && end > at; at = end, end = unitEnd(section, at)) {
    try {
      const header = readLineHeader(section, at, end, strings);
      if (header === undefined) continue;
      const machine = new LineMachine(header, section);
      try {
        machine.run();
      } finally {
        found.push(...machine.sequences);
      }
    } catch (error) {
      if (!(error instanceof OutOfBytes)) throw error;
    }
  }
  return found;
};
