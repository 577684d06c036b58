import { describe, expect, it } from 'vitest';
import { floating, widePure } from '../../src/ir/fp.js';
import type { FloatingOp } from '../../src/ir/opcode.js';

const IOC = 1;
const DZC = 2;
const OFC = 4;
const UFC = 8;
const IXC = 16;
const IDC = 128;
const FZ = 1 << 24;
const DN = 1 << 25;
const AHP = 1 << 26;
const TOWARDS_MINUS_INFINITY = 2 << 22;

interface Options {
  fpscr?: number;
  imm?: number;
  imm2?: number;
}

/** The result word of a single-precision or integer op, and the flags it raised. */
const run = (op: FloatingOp, operands: number[], { fpscr = 0, imm = 0, imm2 = 0 }: Options = {}) => {
  const w = Int32Array.from([0, 0, ...operands]);
  const env = Int32Array.of(fpscr);
  floating[op](env, w, 0, 2, 3, 4, imm, imm2);
  return { bits: (w[0] as number) >>> 0, flags: (env[0] as number) & 0xff };
};

/** The same over doubles, given and returned as bigints. */
const runWide = (op: FloatingOp, operands: bigint[], { fpscr = 0, imm = 0, imm2 = 0 }: Options = {}) => {
  const w = new Int32Array(8);
  operands.forEach((x, k) => {
    w[2 + 2 * k] = Number(BigInt.asIntN(32, x));
    w[3 + 2 * k] = Number(BigInt.asIntN(32, x >> 32n));
  });
  const env = Int32Array.of(fpscr);
  floating[op](env, w, 0, 2, 4, 6, imm, imm2);
  const [low, high] = w as unknown as [number, number];
  return { bits: (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0), flags: (env[0] as number) & 0xff };
};

describe('NaNs', () => {
  it('the default NaN is positive: inf - inf, 0 * inf, sqrt(-1), 0 / 0', () => {
    const invalid = { bits: 0x7fc00000, flags: IOC };
    expect(run('subF32', [0x7f800000, 0x7f800000])).toEqual(invalid);
    expect(run('mulF32', [0, 0x7f800000])).toEqual(invalid);
    expect(run('sqrtF32', [0xbf800000])).toEqual(invalid);
    expect(run('divF32', [0, 0x80000000])).toEqual(invalid);
    expect(runWide('divF64', [0n, 0n])).toEqual({ bits: 0x7ff8000000000000n, flags: IOC });
  });
  it('of two quiet NaNs the first wins; a signaling one wins over a quiet one and is quieted', () => {
    expect(run('addF32', [0x7fc00001, 0xffc00002])).toEqual({ bits: 0x7fc00001, flags: 0 });
    expect(run('addF32', [0x7fc00001, 0xff800002])).toEqual({ bits: 0xffc00002, flags: IOC });
  });
  it('subtraction keeps the sign of a NaN subtrahend', () => {
    expect(run('subF32', [0x3f800000, 0x7fc00123])).toEqual({ bits: 0x7fc00123, flags: 0 });
  });
  it('DN makes every NaN result the default one', () => {
    expect(run('mulF32', [0xffc00123, 0x3f800000], { fpscr: DN })).toEqual({ bits: 0x7fc00000, flags: 0 });
  });
  it('fused infinity times zero is the default NaN even with a quiet NaN addend, but not with a signaling one', () => {
    expect(run('fmaF32', [0x7fc00123, 0x7f800000, 0])).toEqual({ bits: 0x7fc00000, flags: IOC });
    expect(run('fmaF32', [0xff800123, 0x7f800000, 0])).toEqual({ bits: 0xffc00123, flags: IOC });
  });
  it('conversion keeps sign and top payload bits and quiets', () => {
    expect(runWide('f64FromF32', [0xff812345n])).toEqual({ bits: 0xfff82468a0000000n, flags: IOC });
    expect(runWide('f32FromF64', [0xfff82468bfffffffn])).toEqual({ bits: 0xffc12345n, flags: 0 });
  });
});

