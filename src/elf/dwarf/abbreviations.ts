/** `.debug_abbrev`: which attributes an entry of `.debug_info` has, and in which form (DWARF, section 7.5.3). */
import { ByteCursor } from '../byte-cursor.js';

export interface AttributeShape {
  readonly name: number;
  readonly form: number;
  /** The value itself, of DW_FORM_implicit_const. */
  readonly constant: number;
}

export interface Abbreviation {
  readonly tag: number;
  readonly hasChildren: boolean;
  readonly attributes: readonly AttributeShape[];
}

const FORM_IMPLICIT_CONST = 0x21;

const readAttributes = (cursor: ByteCursor): AttributeShape[] => {
  const attributes: AttributeShape[] = [];
  for (;;) {
    const [name, form] = [cursor.uleb(), cursor.uleb()];
    const constant = form === FORM_IMPLICIT_CONST ? cursor.sleb() : 0;
    if (name === 0 && form === 0) return attributes;
    attributes.push({ name, form, constant });
  }
};

export type Abbreviations = ReadonlyMap<number, Abbreviation>;

const readTable = (section: Uint8Array, at: number): Abbreviations => {
  const table = new Map<number, Abbreviation>();
  const cursor = new ByteCursor(section, at);
  for (let code = cursor.uleb(); code !== 0; code = cursor.uleb()) {
    const tag = cursor.uleb();
    const hasChildren = cursor.u8() !== 0;
    table.set(code, { tag, hasChildren, attributes: readAttributes(cursor) });
  }
  return table;
};

/** Units may share tables; each is read once. */
export class AbbreviationTables {
  private readonly section: Uint8Array;
  private readonly known = new Map<number, Abbreviations>();

  constructor(section: Uint8Array) {
    this.section = section;
  }

  /** The table at `at`, by code. Throws OutOfBytes. */
  at(at: number): Abbreviations {
    let table = this.known.get(at);
    if (table === undefined) {
      table = readTable(this.section, at);
      this.known.set(at, table);
    }
    return table;
  }
}
