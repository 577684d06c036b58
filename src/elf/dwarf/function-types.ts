/**
 * What debugging information says of functions: parameters, result, and what type these are of, as far as a probe can
 * show them. Read on demand; damage makes a function unknown, never an error.
 */
import { OutOfBytes } from '../byte-cursor.js';
import { AbbreviationTables } from './abbreviations.js';
import { At, Encoding, Tag } from './constants.js';
import { type DebugSections, type Entry, Unit } from './unit.js';

export interface DebugType {
  readonly kind: 'signed' | 'unsigned' | 'char' | 'float' | 'pointer' | 'string';
  readonly sizeBytes: number;
  /** What the source calls it, if by a name of its own. */
  readonly typedef: string | undefined;
}

export interface DebugParameter {
  readonly name: string | undefined;
  readonly type: DebugType;
}

export interface FunctionType {
  readonly parameters: readonly DebugParameter[];
  /** Undefined for a function that returns nothing. */
  readonly result: DebugType | undefined;
  readonly isVariadic: boolean;
}

/** Functions remembered, and references followed from one entry to another, at most. */
const MAX_FUNCTIONS = 1 << 20;
const MAX_REFERENCES = 32;
const POINTER_BYTES = 4;

/** A type that does not travel in one value, such as a struct. */
class NotOneValue extends Error {}

interface Place {
  readonly unit: Unit;
  readonly at: number;
}

/** Entries whose children may be functions with code. */
const SCOPES: readonly number[] = [Tag.COMPILE_UNIT, Tag.PARTIAL_UNIT, Tag.NAMESPACE, Tag.MODULE];
const QUALIFIERS: readonly number[] = [Tag.CONST_TYPE, Tag.VOLATILE_TYPE, Tag.RESTRICT_TYPE, Tag.ATOMIC_TYPE];
const POINTERS: readonly number[] = [Tag.POINTER_TYPE, Tag.REFERENCE_TYPE, Tag.RVALUE_REFERENCE_TYPE];

const textOf = (value: number | string | undefined): string | undefined =>
  typeof value === 'string' ? value : undefined;

export class FunctionTypes {
  private readonly sections: DebugSections;
  private readonly tables: AbbreviationTables;
  private units: readonly Unit[] | undefined;
  private places: Map<number, Place> | undefined;

  constructor(sections: DebugSections, abbreviations: Uint8Array) {
    this.sections = sections;
    this.tables = new AbbreviationTables(abbreviations);
  }

  get isEmpty(): boolean {
    return this.sections.info.length === 0;
  }

  /** The function that begins at `address` (bit 0 ignored); undefined when it is not known, or takes or gives a struct. */
  at(address: number): FunctionType | undefined {
    try {
      this.places ??= this.findFunctions();
      const place = this.places.get((address & ~1) >>> 0);
      return place && this.functionType(place);
    } catch (error) {
      if (error instanceof OutOfBytes || error instanceof NotOneValue) return undefined;
      throw error;
    }
  }

  // -- where functions are -------------------------------------------------------------------------------------------

  private allUnits(): readonly Unit[] {
    if (this.units !== undefined) return this.units;
    const units: Unit[] = [];
    const { info } = this.sections;
    for (let at = 0; at < info.length; ) {
      const unit = attempt(() => new Unit(this.sections, this.tables, at));
      if (unit === undefined || unit.end <= at) break;
      units.push(unit);
      at = unit.end;
    }
    this.units = units;
    return units;
  }

  private findFunctions(): Map<number, Place> {
    const found = new Map<number, Place>();
    for (const unit of this.allUnits()) attempt(() => this.findIn(unit, found));
    return found;
  }

  /** Walks over a unit, passing by what is inside of types and functions. */
  private findIn(unit: Unit, found: Map<number, Place>): void {
    let depth = 0;
    for (let at = unit.rootAt; at < unit.end && found.size < MAX_FUNCTIONS; ) {
      const entry = unit.entryAt(at, [At.LOW_PC, At.SIBLING]);
      const low = entry?.tag === Tag.SUBPROGRAM ? entry.values.get(At.LOW_PC) : undefined;
      if (typeof low === 'number' && low !== 0) found.set((low & ~1) >>> 0, { unit, at });
      if (entry === undefined) {
        at++;
        if (--depth <= 0) return;
        continue;
      }
      const sibling = SCOPES.includes(entry.tag) ? undefined : entry.values.get(At.SIBLING);
      const passes = entry.hasChildren && typeof sibling === 'number' && sibling > at;
      if (entry.hasChildren && !passes) depth++;
      at = passes ? sibling : entry.next;
    }
  }

  // -- what they are -------------------------------------------------------------------------------------------------

