/**
 * A32 encodings (ARM DDI 0406C chapter A5, A8). Rows are tried most specific first. What is UNPREDICTABLE is treated as
 * UNDEFINED, with these exceptions, where every implementation does the natural thing: write-back to the transferred
 * register of a load or store, and STM with write-back and the base in the list (see the lifters).
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
  armBranchOffset,
  armExpandImm,
  armImmediate,
  armRegister,
  armRegisterShifted,
  decodeImmShift,
  literal,
  memoryImmediate,
  memoryRegister,
} from '../operands.js';
import { VFP_A32 } from './vfp.js';

const ifPc = (Rd: number): Role => (Rd === 15 ? 'jump' : 'none');
const writesRd = { role: (f: { Rd: number }): Role => ifPc(f.Rd) };
/** Result in the pc with S is an exception return. */
const result = { ...writesRd, unpredictable: (f: { S: number; Rd: number }) => f.S === 1 && f.Rd === 15 };
const anyIs15 = (...registers: number[]): boolean => registers.includes(15);

// -- data processing -----------------------------------------------------------------------------------------------------

const computing = (name: string, opcode: string, forms: dp.Forms): Row[] => [
  row(`${name} (immediate) A1`, `cond:4 001${opcode} S Rn:4 Rd:4 imm12:12` as const, forms.imm, {
    operands: armImmediate,
    ...result,
  }),
  row(`${name} (register) A1`, `cond:4 000${opcode} S Rn:4 Rd:4 imm5:5 type:2 0 Rm:4` as const, forms.reg, {
    operands: armRegister,
    ...result,
  }),
  row(
    `${name} (register-shifted register) A1`,
    `cond:4 000${opcode} S Rn:4 Rd:4 Rs:4 0 type:2 1 Rm:4` as const,
    forms.rsr,
    {
      operands: armRegisterShifted,
      role: 'none',
      unpredictable: (f) => anyIs15(f.Rd, f.Rn, f.Rm, f.Rs),
    },
  ),
];

/** MOV and MVN have no Rn; the shift instructions are MOVs. */
const moving = (name: string, opcode: string, forms: dp.Forms): Row[] => [
  row(`${name} (immediate) A1`, `cond:4 001${opcode} S (0000) Rd:4 imm12:12` as const, forms.imm, {
    operands: (f) => armImmediate({ ...f, Rn: 0 }),
    ...result,
  }),
  row(`${name} (register) A1`, `cond:4 000${opcode} S (0000) Rd:4 imm5:5 type:2 0 Rm:4` as const, forms.reg, {
    operands: (f) => armRegister({ ...f, Rn: 0 }),
    ...result,
  }),
  row(
    `${name} (register-shifted register) A1`,
    `cond:4 000${opcode} S (0000) Rd:4 Rs:4 0 type:2 1 Rm:4` as const,
    forms.rsr,
    {
      operands: (f) => armRegisterShifted({ ...f, Rn: 0 }),
      unpredictable: (f) => anyIs15(f.Rd, f.Rm, f.Rs),
    },
  ),
];

const comparing = (name: string, opcode: string, forms: dp.Forms): Row[] => [
  row(`${name} (immediate) A1`, `cond:4 001${opcode} 1 Rn:4 (0000) imm12:12` as const, forms.imm, {
    operands: (f) => armImmediate({ ...f, S: 1, Rd: 0 }),
  }),
  row(`${name} (register) A1`, `cond:4 000${opcode} 1 Rn:4 (0000) imm5:5 type:2 0 Rm:4` as const, forms.reg, {
    operands: (f) => armRegister({ ...f, S: 1, Rd: 0 }),
  }),
  row(
    `${name} (register-shifted register) A1`,
    `cond:4 000${opcode} 1 Rn:4 (0000) Rs:4 0 type:2 1 Rm:4` as const,
    forms.rsr,
    {
      operands: (f) => armRegisterShifted({ ...f, S: 1, Rd: 0 }),
      unpredictable: (f) => anyIs15(f.Rn, f.Rm, f.Rs),
    },
  ),
];

const DATA_PROCESSING: Row[] = [
  ...computing('AND', '0000', dp.and),
  ...computing('EOR', '0001', dp.eor),
  ...computing('SUB', '0010', dp.sub),
  ...computing('RSB', '0011', dp.rsb),
  ...computing('ADD', '0100', dp.add),
  ...computing('ADC', '0101', dp.adc),
  ...computing('SBC', '0110', dp.sbc),
  ...computing('RSC', '0111', dp.rsc),
  ...comparing('TST', '1000', dp.tst),
  ...comparing('TEQ', '1001', dp.teq),
  ...comparing('CMP', '1010', dp.cmp),
  ...comparing('CMN', '1011', dp.cmn),
  ...computing('ORR', '1100', dp.orr),
  ...moving('MOV', '1101', dp.mov),
  ...computing('BIC', '1110', dp.bic),
  ...moving('MVN', '1111', dp.mvn),
  row('MOVW A2', 'cond:4 00110000 imm4:4 Rd:4 imm12:12', dp.movw, {
    operands: (f) => ({ Rd: f.Rd, imm16: (f.imm4 << 12) | f.imm12 }),
    unpredictable: (f) => f.Rd === 15,
  }),
  row('MOVT A1', 'cond:4 00110100 imm4:4 Rd:4 imm12:12', dp.movt, {
    operands: (f) => ({ Rd: f.Rd, imm16: (f.imm4 << 12) | f.imm12 }),
    unpredictable: (f) => f.Rd === 15,
  }),
];

