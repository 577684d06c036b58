/**
 * The CPU state both tiers share: 32-bit words at CPU_STATE in linear memory, addressed by *word index*. There is one
 * such area; switching threads copies a thread's words in and out (`saveWords`), so every state access in translated
 * code has a constant address.
 *
 * Flags are kept in the form that is cheapest to produce. N is bit 31 of `NF`; Z is set when `ZF` is zero; `CF` is 0 or
 * 1; V is bit 31 of `VF`; `QF` is 0 or non-zero; `GE` holds the four GE bits at bits 7, 15, 23 and 31 (the carry mask
 * of the byte lanes), other bits zero. FPSCR is split: its NZCV in `FPSCR_NZCV` (bits 31..28, others zero), all else in
 * `FPSCR`.
 */
import { CPU_STATE } from './layout.js';

/** Word indices of the guest-visible state. r0..r14 are words 0..14. */
export const Word = {
  SP: 13,
  LR: 14,
  /** Address of the instruction to run next, without the Thumb bit; only valid between blocks and in callouts. */
  PC: 15,
  NF: 16,
  ZF: 17,
  CF: 18,
  VF: 19,
  QF: 20,
  GE: 21,
  /** 1 in Thumb state. Valid when PC is. */
  THUMB: 22,
  /** ITSTATE<7:0> of the instruction at PC. Valid when PC is; zero except after a stop inside an IT block. */
  ITSTATE: 23,
  /** 1 when CPSR.E is set (big-endian data). */
  BIG_ENDIAN: 24,
  FPSCR: 25,
  FPSCR_NZCV: 26,
  TPIDRURO: 27,
  TPIDRURW: 28,
  /** Exclusive monitor: address, and size in bytes (0 = open). */
  EXCLUSIVE_ADDR: 29,
  EXCLUSIVE_SIZE: 30,
  /** First of 64 words: d0..d31, low word first; s0..s31 are the first 32 of them. 8-byte aligned. */
  VFP: 32,
  /** Words below this index belong to a thread and are saved on a switch. */
  THREAD_END: 112,

  // -- engine words: what runs, not what the guest sees -------------------------------------------------------------
  /** Instructions left in this slice, signed; blocks subtract on entry and leave when it is not positive. */
  FUEL: 112,
  /** Byte address where the next ring record goes, and the address past which a block must not start. */
  RING_HEAD: 113,
  RING_LIMIT: 114,
  /** Byte address of the next free shadow frame, its lowest value (empty) and its highest (full). */
  SHADOW_TOP: 115,
  SHADOW_BASE: 116,
  SHADOW_LIMIT: 117,
  /** Set by a fault exit: faulting address and access (see FaultKind in ir/terminal). */
  FAULT_ADDR: 118,
  FAULT_KIND: 119,
  /** Per-context engine words, saved with the thread: last EXEC location (gum), control flags. */
  LAST_EXEC: 110,
  /** Jumps that leave sp at or above this are reported to whoever waits for returns, see stalker/options. */
  RETURN_WATCH: 109,
  CONTROL: 111,
  /** Result of an out-of-line floating-point operation: 4 words. 8-byte aligned. */
  FP_RESULT: 120,
  /** sp of the innermost excluded call, or all ones: above it the call has been left behind (stalker/activation). */
  ASIDE_SP: 124,
  /** Inside translated code only: what the flags are made of while FLAGS_FORM is not 0, see translator/lazy-flags. */
  FLAGS_FORM: 125,
  FLAG_X: 126,
  FLAG_Y: 127,
  /** First word of the interpreter's value slots. 8-byte aligned. */
  SLOTS: 128,
} as const;

export const sRegister = (n: number): number => Word.VFP + n;
export const dRegister = (n: number): number => Word.VFP + 2 * n;

/** Byte address in linear memory of state word `index`. */
export const stateAddress = (index: number): number => CPU_STATE + index * 4;

/** CPSR bits. */
export const Psr = {
  N: 1 << 31,
  Z: 1 << 30,
  C: 1 << 29,
  V: 1 << 28,
  Q: 1 << 27,
  E: 1 << 9,
  T: 1 << 5,
  USER: 0x10,
} as const;

/** The CPSR a signal frame or debugger shows: flags, GE, ITSTATE, E, T and user mode. */
export const readCpsr = (w: Int32Array): number => {
  const it = w[Word.ITSTATE];
  const ge = w[Word.GE];
  const geBits = ((ge >>> 7) & 1) | ((ge >>> 14) & 2) | ((ge >>> 21) & 4) | ((ge >>> 28) & 8);
  return (
    (w[Word.NF] & Psr.N) |
    (w[Word.ZF] === 0 ? Psr.Z : 0) |
    (w[Word.CF] !== 0 ? Psr.C : 0) |
    (w[Word.VF] < 0 ? Psr.V : 0) |
    (w[Word.QF] !== 0 ? Psr.Q : 0) |
    ((it & 3) << 25) |
    (geBits << 16) |
    ((it & 0xfc) << 8) |
    (w[Word.BIG_ENDIAN] !== 0 ? Psr.E : 0) |
    (w[Word.THUMB] !== 0 ? Psr.T : 0) |
    Psr.USER
  );
};

/** Sets every user-writable CPSR field, T and ITSTATE included (sigreturn). */
export const writeCpsr = (w: Int32Array, cpsr: number): void => {
  writeApsr(w, cpsr);
  w[Word.ITSTATE] = ((cpsr >>> 25) & 3) | ((cpsr >>> 8) & 0xfc);
  w[Word.BIG_ENDIAN] = (cpsr & Psr.E) !== 0 ? 1 : 0;
  w[Word.THUMB] = (cpsr & Psr.T) !== 0 ? 1 : 0;
};

/** Sets N, Z, C, V, Q and GE only. */
export const writeApsr = (w: Int32Array, apsr: number): void => {
  w[Word.NF] = apsr & Psr.N;
  w[Word.ZF] = (apsr & Psr.Z) !== 0 ? 0 : 1;
  w[Word.CF] = (apsr >>> 29) & 1;
  w[Word.VF] = (apsr << 3) & Psr.N;
  w[Word.QF] = (apsr >>> 27) & 1;
  w[Word.GE] = ((apsr & 0x10000) >>> 9) | ((apsr & 0x20000) >>> 2) | ((apsr & 0x40000) << 5) | ((apsr & 0x80000) << 12);
};
