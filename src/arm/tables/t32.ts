/**
 * T32 encodings of 32 bits, first halfword in the high half (ARM DDI 0406C A6.3). r13 as an operand, UNPREDICTABLE in
 * ARMv7 for most data processing, is an ordinary register as in ARMv8; r15 remains UNPREDICTABLE.
 */
import { signExtend } from '../../bits.js';
import type { ParallelPrefix } from '../../ir/parallel.js';
import { type Role, type Row, row } from '../encoding.js';
import * as bitField from '../lift/bit-field.js';
import * as branch from '../lift/branch.js';
import * as dp from '../lift/data-processing.js';
import * as memory from '../lift/load-store.js';
import { ldm, stm } from '../lift/load-store-multiple.js';
import * as multiply from '../lift/multiply.js';
import { parallel, pkh, sel } from '../lift/parallel.js';
import * as saturate from '../lift/saturate.js';
import * as status from '../lift/status.js';
import * as sync from '../lift/sync.js';
import {
  decodeImmShift,
  isThumbExpandUnpredictable,
  literal,
  memoryImmediate,
  memoryOffset,
  memoryRegisterOffset,
  plainImmediate,
  thumbBranchOffset,
  thumbImm12,
  thumbImmediate,
  thumbRegister,
} from '../operands.js';
import { VFP_T32 } from './vfp.js';

const anyIs15 = (...registers: number[]): boolean => registers.includes(15);
const ifPc = (Rt: number): Role => (Rt === 15 ? 'jump' : 'none');

// -- data processing -------------------------------------------------------------------------------------------------------

const badImmediate = (f: { i: number; imm3: number; imm8: number }): boolean =>
  isThumbExpandUnpredictable(thumbImm12(f));

const computing = (name: string, opcode: string, forms: dp.Forms): Row[] => [
  row(`${name} (immediate) T2`, `11110 i 0${opcode} S Rn:4 0 imm3:3 Rd:4 imm8:8`, forms.imm, {
    operands: thumbImmediate,
    unpredictable: (f) => anyIs15(f.Rd, f.Rn) || badImmediate(f),
  }),
  row(`${name} (register) T2`, `1110101${opcode} S Rn:4 (0) imm3:3 Rd:4 imm2:2 type:2 Rm:4`, forms.reg, {
    operands: thumbRegister,
    unpredictable: (f) => anyIs15(f.Rd, f.Rn, f.Rm),
  }),
];

/** The encodings with Rn = 15 of ORR and ORN. */
const moving = (name: string, opcode: string, forms: dp.Forms): Row[] => [
  row(`${name} (immediate) T2`, `11110 i 0${opcode} S 1111 0 imm3:3 Rd:4 imm8:8`, forms.imm, {
    operands: (f) => thumbImmediate({ ...f, Rn: 0 }),
    unpredictable: (f) => f.Rd === 15 || badImmediate(f),
  }),
  row(`${name} (register) T2`, `1110101${opcode} S 1111 (0) imm3:3 Rd:4 imm2:2 type:2 Rm:4`, forms.reg, {
    operands: (f) => thumbRegister({ ...f, Rn: 0 }),
    unpredictable: (f) => anyIs15(f.Rd, f.Rm),
  }),
];

/** The encodings with Rd = 15 and S = 1 of AND, EOR, ADD and SUB. */
const comparing = (name: string, opcode: string, forms: dp.Forms): Row[] => [
  row(`${name} (immediate) T1`, `11110 i 0${opcode} 1 Rn:4 0 imm3:3 1111 imm8:8`, forms.imm, {
    operands: (f) => thumbImmediate({ ...f, S: 1, Rd: 0 }),
    unpredictable: (f) => f.Rn === 15 || badImmediate(f),
  }),
  row(`${name} (register) T2`, `1110101${opcode} 1 Rn:4 (0) imm3:3 1111 imm2:2 type:2 Rm:4`, forms.reg, {
    operands: (f) => thumbRegister({ ...f, S: 1, Rd: 0 }),
    unpredictable: (f) => anyIs15(f.Rn, f.Rm),
  }),
];

const shiftRow = (name: string, type: string, shiftType: number): Row =>
  row(`${name} (register) T2`, `11111010 0${type} S Rm:4 1111 Rd:4 0000 Rs:4`, dp.mov.rsr, {
    operands: (f) => ({ ...f, Rn: 0, shiftType }),
    unpredictable: (f) => anyIs15(f.Rd, f.Rm, f.Rs),
  });

interface Imm16 {
  i: number;
  imm4: number;
  imm3: number;
  imm8: number;
}
const imm16 = (f: Imm16): number => (f.imm4 << 12) | thumbImm12(f);