// -- multiplies ------------------------------------------------------------------------------------------------------------

const three = { unpredictable: (f: { Rd: number; Rn: number; Rm: number }) => anyIs15(f.Rd, f.Rn, f.Rm) };
const four = {
  unpredictable: (f: { Rd: number; Rn: number; Rm: number; Ra: number }) => anyIs15(f.Rd, f.Rn, f.Rm, f.Ra),
};
const long = {
  unpredictable: (f: { RdLo: number; RdHi: number; Rn: number; Rm: number }) =>
    anyIs15(f.RdLo, f.RdHi, f.Rn, f.Rm) || f.RdLo === f.RdHi,
};

const MULTIPLY: Row[] = [
  row('MUL A1', 'cond:4 0000000 S Rd:4 (0000) Rm:4 1001 Rn:4', multiply.mul, three),
  row('MLA A1', 'cond:4 0000001 S Rd:4 Ra:4 Rm:4 1001 Rn:4', multiply.mla, four),
  row('UMAAL A1', 'cond:4 00000100 RdHi:4 RdLo:4 Rm:4 1001 Rn:4', multiply.umaal, long),
  row('MLS A1', 'cond:4 00000110 Rd:4 Ra:4 Rm:4 1001 Rn:4', multiply.mls, four),
  row('UMULL A1', 'cond:4 0000100 S RdHi:4 RdLo:4 Rm:4 1001 Rn:4', multiply.umull, long),
  row('UMLAL A1', 'cond:4 0000101 S RdHi:4 RdLo:4 Rm:4 1001 Rn:4', multiply.umlal, long),
  row('SMULL A1', 'cond:4 0000110 S RdHi:4 RdLo:4 Rm:4 1001 Rn:4', multiply.smull, long),
  row('SMLAL A1', 'cond:4 0000111 S RdHi:4 RdLo:4 Rm:4 1001 Rn:4', multiply.smlal, long),
  row('SMLAxy A1', 'cond:4 00010000 Rd:4 Ra:4 Rm:4 1 M N 0 Rn:4', multiply.smlaHalf, four),
  row('SMLAWy A1', 'cond:4 00010010 Rd:4 Ra:4 Rm:4 1 M 00 Rn:4', multiply.smlaw, four),
  row('SMULWy A1', 'cond:4 00010010 Rd:4 (0000) Rm:4 1 M 10 Rn:4', multiply.smulw, three),
  row('SMLALxy A1', 'cond:4 00010100 RdHi:4 RdLo:4 Rm:4 1 M N 0 Rn:4', multiply.smlalHalf, long),
  row('SMULxy A1', 'cond:4 00010110 Rd:4 (0000) Rm:4 1 M N 0 Rn:4', multiply.smulHalf, three),
  row('SMLAD A1', 'cond:4 01110000 Rd:4 Ra:4 Rm:4 00 M 1 Rn:4', multiply.smlad, three),
  row('SMUAD A1', 'cond:4 01110000 Rd:4 1111 Rm:4 00 M 1 Rn:4', multiply.smuad, three),
  row('SMLSD A1', 'cond:4 01110000 Rd:4 Ra:4 Rm:4 01 M 1 Rn:4', multiply.smlsd, three),
  row('SMUSD A1', 'cond:4 01110000 Rd:4 1111 Rm:4 01 M 1 Rn:4', multiply.smusd, three),
  row('SMLALD A1', 'cond:4 01110100 RdHi:4 RdLo:4 Rm:4 00 M 1 Rn:4', multiply.smlald, long),
  row('SMLSLD A1', 'cond:4 01110100 RdHi:4 RdLo:4 Rm:4 01 M 1 Rn:4', multiply.smlsld, long),
  row('SMMLA A1', 'cond:4 01110101 Rd:4 Ra:4 Rm:4 00 R 1 Rn:4', multiply.smmla, three),
  row('SMMUL A1', 'cond:4 01110101 Rd:4 1111 Rm:4 00 R 1 Rn:4', multiply.smmul, three),
  row('SMMLS A1', 'cond:4 01110101 Rd:4 Ra:4 Rm:4 11 R 1 Rn:4', multiply.smmls, four),
  row('SDIV A1', 'cond:4 01110001 Rd:4 (1111) Rm:4 0001 Rn:4', multiply.sdiv, three),
  row('UDIV A1', 'cond:4 01110011 Rd:4 (1111) Rm:4 0001 Rn:4', multiply.udiv, three),
  row('USADA8 A1', 'cond:4 01111000 Rd:4 Ra:4 Rm:4 0001 Rn:4', multiply.usada8, three),
  row('USAD8 A1', 'cond:4 01111000 Rd:4 1111 Rm:4 0001 Rn:4', multiply.usad8, three),
];

// -- saturation, media -------------------------------------------------------------------------------------------------------

const two = { unpredictable: (f: { Rd: number; Rm: number }) => anyIs15(f.Rd, f.Rm) };
const rotated = <F extends { Rd: number; Rm: number; rotate: number }>(f: F) => ({ ...f, rotation: f.rotate * 8 });

