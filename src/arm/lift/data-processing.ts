/** Data processing: sixteen operations on Rn and a flexible second operand (ARM DDI 0406C A8.8). */
import type { ValueId } from '../../ir/terminal.js';
import type { Lifter } from '../encoding.js';
import type { LiftContext } from '../lift-context.js';
import type {
  Destination,
  DpImmediate,
  DpRegister,
  DpRegisterShifted,
  Immediate,
  RegisterShiftedRegister,
  ShiftedRegister,
} from '../operands.js';
import { CARRY_UNCHANGED, Shift } from '../operands.js';
import { aluWritePC } from './pc.js';

/** A second operand: its value, and its carry out made only when asked for (undefined = C stays). */
interface Operand2 {
  readonly value: ValueId;
  readonly carry: () => ValueId | undefined;
}

const unchanged = (): undefined => undefined;

const immediate = (c: LiftContext, f: Immediate): Operand2 => ({
  value: c.const(f.imm),
  carry: f.immCarry === CARRY_UNCHANGED ? unchanged : () => c.const(f.immCarry),
});

/** Bit `n` of a value, as 0 or 1. */
const bitOf = (c: LiftContext, value: ValueId, n: number): ValueId => {
  if (n === 0) return c.b.and(value, c.const(1));
  const shifted = c.b.shr(value, c.const(n));
  return n === 31 ? shifted : c.b.and(shifted, c.const(1));
};

const zero = (c: LiftContext): ValueId => c.const(0);

/** Shift_C with a constant amount: LSL 0..31, LSR and ASR 1..32, ROR 1..31, RRX. */
export const shiftImmediate = (c: LiftContext, f: ShiftedRegister): Operand2 => {
  const { b } = c;
  const x = c.reg(f.Rm);
  const n = f.amount;
  switch (f.shiftType) {
    case Shift.LSL:
      if (n === 0) return { value: x, carry: unchanged };
      return { value: b.shl(x, c.const(n)), carry: () => bitOf(c, x, 32 - n) };
    case Shift.LSR:
      return { value: n === 32 ? zero(c) : b.shr(x, c.const(n)), carry: () => bitOf(c, x, n - 1) };
    case Shift.ASR:
      return { value: b.sar(x, c.const(Math.min(n, 31))), carry: () => bitOf(c, x, n - 1) };
    case Shift.ROR:
      return { value: b.ror(x, c.const(n)), carry: () => bitOf(c, x, n - 1) };
    default: {
      const high = b.shl(c.carryFlag(), c.const(31));
      return { value: b.or(high, b.shr(x, c.const(1))), carry: () => bitOf(c, x, 0) };
    }
  }
};

const SHIFTS = ['lslReg', 'lsrReg', 'asrReg', 'rorReg'] as const;
const CARRIES = ['lslCarry', 'lsrCarry', 'asrCarry', 'rorCarry'] as const;

/** Shift_C by the low byte of a register. */
const shiftByRegister = (c: LiftContext, f: RegisterShiftedRegister): Operand2 => {
  const x = c.reg(f.Rm);
  const amount = c.reg(f.Rs);
  return {
    value: c.b[SHIFTS[f.shiftType] as 'lslReg'](x, amount),
    carry: () => c.b[CARRIES[f.shiftType] as 'lslCarry'](x, amount, c.carryFlag()),
  };
};

/** What an operation computes; flags it sets are written by `flags`, before the result is. */
interface Operation {
  result(c: LiftContext, n: ValueId, m: ValueId): ValueId;
  /** Writes C and V (or the shifter's C); N and Z are the result's for all. */
  flags(c: LiftContext, n: ValueId, operand: Operand2, result: ValueId): void;
  /** MOV and MVN do not read Rn. */
  readonly ignoresRn?: boolean;
}

const logical = (result: Operation['result'], ignoresRn = false): Operation => ({
  result,
  ignoresRn,
  flags(c, _n, operand) {
    const carry = operand.carry();
    if (carry !== undefined) c.setC(carry);
  },
});

/** C of a difference is NOT borrow. */
const difference = (c: LiftContext, x: ValueId, y: ValueId, result: ValueId): void => {
  const { b } = c;
  const carry = b.leU(y, x);
  const overflow = b.overflowSub(x, y, result);
  c.setC(carry);
  c.setV(overflow);
};

/** x + y + C. */
const sumWithCarry = (c: LiftContext, x: ValueId, y: ValueId): ValueId => c.b.add(c.b.add(x, y), c.carryFlag());

const sumWithCarryFlags = (c: LiftContext, x: ValueId, y: ValueId, result: ValueId): void => {
  const { b } = c;
  const carry = b.carry(x, y, c.carryFlag());
  const overflow = b.overflow(x, y, result);
  c.setC(carry);
  c.setV(overflow);
};