const DATA_PROCESSING: Row[] = [
  ...computing('AND', '0000', dp.and),
  ...comparing('TST', '0000', dp.tst),
  ...computing('BIC', '0001', dp.bic),
  ...computing('ORR', '0010', dp.orr),
  ...moving('MOV', '0010', dp.mov),
  ...computing('ORN', '0011', dp.orn),
  ...moving('MVN', '0011', dp.mvn),
  ...computing('EOR', '0100', dp.eor),
  ...comparing('TEQ', '0100', dp.teq),
  ...computing('ADD', '1000', dp.add),
  ...comparing('CMN', '1000', dp.cmn),
  ...computing('ADC', '1010', dp.adc),
  ...computing('SBC', '1011', dp.sbc),
  ...computing('SUB', '1101', dp.sub),
  ...comparing('CMP', '1101', dp.cmp),
  ...computing('RSB', '1110', dp.rsb),
  shiftRow('LSL', '00', 0),
  shiftRow('LSR', '01', 1),
  shiftRow('ASR', '10', 2),
  shiftRow('ROR', '11', 3),
  row('ADDW T4', '11110 i 100000 Rn:4 0 imm3:3 Rd:4 imm8:8', dp.add.imm, {
    operands: (f) => plainImmediate(f.Rd, f.Rn, thumbImm12(f)),
    unpredictable: (f) => f.Rd === 15,
  }),
  row('SUBW T4', '11110 i 101010 Rn:4 0 imm3:3 Rd:4 imm8:8', dp.sub.imm, {
    operands: (f) => plainImmediate(f.Rd, f.Rn, thumbImm12(f)),
    unpredictable: (f) => f.Rd === 15,
  }),
  row('ADR T3', '11110 i 100000 1111 0 imm3:3 Rd:4 imm8:8', dp.adr, {
    operands: (f) => ({ Rd: f.Rd, imm: thumbImm12(f) }),
    unpredictable: (f) => f.Rd === 15,
  }),
  row('ADR T2', '11110 i 101010 1111 0 imm3:3 Rd:4 imm8:8', dp.adr, {
    operands: (f) => ({ Rd: f.Rd, imm: -thumbImm12(f) }),
    unpredictable: (f) => f.Rd === 15,
  }),
  row('MOVW T3', '11110 i 100100 imm4:4 0 imm3:3 Rd:4 imm8:8', dp.movw, {
    operands: (f) => ({ Rd: f.Rd, imm16: imm16(f) }),
    unpredictable: (f) => f.Rd === 15,
  }),
  row('MOVT T1', '11110 i 101100 imm4:4 0 imm3:3 Rd:4 imm8:8', dp.movt, {
    operands: (f) => ({ Rd: f.Rd, imm16: imm16(f) }),
    unpredictable: (f) => f.Rd === 15,
  }),
];

// -- saturation, bit fields, media -----------------------------------------------------------------------------------------------

const imm5 = (f: { imm3: number; imm2: number }): number => (f.imm3 << 2) | f.imm2;
const two = { unpredictable: (f: { Rd: number; Rm: number }) => anyIs15(f.Rd, f.Rm) };
const twoRn = { unpredictable: (f: { Rd: number; Rn: number }) => anyIs15(f.Rd, f.Rn) };
const three = { unpredictable: (f: { Rd: number; Rn: number; Rm: number }) => anyIs15(f.Rd, f.Rn, f.Rm) };
const twice = {
  unpredictable: (f: { Rd: number; Rm: number; same: number }) => anyIs15(f.Rd, f.Rm) || f.Rm !== f.same,
};

const extendRows = (
  name: string,
  opcode: string,
  plain: typeof bitField.sxtb,
  adding: typeof bitField.sxtab,
): Row[] => [
  row(name.replace('#', 'T'), `111110100${opcode} 1111 1111 Rd:4 1 (0) rotate:2 Rm:4`, plain, {
    operands: (f) => ({ ...f, rotation: f.rotate * 8 }),
    ...two,
  }),
  row(name.replace('#', 'TA'), `111110100${opcode} Rn:4 1111 Rd:4 1 (0) rotate:2 Rm:4`, adding, {
    operands: (f) => ({ ...f, rotation: f.rotate * 8 }),
    ...two,
  }),
];

const parallelRows = (prefix: ParallelPrefix, op2: string): Row[] => {
  const name = prefix.toUpperCase();
  return [
    row(`${name}ADD8 T1`, `11111010 1000 Rn:4 1111 Rd:4 0${op2} Rm:4`, parallel(prefix, 'add8'), three),
    row(`${name}ADD16 T1`, `11111010 1001 Rn:4 1111 Rd:4 0${op2} Rm:4`, parallel(prefix, 'add16'), three),
    row(`${name}ASX T1`, `11111010 1010 Rn:4 1111 Rd:4 0${op2} Rm:4`, parallel(prefix, 'asx'), three),
    row(`${name}SUB8 T1`, `11111010 1100 Rn:4 1111 Rd:4 0${op2} Rm:4`, parallel(prefix, 'sub8'), three),
    row(`${name}SUB16 T1`, `11111010 1101 Rn:4 1111 Rd:4 0${op2} Rm:4`, parallel(prefix, 'sub16'), three),
    row(`${name}SAX T1`, `11111010 1110 Rn:4 1111 Rd:4 0${op2} Rm:4`, parallel(prefix, 'sax'), three),
  ];
};

