/**
 * Exclusives, acquire/release, swaps and barriers (ARM DDI 0406C A3.4, A8.8.75 to 78, A8.8.212 to 215). One guest thread
 * runs at a time and a thread switch opens the monitor, so the monitor alone decides and plain accesses are ordered.
 */
import { Word } from '../../guest/cpu-state.js';
import type { ValueId } from '../../ir/terminal.js';
import type { Lifter } from '../encoding.js';
import type { LiftContext } from '../lift-context.js';

interface Exclusive {
  readonly Rt: number;
  readonly Rn: number;
  /** Byte offset, T32 LDREX and STREX only. */
  readonly offset: number;
}
interface Pair {
  readonly Rt2: number;
}
interface Status {
  readonly Rd: number;
}

const LOADS = { 1: 'load8u', 2: 'load16u', 4: 'load32' } as const;
const STORES = { 1: 'store8', 2: 'store16', 4: 'store32' } as const;
type Size = keyof typeof LOADS;

const addressOf = (c: LiftContext, f: { Rn: number; offset: number }, bytes: number): ValueId => {
  const address = c.offset(c.reg(f.Rn), f.offset);
  if (bytes > 1) c.checkAlign(address, bytes);
  return address;
};

const closeMonitor = (c: LiftContext, address: ValueId, bytes: number): void => {
  c.b.set(address, Word.EXCLUSIVE_ADDR);
  c.b.set(c.const(bytes), Word.EXCLUSIVE_SIZE);
};

/** Stores when the monitor holds exactly this access, opens it, and writes 0 (stored) or 1 to Rd. */
const storeExclusive = (c: LiftContext, Rd: number, address: ValueId, bytes: number, store: () => void): void => {
  const { b } = c;
  const sameAddress = b.eq(b.get(Word.EXCLUSIVE_ADDR), address);
  const passes = b.and(sameAddress, b.eq(b.get(Word.EXCLUSIVE_SIZE), c.const(bytes)));
  b.when(passes, store);
  b.set(c.const(0), Word.EXCLUSIVE_SIZE);
  c.setReg(Rd, b.eqz(passes));
};

/** LDREX, LDREXB, LDREXH Rt, [Rn]; LDAEX* likewise */
export const ldrex =
  (bytes: Size): Lifter<Exclusive> =>
  (c, f) => {
    const address = addressOf(c, f, bytes);
    const value = c[LOADS[bytes]](address);
    closeMonitor(c, address, bytes);
    c.setReg(f.Rt, value);
  };

/** LDREXD Rt, Rt2, [Rn] */
export const ldrexd: Lifter<Exclusive & Pair> = (c, f) => {
  const address = addressOf(c, f, 8);
  const first = c.load32(address);
  const second = c.load32(c.offset(address, 4));
  closeMonitor(c, address, 8);
  c.setReg(f.Rt, first);
  c.setReg(f.Rt2, second);
};

/** STREX, STREXB, STREXH Rd, Rt, [Rn]; STLEX* likewise */
export const strex =
  (bytes: Size): Lifter<Exclusive & Status> =>
  (c, f) => {
    const address = addressOf(c, f, bytes);
    storeExclusive(c, f.Rd, address, bytes, () => c[STORES[bytes]](address, c.reg(f.Rt)));
  };

/** STREXD Rd, Rt, Rt2, [Rn] */
export const strexd: Lifter<Exclusive & Status & Pair> = (c, f) => {
  const address = addressOf(c, f, 8);
  storeExclusive(c, f.Rd, address, 8, () => {
    c.store32(address, c.reg(f.Rt));
    c.store32(c.offset(address, 4), c.reg(f.Rt2));
  });
};

/** CLREX */
export const clrex: Lifter<object> = (c) => {
  c.b.set(c.const(0), Word.EXCLUSIVE_SIZE);
};

/** LDA, LDAB, LDAH Rt, [Rn] (ARMv8): must be aligned */
export const lda =
  (bytes: Size): Lifter<Exclusive> =>
  (c, f) => {
    const address = addressOf(c, f, bytes);
    c.setReg(f.Rt, c[LOADS[bytes]](address));
  };

/** STL, STLB, STLH Rt, [Rn] (ARMv8): must be aligned */
export const stl =
  (bytes: Size): Lifter<Exclusive> =>
  (c, f) => {
    const address = addressOf(c, f, bytes);
    c[STORES[bytes]](address, c.reg(f.Rt));
  };

/** SWP, SWPB Rt, Rt2, [Rn] */
export const swp: Lifter<{ Rt: number; Rt2: number; Rn: number; B: number }> = (c, f) => {
  const bytes = f.B === 1 ? 1 : 4;
  const address = addressOf(c, { Rn: f.Rn, offset: 0 }, bytes);
  const old = c[LOADS[bytes]](address);
  c[STORES[bytes]](address, c.reg(f.Rt2));
  c.setReg(f.Rt, old);
};
