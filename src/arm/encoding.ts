/**
 * One row is one encoding. Its bit picture reads from the most significant bit down, in tokens separated by spaces:
 *
 *   0110      fixed bits                      cond:4   a field of that many bits
 *   (00) (1)  should be zero, should be one   S        a field of one bit
 *
 * e.g. 'cond:4 0010101 S Rn:4 Rd:4 imm12:12'. From it come the mask, the expected value, the field extractors and, by
 * template-literal types, the names a lifter may read: a lifter that wants `f.Rm` does not accept a row without an Rm.
 * A word whose should-be bits differ is that row's, but UNPREDICTABLE. A picture that opens with `cond:4` does not match
 * condition 0b1111; a field named `cond` is the instruction's condition wherever it stands.
 */
import type { LiftContext } from './lift-context.js';

type FieldName<T extends string> = T extends `${'0' | '1' | '('}${string}`
  ? never
  : T extends `${infer N}:${string}`
    ? N
    : T;
type FieldNames<P extends string> = P extends `${infer H} ${infer R}` ? FieldName<H> | FieldNames<R> : FieldName<P>;
/** The fields of picture `P`, each an unsigned number. */
export type FieldsOf<P extends string> = { readonly [K in FieldNames<P>]: number };

/** Operands as a lifter sees them: the picture's fields and what the row's `operands` made of them. */
export type Fields = Readonly<Record<string, number>>;

/** Writes one instruction's IR through the context. */
export type Lifter<F> = (c: LiftContext, f: F) => void;

/**
 * What must be known of an instruction before it is lifted. `jump`: it writes the pc; `jumpIf`: when a register says so;
 * `call`: and sets LR.
 */
export type Role = 'none' | 'jump' | 'jumpIf' | 'call' | 'exclusiveLoad' | 'exclusiveStore' | 'it';

export interface RowOptions<F> {
  /** The row applies only to these words; others fall through to a less specific row. */
  when?: (f: F) => boolean;
  /** Words the architecture leaves open: treated as UNDEFINED. */
  unpredictable?: (f: F) => boolean;
  role?: Role | ((f: F) => Role);
  /** The condition does not apply: BKPT, IT, and branches that carry their own. */
  unconditional?: boolean;
  /** UNPREDICTABLE inside an IT block. (One that writes the pc must be the last of its group in any case.) */
  neverInIt?: boolean;
}

export interface Field {
  readonly name: string;
  readonly shift: number;
  readonly width: number;
}

/** A row with its types forgotten, as the decoder keeps it. Masks are int32; a T16 picture uses the low 16 bits. */
export interface Row {
  /** Operation and encoding, e.g. `ADC (immediate) A1`. */
  readonly name: string;
  readonly picture: string;
  readonly sizeBytes: 2 | 4;
  readonly mask: number;
  readonly expect: number;
  /** Should-be bits and their values. */
  readonly shouldMask: number;
  readonly shouldBe: number;
  readonly fields: readonly Field[];
  /** Whether bits 31..28 are a condition. */
  readonly hasCond: boolean;
  readonly lift: Lifter<Fields>;
  readonly operands: ((f: Fields) => Fields) | undefined;
  readonly when: ((f: Fields) => boolean) | undefined;
  readonly unpredictable: ((f: Fields) => boolean) | undefined;
  readonly role: Role | ((f: Fields) => Role);
  readonly unconditional: boolean;
  readonly neverInIt: boolean;
}

/** What a bit picture says. */
export interface Picture {
  readonly mask: number;
  readonly expect: number;
  readonly shouldMask: number;
  readonly shouldBe: number;
  readonly fields: readonly Field[];
  /** 16 or 32. */
  readonly width: number;
}

const [SPACE, ZERO, ONE, OPEN, CLOSE, COLON] = [32, 48, 49, 40, 41, 58] as const;

/** Reads a picture from left to right, the most significant bit first; a 16-bit one is moved down at the end. */
class PictureReader {
  private at = 0;
  private shift = 32;
  private mask = 0;
  private expect = 0;
  private shouldMask = 0;
  private shouldBe = 0;
  private readonly fields: { name: string; shift: number; width: number }[] = [];
  private readonly picture: string;

  constructor(picture: string) {
    this.picture = picture;
  }

  read(): Picture {
    const { picture } = this;
    let isOpen = false;
    while (this.at < picture.length) {
      const code = picture.charCodeAt(this.at);
      if (code === ZERO || code === ONE) {
        this.bit(code & 1, isOpen);
        this.at++;
      } else if (code === SPACE || code === OPEN || code === CLOSE) {
        isOpen = code === OPEN;
        this.at++;
      } else {
        this.field();
      }
    }
    return this.result();
  }

