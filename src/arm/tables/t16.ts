/**
 * T16 encodings (ARM DDI 0406C A6.2). Data processing sets the flags outside an IT block only, comparisons always.
 */
import { signExtend } from '../../bits.js';
import { type Row, row } from '../encoding.js';
import { isItUnpredictable } from '../it-block.js';
import * as bitField from '../lift/bit-field.js';
import * as branch from '../lift/branch.js';
import * as dp from '../lift/data-processing.js';
import * as memory from '../lift/load-store.js';
import { ldm, stm } from '../lift/load-store-multiple.js';
import * as multiply from '../lift/multiply.js';
import * as status from '../lift/status.js';
import { S_OUTSIDE_IT } from '../lift-context.js';
import {
  decodeImmShift,
  memoryOffset,
  memoryRegisterOffset,
  plainImmediate,
  plainRegister,
  Shift,
} from '../operands.js';

const shiftRow = (name: string, opcode: string, type: number): Row =>
  row(`${name} (immediate) T1`, `000${opcode} imm5:5 Rm:3 Rd:3` as const, dp.mov.reg, {
    operands: (f) => ({ S: S_OUTSIDE_IT, Rd: f.Rd, Rn: 0, Rm: f.Rm, ...decodeImmShift(type, f.imm5) }),
  });

/** `op Rdn, Rm` */
const twoRegisters = (name: string, opcode: string, forms: dp.Forms): Row =>
  row(`${name} (register) T1`, `010000${opcode} Rm:3 Rdn:3` as const, forms.reg, {
    operands: (f) => plainRegister(f.Rdn, f.Rdn, f.Rm, S_OUTSIDE_IT),
  });

/** A shift of Rdn by Rm. */
const shiftByRegister = (name: string, opcode: string, shiftType: number): Row =>
  row(`${name} (register) T1`, `010000${opcode} Rm:3 Rdn:3` as const, dp.mov.rsr, {
    operands: (f) => ({ S: S_OUTSIDE_IT, Rd: f.Rdn, Rn: 0, Rm: f.Rdn, Rs: f.Rm, shiftType }),
  });

const high = (bit: number, low: number): number => (bit << 3) | low;