  private functionType(place: Place): FunctionType {
    const { unit, at } = place;
    const entry = unit.entryAt(at, []) as Entry;
    const parameters: DebugParameter[] = [];
    let isVariadic = false;
    let depth = 0;
    for (let next = entry.next; entry.hasChildren && depth >= 0; ) {
      const child = unit.entryAt(next, [At.SIBLING]);
      if (depth === 0 && child?.tag === Tag.FORMAL_PARAMETER) parameters.push(this.parameter({ unit, at: next }));
      if (depth === 0 && child?.tag === Tag.UNSPECIFIED_PARAMETERS) isVariadic = true;
      depth += child === undefined ? -1 : Number(child.hasChildren);
      next = child?.next ?? next + 1;
    }
    const result = this.inherited(place, At.TYPE);
    return { parameters, isVariadic, result: result && this.typeAt(result) };
  }

  private parameter(place: Place): DebugParameter {
    const type = this.inherited(place, At.TYPE);
    if (type === undefined) throw new NotOneValue();
    const named = this.inherited(place, At.NAME);
    return { name: named && textOf(named.value), type: this.typeAt(type) };
  }

  /** An attribute of an entry, or of what it is an instance or a definition of. */
  private inherited(place: Place, name: number): { value: number | string; unit: Unit } | undefined {
    let { unit, at }: Place = place;
    for (let n = 0; n < MAX_REFERENCES; n++) {
      const values = unit.entryAt(at, [name, At.ABSTRACT_ORIGIN, At.SPECIFICATION])?.values;
      const value = values?.get(name);
      if (value !== undefined) return { value, unit };
      const origin = values?.get(At.ABSTRACT_ORIGIN) ?? values?.get(At.SPECIFICATION);
      if (typeof origin !== 'number') return undefined;
      unit = this.unitAround(origin, unit);
      at = origin;
    }
    return undefined;
  }

  private unitAround(at: number, likely: Unit): Unit {
    if (at >= likely.start && at < likely.end) return likely;
    const unit = this.allUnits().find(({ start, end }) => at >= start && at < end);
    if (unit === undefined) throw new OutOfBytes();
    return unit;
  }

  private typeAt({ value, unit }: { value: number | string; unit: Unit }): DebugType {
    const { typedef, entry, unit: where } = this.bareType(value, unit);
    const { values, tag } = entry;
    if (POINTERS.includes(tag)) {
      const isString = tag === Tag.POINTER_TYPE && this.isChar(values.get(At.TYPE), where);
      return { kind: isString ? 'string' : 'pointer', sizeBytes: POINTER_BYTES, typedef };
    }
    const sizeBytes = Number(values.get(At.BYTE_SIZE) ?? 0);
    const kind = tag === Tag.ENUMERATION_TYPE ? enumKind(values) : tag === Tag.BASE_TYPE ? baseKind(values) : undefined;
    const isOne = kind === 'float' ? sizeBytes === 4 || sizeBytes === 8 : [1, 2, 4, 8].includes(sizeBytes);
    if (kind === undefined || !isOne) throw new NotOneValue();
    return { kind, sizeBytes, typedef };
  }

  /** What is behind qualifiers and typedefs, and the outermost name it goes by. */
  private bareType(value: number | string, within: Unit): { entry: Entry; unit: Unit; typedef: string | undefined } {
    let unit = within;
    let at: number | string | undefined = value;
    let typedef: string | undefined;
    for (let n = 0; n < MAX_REFERENCES && typeof at === 'number'; n++) {
      unit = this.unitAround(at, unit);
      const entry = unit.entryAt(at, [At.TYPE, At.NAME, At.BYTE_SIZE, At.ENCODING]);
      if (entry === undefined) break;
      const isTypedef = entry.tag === Tag.TYPEDEF;
      if (!isTypedef && !QUALIFIERS.includes(entry.tag)) return { entry, unit, typedef };
      if (isTypedef) typedef ??= textOf(entry.values.get(At.NAME));
      at = entry.values.get(At.TYPE);
    }
    throw new NotOneValue();
  }

  private isChar(value: number | string | undefined, unit: Unit): boolean {
    if (value === undefined) return false;
    try {
      const { entry } = this.bareType(value, unit);
      return entry.tag === Tag.BASE_TYPE && baseKind(entry.values) === 'char';
    } catch (error) {
      if (error instanceof NotOneValue) return false;
      throw error;
    }
  }
}

const enumKind = (values: Entry['values']): DebugType['kind'] =>
  Number(values.get(At.BYTE_SIZE)) < POINTER_BYTES ? 'unsigned' : 'signed';

/** `char` is a character; `signed char` and `unsigned char` are small numbers. */
const baseKind = (values: Entry['values']): DebugType['kind'] | undefined => {
  switch (values.get(At.ENCODING)) {
    case Encoding.FLOAT:
      return 'float';
    case Encoding.SIGNED:
      return 'signed';
    case Encoding.BOOLEAN:
    case Encoding.UNSIGNED:
    case Encoding.UTF:
      return 'unsigned';
    case Encoding.SIGNED_CHAR:
      return values.get(At.NAME) === 'char' ? 'char' : 'signed';
    case Encoding.UNSIGNED_CHAR:
      return values.get(At.NAME) === 'char' ? 'char' : 'unsigned';
    default:
      return undefined;
  }
};

const attempt = <T>(read: () => T): T | undefined => {
  try {
    return read();
  } catch (error) {
    if (error instanceof OutOfBytes) return undefined;
    throw error;
  }
};
