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

interface Picture {
  mask: number;
  expect: number;
  shouldMask: number;
  shouldBe: number;
  fields: Field[];
  width: number;
}

const isDigit = (code: number): boolean => code === 48 || code === 49;

const tokenWidth = (token: string): number => {
  const first = token.charCodeAt(0);
  if (isDigit(first)) return token.length;
  if (first === 40) return token.length - 2;
  const colon = token.indexOf(':');
  return colon >= 0 ? Number(token.slice(colon + 1)) : 1;
};

/** Reads a bit picture. Throws on a width other than 16 or 32: a mistake in a table, found by loading it. */
export const parsePicture = (picture: string): Picture => {
  const tokens = picture.split(' ');
  let width = 0;
  for (const token of tokens) width += tokenWidth(token);
  if (width !== 16 && width !== 32) throw new RangeError(`${width} bits in the picture '${picture}'`);
  const p: Picture = { mask: 0, expect: 0, shouldMask: 0, shouldBe: 0, fields: [], width };
  let shift = width;
  for (const token of tokens) {
    const n = tokenWidth(token);
    shift -= n;
    const first = token.charCodeAt(0);
    if (first === 40) {
      p.shouldMask |= (2 ** n - 1) << shift;
      p.shouldBe |= Number.parseInt(token.slice(1, -1), 2) << shift;
    } else if (isDigit(first)) {
      p.mask |= (2 ** n - 1) << shift;
      p.expect |= Number.parseInt(token, 2) << shift;
    } else {
      const colon = token.indexOf(':');
      p.fields.push({ name: colon < 0 ? token : token.slice(0, colon), shift, width: n });
    }
  }
  return p;
};

/** The row's operands in `word`. */
export const extractFields = (row: Row, word: number): Fields => {
  const out: Record<string, number> = {};
  for (const { name, shift, width } of row.fields) out[name] = (word >>> shift) & (2 ** width - 1);
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
  const { width, ...parsed } = parsePicture(picture);
  return {
    name,
    picture,
    sizeBytes: width === 16 ? 2 : 4,
    ...parsed,
    hasCond: picture.startsWith('cond:4 '),
    lift,
    operands: more.operands,
    when: more.when,
    unpredictable: more.unpredictable,
    role: more.role ?? 'none',
    unconditional: more.unconditional ?? false,
    neverInIt: more.neverInIt ?? false,
  };
}
