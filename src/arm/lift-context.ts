/**
 * What a lifter sees: the IR builder, its instruction, the registers and flags as the manual names them, and guest memory
 * with the data endianness of the block. The instruction's condition is already around it: lifters never test it.
 *
 * Flags are written in the lazy form of guest/cpu-state. PC is not a register here: it is read as a constant and written
 * through lift/pc only, which leaves how the instruction ends in `ending`.
 */
import type { InterworkingAddr } from '../bits.js';
import { Word } from '../guest/cpu-state.js';
import type { Builder } from '../ir/builder.js';
import type { Location } from '../ir/location.js';
import type { Flow, ValueId } from '../ir/terminal.js';
import type { Insn } from './insn.js';

/** The kinds of instruction that write the pc. */
export type TransferForm = 'b' | 'bl' | 'blx' | 'bx' | 'mov' | 'ldm' | 'ldr' | 'alu' | 'tb';

/** A write to the pc, as instrumentation sees it. */
export interface Transfer {
  form: TransferForm;
  insn: Insn;
  /** Interworking address control goes to. */
  target: ValueId;
  /** The register a bx, blx or mov took it from. */
  register?: number;
  /** POP {.., pc}, LDM sp!, LDR pc, [sp], #4. */
  pops: boolean;
  /** The value sp will have when control arrives, if this instruction changes it. */
  spAfter?: ValueId;
  /** Return address of a call. */
  link?: InterworkingAddr;
  /** Address of the IT instruction in charge. */
  itStart?: number;
}

/** How the instruction just lifted leaves the straight line. */
export type Ending =
  | { kind: 'direct'; to: Location; flow: Flow; link?: Location; cond?: ValueId }
  | { kind: 'indirect'; target: ValueId; flow: Flow; link?: Location }
  | { kind: 'svc'; imm: number }
  | { kind: 'setend'; bigEndian: boolean };

/** `S` of an encoding that sets the flags outside an IT block only. */
export const S_OUTSIDE_IT = 2;

export class LiftContext {
  readonly b: Builder;
  readonly insn: Insn;
  readonly bigEndian: boolean;
  readonly onTransfer: ((b: Builder, t: Transfer) => void) | undefined;
  ending: Ending | undefined;

  constructor(b: Builder, insn: Insn, bigEndian: boolean, onTransfer?: (b: Builder, t: Transfer) => void) {
    this.b = b;
    this.insn = insn;
    this.bigEndian = bigEndian;
    this.onTransfer = onTransfer;
  }

  get isThumb(): boolean {
    return this.insn.isa === 'thumb';
  }

  get inItBlock(): boolean {
    return this.insn.itState !== 0;
  }

  /** The value R15 reads as: the instruction's address + 8 (A32) or + 4 (T32). */
  get pcRead(): number {
    return (this.insn.pc + (this.isThumb ? 4 : 8)) | 0;
  }

  // -- registers -------------------------------------------------------------------------------------------------------

  const(value: number): ValueId {
    return this.b.const(value);
  }

  reg(n: number): ValueId {
    return n === 15 ? this.b.const(this.pcRead) : this.b.get(n);
  }

  /** A base register: like `reg`, but R15 reads as Align(PC, 4). */
  base(n: number): ValueId {
    return n === 15 ? this.b.const(this.pcRead & ~3) : this.b.get(n);
  }

  /** Writes r0..r14. */
  setReg(n: number, value: ValueId): void {
    if (n > 14) throw new RangeError(`r${n} is not written through setReg (${this.insn.row.name})`);
    this.b.set(value, n);
  }

  // -- flags -----------------------------------------------------------------------------------------------------------

  /** Whether an encoding with this S sets the flags here. */
  setsFlags(S: number): boolean {
    return S === 1 || (S === S_OUTSIDE_IT && !this.inItBlock);
  }

  setNZ(result: ValueId): void {
    this.b.set(result, Word.NF);
    this.b.set(result, Word.ZF);
  }

  /** N and Z of a 64-bit result. */
  setNZ64(low: ValueId, high: ValueId): void {
    this.b.set(high, Word.NF);
    this.b.set(this.b.or(low, high), Word.ZF);
  }

  /** `carry` is 0 or 1. */
  setC(carry: ValueId): void {
    this.b.set(carry, Word.CF);
  }

  /** V is bit 31 of `overflow`. */
  setV(overflow: ValueId): void {
    this.b.set(overflow, Word.VF);
  }