const DATA_PROCESSING: Row[] = [
  shiftRow('LSL', '00', Shift.LSL),
  shiftRow('LSR', '01', Shift.LSR),
  shiftRow('ASR', '10', Shift.ASR),
  row('MOV (register) T2', '00000 00000 Rm:3 Rd:3', dp.mov.reg, {
    operands: (f) => plainRegister(f.Rd, 0, f.Rm, 1),
    neverInIt: true,
  }),
  row('ADD (register) T1', '0001100 Rm:3 Rn:3 Rd:3', dp.add.reg, {
    operands: (f) => plainRegister(f.Rd, f.Rn, f.Rm, S_OUTSIDE_IT),
  }),
  row('SUB (register) T1', '0001101 Rm:3 Rn:3 Rd:3', dp.sub.reg, {
    operands: (f) => plainRegister(f.Rd, f.Rn, f.Rm, S_OUTSIDE_IT),
  }),
  row('ADD (immediate) T1', '0001110 imm3:3 Rn:3 Rd:3', dp.add.imm, {
    operands: (f) => plainImmediate(f.Rd, f.Rn, f.imm3, S_OUTSIDE_IT),
  }),
  row('SUB (immediate) T1', '0001111 imm3:3 Rn:3 Rd:3', dp.sub.imm, {
    operands: (f) => plainImmediate(f.Rd, f.Rn, f.imm3, S_OUTSIDE_IT),
  }),
  row('MOV (immediate) T1', '00100 Rd:3 imm8:8', dp.mov.imm, {
    operands: (f) => plainImmediate(f.Rd, 0, f.imm8, S_OUTSIDE_IT),
  }),
  row('CMP (immediate) T1', '00101 Rn:3 imm8:8', dp.cmp.imm, { operands: (f) => plainImmediate(0, f.Rn, f.imm8, 1) }),
  row('ADD (immediate) T2', '00110 Rdn:3 imm8:8', dp.add.imm, {
    operands: (f) => plainImmediate(f.Rdn, f.Rdn, f.imm8, S_OUTSIDE_IT),
  }),
  row('SUB (immediate) T2', '00111 Rdn:3 imm8:8', dp.sub.imm, {
    operands: (f) => plainImmediate(f.Rdn, f.Rdn, f.imm8, S_OUTSIDE_IT),
  }),
  twoRegisters('AND', '0000', dp.and),
  twoRegisters('EOR', '0001', dp.eor),
  shiftByRegister('LSL', '0010', Shift.LSL),
  shiftByRegister('LSR', '0011', Shift.LSR),
  shiftByRegister('ASR', '0100', Shift.ASR),
  twoRegisters('ADC', '0101', dp.adc),
  twoRegisters('SBC', '0110', dp.sbc),
  shiftByRegister('ROR', '0111', Shift.ROR),
  twoRegisters('TST', '1000', dp.tst),
  row('RSB (immediate) T1', '0100001001 Rn:3 Rd:3', dp.rsb.imm, {
    operands: (f) => plainImmediate(f.Rd, f.Rn, 0, S_OUTSIDE_IT),
  }),
  twoRegisters('CMP', '1010', dp.cmp),
  twoRegisters('CMN', '1011', dp.cmn),
  twoRegisters('ORR', '1100', dp.orr),
  row('MUL T1', '0100001101 Rn:3 Rdm:3', multiply.mul, {
    operands: (f) => ({ S: S_OUTSIDE_IT, Rd: f.Rdm, Rn: f.Rn, Rm: f.Rdm }),
  }),
  twoRegisters('BIC', '1110', dp.bic),
  twoRegisters('MVN', '1111', dp.mvn),
  row('ADD (register) T2', '01000100 DN Rm:4 Rdn:3', dp.add.reg, {
    operands: (f) => plainRegister(high(f.DN, f.Rdn), high(f.DN, f.Rdn), f.Rm),
    role: (f) => (f.Rd === 15 ? 'jump' : 'none'),
    unpredictable: (f) => f.Rd === 15 && f.Rm === 15,
  }),
  row('CMP (register) T2', '01000101 N Rm:4 Rn3:3', dp.cmp.reg, {
    operands: (f) => plainRegister(0, high(f.N, f.Rn3), f.Rm, 1),
    unpredictable: (f) => (f.N === 0 && f.Rm < 8) || f.Rn === 15 || f.Rm === 15,
  }),
  row('MOV (register) T1', '01000110 D Rm:4 Rd3:3', dp.mov.reg, {
    operands: (f) => plainRegister(high(f.D, f.Rd3), 0, f.Rm),
    role: (f) => (f.Rd === 15 ? 'jump' : 'none'),
  }),
  row('ADR T1', '10100 Rd:3 imm8:8', dp.adr, { operands: (f) => ({ Rd: f.Rd, imm: f.imm8 * 4 }) }),
  row('ADD (SP plus immediate) T1', '10101 Rd:3 imm8:8', dp.add.imm, {
    operands: (f) => plainImmediate(f.Rd, 13, f.imm8 * 4),
  }),
  row('ADD (SP plus immediate) T2', '101100000 imm7:7', dp.add.imm, {
    operands: (f) => plainImmediate(13, 13, f.imm7 * 4),
  }),
  row('SUB (SP minus immediate) T1', '101100001 imm7:7', dp.sub.imm, {
    operands: (f) => plainImmediate(13, 13, f.imm7 * 4),
  }),
  row('SXTH T1', '1011001000 Rm:3 Rd:3', bitField.sxth, { operands: (f) => ({ ...f, rotation: 0 }) }),
  row('SXTB T1', '1011001001 Rm:3 Rd:3', bitField.sxtb, { operands: (f) => ({ ...f, rotation: 0 }) }),
  row('UXTH T1', '1011001010 Rm:3 Rd:3', bitField.uxth, { operands: (f) => ({ ...f, rotation: 0 }) }),
  row('UXTB T1', '1011001011 Rm:3 Rd:3', bitField.uxtb, { operands: (f) => ({ ...f, rotation: 0 }) }),
  row('REV T1', '1011101000 Rm:3 Rd:3', bitField.rev),
  row('REV16 T1', '1011101001 Rm:3 Rd:3', bitField.rev16),
  row('REVSH T1', '1011101011 Rm:3 Rd:3', bitField.revsh),
];

const registerOffset = (f: { Rt: number; Rn: number; Rm: number }) => memoryRegisterOffset(f.Rt, f.Rn, f.Rm);
const scaled = (bytes: number) => (f: { Rt: number; Rn: number; imm5: number }) =>
  memoryOffset(f.Rt, f.Rn, f.imm5 * bytes);

/** Write-back of LDM only when the base is not loaded. */
const pushed = (f: { registers: number; M: number }) => ({
  Rn: 13,
  registers: f.registers | (f.M << 14),
  wback: 1,
  increment: 0,
  before: 1,
});

