/**
 * Single and dual loads and stores (ARM DDI 0406C A4.6). The unprivileged forms (LDRT ...) are the plain ones in user
 * mode. With write-back to the transferred register (UNPREDICTABLE) a load wins and a store stores the old value.
 */
import type { ValueId } from '../../ir/terminal.js';
import type { Lifter } from '../encoding.js';
import type { LiftContext } from '../lift-context.js';
import type { MemoryImmediate, MemoryRegister } from '../operands.js';
import { shiftImmediate } from './data-processing.js';
import { branchWritePC, loadWritePC } from './pc.js';

/** Where an access goes and what the base becomes. */
interface Address {
  readonly at: ValueId;
  readonly Rn: number;
  readonly writeBack: ValueId | undefined;
}

interface Indexing {
  readonly Rn: number;
  readonly index: number;
  readonly wback: number;
}

const indexed = (f: Indexing, base: ValueId, moved: ValueId): Address => ({
  at: f.index === 1 ? moved : base,
  Rn: f.Rn,
  writeBack: f.wback === 1 ? moved : undefined,
});

const immediateAddress = (c: LiftContext, f: Indexing & { offset: number }): Address => {
  const base = c.base(f.Rn);
  return indexed(f, base, c.offset(base, f.offset));
};

const registerAddress = (c: LiftContext, f: MemoryRegister): Address => {
  const base = c.base(f.Rn);
  const offset = shiftImmediate(c, f).value;
  return indexed(f, base, f.add === 1 ? c.b.add(base, offset) : c.b.sub(base, offset));
};

const writeBack = (c: LiftContext, address: Address): void => {
  if (address.writeBack !== undefined) c.setReg(address.Rn, address.writeBack);
};

type Load = 'load32' | 'load16u' | 'load16s' | 'load8u' | 'load8s';
type Store = 'store32' | 'store16' | 'store8';

const spAfter = (address: Address): ValueId | undefined => (address.Rn === 13 ? address.writeBack : undefined);

const loadTo = (c: LiftContext, kind: Load, Rt: number, address: Address, pops: boolean): void => {
  const value = c[kind](address.at);
  if (Rt === 15)
    loadWritePC(c, value, { form: 'ldr', flow: pops ? 'return' : 'jump', pops, spAfter: spAfter(address) });
  writeBack(c, address);
  if (Rt !== 15) c.setReg(Rt, value);
};

/** LDR pc, [sp], #4: how A32 encodes POP {pc}. */
const isPop = (f: MemoryImmediate): boolean => f.Rn === 13 && f.index === 0 && f.offset === 4;

const load = (kind: Load): { imm: Lifter<MemoryImmediate>; reg: Lifter<MemoryRegister> } => ({
  imm: (c, f) => loadTo(c, kind, f.Rt, immediateAddress(c, f), isPop(f)),
  reg: (c, f) => loadTo(c, kind, f.Rt, registerAddress(c, f), false),
});

const storeFrom = (c: LiftContext, kind: Store, Rt: number, address: Address): void => {
  c[kind](address.at, c.reg(Rt));
  writeBack(c, address);
};

const store = (kind: Store): { imm: Lifter<MemoryImmediate>; reg: Lifter<MemoryRegister> } => ({
  imm: (c, f) => storeFrom(c, kind, f.Rt, immediateAddress(c, f)),
  reg: (c, f) => storeFrom(c, kind, f.Rt, registerAddress(c, f)),
});

/** `LDR Rt, [Rn, ...]` and its sizes. */
export const ldr = load('load32');
export const ldrb = load('load8u');
export const ldrh = load('load16u');
export const ldrsb = load('load8s');
export const ldrsh = load('load16s');
/** `STR Rt, [Rn, ...]` and its sizes. */
export const str = store('store32');
export const strb = store('store8');
export const strh = store('store16');

interface Pair {
  readonly Rt2: number;
}

const loadPair = (c: LiftContext, f: Pair & { Rt: number }, address: Address): void => {
  c.checkAlign(address.at, 4);
  const first = c.load32(address.at);
  const second = c.load32(c.offset(address.at, 4));
  writeBack(c, address);
  c.setReg(f.Rt, first);
  c.setReg(f.Rt2, second);
};

const storePair = (c: LiftContext, f: Pair & { Rt: number }, address: Address): void => {
  c.checkAlign(address.at, 4);
  c.store32(address.at, c.reg(f.Rt));
  c.store32(c.offset(address.at, 4), c.reg(f.Rt2));
  writeBack(c, address);
};

/** LDRD Rt, Rt2, [Rn, ...]: word aligned (A3.2.1) */
export const ldrd: { imm: Lifter<MemoryImmediate & Pair>; reg: Lifter<MemoryRegister & Pair> } = {
  imm: (c, f) => loadPair(c, f, immediateAddress(c, f)),
  reg: (c, f) => loadPair(c, f, registerAddress(c, f)),
};

/** STRD Rt, Rt2, [Rn, ...] */
export const strd: { imm: Lifter<MemoryImmediate & Pair>; reg: Lifter<MemoryRegister & Pair> } = {
  imm: (c, f) => storePair(c, f, immediateAddress(c, f)),
  reg: (c, f) => storePair(c, f, registerAddress(c, f)),
};

/** TBB [Rn, Rm] and TBH [Rn, Rm, LSL #1]: a forward branch by a table of halfword counts. The pc is not aligned. */
export const tableBranch: Lifter<{ Rn: number; Rm: number; H: number }> = (c, f) => {
  const { b } = c;
  const at = b.add(c.reg(f.Rn), b.shl(c.reg(f.Rm), c.const(f.H)));
  const count = f.H === 1 ? c.load16u(at) : c.load8u(at);
  const target = b.add(c.reg(15), b.shl(count, c.const(1)));
  branchWritePC(c, target, { form: 'tb', flow: 'jump' });
};