const parallelRows = (prefix: ParallelPrefix, op1: string): Row[] => {
  const name = prefix.toUpperCase();
  return [
    row(`${name}ADD16 A1`, `cond:4 01100${op1} Rn:4 Rd:4 (1111) 0001 Rm:4` as const, parallel(prefix, 'add16'), three),
    row(`${name}ASX A1`, `cond:4 01100${op1} Rn:4 Rd:4 (1111) 0011 Rm:4` as const, parallel(prefix, 'asx'), three),
    row(`${name}SAX A1`, `cond:4 01100${op1} Rn:4 Rd:4 (1111) 0101 Rm:4` as const, parallel(prefix, 'sax'), three),
    row(`${name}SUB16 A1`, `cond:4 01100${op1} Rn:4 Rd:4 (1111) 0111 Rm:4` as const, parallel(prefix, 'sub16'), three),
    row(`${name}ADD8 A1`, `cond:4 01100${op1} Rn:4 Rd:4 (1111) 1001 Rm:4` as const, parallel(prefix, 'add8'), three),
    row(`${name}SUB8 A1`, `cond:4 01100${op1} Rn:4 Rd:4 (1111) 1111 Rm:4` as const, parallel(prefix, 'sub8'), three),
  ];
};

const extendRows = (
  name: string,
  opcode: string,
  plain: typeof bitField.sxtb,
  adding: typeof bitField.sxtab,
): Row[] => [
  row(name.replace('#', 'T'), `cond:4 01101${opcode} 1111 Rd:4 rotate:2 (00) 0111 Rm:4` as const, plain, {
    operands: rotated,
    ...two,
  }),
  row(name.replace('#', 'TA'), `cond:4 01101${opcode} Rn:4 Rd:4 rotate:2 (00) 0111 Rm:4` as const, adding, {
    operands: rotated,
    ...two,
  }),
];

const saturated = (bits: number, type: number, imm5: number) => ({ bits, ...decodeImmShift(type, imm5) });
const saturates = { unpredictable: (f: { Rd: number; Rm: number }) => anyIs15(f.Rd, f.Rm) };
const saturates16 = { unpredictable: (f: { Rd: number; Rn: number }) => anyIs15(f.Rd, f.Rn) };

const MEDIA: Row[] = [
  row('QADD A1', 'cond:4 00010000 Rn:4 Rd:4 (0000) 0101 Rm:4', saturate.qadd, three),
  row('QSUB A1', 'cond:4 00010010 Rn:4 Rd:4 (0000) 0101 Rm:4', saturate.qsub, three),
  row('QDADD A1', 'cond:4 00010100 Rn:4 Rd:4 (0000) 0101 Rm:4', saturate.qdadd, three),
  row('QDSUB A1', 'cond:4 00010110 Rn:4 Rd:4 (0000) 0101 Rm:4', saturate.qdsub, three),
  row('SSAT A1', 'cond:4 0110101 sat:5 Rd:4 imm5:5 sh 01 Rm:4', saturate.ssat, {
    operands: (f) => ({ Rd: f.Rd, Rm: f.Rm, ...saturated(f.sat + 1, f.sh * 2, f.imm5) }),
    ...saturates,
  }),
  row('USAT A1', 'cond:4 0110111 sat:5 Rd:4 imm5:5 sh 01 Rm:4', saturate.usat, {
    operands: (f) => ({ Rd: f.Rd, Rm: f.Rm, ...saturated(f.sat, f.sh * 2, f.imm5) }),
    ...saturates,
  }),
  row('SSAT16 A1', 'cond:4 01101010 sat:4 Rd:4 (1111) 0011 Rn:4', saturate.ssat16, {
    operands: (f) => ({ Rd: f.Rd, Rn: f.Rn, bits: f.sat + 1 }),
    ...saturates16,
  }),
  row('USAT16 A1', 'cond:4 01101110 sat:4 Rd:4 (1111) 0011 Rn:4', saturate.usat16, {
    operands: (f) => ({ Rd: f.Rd, Rn: f.Rn, bits: f.sat }),
    ...saturates16,
  }),
  ...parallelRows('s', '001'),
  ...parallelRows('q', '010'),
  ...parallelRows('sh', '011'),
  ...parallelRows('u', '101'),
  ...parallelRows('uq', '110'),
  ...parallelRows('uh', '111'),
  row('SEL A1', 'cond:4 01101000 Rn:4 Rd:4 (1111) 1011 Rm:4', sel, three),
  row('PKH A1', 'cond:4 01101000 Rn:4 Rd:4 imm5:5 tb 01 Rm:4', pkh, {
    operands: (f) => ({ Rd: f.Rd, Rn: f.Rn, Rm: f.Rm, ...decodeImmShift(f.tb * 2, f.imm5) }),
    ...three,
  }),
  ...extendRows('SX#B16 A1', '000', bitField.sxtb16, bitField.sxtab16),
  ...extendRows('SX#B A1', '010', bitField.sxtb, bitField.sxtab),
  ...extendRows('SX#H A1', '011', bitField.sxth, bitField.sxtah),
  ...extendRows('UX#B16 A1', '100', bitField.uxtb16, bitField.uxtab16),
  ...extendRows('UX#B A1', '110', bitField.uxtb, bitField.uxtab),
  ...extendRows('UX#H A1', '111', bitField.uxth, bitField.uxtah),
  row('CLZ A1', 'cond:4 00010110 (1111) Rd:4 (1111) 0001 Rm:4', bitField.clz, two),
  row('REV A1', 'cond:4 01101011 (1111) Rd:4 (1111) 0011 Rm:4', bitField.rev, two),
  row('REV16 A1', 'cond:4 01101011 (1111) Rd:4 (1111) 1011 Rm:4', bitField.rev16, two),
  row('RBIT A1', 'cond:4 01101111 (1111) Rd:4 (1111) 0011 Rm:4', bitField.rbit, two),
  row('REVSH A1', 'cond:4 01101111 (1111) Rd:4 (1111) 1011 Rm:4', bitField.revsh, two),
  row('SBFX A1', 'cond:4 0111101 widthm1:5 Rd:4 lsb:5 101 Rn:4', bitField.sbfx, {
    unpredictable: (f) => anyIs15(f.Rd, f.Rn) || bitField.isFieldTooWide(f),
  }),
  row('UBFX A1', 'cond:4 0111111 widthm1:5 Rd:4 lsb:5 101 Rn:4', bitField.ubfx, {
    unpredictable: (f) => anyIs15(f.Rd, f.Rn) || bitField.isFieldTooWide(f),
  }),
  row('BFC A1', 'cond:4 0111110 msb:5 Rd:4 lsb:5 001 1111', bitField.bfc, {
    unpredictable: (f) => f.Rd === 15 || f.msb < f.lsb,
  }),
  row('BFI A1', 'cond:4 0111110 msb:5 Rd:4 lsb:5 001 Rn:4', bitField.bfi, {
    unpredictable: (f) => f.Rd === 15 || f.msb < f.lsb,
  }),
];