const isBadField = (f: { Rd: number; lsb: number; msb: number }): boolean => f.Rd === 15 || f.msb < f.lsb;

const MEDIA: Row[] = [
  row('SSAT T1', '11110 (0) 1100 sh 0 Rm:4 0 imm3:3 Rd:4 imm2:2 (0) sat:5', saturate.ssat, {
    operands: (f) => ({ Rd: f.Rd, Rm: f.Rm, bits: f.sat + 1, ...decodeImmShift(f.sh * 2, imm5(f)) }),
    ...two,
  }),
  row('USAT T1', '11110 (0) 1110 sh 0 Rm:4 0 imm3:3 Rd:4 imm2:2 (0) sat:5', saturate.usat, {
    operands: (f) => ({ Rd: f.Rd, Rm: f.Rm, bits: f.sat, ...decodeImmShift(f.sh * 2, imm5(f)) }),
    ...two,
  }),
  row('SSAT16 T1', '11110 (0) 110010 Rn:4 0000 Rd:4 00 (00) sat:4', saturate.ssat16, {
    operands: (f) => ({ Rd: f.Rd, Rn: f.Rn, bits: f.sat + 1 }),
    ...twoRn,
  }),
  row('USAT16 T1', '11110 (0) 111010 Rn:4 0000 Rd:4 00 (00) sat:4', saturate.usat16, {
    operands: (f) => ({ Rd: f.Rd, Rn: f.Rn, bits: f.sat }),
    ...twoRn,
  }),
  row('SBFX T1', '11110 (0) 110100 Rn:4 0 imm3:3 Rd:4 imm2:2 (0) widthm1:5', bitField.sbfx, {
    operands: (f) => ({ Rd: f.Rd, Rn: f.Rn, lsb: imm5(f), widthm1: f.widthm1 }),
    unpredictable: (f) => anyIs15(f.Rd, f.Rn) || bitField.isFieldTooWide(f),
  }),
  row('UBFX T1', '11110 (0) 111100 Rn:4 0 imm3:3 Rd:4 imm2:2 (0) widthm1:5', bitField.ubfx, {
    operands: (f) => ({ Rd: f.Rd, Rn: f.Rn, lsb: imm5(f), widthm1: f.widthm1 }),
    unpredictable: (f) => anyIs15(f.Rd, f.Rn) || bitField.isFieldTooWide(f),
  }),
  row('BFC T1', '11110 (0) 110110 1111 0 imm3:3 Rd:4 imm2:2 (0) msb:5', bitField.bfc, {
    operands: (f) => ({ Rd: f.Rd, lsb: imm5(f), msb: f.msb }),
    unpredictable: isBadField,
  }),
  row('BFI T1', '11110 (0) 110110 Rn:4 0 imm3:3 Rd:4 imm2:2 (0) msb:5', bitField.bfi, {
    operands: (f) => ({ Rd: f.Rd, Rn: f.Rn, lsb: imm5(f), msb: f.msb }),
    unpredictable: isBadField,
  }),
  row('PKH T1', '11101010110 0 Rn:4 (0) imm3:3 Rd:4 imm2:2 tb 0 Rm:4', pkh, {
    operands: (f) => ({ Rd: f.Rd, Rn: f.Rn, Rm: f.Rm, ...decodeImmShift(f.tb * 2, imm5(f)) }),
    ...three,
  }),
  ...extendRows('SX#H T2', '000', bitField.sxth, bitField.sxtah),
  ...extendRows('UX#H T2', '001', bitField.uxth, bitField.uxtah),
  ...extendRows('SX#B16 T1', '010', bitField.sxtb16, bitField.sxtab16),
  ...extendRows('UX#B16 T1', '011', bitField.uxtb16, bitField.uxtab16),
  ...extendRows('SX#B T2', '100', bitField.sxtb, bitField.sxtab),
  ...extendRows('UX#B T2', '101', bitField.uxtb, bitField.uxtab),
  ...parallelRows('s', '000'),
  ...parallelRows('q', '001'),
  ...parallelRows('sh', '010'),
  ...parallelRows('u', '100'),
  ...parallelRows('uq', '101'),
  ...parallelRows('uh', '110'),
  row('QADD T1', '11111010 1000 Rn:4 1111 Rd:4 1000 Rm:4', saturate.qadd, three),
  row('QDADD T1', '11111010 1000 Rn:4 1111 Rd:4 1001 Rm:4', saturate.qdadd, three),
  row('QSUB T1', '11111010 1000 Rn:4 1111 Rd:4 1010 Rm:4', saturate.qsub, three),
  row('QDSUB T1', '11111010 1000 Rn:4 1111 Rd:4 1011 Rm:4', saturate.qdsub, three),
  row('REV T2', '11111010 1001 same:4 1111 Rd:4 1000 Rm:4', bitField.rev, twice),
  row('REV16 T2', '11111010 1001 same:4 1111 Rd:4 1001 Rm:4', bitField.rev16, twice),
  row('RBIT T1', '11111010 1001 same:4 1111 Rd:4 1010 Rm:4', bitField.rbit, twice),
  row('REVSH T2', '11111010 1001 same:4 1111 Rd:4 1011 Rm:4', bitField.revsh, twice),
  row('SEL T1', '11111010 1010 Rn:4 1111 Rd:4 1000 Rm:4', sel, three),
  row('CLZ T1', '11111010 1011 same:4 1111 Rd:4 1000 Rm:4', bitField.clz, twice),
];

