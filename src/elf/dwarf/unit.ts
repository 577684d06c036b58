/** A unit of `.debug_info`, DWARF 2 to 5: its header, and entries read one at a time. */
import { ByteCursor, OutOfBytes } from '../byte-cursor.js';
import { readString } from '../strings.js';
import type { Abbreviations, AbbreviationTables, AttributeShape } from './abbreviations.js';
import { At, Form, UnitType } from './constants.js';

/** The sections entries refer to; empty where a file has them not. */
export interface DebugSections {
  readonly info: Uint8Array;
  readonly str: Uint8Array;
  readonly lineStr: Uint8Array;
  readonly strOffsets: Uint8Array;
  readonly addr: Uint8Array;
}

/** An entry and those of its attributes that were asked for: numbers (of references, the place in the section) and texts. */
export interface Entry {
  readonly tag: number;
  readonly hasChildren: boolean;
  /** Where the entry after it begins, be it its child. */
  readonly next: number;
  readonly values: ReadonlyMap<number, number | string>;
}

const wordAt = (section: Uint8Array, at: number): number => new ByteCursor(section, at).u32();

export class Unit {
  readonly start: number;
  readonly end: number;
  /** The first entry. */
  readonly rootAt: number;
  private readonly sections: DebugSections;
  private readonly version: number;
  private readonly offsetBytes: number;
  private readonly addressBytes: number;
  private readonly abbreviations: Abbreviations;
  private strOffsetsBase = 8;
  private addrBase = 8;

  /** Throws OutOfBytes. */
  constructor(sections: DebugSections, tables: AbbreviationTables, start: number) {
    this.sections = sections;
    this.start = start;
    const cursor = new ByteCursor(sections.info, start);
    const length = cursor.u32();
    this.offsetBytes = length === 0xffff_ffff ? 8 : 4;
    const bytes = this.offsetBytes === 8 ? cursor.u64() : length;
    this.end = Math.min(sections.info.length, cursor.at + bytes);
    this.version = cursor.u16();
    if (this.version < 2 || this.version > 5) {
      this.addressBytes = 4;
      this.abbreviations = new Map();
      this.rootAt = this.end;
      return;
    }
    const isNew = this.version === 5;
    const type = isNew ? cursor.u8() : UnitType.COMPILE;
    const early = isNew ? cursor.u8() : 0;
    const abbrevAt = this.offset(cursor);
    this.addressBytes = isNew ? early : cursor.u8();
    if (type === UnitType.SKELETON || type === UnitType.SPLIT_COMPILE) cursor.skip(8);
    if (type === UnitType.TYPE || type === UnitType.SPLIT_TYPE) cursor.skip(8 + this.offsetBytes);
    this.abbreviations = tables.at(abbrevAt);
    this.rootAt = cursor.at;
    const bases = this.entryAt(this.rootAt, [At.STR_OFFSETS_BASE, At.ADDR_BASE])?.values;
    this.strOffsetsBase = Number(bases?.get(At.STR_OFFSETS_BASE) ?? 8);
    this.addrBase = Number(bases?.get(At.ADDR_BASE) ?? 8);
  }

  /** The entry at `at`; undefined for the one that ends a list of children. Throws OutOfBytes. */
  entryAt(at: number, wanted: readonly number[]): Entry | undefined {
    const cursor = new ByteCursor(this.sections.info, at, this.end);
    const code = cursor.uleb();
    if (code === 0) return undefined;
    const abbreviation = this.abbreviations.get(code);
    if (abbreviation === undefined) throw new OutOfBytes();
    const values = new Map<number, number | string>();
    for (const attribute of abbreviation.attributes) {
      const value = this.value(cursor, attribute, attribute.form);
      if (value !== undefined && wanted.includes(attribute.name)) values.set(attribute.name, value);
    }
    const { tag, hasChildren } = abbreviation;
    return { tag, hasChildren, next: cursor.at, values };
  }

