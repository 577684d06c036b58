/**
 * Frida's NativePointer for a 32-bit guest: an unsigned address with arithmetic, and access to the memory of the process
 * spawned last. Reads and writes throw UsageError on an address the guest itself could not use that way.
 */
import { hex } from '../bits.js';
import { UsageError } from '../errors.js';
import { attached } from './attached.js';

export type PointerValue = NativePointer | number | string;

const numberOf = (value: PointerValue): number => {
  if (value instanceof NativePointer) return value.toUInt32();
  const number = typeof value === 'number' ? value : Number(value.trim());
  if (!Number.isInteger(number) || Math.abs(number) > 0xffff_ffff) {
    throw new UsageError(`expected a pointer, got ${JSON.stringify(value)}`, {
      hint: "write ptr('0x1040') or a number",
    });
  }
  return number >>> 0;
};

export class NativePointer {
  private readonly value: number;

  /** A number, or a string such as `0x1040`. Throws UsageError. */
  constructor(value: PointerValue) {
    this.value = numberOf(value);
  }

  isNull(): boolean {
    return this.value === 0;
  }

  add(other: PointerValue): NativePointer {
    return new NativePointer((this.value + numberOf(other)) >>> 0);
  }

  sub(other: PointerValue): NativePointer {
    return new NativePointer((this.value - numberOf(other)) >>> 0);
  }

  and(other: PointerValue): NativePointer {
    return new NativePointer((this.value & numberOf(other)) >>> 0);
  }

  or(other: PointerValue): NativePointer {
    return new NativePointer((this.value | numberOf(other)) >>> 0);
  }

  xor(other: PointerValue): NativePointer {
    return new NativePointer((this.value ^ numberOf(other)) >>> 0);
  }

  shr(bits: number): NativePointer {
    return new NativePointer(this.value >>> bits);
  }

  shl(bits: number): NativePointer {
    return new NativePointer((this.value << bits) >>> 0);
  }

  not(): NativePointer {
    return new NativePointer(~this.value >>> 0);
  }

  equals(other: PointerValue): boolean {
    return this.value === numberOf(other);
  }

  /** -1, 0 or 1. */
  compare(other: PointerValue): number {
    return Math.sign(this.value - numberOf(other));
  }

  toInt32(): number {
    return this.value | 0;
  }

  toUInt32(): number {
    return this.value;
  }

  /** `0x1040`; with a radix, digits only. */
  toString(radix?: number): string {
    return radix === undefined ? hex(this.value) : this.value.toString(radix);
  }

  toJSON(): string {
    return this.toString();
  }

  // -- memory ----------------------------------------------------------------------------------------------------------

  readByteArray(length: number): ArrayBuffer {
    return this.bytes(length).slice().buffer as ArrayBuffer;
  }

  writeByteArray(bytes: ArrayBuffer | readonly number[] | Uint8Array): this {
    return this.write(new Uint8Array(bytes));
  }

  readU8(): number {
    return this.view(1).getUint8(0);
  }

  readS8(): number {
    return this.view(1).getInt8(0);
  }

  readU16(): number {
    return this.view(2).getUint16(0, true);
  }

  readS16(): number {
    return this.view(2).getInt16(0, true);
  }

  readU32(): number {
    return this.view(4).getUint32(0, true);
  }

  readS32(): number {
    return this.view(4).getInt32(0, true);
  }

  readPointer(): NativePointer {
    return new NativePointer(this.readU32());
  }

  writeU8(value: number): this {
    return this.write(Uint8Array.of(value));
  }

  writeU16(value: number): this {
    return this.write(new Uint8Array(Uint16Array.of(value).buffer));
  }

  writeU32(value: number): this {
    return this.write(new Uint8Array(Uint32Array.of(value).buffer));
  }

  writePointer(value: PointerValue): this {
    return this.writeU32(numberOf(value));
  }

  /** Up to the NUL, or `size` bytes of it. */
  readUtf8String(size = -1): string {
    return new TextDecoder().decode(this.stringBytes(size));
  }

  readCString(size = -1): string {
    return Buffer.from(this.stringBytes(size)).toString('latin1');
  }

  /** Writes the text and a NUL. */
  writeUtf8String(text: string): this {
    return this.write(new TextEncoder().encode(`${text}\0`));
  }

  private stringBytes(size: number): Uint8Array {
    if (size >= 0) {
      const bytes = this.bytes(size);
      const end = bytes.indexOf(0);
      return end < 0 ? bytes : bytes.subarray(0, end);
    }
    const bytes = attached().memory.readCString(this.value, 0x10_0000);
    if (bytes === undefined) throw this.denied('read');
    return bytes;
  }

  private bytes(length: number): Uint8Array {
    const bytes = attached().memory.readable(this.value, length);
    if (bytes === undefined) throw this.denied('read');
    return bytes;
  }

  private view(length: number): DataView {
    const bytes = this.bytes(length);
    return new DataView(bytes.buffer, bytes.byteOffset, length);
  }

  private write(bytes: Uint8Array): this {
    if (!attached().memory.write(this.value, bytes)) throw this.denied('write');
    return this;
  }

  private denied(what: string): UsageError {
    return new UsageError(`access violation: cannot ${what} ${this.toString()}`, {
      hint: 'Process.findModuleByAddress tells whether something is mapped there',
    });
  }
}

/** Short for `new NativePointer(value)`. */
export const ptr = (value: PointerValue): NativePointer => new NativePointer(value);
export const NULL = ptr(0);
