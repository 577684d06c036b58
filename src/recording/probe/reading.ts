/** Values out of registers and guest memory, without disturbing either: what cannot be read is recorded as such. */
import type { ProbeValue } from '../../events/event.js';
import { Word } from '../../guest/cpu-state.js';
import type { GuestMemory } from '../../guest/memory.js';
import type { Slot } from './argument-slots.js';
import type { Operand } from './expression.js';
import type { ValueType } from './value-type.js';

/** The machine at a hit. */
export interface GuestView {
  readonly words: Int32Array;
  readonly memory: GuestMemory;
  /** The name of the function at an address, where there is one. */
  readonly nameOf: (address: number) => string | undefined;
}

const MAX_STRING_BYTES = 1024;

/** The slot's word as a signed number; undefined when the stack cannot be read there. */
const wordOf = (slot: Slot, { words, memory }: GuestView, index = 0): number | undefined => {
  if (slot.kind === 'word') return words[slot.word + index] as number;
  const value = memory.readU32((words[Word.SP] + slot.offset + 4 * index) >>> 0);
  return value === undefined ? undefined : value | 0;
};

const bits = new DataView(new ArrayBuffer(8));

const asFloat = (low: number, high: number, sizeBytes: number): number => {
  bits.setInt32(0, low, true);
  bits.setInt32(4, high, true);
  return sizeBytes === 4 ? bits.getFloat32(0, true) : bits.getFloat64(0, true);
};

/** A number narrower than a word: its low bits, with or without sign. */
const narrow = (word: number, { format, sizeBytes }: ValueType): number => {
  const shift = 32 - 8 * sizeBytes;
  return format === 'd' ? (word << shift) >> shift : (word << shift) >>> shift;
};

const big = (low: number, high: number, isSigned: boolean): bigint => {
  const whole = (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
  return isSigned ? BigInt.asIntN(64, whole) : whole;
};

/** What a condition sees of a value; wide integers as the nearest double. */
export const operandOf = (slot: Slot, type: ValueType, view: GuestView): Operand => {
  const low = wordOf(slot, view);
  const high = type.sizeBytes === 8 ? wordOf(slot, view, 1) : 0;
  if (low === undefined || high === undefined) return undefined;
  if (type.format === 's') return readText(low >>> 0, view)?.text;
  if (type.format === 'f') return asFloat(low, high, type.sizeBytes);
  if (type.sizeBytes === 8) return Number(big(low, high, type.format === 'd'));
  return narrow(low, type);
};

/** The string at an address, or its beginning; undefined on a bad pointer. */
const readText = (address: number, { memory }: GuestView): { text: string; isWhole: boolean } | undefined => {
  let size = 0;
  for (; size < MAX_STRING_BYTES; size++) {
    const byte = memory.readable((address + size) >>> 0, 1)?.[0];
    if (byte === undefined) return size === 0 ? undefined : { text: decode(memory, address, size), isWhole: false };
    if (byte === 0) return { text: decode(memory, address, size), isWhole: true };
  }
  return { text: decode(memory, address, size), isWhole: false };
};

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** UTF-8 where it is that, else a character for each byte. */
const decode = (memory: GuestMemory, address: number, size: number): string => {
  const bytes = memory.u8.slice(address, address + size);
  try {
    return utf8.decode(bytes);
  } catch {
    return Buffer.from(bytes).toString('latin1');
  }
};

const textValue = (name: string, address: number, view: GuestView): ProbeValue => {
  if (address === 0) return [name, 0, 's'];
  const found = readText(address, view);
  if (found === undefined) return [name, address, 'bad'];
  return [name, found.text, found.isWhole ? 's' : 's...'];
};

/** `sizeBytes` bytes of memory as hexadecimal digits. */
export const memoryValue = (name: string, address: number, sizeBytes: number, { memory }: GuestView): ProbeValue => {
  const bytes = memory.readable(address, sizeBytes);
  return bytes === undefined ? [name, address, 'bad'] : [name, Buffer.from(bytes).toString('hex'), 'b'];
};

/** An address as people know it. */
export const addressText = (address: number, { nameOf }: GuestView): string =>
  nameOf(address) ?? `0x${(address >>> 0).toString(16)}`;

/** The shortest decimal number that is the same float. */
const shortest = (value: number): number => {
  for (let digits = 1; digits < 9; digits++) {
    const candidate = Number(value.toPrecision(digits));
    if (Math.fround(candidate) === value) return candidate;
  }
  return Number(value.toPrecision(9));
};

const floatValue = (name: string, value: number, sizeBytes: number): ProbeValue => {
  if (!Number.isFinite(value)) return [name, String(value).replace('Infinity', 'inf').toLowerCase(), 'f'];
  return [name, sizeBytes === 4 ? shortest(value) : value, 'f'];
};

const wideValue = (name: string, whole: bigint, format: 'd' | 'u' | 'x' | 'o'): ProbeValue => {
  const isExact = whole >= BigInt(Number.MIN_SAFE_INTEGER) && whole <= BigInt(Number.MAX_SAFE_INTEGER);
  return [name, isExact ? Number(whole) : whole.toString(), format];
};

const unreadableAt = (slot: Slot, view: GuestView): number =>
  slot.kind === 'stack' ? ((view.words[Word.SP] as number) + slot.offset) >>> 0 : 0;

/** What is recorded of a value. */
export const recordedValue = (name: string, slot: Slot, type: ValueType, view: GuestView): ProbeValue => {
  const { format, sizeBytes } = type;
  const low = wordOf(slot, view);
  const high = sizeBytes === 8 ? wordOf(slot, view, 1) : 0;
  if (low === undefined || high === undefined) return [name, unreadableAt(slot, view), 'bad'];
  switch (format) {
    case 's':
      return textValue(name, low >>> 0, view);
    case 'p':
      return [name, addressText(low >>> 0, view), 'p'];
    case 'b':
      return memoryValue(name, low >>> 0, type.dumpBytes ?? sizeBytes, view);
    case 'f':
      return floatValue(name, asFloat(low, high, sizeBytes), sizeBytes);
    case 'c':
      return [name, String.fromCharCode(low & 0xff), 'c'];
    default:
      if (sizeBytes === 8) return wideValue(name, big(low, high, format === 'd'), format);
      return [name, narrow(low, type), format];
  }
};