// -- loads and stores ----------------------------------------------------------------------------------------------------------

const wbackToPc = (f: { Rn: number; wback: number }): boolean => f.wback === 1 && f.Rn === 15;
const word = { unpredictable: wbackToPc };
const wordRegister = { unpredictable: (f: { Rn: number; Rm: number; wback: number }) => wbackToPc(f) || f.Rm === 15 };
const narrow = { unpredictable: (f: { Rt: number; Rn: number; wback: number }) => f.Rt === 15 || wbackToPc(f) };
const narrowRegister = {
  unpredictable: (f: { Rt: number; Rn: number; Rm: number; wback: number }) => wbackToPc(f) || anyIs15(f.Rt, f.Rm),
};
const loadsWord = { role: (f: { Rt: number }): Role => ifPc(f.Rt) };

interface Indexed {
  P: number;
  U: number;
  W: number;
  Rn: number;
  Rt: number;
}
const imm12 = (f: Indexed & { imm12: number }) => memoryImmediate(f, f.imm12);
const split8 = (f: { imm4H: number; imm4L: number }): number => (f.imm4H << 4) | f.imm4L;
const imm8 = (f: Indexed & { imm4H: number; imm4L: number }) => memoryImmediate(f, split8(f));
const shifted = (f: Indexed & { Rm: number; type: number; imm5: number }) => memoryRegister(f, f.type, f.imm5);
const register = (f: Indexed & { Rm: number }) => memoryRegister(f);
const postIndexed = { P: 0, W: 1 };
const literal8 = (f: { U: number; Rt: number; imm4H: number; imm4L: number }) =>
  literal({ U: f.U, Rt: f.Rt, imm12: split8(f) });

const pair = <F extends { Rt: number }>(f: F): F & { Rt2: number } => ({ ...f, Rt2: f.Rt + 1 });
const isBadPair = (f: { Rt: number; Rn: number; wback: number; W?: number }): boolean =>
  (f.Rt & 1) === 1 || f.Rt === 14 || wbackToPc(f);
/** P = 0, W = 1 would be an unprivileged form, which does not exist. */
const dual = {
  unpredictable: (f: { Rt: number; Rn: number; wback: number; index: number; W: number }) =>
    isBadPair(f) || (f.index === 0 && f.W === 1) || (f.wback === 1 && (f.Rn === f.Rt || f.Rn === f.Rt + 1)),
};
const dualRegister = {
  unpredictable: (f: { Rt: number; Rn: number; Rm: number; wback: number; index: number; W: number }) =>
    dual.unpredictable(f) || f.Rm === 15,
};
/** A loaded register that is also the index has no defined result. */
const dualLoadRegister = {
  unpredictable: (f: { Rt: number; Rn: number; Rm: number; wback: number; index: number; W: number }) =>
    dualRegister.unpredictable(f) || f.Rm === f.Rt || f.Rm === f.Rt + 1,
};