describe('fused multiply-add', () => {
  it('rounds once where multiply then add would round twice', () => {
    expect(run('fmaF32', [0x3f800001, 0x3f800001, 0x337ffffe])).toEqual({ bits: 0x3f800001, flags: IXC });
    expect(run('fmaF32', [0xbf801000, 0x3f800800, 0x3f800800])).toEqual({ bits: 0x33800000, flags: 0 });
    const product = run('mulF32', [0x3f800800, 0x3f800800]);
    expect(run('addF32', [0xbf801000, product.bits])).toEqual({ bits: 0, flags: 0 });
  });
});

describe('tiny results', () => {
  it('a result that is tiny before rounding underflows even when it rounds to the least normal number', () => {
    const justBelow = [0x00ffffff, 0x3f000000];
    expect(run('mulF32', justBelow)).toEqual({ bits: 0x00800000, flags: UFC | IXC });
  });
  it('FZ decides before rounding: a signed zero with UFC alone', () => {
    expect(run('mulF32', [0x80ffffff, 0x3f000000], { fpscr: FZ })).toEqual({ bits: 0x80000000, flags: UFC });
  });
  it('FZ reads denormal operands as zeros with IDC', () => {
    expect(run('addF32', [0x00000001, 0x3f800000], { fpscr: FZ })).toEqual({ bits: 0x3f800000, flags: IDC });
    expect(run('cmpF32', [0x00000001, 0x80000001], { fpscr: FZ })).toEqual({ bits: 0x60000000, flags: IDC });
  });
  it('an exact denormal result raises nothing', () => {
    expect(run('mulF32', [0x00800000, 0x3f000000])).toEqual({ bits: 0x00400000, flags: 0 });
  });
});

describe('overflow, division by zero, cancellation', () => {
  it('overflow gives infinity or the greatest number by rounding mode', () => {
    const twice = [0x7f7fffff, 0x40000000];
    expect(run('mulF32', twice)).toEqual({ bits: 0x7f800000, flags: OFC | IXC });
    expect(run('mulF32', twice, { fpscr: TOWARDS_MINUS_INFINITY })).toEqual({ bits: 0x7f7fffff, flags: OFC | IXC });
  });
  it('a finite number over zero is infinity with DZC, infinity over zero raises nothing', () => {
    expect(run('divF32', [0xbf800000, 0])).toEqual({ bits: 0xff800000, flags: DZC });
    expect(run('divF32', [0x7f800000, 0])).toEqual({ bits: 0x7f800000, flags: 0 });
  });
  it('x - x is -0 only when rounding towards minus infinity', () => {
    expect(run('subF32', [0x3f800000, 0x3f800000]).bits).toBe(0);
    expect(run('subF32', [0x3f800000, 0x3f800000], { fpscr: TOWARDS_MINUS_INFINITY }).bits).toBe(0x80000000);
  });
  it('rounding modes other than nearest move the last bit', () => {
    const third = [0x3f800000, 0x40400000];
    expect(run('divF32', third)).toEqual({ bits: 0x3eaaaaab, flags: IXC });
    expect(run('divF32', third, { fpscr: 3 << 22 })).toEqual({ bits: 0x3eaaaaaa, flags: IXC });
  });
});

describe('comparison', () => {
  it('NZCV is 0110 equal, 1000 less, 0010 greater, 0011 unordered', () => {
    expect(run('cmpF32', [0, 0x80000000]).bits).toBe(0x60000000);
    expect(run('cmpF32', [0xbf800000, 0]).bits).toBe(0x80000000);
    expect(run('cmpF32', [0x7f800000, 0]).bits).toBe(0x20000000);
    expect(run('cmpF32', [0x7fc00000, 0])).toEqual({ bits: 0x30000000, flags: 0 });
  });
  it('a quiet NaN is invalid for VCMPE, a signaling one for both', () => {
    expect(run('cmpF32', [0, 0x7fc00000], { imm: 1 })).toEqual({ bits: 0x30000000, flags: IOC });
    expect(run('cmpF32', [0x7f800001, 0])).toEqual({ bits: 0x30000000, flags: IOC });
  });
});