  /** Q is sticky: sets it when `saturated` is not zero. */
  setQ(saturated: ValueId): void {
    this.b.set(this.b.or(this.b.get(Word.QF), saturated), Word.QF);
  }

  /** The carry flag, 0 or 1. */
  carryFlag(): ValueId {
    return this.b.get(Word.CF);
  }

  /** Not zero when condition `cond` (0..13) holds. */
  condition(cond: number): ValueId {
    const { b } = this;
    const zero = (): ValueId => b.const(0);
    const nv = (): ValueId => b.xor(b.get(Word.NF), b.get(Word.VF));
    switch (cond) {
      case 0: // EQ
        return b.eqz(b.get(Word.ZF));
      case 1: // NE
        return b.get(Word.ZF);
      case 2: // CS
        return b.get(Word.CF);
      case 3: // CC
        return b.eqz(b.get(Word.CF));
      case 4: // MI
        return b.ltS(b.get(Word.NF), zero());
      case 5: // PL
        return b.leS(zero(), b.get(Word.NF));
      case 6: // VS
        return b.ltS(b.get(Word.VF), zero());
      case 7: // VC
        return b.leS(zero(), b.get(Word.VF));
      case 8: // HI
        return b.select(b.get(Word.CF), zero(), b.get(Word.ZF));
      case 9: // LS
        return b.select(b.eqz(b.get(Word.CF)), b.const(1), b.get(Word.ZF));
      case 10: // GE
        return b.leS(zero(), nv());
      case 11: // LT
        return b.ltS(nv(), zero());
      case 12: // GT
        return b.select(b.leS(zero(), nv()), zero(), b.get(Word.ZF));
      case 13: // LE
        return b.select(b.ltS(nv(), zero()), b.const(1), b.get(Word.ZF));
      default:
        throw new RangeError(`condition ${cond} has no value`);
    }
  }

  // -- guest memory, in the block's data endianness; every access may fault, so it comes before the first write ----------

  /** SIGBUS unless the address is a multiple of `bytes`. */
  checkAlign(address: ValueId, bytes: number): void {
    this.b.checkAlign(address, bytes - 1);
  }

  load8u(address: ValueId): ValueId {
    return this.b.load8u(address);
  }

  load8s(address: ValueId): ValueId {
    return this.b.load8s(address);
  }

  load16u(address: ValueId): ValueId {
    return this.bigEndian ? this.b.rev16(this.b.load16u(address)) : this.b.load16u(address);
  }

  load16s(address: ValueId): ValueId {
    return this.bigEndian ? this.b.sext16(this.load16u(address)) : this.b.load16s(address);
  }

  load32(address: ValueId): ValueId {
    const word = this.b.load32(address);
    return this.bigEndian ? this.b.rev(word) : word;
  }

  store8(address: ValueId, value: ValueId): void {
    this.b.store8(address, value);
  }

  store16(address: ValueId, value: ValueId): void {
    this.b.store16(address, this.bigEndian ? this.b.rev16(value) : value);
  }

  store32(address: ValueId, value: ValueId): void {
    this.b.store32(address, this.bigEndian ? this.b.rev(value) : value);
  }

  loadF32(address: ValueId): ValueId {
    return this.bigEndian ? this.b.f32FromBits(this.load32(address)) : this.b.loadF32(address);
  }

  /** Two word accesses when big-endian: word order follows the endianness too. */
  loadF64(address: ValueId): ValueId {
    if (!this.bigEndian) return this.b.loadF64(address);
    const high = this.load32(address);
    return this.b.f64FromWords(this.load32(this.offset(address, 4)), high);
  }

  storeF32(address: ValueId, value: ValueId): void {
    if (this.bigEndian) this.store32(address, this.b.bitsFromF32(value));
    else this.b.storeF32(address, value);
  }

  storeF64(address: ValueId, value: ValueId): void {
    if (!this.bigEndian) {
      this.b.storeF64(address, value);
      return;
    }
    this.store32(address, this.b.highWord(value));
    this.store32(this.offset(address, 4), this.b.lowWord(value));
  }

  /** address + bytes (signed constant). */
  offset(address: ValueId, bytes: number): ValueId {
    return bytes === 0 ? address : this.b.add(address, this.b.const(bytes));
  }

  /** The instruction cannot complete: see ExitReason. */
  trap(reason: number): void {
    this.b.trap(reason);
  }
}