const LOAD_STORE: Row[] = [
  row('STR (immediate) A1', 'cond:4 010 P U 0 W 0 Rn:4 Rt:4 imm12:12', memory.str.imm, { operands: imm12, ...word }),
  row('LDR (immediate) A1', 'cond:4 010 P U 0 W 1 Rn:4 Rt:4 imm12:12', memory.ldr.imm, {
    operands: imm12,
    ...word,
    ...loadsWord,
  }),
  row('STRB (immediate) A1', 'cond:4 010 P U 1 W 0 Rn:4 Rt:4 imm12:12', memory.strb.imm, {
    operands: imm12,
    ...narrow,
  }),
  row('LDRB (immediate) A1', 'cond:4 010 P U 1 W 1 Rn:4 Rt:4 imm12:12', memory.ldrb.imm, {
    operands: imm12,
    ...narrow,
  }),
  row('STR (register) A1', 'cond:4 011 P U 0 W 0 Rn:4 Rt:4 imm5:5 type:2 0 Rm:4', memory.str.reg, {
    operands: shifted,
    ...wordRegister,
  }),
  row('LDR (register) A1', 'cond:4 011 P U 0 W 1 Rn:4 Rt:4 imm5:5 type:2 0 Rm:4', memory.ldr.reg, {
    operands: shifted,
    ...wordRegister,
    ...loadsWord,
  }),
  row('STRB (register) A1', 'cond:4 011 P U 1 W 0 Rn:4 Rt:4 imm5:5 type:2 0 Rm:4', memory.strb.reg, {
    operands: shifted,
    ...narrowRegister,
  }),
  row('LDRB (register) A1', 'cond:4 011 P U 1 W 1 Rn:4 Rt:4 imm5:5 type:2 0 Rm:4', memory.ldrb.reg, {
    operands: shifted,
    ...narrowRegister,
  }),
  row('STRT A1', 'cond:4 0100 U 010 Rn:4 Rt:4 imm12:12', memory.str.imm, {
    operands: (f) => imm12({ ...f, ...postIndexed }),
    ...narrow,
  }),
  row('LDRT A1', 'cond:4 0100 U 011 Rn:4 Rt:4 imm12:12', memory.ldr.imm, {
    operands: (f) => imm12({ ...f, ...postIndexed }),
    ...narrow,
  }),
  row('STRBT A1', 'cond:4 0100 U 110 Rn:4 Rt:4 imm12:12', memory.strb.imm, {
    operands: (f) => imm12({ ...f, ...postIndexed }),
    ...narrow,
  }),
  row('LDRBT A1', 'cond:4 0100 U 111 Rn:4 Rt:4 imm12:12', memory.ldrb.imm, {
    operands: (f) => imm12({ ...f, ...postIndexed }),
    ...narrow,
  }),
  row('STRT A2', 'cond:4 0110 U 010 Rn:4 Rt:4 imm5:5 type:2 0 Rm:4', memory.str.reg, {
    operands: (f) => shifted({ ...f, ...postIndexed }),
    ...narrowRegister,
  }),
  row('LDRT A2', 'cond:4 0110 U 011 Rn:4 Rt:4 imm5:5 type:2 0 Rm:4', memory.ldr.reg, {
    operands: (f) => shifted({ ...f, ...postIndexed }),
    ...narrowRegister,
  }),
  row('STRBT A2', 'cond:4 0110 U 110 Rn:4 Rt:4 imm5:5 type:2 0 Rm:4', memory.strb.reg, {
    operands: (f) => shifted({ ...f, ...postIndexed }),
    ...narrowRegister,
  }),
  row('LDRBT A2', 'cond:4 0110 U 111 Rn:4 Rt:4 imm5:5 type:2 0 Rm:4', memory.ldrb.reg, {
    operands: (f) => shifted({ ...f, ...postIndexed }),
    ...narrowRegister,
  }),
  row('STRH (immediate) A1', 'cond:4 000 P U 1 W 0 Rn:4 Rt:4 imm4H:4 1011 imm4L:4', memory.strh.imm, {
    operands: imm8,
    ...narrow,
  }),
  row('LDRH (immediate) A1', 'cond:4 000 P U 1 W 1 Rn:4 Rt:4 imm4H:4 1011 imm4L:4', memory.ldrh.imm, {
    operands: imm8,
    ...narrow,
  }),
  row('LDRSB (immediate) A1', 'cond:4 000 P U 1 W 1 Rn:4 Rt:4 imm4H:4 1101 imm4L:4', memory.ldrsb.imm, {
    operands: imm8,
    ...narrow,
  }),
  row('LDRSH (immediate) A1', 'cond:4 000 P U 1 W 1 Rn:4 Rt:4 imm4H:4 1111 imm4L:4', memory.ldrsh.imm, {
    operands: imm8,
    ...narrow,
  }),
  row('STRH (register) A1', 'cond:4 000 P U 0 W 0 Rn:4 Rt:4 (0000) 1011 Rm:4', memory.strh.reg, {
    operands: register,
    ...narrowRegister,
  }),
  row('LDRH (register) A1', 'cond:4 000 P U 0 W 1 Rn:4 Rt:4 (0000) 1011 Rm:4', memory.ldrh.reg, {
    operands: register,
    ...narrowRegister,
  }),
  row('LDRSB (register) A1', 'cond:4 000 P U 0 W 1 Rn:4 Rt:4 (0000) 1101 Rm:4', memory.ldrsb.reg, {
    operands: register,
    ...narrowRegister,
  }),
  row('LDRSH (register) A1', 'cond:4 000 P U 0 W 1 Rn:4 Rt:4 (0000) 1111 Rm:4', memory.ldrsh.reg, {
    operands: register,
    ...narrowRegister,
  }),
  row('STRHT A1', 'cond:4 0000 U 110 Rn:4 Rt:4 imm4H:4 1011 imm4L:4', memory.strh.imm, {
    operands: (f) => imm8({ ...f, ...postIndexed }),
    ...narrow,
  }),
  row('LDRHT A1', 'cond:4 0000 U 111 Rn:4 Rt:4 imm4H:4 1011 imm4L:4', memory.ldrh.imm, {
    operands: (f) => imm8({ ...f, ...postIndexed }),
    ...narrow,
  }),
  row('LDRSBT A1', 'cond:4 0000 U 111 Rn:4 Rt:4 imm4H:4 1101 imm4L:4', memory.ldrsb.imm, {
    operands: (f) => imm8({ ...f, ...postIndexed }),
    ...narrow,
  }),
  row('LDRSHT A1', 'cond:4 0000 U 111 Rn:4 Rt:4 imm4H:4 1111 imm4L:4', memory.ldrsh.imm, {
    operands: (f) => imm8({ ...f, ...postIndexed }),
    ...narrow,
  }),
  row('STRHT A2', 'cond:4 0000 U 010 Rn:4 Rt:4 (0000) 1011 Rm:4', memory.strh.reg, {
    operands: (f) => register({ ...f, ...postIndexed }),
    ...narrowRegister,
  }),
  row('LDRHT A2', 'cond:4 0000 U 011 Rn:4 Rt:4 (0000) 1011 Rm:4', memory.ldrh.reg, {
    operands: (f) => register({ ...f, ...postIndexed }),
    ...narrowRegister,
  }),
  row('LDRSBT A2', 'cond:4 0000 U 011 Rn:4 Rt:4 (0000) 1101 Rm:4', memory.ldrsb.reg, {
    operands: (f) => register({ ...f, ...postIndexed }),
    ...narrowRegister,
  }),
  row('LDRSHT A2', 'cond:4 0000 U 011 Rn:4 Rt:4 (0000) 1111 Rm:4', memory.ldrsh.reg, {
    operands: (f) => register({ ...f, ...postIndexed }),
    ...narrowRegister,
  }),
  row('LDRD (literal) A1', 'cond:4 000 (1) U 1 (0) 0 1111 Rt:4 imm4H:4 1101 imm4L:4', memory.ldrd.imm, {
    operands: (f) => pair(literal8(f)),
    unpredictable: isBadPair,
  }),
  row('LDRD (immediate) A1', 'cond:4 000 P U 1 W 0 Rn:4 Rt:4 imm4H:4 1101 imm4L:4', memory.ldrd.imm, {
    operands: (f) => pair(imm8(f)),
    ...dual,
  }),
  row('STRD (immediate) A1', 'cond:4 000 P U 1 W 0 Rn:4 Rt:4 imm4H:4 1111 imm4L:4', memory.strd.imm, {
    operands: (f) => pair(imm8(f)),
    ...dual,
  }),
  row('LDRD (register) A1', 'cond:4 000 P U 0 W 0 Rn:4 Rt:4 (0000) 1101 Rm:4', memory.ldrd.reg, {
    operands: (f) => pair(register(f)),
    ...dualLoadRegister,
  }),
  row('STRD (register) A1', 'cond:4 000 P U 0 W 0 Rn:4 Rt:4 (0000) 1111 Rm:4', memory.strd.reg, {
    operands: (f) => pair(register(f)),
    ...dualRegister,
  }),
];