describe('integers and fixed point', () => {
  it('VCVT truncates, VCVTR rounds by FPSCR: 2.5, 1.5 and -0.5', () => {
    expect(run('s32FromF32', [0x40200000])).toEqual({ bits: 2, flags: IXC });
    expect(run('s32FromF32', [0x40200000], { imm: 1 })).toEqual({ bits: 2, flags: IXC });
    expect(run('s32FromF32', [0x3fc00000], { imm: 1 })).toEqual({ bits: 2, flags: IXC });
    expect(run('u32FromF32', [0xbf000000], { imm: 1, fpscr: TOWARDS_MINUS_INFINITY })).toEqual({ bits: 0, flags: IOC });
  });
  it('out of range saturates with IOC and no IXC; NaN gives 0', () => {
    expect(run('s32FromF32', [0x4f000000])).toEqual({ bits: 0x7fffffff, flags: IOC });
    expect(run('u32FromF32', [0xbf800000])).toEqual({ bits: 0, flags: IOC });
    expect(run('s32FromF32', [0xffc00000])).toEqual({ bits: 0, flags: IOC });
  });
  it('16-bit fixed point saturates to 16 bits and is extended to 32', () => {
    expect(run('fixedFromF32', [0xbfc00000], { imm: 8, imm2: -16 })).toEqual({ bits: 0xfffffe80, flags: 0 });
    expect(run('fixedFromF32', [0x4f9502f9], { imm: 0, imm2: 16 })).toEqual({ bits: 0x0000ffff, flags: IOC });
  });
  it('from fixed point rounds to nearest whatever FPSCR says', () => {
    const options = { imm: 1, imm2: 32, fpscr: 3 << 22 };
    expect(run('f32FromFixed', [-1], options)).toEqual({ bits: 0x4f000000, flags: IXC });
    expect(run('f32FromU32', [-1], { fpscr: 3 << 22 })).toEqual({ bits: 0x4f7fffff, flags: IXC });
  });
});

describe('half precision', () => {
  it('widening is exact, denormals too, and FZ does not touch it', () => {
    expect(run('f32FromF16', [0x0001])).toEqual({ bits: 0x33800000, flags: 0 });
    expect(run('f32FromF16', [0x0001], { fpscr: FZ })).toEqual({ bits: 0x33800000, flags: 0 });
  });
  it('narrowing rounds once: 65519, 65520, 2^-25 and 1.5 * 2^-24', () => {
    expect(run('f16FromF32', [0x477fef00])).toEqual({ bits: 0x7bff, flags: IXC });
    expect(run('f16FromF32', [0x477ff000])).toEqual({ bits: 0x7c00, flags: OFC | IXC });
    expect(run('f16FromF32', [0x33000000])).toEqual({ bits: 0, flags: UFC | IXC });
    expect(run('f16FromF32', [0x33c00000])).toEqual({ bits: 2, flags: UFC | IXC });
  });
  it('the alternative format has neither infinity nor NaN', () => {
    expect(run('f32FromF16', [0x7c00], { fpscr: AHP })).toEqual({ bits: 0x47800000, flags: 0 });
    expect(run('f16FromF32', [0x7f800000], { fpscr: AHP })).toEqual({ bits: 0x7fff, flags: IOC });
    expect(run('f16FromF32', [0x7fc00000], { fpscr: AHP })).toEqual({ bits: 0, flags: IOC });
  });
});

describe('operands and result in the same place', () => {
  it('a double result may overwrite its operand', () => {
    const w = Int32Array.of(0, 0x3ff00000);
    floating.addF64(Int32Array.of(0), w, 0, 0, 0, 0, 0, 0);
    expect([...w]).toEqual([0, 0x40000000]);
    widePure.negF64(Int32Array.of(0), w, 0, 0, 0, 0, 0, 0);
    expect([...w]).toEqual([0, 0xc0000000 | 0]);
    floating.f64FromF32(Int32Array.of(0), w, 0, 1, 0, 0, 0, 0);
    expect([...w]).toEqual([0, 0xc0000000 | 0]);
  });
});