// -- multiplies ----------------------------------------------------------------------------------------------------------------

const noFlags = <F extends object>(f: F): F & { S: 0 } => ({ ...f, S: 0 });
const long = {
  unpredictable: (f: { RdLo: number; RdHi: number; Rn: number; Rm: number }) =>
    anyIs15(f.RdLo, f.RdHi, f.Rn, f.Rm) || f.RdLo === f.RdHi,
};

const MULTIPLY: Row[] = [
  row('MUL T2', '11111011 0000 Rn:4 1111 Rd:4 0000 Rm:4', multiply.mul, { operands: noFlags, ...three }),
  row('MLA T1', '11111011 0000 Rn:4 Ra:4 Rd:4 0000 Rm:4', multiply.mla, { operands: noFlags, ...three }),
  row('MLS T1', '11111011 0000 Rn:4 Ra:4 Rd:4 0001 Rm:4', multiply.mls, {
    unpredictable: (f) => anyIs15(f.Rd, f.Rn, f.Rm, f.Ra),
  }),
  row('SMULxy T1', '11111011 0001 Rn:4 1111 Rd:4 00 N M Rm:4', multiply.smulHalf, three),
  row('SMLAxy T1', '11111011 0001 Rn:4 Ra:4 Rd:4 00 N M Rm:4', multiply.smlaHalf, three),
  row('SMUAD T1', '11111011 0010 Rn:4 1111 Rd:4 000 M Rm:4', multiply.smuad, three),
  row('SMLAD T1', '11111011 0010 Rn:4 Ra:4 Rd:4 000 M Rm:4', multiply.smlad, three),
  row('SMULWy T1', '11111011 0011 Rn:4 1111 Rd:4 000 M Rm:4', multiply.smulw, three),
  row('SMLAWy T1', '11111011 0011 Rn:4 Ra:4 Rd:4 000 M Rm:4', multiply.smlaw, three),
  row('SMUSD T1', '11111011 0100 Rn:4 1111 Rd:4 000 M Rm:4', multiply.smusd, three),
  row('SMLSD T1', '11111011 0100 Rn:4 Ra:4 Rd:4 000 M Rm:4', multiply.smlsd, three),
  row('SMMUL T1', '11111011 0101 Rn:4 1111 Rd:4 000 R Rm:4', multiply.smmul, three),
  row('SMMLA T1', '11111011 0101 Rn:4 Ra:4 Rd:4 000 R Rm:4', multiply.smmla, three),
  row('SMMLS T1', '11111011 0110 Rn:4 Ra:4 Rd:4 000 R Rm:4', multiply.smmls, {
    unpredictable: (f) => anyIs15(f.Rd, f.Rn, f.Rm, f.Ra),
  }),
  row('USAD8 T1', '11111011 0111 Rn:4 1111 Rd:4 0000 Rm:4', multiply.usad8, three),
  row('USADA8 T1', '11111011 0111 Rn:4 Ra:4 Rd:4 0000 Rm:4', multiply.usada8, three),
  row('SMULL T1', '11111011 1000 Rn:4 RdLo:4 RdHi:4 0000 Rm:4', multiply.smull, { operands: noFlags, ...long }),
  row('SDIV T1', '11111011 1001 Rn:4 (1111) Rd:4 1111 Rm:4', multiply.sdiv, three),
  row('UMULL T1', '11111011 1010 Rn:4 RdLo:4 RdHi:4 0000 Rm:4', multiply.umull, { operands: noFlags, ...long }),
  row('UDIV T1', '11111011 1011 Rn:4 (1111) Rd:4 1111 Rm:4', multiply.udiv, three),
  row('SMLAL T1', '11111011 1100 Rn:4 RdLo:4 RdHi:4 0000 Rm:4', multiply.smlal, { operands: noFlags, ...long }),
  row('SMLALxy T1', '11111011 1100 Rn:4 RdLo:4 RdHi:4 10 N M Rm:4', multiply.smlalHalf, long),
  row('SMLALD T1', '11111011 1100 Rn:4 RdLo:4 RdHi:4 110 M Rm:4', multiply.smlald, long),
  row('SMLSLD T1', '11111011 1101 Rn:4 RdLo:4 RdHi:4 110 M Rm:4', multiply.smlsld, long),
  row('UMLAL T1', '11111011 1110 Rn:4 RdLo:4 RdHi:4 0000 Rm:4', multiply.umlal, { operands: noFlags, ...long }),
  row('UMAAL T1', '11111011 1110 Rn:4 RdLo:4 RdHi:4 0110 Rm:4', multiply.umaal, long),
];