/** The user-registers and exception-return forms (bit 22) are UNPREDICTABLE in user mode. */
const multiple = (f: { P: number; U: number; W: number; Rn: number; registers: number }) => ({
  Rn: f.Rn,
  registers: f.registers,
  wback: f.W,
  increment: f.U,
  before: f.P,
});
const isBadList = (f: { Rn: number; registers: number }): boolean => f.registers === 0 || f.Rn === 15;

const MULTIPLE: Row[] = [
  row('STM A1', 'cond:4 100 P U 0 W 0 Rn:4 registers:16', stm, { operands: multiple, unpredictable: isBadList }),
  row('LDM A1', 'cond:4 100 P U 0 W 1 Rn:4 registers:16', ldm, {
    operands: multiple,
    unpredictable: (f) => isBadList(f) || (f.W === 1 && ((f.registers >>> f.Rn) & 1) === 1),
    role: (f) => (f.registers >>> 15 === 1 ? 'jump' : 'none'),
  }),
];

// -- exclusives, acquire and release ---------------------------------------------------------------------------------------------

const noOffset = <F extends object>(f: F): F & { offset: 0 } => ({ ...f, offset: 0 });
const loads = { unpredictable: (f: { Rt: number; Rn: number }) => anyIs15(f.Rt, f.Rn) };
const storesStatus = {
  unpredictable: (f: { Rd: number; Rt: number; Rn: number }) =>
    anyIs15(f.Rd, f.Rt, f.Rn) || f.Rd === f.Rn || f.Rd === f.Rt,
};
const exclusiveLoad = { operands: noOffset, ...loads, role: 'exclusiveLoad' } as const;
const exclusiveStore = { operands: noOffset, ...storesStatus, role: 'exclusiveStore' } as const;
const pairOffset = <F extends { Rt: number }>(f: F) => pair({ ...f, offset: 0 });
const exclusiveLoadPair = {
  operands: pairOffset,
  role: 'exclusiveLoad',
  unpredictable: (f: { Rt: number; Rn: number }) => (f.Rt & 1) === 1 || f.Rt === 14 || f.Rn === 15,
} as const;
const exclusiveStorePair = {
  operands: pairOffset,
  role: 'exclusiveStore',
  unpredictable: (f: { Rt: number; Rn: number; Rd: number }) =>
    (f.Rt & 1) === 1 || f.Rt === 14 || storesStatus.unpredictable(f) || f.Rd === f.Rt + 1,
} as const;

