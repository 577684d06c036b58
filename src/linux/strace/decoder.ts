/** What decoding one argument can see. */
import type { Task } from '../kernel/task.js';
import type { SyscallArgs } from '../syscalls/syscall.js';
import type { ArgumentKind } from './kinds.js';

export interface Call {
  readonly task: Task;
  readonly args: SyscallArgs;
  /** Undefined before the call is over. */
  readonly result: number | undefined;
}

/** The text of one argument; undefined when it is not printed at all. `value` is its first register. */
export type Decoder = (call: Call, value: number, argument: ArgumentKind) => string | undefined;

export const hexText = (value: number): string => (value === 0 ? '0' : `0x${(value >>> 0).toString(16)}`);
export const pointerText = (value: number): string => (value === 0 ? 'NULL' : `0x${(value >>> 0).toString(16)}`);
export const octalText = (value: number): string => (value === 0 ? '000' : `0${(value >>> 0).toString(8)}`);

/** A view of guest memory, or undefined for a null or bad pointer. */
export const viewAt = (call: Call, address: number, size: number): DataView | undefined => {
  if (address === 0) return undefined;
  const bytes = call.task.memory.readable(address >>> 0, size);
  return bytes === undefined ? undefined : new DataView(bytes.buffer, bytes.byteOffset, size);
};

/** A structure decoder: `size` bytes at the pointer through `format`, the pointer itself when they cannot be read. */
export const structure =
  (size: number, format: (view: DataView, call: Call, argument: ArgumentKind) => string): Decoder =>
  (call, value, argument) => {
    const view = viewAt(call, value, size);
    return view === undefined ? pointerText(value) : format(view, call, argument);
  };

/** `[a, b, c]` of the elements of an array in guest memory, cut after `SHOWN` of them. */
const SHOWN = 32;

export const arrayText = (
  call: Call,
  address: number,
  count: number,
  size: number,
  format: (view: DataView, index: number) => string,
): string => {
  if (address === 0) return 'NULL';
  if (count < 0 || count > 0x10_0000) return pointerText(address);
  const items: string[] = [];
  for (let i = 0; i < Math.min(count, SHOWN); i++) {
    const view = viewAt(call, (address >>> 0) + i * size, size);
    if (view === undefined)
      return i === 0 ? pointerText(address) : `[${items.join(', ')}, ${pointerText(address + i * size)}]`;
    items.push(format(view, i));
  }
  return `[${items.join(', ')}${count > SHOWN ? ', ...' : ''}]`;
};