// -- loads and stores --------------------------------------------------------------------------------------------------------------

interface Single {
  Rt: number;
  Rn: number;
}
const positive = (f: Single & { imm12: number }) => memoryOffset(f.Rt, f.Rn, f.imm12);
const unprivileged = (f: Single & { imm8: number }) => memoryOffset(f.Rt, f.Rn, f.imm8);
const indexed = (f: Single & { P: number; U: number; W: number; imm8: number }) => memoryImmediate(f, f.imm8);
const byRegister = (f: Single & { Rm: number; imm2: number }) => memoryRegisterOffset(f.Rt, f.Rn, f.Rm, f.imm2);
/** P = 0, W = 0 is UNDEFINED; P = 1, U = 1, W = 0 is the unprivileged form. */
const isIndexed = (f: { P: number; U: number; W: number }): boolean => f.W === 1 || (f.P === 1 && f.U === 0);
const rtIs15 = { unpredictable: (f: { Rt: number }) => f.Rt === 15 };
const rtOrRmIs15 = { unpredictable: (f: { Rt: number; Rm: number }) => anyIs15(f.Rt, f.Rm) };

/** Rn = 15 is the literal form of a load, with a row of its own. */
const notLiteral = { when: (f: { Rn: number }) => f.Rn !== 15 };

/** Rn = 15 is UNDEFINED for stores. */
const storeRows = (name: string, size: string, forms: typeof memory.str): Row[] => [
  row(`${name} (immediate) T3`, `11111000 1${size}0 Rn:4 Rt:4 imm12:12` as const, forms.imm, {
    operands: positive,
    when: (f) => f.Rn !== 15,
    ...rtIs15,
  }),
  row(`${name} (immediate) T4`, `11111000 0${size}0 Rn:4 Rt:4 1 P U W imm8:8` as const, forms.imm, {
    operands: indexed,
    when: (f) => f.Rn !== 15 && isIndexed(f),
    ...rtIs15,
  }),
  row(`${name}T T1`, `11111000 0${size}0 Rn:4 Rt:4 1110 imm8:8` as const, forms.imm, {
    operands: unprivileged,
    when: (f) => f.Rn !== 15,
    ...rtIs15,
  }),
  row(`${name} (register) T2`, `11111000 0${size}0 Rn:4 Rt:4 000000 imm2:2 Rm:4` as const, forms.reg, {
    operands: byRegister,
    when: (f) => f.Rn !== 15,
    ...rtOrRmIs15,
  }),
];

/** Loads below a word: Rt = 15 without write-back is a preload or another hint, with rows of its own. */
const loadRows = (name: string, sign: string, size: string, forms: typeof memory.ldr): Row[] => [
  row(`${name} (literal) T1`, `1111100${sign} U 0${size}1 1111 Rt:4 imm12:12` as const, forms.imm, {
    operands: literal,
  }),
  row(`${name} (immediate) T2`, `1111100${sign} 10${size}1 Rn:4 Rt:4 imm12:12` as const, forms.imm, {
    operands: positive,
    ...notLiteral,
  }),
  row(`${name} (immediate) T3`, `1111100${sign} 00${size}1 Rn:4 Rt:4 1 P U W imm8:8` as const, forms.imm, {
    operands: indexed,
    when: (f) => f.Rn !== 15 && isIndexed(f),
    ...rtIs15,
  }),
  row(`${name}T T1`, `1111100${sign} 00${size}1 Rn:4 Rt:4 1110 imm8:8` as const, forms.imm, {
    operands: unprivileged,
    ...notLiteral,
    ...rtIs15,
  }),
  row(`${name} (register) T2`, `1111100${sign} 00${size}1 Rn:4 Rt:4 000000 imm2:2 Rm:4` as const, forms.reg, {
    operands: byRegister,
    ...notLiteral,
    unpredictable: (f) => f.Rm === 15,
  }),
];

/** Rt = 15 of a byte or halfword load. */
const hintRows = (name: string, sign: string, size: string): Row[] => [
  row(`${name.replace('W', '')} (literal) T1`, `1111100${sign} U 0${size}1 1111 1111 imm12:12`, status.nop),
  row(`${name} (immediate) T1`, `1111100${sign} 10${size}1 Rn:4 1111 imm12:12`, status.nop, notLiteral),
  row(`${name} (immediate) T2`, `1111100${sign} 00${size}1 Rn:4 1111 1100 imm8:8`, status.nop, notLiteral),
  row(`${name} (register) T1`, `1111100${sign} 00${size}1 Rn:4 1111 000000 imm2:2 Rm:4`, status.nop, {
    ...notLiteral,
    unpredictable: (f) => f.Rm === 15,
  }),
];

