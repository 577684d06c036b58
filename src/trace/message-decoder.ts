import protobuf from 'protobufjs/minimal.js';
import { type FieldRow, type MessageName, SCHEMA, type ScalarType } from './schema.js';

type Reader = protobuf.Reader;

interface DecodingPlan {
  readonly defaults: Readonly<Record<string, unknown>>;
  readonly repeated: readonly string[];
  readonly byNumber: ReadonlyMap<number, readonly [key: string, row: FieldRow]>;
}

const EMPTY_BYTES = new Uint8Array(0);
const NONE: ReadonlySet<string> = new Set();

const defaultOf = (type: FieldRow[1]): unknown => {
  if (type === 'string') return '';
  if (type === 'bytes') return EMPTY_BYTES;
  return type === 'bool' ? false : 0;
};

const planOf = (name: MessageName): DecodingPlan => {
  const defaults: Record<string, unknown> = {};
  const repeated: string[] = [];
  const byNumber = new Map<number, readonly [string, FieldRow]>();
  for (const [key, row] of Object.entries(SCHEMA[name])) {
    byNumber.set(row[0], [key, row]);
    if (row[2] === 'repeated') repeated.push(key);
    else if (row[2] === undefined && !(row[1] in SCHEMA)) defaults[key] = defaultOf(row[1]);
  }
  return { defaults, repeated, byNumber };
};

const plans = new Map<MessageName, DecodingPlan>();

const planFor = (name: MessageName): DecodingPlan => {
  const known = plans.get(name);
  if (known) return known;
  const plan = planOf(name);
  plans.set(name, plan);
  return plan;
};

const readScalar = (reader: Reader, type: ScalarType): unknown => {
  const value = reader[type]();
  return typeof value === 'object' && !(value instanceof Uint8Array) ? Number(value) : value;
};

const readRepeated = (reader: Reader, row: FieldRow, wireType: number, into: unknown[]): void => {
  const [, type] = row;
  if (type in SCHEMA) into.push(decodeFields(type as MessageName, reader.bytes(), NONE));
  else if (wireType === 2 && type !== 'string') {
    const end = reader.uint32() + reader.pos;
    if (end > reader.len) throw new RangeError('a packed field ends outside its message');
    while (reader.pos < end) into.push(readScalar(reader, type as ScalarType));
  } else into.push(readScalar(reader, type as ScalarType));
};

/**
 * A message as a plain object with defaults filled in; unknown fields are skipped. Repeated numbers named in `packed`
 * are left as the bytes they are. Throws RangeError when the bytes are not such a message.
 */
export const decodeMessage = (
  name: MessageName,
  bytes: Uint8Array,
  packed: ReadonlySet<string> = NONE,
): Record<string, unknown> => {
  try {
    return decodeFields(name, bytes, packed);
  } catch (error) {
    // The library says what is wrong with the bytes in plain Errors.
    if (error instanceof Error && error.constructor === Error) throw new RangeError(error.message, { cause: error });
    throw error;
  }
};

const decodeFields = (name: MessageName, bytes: Uint8Array, packed: ReadonlySet<string>): Record<string, unknown> => {
  const { defaults, repeated, byNumber } = planFor(name);
  const message: Record<string, unknown> = { ...defaults };
  for (const key of repeated) message[key] = packed.has(key) ? EMPTY_BYTES : [];
  const reader = protobuf.Reader.create(bytes);
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    const entry = byNumber.get(tag >>> 3);
    if (!entry) {
      reader.skipType(tag & 7);
      continue;
    }
    const [key, row] = entry;
    if (packed.has(key)) message[key] = reader.bytes();
    else if (row[2] === 'repeated') readRepeated(reader, row, tag & 7, message[key] as unknown[]);
    else if (row[1] in SCHEMA) message[key] = decodeFields(row[1] as MessageName, reader.bytes(), NONE);
    else message[key] = readScalar(reader, row[1] as ScalarType);
  }
  return message;
};
