/**
 * What each pure op means, on int32 arguments with an int32 result; `imm` is the instruction's. The interpreter and the
 * constant folder call these; the translator either has an inline recipe or imports the very function.
 *
 * f32 values are their bit pattern. f64 values do not fit one int32, so the few pure ops on them (negF64, lowWord …)
 * are defined over their two words in ir/fp and only listed here to be complete.
 */
import { signExtend } from '../bits.js';
import type { PureOp } from './opcode.js';
import { parallelGe, parallelResult } from './parallel.js';

export type PureFunction = (a: number, b: number, c: number, imm: number) => number;

/** Pure ops with an f64 argument or result: handled word by word where they are used. */
export type WidePureOp = 'f64FromWords' | 'lowWord' | 'highWord' | 'negF64' | 'absF64';

const unreachable: PureFunction = () => {
  throw new Error('an op over f64 words has no int32 evaluation');
};

const highUnsigned = (a: number, b: number): number => {
  const al = a & 0xffff;
  const ah = a >>> 16;
  const bl = b & 0xffff;
  const bh = b >>> 16;
  const mid = ah * bl + ((al * bl) >>> 16);
  return (ah * bh + Math.floor(mid / 65536) + (((mid & 0xffff) + al * bh) >>> 16)) | 0;
};

export const evaluate: { readonly [K in PureOp]: PureFunction } = {
  const: (_a, _b, _c, imm) => imm | 0,
  add: (a, b) => (a + b) | 0,
  sub: (a, b) => (a - b) | 0,
  mul: (a, b) => Math.imul(a, b),
  mulHighS: (a, b) => (highUnsigned(a, b) - (a < 0 ? b : 0) - (b < 0 ? a : 0)) | 0,
  mulHighU: highUnsigned,
  divS: (a, b) => (b === 0 ? 0 : (a / b) | 0),
  divU: (a, b) => (b === 0 ? 0 : ((a >>> 0) / (b >>> 0)) | 0),
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  xor: (a, b) => a ^ b,
  andNot: (a, b) => a & ~b,
  not: (a) => ~a,
  neg: (a) => -a | 0,
  shl: (a, b) => a << b,
  shr: (a, b) => (a >>> b) | 0,
  sar: (a, b) => a >> b,
  ror: (a, b) => (a >>> (b & 31)) | (a << (32 - (b & 31))),
  lslReg: (a, b) => ((b & 0xff) > 31 ? 0 : a << b),
  lsrReg: (a, b) => ((b & 0xff) > 31 ? 0 : (a >>> b) | 0),
  asrReg: (a, b) => ((b & 0xff) > 31 ? a >> 31 : a >> b),
  rorReg: (a, b) => ((b & 31) === 0 ? a : (a >>> b) | (a << (32 - (b & 31)))),
  lslCarry: (a, b, c) => {
    const n = b & 0xff;
    return n === 0 ? c : n > 32 ? 0 : n === 32 ? a & 1 : (a >>> (32 - n)) & 1;
  },
  lsrCarry: (a, b, c) => {
    const n = b & 0xff;
    return n === 0 ? c : n > 32 ? 0 : (a >>> (n - 1)) & 1;
  },
  asrCarry: (a, b, c) => {
    const n = b & 0xff;
    return n === 0 ? c : (a >> (n > 31 ? 31 : n - 1)) & 1;
  },
  rorCarry: (a, b, c) => {
    const n = b & 0xff;
    return n === 0 ? c : (a >>> ((n - 1) & 31)) & 1;
  },
  carry: (a, b, c) => ((a >>> 0) + (b >>> 0) + c > 0xffff_ffff ? 1 : 0),
  overflow: (a, b, c) => (a ^ c) & (b ^ c),
  overflowSub: (a, b, c) => (a ^ b) & (a ^ c),
  clz: (a) => Math.clz32(a),
  rbit: (a) => {
    let x = ((a >>> 1) & 0x5555_5555) | ((a & 0x5555_5555) << 1);
    x = ((x >>> 2) & 0x3333_3333) | ((x & 0x3333_3333) << 2);
    x = ((x >>> 4) & 0x0f0f_0f0f) | ((x & 0x0f0f_0f0f) << 4);
    x = ((x >>> 8) & 0x00ff_00ff) | ((x & 0x00ff_00ff) << 8);
    return (x >>> 16) | (x << 16);
  },
  rev: (a) => ((a >>> 24) & 0xff) | ((a >>> 8) & 0xff00) | ((a << 8) & 0xff_0000) | (a << 24),
  rev16: (a) => ((a >>> 8) & 0x00ff_00ff) | ((a << 8) & 0xff00_ff00),
  sext8: (a) => signExtend(a, 8),
  sext16: (a) => signExtend(a, 16),
  eq: (a, b) => (a === b ? 1 : 0),
  ne: (a, b) => (a !== b ? 1 : 0),
  ltS: (a, b) => (a < b ? 1 : 0),
  ltU: (a, b) => (a >>> 0 < b >>> 0 ? 1 : 0),
  leS: (a, b) => (a <= b ? 1 : 0),
  leU: (a, b) => (a >>> 0 <= b >>> 0 ? 1 : 0),
  eqz: (a) => (a === 0 ? 1 : 0),
  select: (a, b, c) => (c !== 0 ? a : b),
  satS: (a, b) => {
    const max = 2 ** (b - 1) - 1;
    return Math.max(-max - 1, Math.min(max, a));
  },
  satU: (a, b) => {
    const max = 2 ** b - 1;
    return Math.max(0, Math.min(max, a));
  },
  qadd: (a, b) => Math.max(-0x8000_0000, Math.min(0x7fff_ffff, a + b)),
  qsub: (a, b) => Math.max(-0x8000_0000, Math.min(0x7fff_ffff, a - b)),
  addHigh: (a, b, c) => (a + b + c) | 0,
  usad8: (a, b) => {
    let sum = 0;
    for (let lane = 0; lane < 32; lane += 8) sum += Math.abs(((a >>> lane) & 0xff) - ((b >>> lane) & 0xff));
    return sum;
  },
  parallel: (a, b, _c, imm) => parallelResult(imm, a, b),
  parallelGe: (a, b, _c, imm) => parallelGe(imm, a, b),
  sel: (a, b, c) => {
    const mask = Math.imul((c >>> 7) & 0x0101_0101, 0xff);
    return (a & mask) | (b & ~mask);
  },
  f32FromBits: (a) => a,
  bitsFromF32: (a) => a,
  negF32: (a) => a ^ 0x8000_0000,
  absF32: (a) => a & 0x7fff_ffff,
  f64FromWords: unreachable,
  lowWord: unreachable,
  highWord: unreachable,
  negF64: unreachable,
  absF64: unreachable,
};