interface Dual {
  Rt: number;
  Rt2: number;
  Rn: number;
  P: number;
  U: number;
  W: number;
  imm8: number;
}
const dual = (f: Dual) => ({ ...memoryImmediate(f, f.imm8 * 4), Rt2: f.Rt2 });
const isBadDual = (f: Dual): boolean => anyIs15(f.Rt, f.Rt2) || (f.W === 1 && (f.Rn === f.Rt || f.Rn === f.Rt2));
const isBadDualLoad = (f: Dual): boolean => isBadDual(f) || f.Rt === f.Rt2 || (f.W === 1 && f.Rn === 15);
const isDualIndexed = (f: { P: number; W: number }): boolean => f.P === 1 || f.W === 1;

const LOAD_STORE: Row[] = [
  ...storeRows('STRB', '00', memory.strb),
  ...storeRows('STRH', '01', memory.strh),
  ...storeRows('STR', '10', memory.str),
  ...loadRows('LDRB', '0', '0', memory.ldrb),
  ...loadRows('LDRH', '0', '1', memory.ldrh),
  ...loadRows('LDRSB', '1', '0', memory.ldrsb),
  ...loadRows('LDRSH', '1', '1', memory.ldrsh),
  ...hintRows('PLD', '0', '0'),
  ...hintRows('PLDW', '0', '1'),
  ...hintRows('PLI', '1', '0'),
  ...hintRows('unallocated memory hint', '1', '1'),
  row('LDR (literal) T2', '11111000 U 101 1111 Rt:4 imm12:12', memory.ldr.imm, {
    operands: literal,
    role: (f) => ifPc(f.Rt),
  }),
  row('LDR (immediate) T3', '11111000 1101 Rn:4 Rt:4 imm12:12', memory.ldr.imm, {
    operands: positive,
    ...notLiteral,
    role: (f) => ifPc(f.Rt),
  }),
  row('LDR (immediate) T4', '11111000 0101 Rn:4 Rt:4 1 P U W imm8:8', memory.ldr.imm, {
    operands: indexed,
    when: (f) => f.Rn !== 15 && isIndexed(f),
    role: (f) => ifPc(f.Rt),
  }),
  row('LDRT T1', '11111000 0101 Rn:4 Rt:4 1110 imm8:8', memory.ldr.imm, {
    operands: unprivileged,
    ...notLiteral,
    ...rtIs15,
  }),
  row('LDR (register) T2', '11111000 0101 Rn:4 Rt:4 000000 imm2:2 Rm:4', memory.ldr.reg, {
    operands: byRegister,
    ...notLiteral,
    role: (f) => ifPc(f.Rt),
    unpredictable: (f) => f.Rm === 15,
  }),
  row('LDRD (immediate) T1', '1110100 P U 1 W 1 Rn:4 Rt:4 Rt2:4 imm8:8', memory.ldrd.imm, {
    operands: dual,
    when: isDualIndexed,
    unpredictable: isBadDualLoad,
  }),
  row('STRD (immediate) T1', '1110100 P U 1 W 0 Rn:4 Rt:4 Rt2:4 imm8:8', memory.strd.imm, {
    operands: dual,
    when: isDualIndexed,
    unpredictable: (f) => isBadDual(f) || f.Rn === 15,
  }),
];

const isShort = (registers: number): boolean => (registers & (registers - 1)) === 0;
const list = (increment: number) => (f: { Rn: number; W: number; registers: number }) => ({
  Rn: f.Rn,
  registers: f.registers,
  wback: f.W,
  increment,
  before: 1 - increment,
});
/** At least two registers, no base in the list with write-back; r13 is not in a list, r14 and r15 not both. */
const isBadList = (f: { Rn: number; W: number; registers: number }): boolean =>
  f.Rn === 15 || isShort(f.registers) || (f.W === 1 && ((f.registers >>> f.Rn) & 1) === 1) || f.registers >>> 14 === 3;
const loadsList = {
  unpredictable: isBadList,
  role: (f: { registers: number }): Role => (f.registers >>> 15 === 1 ? 'jump' : 'none'),
};

const MULTIPLE: Row[] = [
  row('STM T2', '1110100010 W 0 Rn:4 list:16', stm, {
    operands: (f) => list(1)({ ...f, registers: f.list }),
    unpredictable: (f) => isBadList(f) || (f.list & 0xa000) !== 0,
  }),
  row('LDM T2', '1110100010 W 1 Rn:4 list:16', ldm, {
    operands: (f) => list(1)({ ...f, registers: f.list }),
    role: loadsList.role,
    unpredictable: (f) => isBadList(f) || (f.list & 0x2000) !== 0,
  }),
  row('STMDB T1', '1110100100 W 0 Rn:4 list:16', stm, {
    operands: (f) => list(0)({ ...f, registers: f.list }),
    unpredictable: (f) => isBadList(f) || (f.list & 0xa000) !== 0,
  }),
  row('LDMDB T1', '1110100100 W 1 Rn:4 list:16', ldm, {
    operands: (f) => list(0)({ ...f, registers: f.list }),
    role: loadsList.role,
    unpredictable: (f) => isBadList(f) || (f.list & 0x2000) !== 0,
  }),
];