const OPERATIONS = {
  and: logical((c, n, m) => c.b.and(n, m)),
  eor: logical((c, n, m) => c.b.xor(n, m)),
  orr: logical((c, n, m) => c.b.or(n, m)),
  orn: logical((c, n, m) => c.b.or(n, c.b.not(m))),
  bic: logical((c, n, m) => c.b.andNot(n, m)),
  mov: logical((_c, _n, m) => m, true),
  mvn: logical((c, _n, m) => c.b.not(m), true),
  add: {
    result: (c, n, m) => c.b.add(n, m),
    flags(c, n, { value: m }, result) {
      const carry = c.b.ltU(result, n);
      const overflow = c.b.overflow(n, m, result);
      c.setC(carry);
      c.setV(overflow);
    },
  },
  adc: {
    result: sumWithCarry,
    flags: (c, n, { value: m }, result) => sumWithCarryFlags(c, n, m, result),
  },
  sub: {
    result: (c, n, m) => c.b.sub(n, m),
    flags: (c, n, { value: m }, result) => difference(c, n, m, result),
  },
  sbc: {
    result: (c, n, m) => sumWithCarry(c, n, c.b.not(m)),
    flags: (c, n, { value: m }, result) => sumWithCarryFlags(c, n, c.b.not(m), result),
  },
  rsb: {
    result: (c, n, m) => c.b.sub(m, n),
    flags: (c, n, { value: m }, result) => difference(c, m, n, result),
  },
  rsc: {
    result: (c, n, m) => sumWithCarry(c, c.b.not(n), m),
    flags: (c, n, { value: m }, result) => sumWithCarryFlags(c, c.b.not(n), m, result),
  },
} as const satisfies Record<string, Operation>;

type OperationName = keyof typeof OPERATIONS;

const writeFlags = (c: LiftContext, op: Operation, n: ValueId, operand: Operand2, result: ValueId): void => {
  op.flags(c, n, operand, result);
  c.setNZ(result);
};

const writeResult = (c: LiftContext, Rd: number, result: ValueId, mov: number | undefined): void => {
  if (Rd !== 15) {
    c.setReg(Rd, result);
    return;
  }
  const returns = mov === 14;
  aluWritePC(
    c,
    result,
    mov === undefined
      ? { form: 'alu', flow: 'jump' }
      : { form: 'mov', flow: returns ? 'return' : 'jump', register: mov },
  );
};

/** The register a plain `mov pc, Rm` takes its target from. */
const plainMoveSource = (name: OperationName, f: Partial<ShiftedRegister>): number | undefined =>
  name === 'mov' && f.shiftType === Shift.LSL && f.amount === 0 ? f.Rm : undefined;

type Second<F> = (c: LiftContext, f: F) => Operand2;

const compute =
  <F>(name: OperationName, second: Second<F>): Lifter<F & Destination & Partial<ShiftedRegister>> =>
  (c, f) => {
    const op: Operation = OPERATIONS[name];
    const operand = second(c, f);
    const n = op.ignoresRn === true ? operand.value : c.reg(f.Rn);
    const result = op.result(c, n, operand.value);
    if (c.setsFlags(f.S)) writeFlags(c, op, n, operand, result);
    writeResult(c, f.Rd, result, plainMoveSource(name, f));
  };

const compare =
  <F>(name: OperationName, second: Second<F>): Lifter<F & { Rn: number }> =>
  (c, f) => {
    const operand = second(c, f);
    const n = c.reg(f.Rn);
    writeFlags(c, OPERATIONS[name], n, operand, OPERATIONS[name].result(c, n, operand.value));
  };

/** The three forms of an operation: `op Rd, Rn, #const`, `op Rd, Rn, Rm, shift #n`, `op Rd, Rn, Rm, shift Rs`. */
export interface Forms {
  readonly imm: Lifter<DpImmediate>;
  readonly reg: Lifter<DpRegister>;
  readonly rsr: Lifter<DpRegisterShifted>;
}

const computing = (name: OperationName): Forms => ({
  imm: compute(name, immediate),
  reg: compute(name, shiftImmediate),
  rsr: compute(name, shiftByRegister),
});
const comparing = (name: OperationName): Forms => ({
  imm: compare(name, immediate),
  reg: compare(name, shiftImmediate),
  rsr: compare(name, shiftByRegister),
});

export const and = computing('and');
export const eor = computing('eor');
export const orr = computing('orr');
export const orn = computing('orn');
export const bic = computing('bic');
export const mov = computing('mov');
export const mvn = computing('mvn');
export const add = computing('add');
export const adc = computing('adc');
export const sub = computing('sub');
export const sbc = computing('sbc');
export const rsb = computing('rsb');
export const rsc = computing('rsc');
export const tst = comparing('and');
export const teq = comparing('eor');
export const cmp = comparing('sub');
export const cmn = comparing('add');

/** MOVW Rd, #imm16 */
export const movw: Lifter<{ Rd: number; imm16: number }> = (c, f) => c.setReg(f.Rd, c.const(f.imm16));

/** MOVT Rd, #imm16 */
export const movt: Lifter<{ Rd: number; imm16: number }> = (c, f) =>
  c.setReg(f.Rd, c.b.or(c.b.and(c.reg(f.Rd), c.const(0xffff)), c.const(f.imm16 << 16)));

/** ADR Rd, label: Align(PC, 4) + imm. An A32 one may write the pc. */
export const adr: Lifter<{ Rd: number; imm: number }> = (c, f) =>
  writeResult(c, f.Rd, c.b.add(c.base(15), c.const(f.imm)), undefined);
