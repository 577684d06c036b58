/**
 * The registers a callback sees and may change: those of the live thread. Valid during the callback only. As in Frida,
 * writes to pc, sp and the T bit have no effect.
 */
import type { GuestAddr } from '../bits.js';
import { InternalError } from '../errors.js';
import { readCpsr, Word, writeApsr } from '../guest/cpu-state.js';

const VECTOR_WORDS = 4;
const VECTORS = 16;

export class CpuContext {
  /** Address of the instruction the callback belongs to, without the Thumb bit. */
  readonly pc: GuestAddr;
  private words: Int32Array | undefined;

  constructor(words: Int32Array, pc: GuestAddr) {
    this.words = words;
    this.pc = pc;
  }

  /** Register `n`, 0 to 15, as u32. */
  register(n: number): number {
    if (n === 15) return this.pc;
    return (this.live()[checked(n, 15)] as number) >>> 0;
  }

  /** Writes r0 to r12 or LR; SP and PC stay as they are. */
  setRegister(n: number, value: number): void {
    const words = this.live();
    if (n !== Word.SP && n !== Word.PC) words[checked(n, 15)] = value | 0;
  }

  /** The stack pointer; cannot be changed. */
  get sp(): GuestAddr {
    return this.register(Word.SP);
  }

  /** The link register. */
  get lr(): number {
    return this.register(Word.LR);
  }

  /** N, Z, C, V, Q, GE, E, T and user mode; ITSTATE is 0. */
  get cpsr(): number {
    return readCpsr(this.live()) >>> 0;
  }

  /** Only N, Z, C, V, Q and GE are taken over. */
  set cpsr(value: number) {
    writeApsr(this.live(), value);
  }

  /** The 16 bytes of q0 to q15, a copy. */
  vector(n: number): Uint8Array {
    const first = Word.VFP + checked(n, VECTORS - 1) * VECTOR_WORDS;
    return new Uint8Array(this.live().slice(first, first + VECTOR_WORDS).buffer);
  }

  /** Writes all 16 bytes of vector register q`n`. */
  setVector(n: number, bytes: Uint8Array): void {
    const words = new Int32Array(bytes.slice(0, VECTOR_WORDS * 4).buffer);
    this.live().set(words, Word.VFP + checked(n, VECTORS - 1) * VECTOR_WORDS);
  }

  /** The callback is over: later use is an error. */
  close(): void {
    this.words = undefined;
  }

  /** The state words; an error once the callback has returned. */
  private live(): Int32Array {
    if (this.words === undefined) throw new InternalError('invalid operation: the registers outlived their callback');
    return this.words;
  }
}

/** The number, if there is a register of that number: `max` is the last. */
const checked = (n: number, max: number): number => {
  if (!Number.isInteger(n) || n < 0 || n > max) throw new RangeError(`there is no register ${n}`);
  return n;
};