// -- exclusives, acquire and release, table branches -------------------------------------------------------------------------------

const scaledOffset = <F extends { imm8: number }>(f: F): F & { offset: number } => ({ ...f, offset: f.imm8 * 4 });
const noOffset = <F extends object>(f: F): F & { offset: 0 } => ({ ...f, offset: 0 });
const loads = { unpredictable: (f: { Rt: number; Rn: number }) => anyIs15(f.Rt, f.Rn) };
const storesStatus = {
  unpredictable: (f: { Rd: number; Rt: number; Rn: number }) =>
    anyIs15(f.Rd, f.Rt, f.Rn) || f.Rd === f.Rn || f.Rd === f.Rt,
};
const exclusiveLoad = { operands: noOffset, ...loads, role: 'exclusiveLoad' } as const;
const exclusiveStore = { operands: noOffset, ...storesStatus, role: 'exclusiveStore' } as const;
const exclusiveLoadPair = {
  operands: noOffset,
  role: 'exclusiveLoad',
  unpredictable: (f: { Rt: number; Rt2: number; Rn: number }) => anyIs15(f.Rt, f.Rt2, f.Rn) || f.Rt === f.Rt2,
} as const;
const exclusiveStorePair = {
  operands: noOffset,
  role: 'exclusiveStore',
  unpredictable: (f: { Rd: number; Rt: number; Rt2: number; Rn: number }) =>
    storesStatus.unpredictable(f) || f.Rt2 === 15 || f.Rd === f.Rt2,
} as const;
const released = { operands: noOffset, ...loads };

const SYNC: Row[] = [
  row('STREX T1', '11101000 0100 Rn:4 Rt:4 Rd:4 imm8:8', sync.strex(4), {
    operands: scaledOffset,
    role: 'exclusiveStore',
    ...storesStatus,
  }),
  row('LDREX T1', '11101000 0101 Rn:4 Rt:4 (1111) imm8:8', sync.ldrex(4), {
    operands: scaledOffset,
    role: 'exclusiveLoad',
    ...loads,
  }),
  row('STREXB T1', '11101000 1100 Rn:4 Rt:4 (1111) 0100 Rd:4', sync.strex(1), exclusiveStore),
  row('STREXH T1', '11101000 1100 Rn:4 Rt:4 (1111) 0101 Rd:4', sync.strex(2), exclusiveStore),
  row('STREXD T1', '11101000 1100 Rn:4 Rt:4 Rt2:4 0111 Rd:4', sync.strexd, exclusiveStorePair),
  row('LDREXB T1', '11101000 1101 Rn:4 Rt:4 (1111) 0100 (1111)', sync.ldrex(1), exclusiveLoad),
  row('LDREXH T1', '11101000 1101 Rn:4 Rt:4 (1111) 0101 (1111)', sync.ldrex(2), exclusiveLoad),
  row('LDREXD T1', '11101000 1101 Rn:4 Rt:4 Rt2:4 0111 (1111)', sync.ldrexd, exclusiveLoadPair),
  row('STLB T1', '11101000 1100 Rn:4 Rt:4 (1111) 1000 (1111)', sync.stl(1), released),
  row('STLH T1', '11101000 1100 Rn:4 Rt:4 (1111) 1001 (1111)', sync.stl(2), released),
  row('STL T1', '11101000 1100 Rn:4 Rt:4 (1111) 1010 (1111)', sync.stl(4), released),
  row('STLEXB T1', '11101000 1100 Rn:4 Rt:4 (1111) 1100 Rd:4', sync.strex(1), exclusiveStore),
  row('STLEXH T1', '11101000 1100 Rn:4 Rt:4 (1111) 1101 Rd:4', sync.strex(2), exclusiveStore),
  row('STLEX T1', '11101000 1100 Rn:4 Rt:4 (1111) 1110 Rd:4', sync.strex(4), exclusiveStore),
  row('STLEXD T1', '11101000 1100 Rn:4 Rt:4 Rt2:4 1111 Rd:4', sync.strexd, exclusiveStorePair),
  row('LDAB T1', '11101000 1101 Rn:4 Rt:4 (1111) 1000 (1111)', sync.lda(1), released),
  row('LDAH T1', '11101000 1101 Rn:4 Rt:4 (1111) 1001 (1111)', sync.lda(2), released),
  row('LDA T1', '11101000 1101 Rn:4 Rt:4 (1111) 1010 (1111)', sync.lda(4), released),
  row('LDAEXB T1', '11101000 1101 Rn:4 Rt:4 (1111) 1100 (1111)', sync.ldrex(1), exclusiveLoad),
  row('LDAEXH T1', '11101000 1101 Rn:4 Rt:4 (1111) 1101 (1111)', sync.ldrex(2), exclusiveLoad),
  row('LDAEX T1', '11101000 1101 Rn:4 Rt:4 (1111) 1110 (1111)', sync.ldrex(4), exclusiveLoad),
  row('LDAEXD T1', '11101000 1101 Rn:4 Rt:4 Rt2:4 1111 (1111)', sync.ldrexd, exclusiveLoadPair),
  row('TBB, TBH T1', '11101000 1101 Rn:4 (1111) (0000) 000 H Rm:4', memory.tableBranch, {
    role: 'jump',
    unpredictable: (f) => f.Rm === 15,
  }),
  row('CLREX T1', '11110 0111011 (1111) 10 (0) 0 (1111) 0010 (1111)', sync.clrex),
  row('DSB T1', '11110 0111011 (1111) 10 (0) 0 (1111) 0100 option:4', status.nop),
  row('DMB T1', '11110 0111011 (1111) 10 (0) 0 (1111) 0101 option:4', status.nop),
  row('ISB T1', '11110 0111011 (1111) 10 (0) 0 (1111) 0110 option:4', status.nop),
];