  private value(cursor: ByteCursor, attribute: AttributeShape, form: number): number | string | undefined {
    const number = this.number(cursor, attribute, form);
    if (number !== undefined) return number;
    const { str, lineStr } = this.sections;
    switch (form) {
      case Form.STRING:
        return cursor.string();
      case Form.STRP:
        return readString(str, this.offset(cursor));
      case Form.LINE_STRP:
        return readString(lineStr, this.offset(cursor));
      case Form.STRX:
        return this.indexedString(cursor.uleb());
      case Form.STRX1:
        return this.indexedString(cursor.u8());
      case Form.STRX2:
        return this.indexedString(cursor.u16());
      case Form.STRX3:
        return this.indexedString(cursor.u8() + 256 * cursor.u16());
      case Form.STRX4:
        return this.indexedString(cursor.u32());
      case Form.INDIRECT:
        return this.value(cursor, attribute, cursor.uleb());
      default:
        this.pass(cursor, form);
        return undefined;
    }
  }

  /** Constants, addresses, flags and references. */
  private number(cursor: ByteCursor, { constant }: AttributeShape, form: number): number | undefined {
    switch (form) {
      case Form.ADDR:
        return this.addressBytes === 8 ? cursor.u64() : cursor.u32();
      case Form.DATA1:
      case Form.FLAG:
        return cursor.u8();
      case Form.DATA2:
        return cursor.u16();
      case Form.DATA4:
        return cursor.u32();
      case Form.DATA8:
        return cursor.u64();
      case Form.SDATA:
        return cursor.sleb();
      case Form.UDATA:
        return cursor.uleb();
      case Form.IMPLICIT_CONST:
        return constant;
      case Form.FLAG_PRESENT:
        return 1;
      case Form.SEC_OFFSET:
        return this.offset(cursor);
      case Form.REF1:
        return this.start + cursor.u8();
      case Form.REF2:
        return this.start + cursor.u16();
      case Form.REF4:
        return this.start + cursor.u32();
      case Form.REF8:
        return this.start + cursor.u64();
      case Form.REF_UDATA:
        return this.start + cursor.uleb();
      case Form.REF_ADDR:
        return this.version === 2 && this.addressBytes === 4 ? cursor.u32() : this.offset(cursor);
      case Form.ADDRX:
        return this.indexedAddress(cursor.uleb());
      case Form.ADDRX1:
        return this.indexedAddress(cursor.u8());
      case Form.ADDRX2:
        return this.indexedAddress(cursor.u16());
      case Form.ADDRX4:
        return this.indexedAddress(cursor.u32());
      default:
        return undefined;
    }
  }

  /** What nobody here asks for, or what stands in another file. Throws OutOfBytes for a form that is not known. */
  private pass(cursor: ByteCursor, form: number): void {
    switch (form) {
      case Form.BLOCK1:
        cursor.skip(cursor.u8());
        return;
      case Form.BLOCK2:
        cursor.skip(cursor.u16());
        return;
      case Form.BLOCK4:
        cursor.skip(cursor.u32());
        return;
      case Form.BLOCK:
      case Form.EXPRLOC:
        cursor.skip(cursor.uleb());
        return;
      case Form.DATA16:
        cursor.skip(16);
        return;
      case Form.REF_SIG8:
      case Form.REF_SUP8:
        cursor.skip(8);
        return;
      case Form.REF_SUP4:
        cursor.skip(4);
        return;
      case Form.LOCLISTX:
      case Form.RNGLISTX:
        cursor.uleb();
        return;
      case Form.STRP_SUP:
      case Form.GNU_REF_ALT:
      case Form.GNU_STRP_ALT:
        this.offset(cursor);
        return;
      default:
        throw new OutOfBytes();
    }
  }

  private offset(cursor: ByteCursor): number {
    return this.offsetBytes === 8 ? cursor.u64() : cursor.u32();
  }

  private indexedString(index: number): string {
    const { str, strOffsets } = this.sections;
    return readString(str, wordAt(strOffsets, this.strOffsetsBase + index * this.offsetBytes));
  }

  private indexedAddress(index: number): number {
    return wordAt(this.sections.addr, this.addrBase + index * this.addressBytes);
  }
}