const SYNC: Row[] = [
  row('SWP A1', 'cond:4 00010 B 00 Rn:4 Rt:4 (0000) 1001 Rt2:4', sync.swp, {
    unpredictable: (f) => anyIs15(f.Rn, f.Rt, f.Rt2) || f.Rn === f.Rt || f.Rn === f.Rt2,
  }),
  row('STREX A1', 'cond:4 00011000 Rn:4 Rd:4 (11) 11 1001 Rt:4', sync.strex(4), exclusiveStore),
  row('LDREX A1', 'cond:4 00011001 Rn:4 Rt:4 (11) 11 1001 (1111)', sync.ldrex(4), exclusiveLoad),
  row('STREXD A1', 'cond:4 00011010 Rn:4 Rd:4 (11) 11 1001 Rt:4', sync.strexd, exclusiveStorePair),
  row('LDREXD A1', 'cond:4 00011011 Rn:4 Rt:4 (11) 11 1001 (1111)', sync.ldrexd, exclusiveLoadPair),
  row('STREXB A1', 'cond:4 00011100 Rn:4 Rd:4 (11) 11 1001 Rt:4', sync.strex(1), exclusiveStore),
  row('LDREXB A1', 'cond:4 00011101 Rn:4 Rt:4 (11) 11 1001 (1111)', sync.ldrex(1), exclusiveLoad),
  row('STREXH A1', 'cond:4 00011110 Rn:4 Rd:4 (11) 11 1001 Rt:4', sync.strex(2), exclusiveStore),
  row('LDREXH A1', 'cond:4 00011111 Rn:4 Rt:4 (11) 11 1001 (1111)', sync.ldrex(2), exclusiveLoad),
  row('STL A1', 'cond:4 00011000 Rn:4 (1111) (11) 00 1001 Rt:4', sync.stl(4), { operands: noOffset, ...loads }),
  row('LDA A1', 'cond:4 00011001 Rn:4 Rt:4 (11) 00 1001 (1111)', sync.lda(4), { operands: noOffset, ...loads }),
  row('STLB A1', 'cond:4 00011100 Rn:4 (1111) (11) 00 1001 Rt:4', sync.stl(1), { operands: noOffset, ...loads }),
  row('LDAB A1', 'cond:4 00011101 Rn:4 Rt:4 (11) 00 1001 (1111)', sync.lda(1), { operands: noOffset, ...loads }),
  row('STLH A1', 'cond:4 00011110 Rn:4 (1111) (11) 00 1001 Rt:4', sync.stl(2), { operands: noOffset, ...loads }),
  row('LDAH A1', 'cond:4 00011111 Rn:4 Rt:4 (11) 00 1001 (1111)', sync.lda(2), { operands: noOffset, ...loads }),
  row('STLEX A1', 'cond:4 00011000 Rn:4 Rd:4 (11) 10 1001 Rt:4', sync.strex(4), exclusiveStore),
  row('LDAEX A1', 'cond:4 00011001 Rn:4 Rt:4 (11) 10 1001 (1111)', sync.ldrex(4), exclusiveLoad),
  row('STLEXD A1', 'cond:4 00011010 Rn:4 Rd:4 (11) 10 1001 Rt:4', sync.strexd, exclusiveStorePair),
  row('LDAEXD A1', 'cond:4 00011011 Rn:4 Rt:4 (11) 10 1001 (1111)', sync.ldrexd, exclusiveLoadPair),
  row('STLEXB A1', 'cond:4 00011100 Rn:4 Rd:4 (11) 10 1001 Rt:4', sync.strex(1), exclusiveStore),
  row('LDAEXB A1', 'cond:4 00011101 Rn:4 Rt:4 (11) 10 1001 (1111)', sync.ldrex(1), exclusiveLoad),
  row('STLEXH A1', 'cond:4 00011110 Rn:4 Rd:4 (11) 10 1001 Rt:4', sync.strex(2), exclusiveStore),
  row('LDAEXH A1', 'cond:4 00011111 Rn:4 Rt:4 (11) 10 1001 (1111)', sync.ldrex(2), exclusiveLoad),
  row('CLREX A1', '11110101 0111 (1111) (1111) (0000) 0001 (1111)', sync.clrex),
  row('DSB A1', '11110101 0111 (1111) (1111) (0000) 0100 option:4', status.nop),
  row('DMB A1', '11110101 0111 (1111) (1111) (0000) 0101 option:4', status.nop),
  row('ISB A1', '11110101 0111 (1111) (1111) (0000) 0110 option:4', status.nop),
];

// -- branches, status, system --------------------------------------------------------------------------------------------------