const LOAD_STORE: Row[] = [
  row('LDR (literal) T1', '01001 Rt:3 imm8:8', memory.ldr.imm, { operands: (f) => memoryOffset(f.Rt, 15, f.imm8 * 4) }),
  row('STR (register) T1', '0101000 Rm:3 Rn:3 Rt:3', memory.str.reg, { operands: registerOffset }),
  row('STRH (register) T1', '0101001 Rm:3 Rn:3 Rt:3', memory.strh.reg, { operands: registerOffset }),
  row('STRB (register) T1', '0101010 Rm:3 Rn:3 Rt:3', memory.strb.reg, { operands: registerOffset }),
  row('LDRSB (register) T1', '0101011 Rm:3 Rn:3 Rt:3', memory.ldrsb.reg, { operands: registerOffset }),
  row('LDR (register) T1', '0101100 Rm:3 Rn:3 Rt:3', memory.ldr.reg, { operands: registerOffset }),
  row('LDRH (register) T1', '0101101 Rm:3 Rn:3 Rt:3', memory.ldrh.reg, { operands: registerOffset }),
  row('LDRB (register) T1', '0101110 Rm:3 Rn:3 Rt:3', memory.ldrb.reg, { operands: registerOffset }),
  row('LDRSH (register) T1', '0101111 Rm:3 Rn:3 Rt:3', memory.ldrsh.reg, { operands: registerOffset }),
  row('STR (immediate) T1', '01100 imm5:5 Rn:3 Rt:3', memory.str.imm, { operands: scaled(4) }),
  row('LDR (immediate) T1', '01101 imm5:5 Rn:3 Rt:3', memory.ldr.imm, { operands: scaled(4) }),
  row('STRB (immediate) T1', '01110 imm5:5 Rn:3 Rt:3', memory.strb.imm, { operands: scaled(1) }),
  row('LDRB (immediate) T1', '01111 imm5:5 Rn:3 Rt:3', memory.ldrb.imm, { operands: scaled(1) }),
  row('STRH (immediate) T1', '10000 imm5:5 Rn:3 Rt:3', memory.strh.imm, { operands: scaled(2) }),
  row('LDRH (immediate) T1', '10001 imm5:5 Rn:3 Rt:3', memory.ldrh.imm, { operands: scaled(2) }),
  row('STR (immediate) T2', '10010 Rt:3 imm8:8', memory.str.imm, {
    operands: (f) => memoryOffset(f.Rt, 13, f.imm8 * 4),
  }),
  row('LDR (immediate) T2', '10011 Rt:3 imm8:8', memory.ldr.imm, {
    operands: (f) => memoryOffset(f.Rt, 13, f.imm8 * 4),
  }),
  row('PUSH T1', '1011010 M registers:8', stm, { operands: pushed, unpredictable: (f) => f.registers === 0 }),
  row('POP T1', '1011110 P registers8:8', ldm, {
    operands: (f) => ({ Rn: 13, registers: f.registers8 | (f.P << 15), wback: 1, increment: 1, before: 0 }),
    role: (f) => (f.P === 1 ? 'jump' : 'none'),
    unpredictable: (f) => f.registers === 0,
  }),
  row('STM T1', '11000 Rn:3 registers:8', stm, {
    operands: (f) => ({ ...f, wback: 1, increment: 1, before: 0 }),
    unpredictable: (f) => f.registers === 0,
  }),
  row('LDM T1', '11001 Rn:3 registers:8', ldm, {
    operands: (f) => ({ ...f, wback: 1 & ~(f.registers >>> f.Rn), increment: 1, before: 0 }),
    unpredictable: (f) => f.registers === 0,
  }),
];

const BRANCH: Row[] = [
  row('B T1', '1101 cond:4 imm8:8', branch.b, {
    operands: (f) => ({ offset: signExtend(f.imm8 << 1, 9) }),
    when: (f) => f.cond < 14,
    role: 'jump',
    neverInIt: true,
  }),
  row('B T2', '11100 imm11:11', branch.b, {
    operands: (f) => ({ offset: signExtend(f.imm11 << 1, 12) }),
    role: 'jump',
  }),
  row('BX T1', '010001110 Rm:4 (000)', branch.bx, { role: 'jump' }),
  row('BLX (register) T1', '010001111 Rm:4 (000)', branch.blxRegister, {
    role: 'call',
    unpredictable: (f) => f.Rm === 15,
  }),
  row('CBZ, CBNZ T1', '1011 nonZero 0 i 1 imm5:5 Rn:3', branch.cbz, {
    operands: (f) => ({ ...f, offset: (f.i << 6) | (f.imm5 << 1) }),
    role: 'jumpIf',
    neverInIt: true,
  }),
];

const SYSTEM: Row[] = [
  row('SVC T1', '11011111 imm:8', status.svc),
  row('UDF T1', '11011110 imm8:8', status.udf),
  row('UDF (breakpoint) T1', '11011110 00000001', status.breakpoint),
  row('BKPT T1', '10111110 imm8:8', status.breakpoint, { unconditional: true }),
  row('IT T1', '10111111 firstcond:4 mask:4', status.nop, {
    role: 'it',
    unconditional: true,
    neverInIt: true,
    unpredictable: isItUnpredictable,
  }),
  row('NOP, hints T1', '10111111 hint:4 0000', status.nop),
  row('SETEND T1', '10110110010 (1) E (000)', status.setend, { neverInIt: true }),
  row('CPS T1', '10110110011 im (0) A I F', status.nop, {
    neverInIt: true,
    unpredictable: (f) => (f.A | f.I | f.F) === 0,
  }),
];

export const T16: readonly Row[] = [...DATA_PROCESSING, ...LOAD_STORE, ...BRANCH, ...SYSTEM];
