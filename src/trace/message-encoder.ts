import { ByteColumn } from './byte-column.js';
import { type FieldRow, type MessageName, SCHEMA, type ScalarType } from './schema.js';

/** A message as a plain object whose keys are the schema's property names. Absent and undefined fields are not written. */
export type Message = Readonly<Record<string, unknown>>;

const WIRE_TYPE: Readonly<Record<ScalarType, number>> = {
  bool: 0,
  bytes: 2,
  double: 1,
  fixed32: 5,
  fixed64: 1,
  sint32: 0,
  sint64: 0,
  string: 2,
  uint32: 0,
  uint64: 0,
};

const utf8 = new TextEncoder();

const putNumber = (out: ByteColumn, type: ScalarType, value: number): void => {
  if (type === 'uint32' || type === 'bool') out.varint(value >>> 0);
  else if (type === 'uint64') out.varint(value);
  else if (type === 'sint32') out.zigzag32(value);
  else if (type === 'sint64') out.zigzag(value);
  else if (type === 'fixed32') out.fixed32(value);
  else if (type === 'fixed64') out.fixed64(value);
  else out.double(value);
};

const putScalar = (out: ByteColumn, number: number, type: ScalarType, value: unknown): void => {
  out.tag(number, WIRE_TYPE[type]);
  if (type === 'string' || type === 'bytes') {
    const bytes = typeof value === 'string' ? utf8.encode(value) : (value as Uint8Array);
    out.varint(bytes.length);
    out.append(bytes);
  } else putNumber(out, type, Number(value));
};

const putPacked = (out: ByteColumn, number: number, type: ScalarType, values: readonly number[]): void => {
  const column = new ByteColumn();
  for (const value of values) putNumber(column, type, value);
  out.bytesField(number, column.view());
};

const isMessage = (type: FieldRow[1]): type is MessageName => type in SCHEMA;

const isDefault = (value: unknown): boolean => value === 0 || value === '' || value === false;

const putField = (out: ByteColumn, [number, type, rule]: FieldRow, value: unknown): void => {
  if (rule === 'repeated') {
    const values = value as readonly unknown[];
    if (isMessage(type)) for (const item of values) out.bytesField(number, encodeMessage(type, item as Message));
    else if (type === 'string') for (const item of values) putScalar(out, number, type, item);
    else if (values.length > 0) putPacked(out, number, type, values as readonly number[]);
  } else if (isMessage(type)) out.bytesField(number, encodeMessage(type, value as Message));
  else if (rule === 'optional' || !isDefault(value)) putScalar(out, number, type, value);
};

/** The bytes of one message, fields in the schema's order, defaults left out: the same message is always the same bytes. */
export const encodeMessage = (name: MessageName, message: Message): Uint8Array => {
  const out = new ByteColumn();
  for (const [key, row] of Object.entries(SCHEMA[name])) {
    const value = message[key];
    if (value !== undefined) putField(out, row, value);
  }
  return out.view();
};