// -- branches, status, system ----------------------------------------------------------------------------------------------------------

const BRANCH: Row[] = [
  row('B T3', '11110 S cond:4 imm6:6 10 J1 0 J2 imm11:11', branch.b, {
    operands: (f) => ({
      offset: signExtend((f.S << 20) | (f.J2 << 19) | (f.J1 << 18) | (f.imm6 << 12) | (f.imm11 << 1), 21),
    }),
    when: (f) => f.cond < 14,
    role: 'jump',
    neverInIt: true,
  }),
  row('B T4', '11110 S imm10:10 10 J1 1 J2 imm11:11', branch.b, {
    operands: (f) => ({ offset: thumbBranchOffset(f) }),
    role: 'jump',
  }),
  row('BL T1', '11110 S imm10:10 11 J1 1 J2 imm11:11', branch.bl, {
    operands: (f) => ({ offset: thumbBranchOffset(f) }),
    role: 'call',
  }),
  row('BLX (immediate) T2', '11110 S imm10:10 11 J1 0 J2 imm10L:10 0', branch.blxImmediate, {
    operands: (f) => ({ offset: thumbBranchOffset({ ...f, imm11: f.imm10L << 1 }) }),
    role: 'call',
  }),
  row('BXJ T1', '11110 0111100 Rm:4 10 (0) 0 (1111) (00000000)', branch.bx, {
    role: 'jump',
    unpredictable: (f) => f.Rm === 15,
  }),
];

const SYSTEM: Row[] = [
  row('MRS T1', '11110 0111110 (1111) 10 (0) 0 Rd:4 (00) 0 (00000)', status.mrs, {
    unpredictable: (f) => f.Rd === 15,
  }),
  row('MSR (register) T1', '11110 0111000 Rn:4 10 (0) 0 mask:4 (00) 0 (00000)', status.msrRegister, {
    unpredictable: (f) => f.Rn === 15 || f.mask === 0,
  }),
  row('NOP, hints T2', '11110 0111010 (1111) 10 (0) 0 (0) 000 hint:8', status.nop),
  row('CPS T2', '11110 0111010 (1111) 10 (0) 0 (0) imod:2 M A I F mode:5', status.nop, {
    when: (f) => f.imod !== 0 || f.M === 1,
    neverInIt: true,
    unpredictable: (f) => f.imod === 1 || f.imod >>> 1 !== (f.A | f.I | f.F) || (f.mode !== 0 && f.M === 0),
  }),
  row('UDF T2', '11110 1111111 imm4:4 1010 imm12:12', status.udf),
  row('UDF (breakpoint) T2', '11110 1111111 0000 1010 000000000000', status.breakpoint),
  row('MRC TPIDRURO T1', '11101110 000 1 1101 Rt:4 1111 011 1 0000', status.readThreadId, {
    operands: (f) => ({ Rt: f.Rt, readOnly: 1 }),
    ...rtIs15,
  }),
  row('MRC TPIDRURW T1', '11101110 000 1 1101 Rt:4 1111 010 1 0000', status.readThreadId, {
    operands: (f) => ({ Rt: f.Rt, readOnly: 0 }),
    ...rtIs15,
  }),
  row('MCR TPIDRURW T1', '11101110 000 0 1101 Rt:4 1111 010 1 0000', status.writeThreadId, rtIs15),
  row('MCR CP15DSB T1', '11101110 000 0 0111 Rt:4 1111 100 1 1010', status.nop),
  row('MCR CP15DMB T1', '11101110 000 0 0111 Rt:4 1111 101 1 1010', status.nop),
  row('MCR CP15ISB T1', '11101110 000 0 0111 Rt:4 1111 100 1 0101', status.nop),
];

export const T32: readonly Row[] = [
  ...DATA_PROCESSING,
  ...MEDIA,
  ...MULTIPLY,
  ...LOAD_STORE,
  ...MULTIPLE,
  ...SYNC,
  ...BRANCH,
  ...SYSTEM,
  ...VFP_T32,
];