const BRANCH: Row[] = [
  row('B A1', 'cond:4 1010 imm24:24', branch.b, {
    operands: (f) => ({ offset: armBranchOffset(f.imm24) }),
    role: 'jump',
  }),
  row('BL A1', 'cond:4 1011 imm24:24', branch.bl, {
    operands: (f) => ({ offset: armBranchOffset(f.imm24) }),
    role: 'call',
  }),
  row('BLX (immediate) A2', '1111101 H imm24:24', branch.blxImmediate, {
    operands: (f) => ({ offset: signExtend((f.imm24 << 2) | (f.H << 1), 26) }),
    role: 'call',
  }),
  row('BX A1', 'cond:4 00010010 (1111) (1111) (1111) 0001 Rm:4', branch.bx, { role: 'jump' }),
  row('BXJ A1', 'cond:4 00010010 (1111) (1111) (1111) 0010 Rm:4', branch.bx, {
    role: 'jump',
    unpredictable: (f) => f.Rm === 15,
  }),
  row('BLX (register) A1', 'cond:4 00010010 (1111) (1111) (1111) 0011 Rm:4', branch.blxRegister, {
    role: 'call',
    unpredictable: (f) => f.Rm === 15,
  }),
];

const preload = { unpredictable: (f: { Rm: number }) => f.Rm === 15 };

const SYSTEM: Row[] = [
  row('SVC A1', 'cond:4 1111 imm24:24', status.svc, { operands: (f) => ({ imm: f.imm24 }) }),
  row('BKPT A1', 'cond:4 00010010 imm12:12 0111 imm4:4', status.breakpoint, { unpredictable: (f) => f.cond !== 14 }),
  row('UDF A1', 'cond:4 01111111 imm12:12 1111 imm4:4', status.udf),
  row('UDF (breakpoint) A1', 'cond:4 01111111 000000000001 1111 0000', status.breakpoint),
  row('NOP, hints A1', 'cond:4 00110010 0000 (1111) (0000) hint:8', status.nop),
  row('MRS A1', 'cond:4 00010000 (1111) Rd:4 (00) 0 (0) 0000 (0000)', status.mrs, {
    unpredictable: (f) => f.Rd === 15,
  }),
  row('MSR (immediate) A1', 'cond:4 00110010 mask:4 (1111) imm12:12', status.msrImmediate, {
    operands: (f) => ({ mask: f.mask, imm: armExpandImm(f.imm12).imm }),
  }),
  row('MSR (register) A1', 'cond:4 00010010 mask:4 (1111) (00) 0 (0) 0000 Rn:4', status.msrRegister, {
    unpredictable: (f) => f.Rn === 15 || f.mask === 0,
  }),
  row('SETEND A1', '11110001 0000 (000) 1 (0000) (00) E (0) 0000 (0000)', status.setend),
  row('CPS A1', '11110001 0000 imod:2 M 0 (0000) (000) A I F 0 mode:5', status.nop, {
    unpredictable: (f) =>
      f.imod === 1 || f.imod >>> 1 !== (f.A | f.I | f.F) || (f.mode !== 0 && f.M === 0) || (f.imod === 0 && f.M === 0),
  }),
  row('PLD (immediate) A1', '11110101 U 101 Rn:4 (1111) imm12:12', status.nop),
  row('PLDW (immediate) A1', '11110101 U 001 Rn:4 (1111) imm12:12', status.nop, { unpredictable: (f) => f.Rn === 15 }),
  row('PLD (register) A1', '11110111 U R 01 Rn:4 (1111) imm5:5 type:2 0 Rm:4', status.nop, {
    unpredictable: (f) => f.Rm === 15 || (f.Rn === 15 && f.R === 0),
  }),
  row('PLI (immediate) A1', '11110100 U 101 Rn:4 (1111) imm12:12', status.nop),
  row('PLI (register) A1', '11110110 U 101 Rn:4 (1111) imm5:5 type:2 0 Rm:4', status.nop, preload),
  row('unallocated memory hint (immediate)', '11110100 U 001 Rn:4 Rt:4 imm12:12', status.nop),
  row('unallocated memory hint (register)', '11110110 U 001 Rn:4 Rt:4 imm5:5 type:2 0 Rm:4', status.nop),
  row('MRC TPIDRURO A1', 'cond:4 1110 000 1 1101 Rt:4 1111 011 1 0000', status.readThreadId, {
    operands: (f) => ({ Rt: f.Rt, readOnly: 1 }),
    unpredictable: (f) => f.Rt === 15,
  }),
  row('MRC TPIDRURW A1', 'cond:4 1110 000 1 1101 Rt:4 1111 010 1 0000', status.readThreadId, {
    operands: (f) => ({ Rt: f.Rt, readOnly: 0 }),
    unpredictable: (f) => f.Rt === 15,
  }),
  row('MCR TPIDRURW A1', 'cond:4 1110 000 0 1101 Rt:4 1111 010 1 0000', status.writeThreadId, {
    unpredictable: (f) => f.Rt === 15,
  }),
  row('MCR CP15DSB A1', 'cond:4 1110 000 0 0111 Rt:4 1111 100 1 1010', status.nop),
  row('MCR CP15DMB A1', 'cond:4 1110 000 0 0111 Rt:4 1111 101 1 1010', status.nop),
  row('MCR CP15ISB A1', 'cond:4 1110 000 0 0111 Rt:4 1111 100 1 0101', status.nop),
];

export const A32: readonly Row[] = [
  ...DATA_PROCESSING,
  ...MULTIPLY,
  ...MEDIA,
  ...LOAD_STORE,
  ...MULTIPLE,
  ...SYNC,
  ...BRANCH,
  ...SYSTEM,
  ...VFP_A32,
];