  private bit(value: number, isOpen: boolean): void {
    this.shift--;
    if (isOpen) {
      this.shouldMask |= 1 << this.shift;
      this.shouldBe |= value << this.shift;
    } else {
      this.mask |= 1 << this.shift;
      this.expect |= value << this.shift;
    }
  }

  private field(): void {
    const { picture, at } = this;
    const space = picture.indexOf(' ', at);
    const end = space < 0 ? picture.length : space;
    let colon = at;
    while (colon < end && picture.charCodeAt(colon) !== COLON) colon++;
    const width = colon === end ? 1 : Number(picture.slice(colon + 1, end));
    this.shift -= width;
    this.fields.push({ name: picture.slice(at, colon), shift: this.shift, width });
    this.at = end;
  }

  private result(): Picture {
    const { shift, mask, expect, shouldMask, shouldBe, fields } = this;
    if (shift === 0) return { mask, expect, shouldMask, shouldBe, fields, width: 32 };
    if (shift !== 16) throw new RangeError(`${32 - shift} bits in the picture '${this.picture}'`);
    for (const one of fields) one.shift -= 16;
    return {
      mask: mask >>> 16,
      expect: expect >>> 16,
      shouldMask: shouldMask >>> 16,
      shouldBe: shouldBe >>> 16,
      fields,
      width: 16,
    };
  }
}

/** Reads a bit picture. Throws on a width other than 16 or 32: a mistake in a table. */
export const parsePicture = (picture: string): Picture => new PictureReader(picture).read();

/** The row's operands in `word`. */
export const extractFields = (row: Row, word: number): Fields => {
  const out: Record<string, number> = {};
  const { fields } = row;
  for (let n = 0; n < fields.length; n++) {
    const { name, shift, width } = fields[n] as Field;
    out[name] = (word >>> shift) & ((1 << width) - 1);
  }
  return row.operands === undefined ? out : Object.assign(out, row.operands(out));
};

/**
 * One encoding: `lift` gets the picture's fields and what `operands` makes of them, which is how A32, T32 and T16
 * encodings share a lifter. `when`, `unpredictable` and `role` read both too.
 */
export function row<P extends string, O extends object>(
  name: string,
  picture: P,
  lift: Lifter<O>,
  more: RowOptions<FieldsOf<P> & NoInfer<O>> & { operands: (f: FieldsOf<P>) => NoInfer<O> },
): Row;
export function row<P extends string>(
  name: string,
  picture: P,
  lift: Lifter<FieldsOf<P>>,
  more?: RowOptions<FieldsOf<P>>,
): Row;
export function row(
  name: string,
  picture: string,
  lift: Lifter<Fields>,
  more: RowOptions<Fields> & { operands?: (f: Fields) => Fields } = {},
): Row {
  return new PicturedRow(name, picture, lift, more);
}

/** A row that reads its picture when first asked: a program needs one or two of the three tables. */
class PicturedRow implements Row {
  readonly name: string;
  readonly picture: string;
  readonly lift: Lifter<Fields>;
  readonly operands: ((f: Fields) => Fields) | undefined;
  readonly when: ((f: Fields) => boolean) | undefined;
  readonly unpredictable: ((f: Fields) => boolean) | undefined;
  readonly role: Role | ((f: Fields) => Role);
  readonly unconditional: boolean;
  readonly neverInIt: boolean;
  private parsed: Picture | undefined;

  constructor(
    name: string,
    picture: string,
    lift: Lifter<Fields>,
    more: RowOptions<Fields> & { operands?: (f: Fields) => Fields },
  ) {
    this.name = name;
    this.picture = picture;
    this.lift = lift;
    this.operands = more.operands;
    this.when = more.when;
    this.unpredictable = more.unpredictable;
    this.role = more.role ?? 'none';
    this.unconditional = more.unconditional ?? false;
    this.neverInIt = more.neverInIt ?? false;
  }

  get sizeBytes(): 2 | 4 {
    return this.bits.width === 16 ? 2 : 4;
  }

  get mask(): number {
    return this.bits.mask;
  }

  get expect(): number {
    return this.bits.expect;
  }

  get shouldMask(): number {
    return this.bits.shouldMask;
  }

  get shouldBe(): number {
    return this.bits.shouldBe;
  }

  get fields(): readonly Field[] {
    return this.bits.fields;
  }

  get hasCond(): boolean {
    return this.picture.startsWith('cond:4 ');
  }

  private get bits(): Picture {
    this.parsed ??= parsePicture(this.picture);
    return this.parsed;
  }
}
