/** Arguments that point at bytes: strings, buffers, vectors of them, directory entries. */
import { IOVEC_BYTES } from '../abi/structs.js';
import { arrayText, type Call, type Decoder, pointerText, viewAt } from './decoder.js';
import { quote, STRING_LIMIT } from './escape.js';
import type { ArgumentKind } from './kinds.js';

const PATH_MAX = 4096;

/** The NUL-terminated string at `address`, quoted; the address when it cannot be read. */
const stringText = (call: Call, address: number, limit: number): string => {
  if (address === 0) return 'NULL';
  const bytes = call.task.memory.readCString(address >>> 0, PATH_MAX);
  return bytes === undefined ? pointerText(address) : quote(bytes, limit);
};

/** The length an argument names: another register, or the result of the finished call. */
export const lengthOf = (call: Call, { length }: ArgumentKind): number => {
  if (length === 'ret') return Math.max(0, call.result ?? 0);
  return length === undefined ? 0 : (call.args[length] ?? 0) >>> 0;
};

const bufferText = (call: Call, address: number, length: number): string => {
  if (address === 0) return 'NULL';
  const bytes = call.task.memory.readable(address >>> 0, Math.min(length, STRING_LIMIT + 1));
  return bytes === undefined ? pointerText(address) : quote(bytes, STRING_LIMIT, length > STRING_LIMIT);
};

/** Bytes of a vector that were transferred are shown, at most `left` over all its parts. */
const vectorText: Decoder = (call, value, argument) => {
  let left = argument.direction === 'in' ? Number.POSITIVE_INFINITY : Math.max(0, call.result ?? 0);
  return arrayText(call, value, lengthOf(call, argument), IOVEC_BYTES, (view) => {
    const length = view.getUint32(4, true);
    const shown = Math.min(length, left);
    left -= shown;
    return `{iov_base=${bufferText(call, view.getUint32(0, true), shown)}, iov_len=${length}}`;
  });
};

/** `["ls", "-l"]` of a NULL-terminated vector. */
const stringsText: Decoder = (call, value) => {
  if (value === 0) return 'NULL';
  const items: string[] = [];
  for (let i = 0; i < STRING_LIMIT; i++) {
    const pointer = call.task.memory.readU32((value >>> 0) + i * 4);
    if (pointer === undefined) return i === 0 ? pointerText(value) : `[${items.join(', ')}, ???]`;
    if (pointer === 0) return `[${items.join(', ')}]`;
    items.push(stringText(call, pointer, STRING_LIMIT));
  }
  return `[${items.join(', ')}, ...]`;
};

/** The address and the number of entries, as strace prints it when not verbose. d_reclen lies at 16, in getdents at 8. */
const direntsText: Decoder = (call, value, argument) => {
  const size = Math.max(0, call.result ?? 0);
  const sizeOffset = argument.kind === 'dirents' ? 16 : 8;
  let count = 0;
  for (let at = 0; at < size; count++) {
    const view = viewAt(call, (value >>> 0) + at + sizeOffset, 2);
    const length = view?.getUint16(0, true) ?? 0;
    if (length === 0) return pointerText(value);
    at += length;
  }
  return `${pointerText(value)} /* ${count} entries */`;
};

export const STRINGS: Readonly<Record<string, Decoder>> = {
  path: (call, value) => stringText(call, value, PATH_MAX),
  str: (call, value) => stringText(call, value, STRING_LIMIT),
  buf: (call, value, argument) => bufferText(call, value, lengthOf(call, argument)),
  iovec: vectorText,
  strings: stringsText,
  dirents: direntsText,
  dirents32: direntsText,
};
