import { beforeEach, describe, expect, it } from 'vitest';
import { vfpExpandImm } from '../../src/arm/lift/vfp.js';
import { VFP_A32, VFP_T32 } from '../../src/arm/tables/vfp.js';
import { readCpsr, Word } from '../../src/guest/cpu-state.js';
import { GuestMemory, Permission } from '../../src/guest/memory.js';
import { Machine } from '../../src/interpreter/machine.js';
import { ExitReason, FaultKind } from '../../src/ir/terminal.js';
import { decodeVfp, liftVfp, runVfp } from './vfp-machine.js';

const CODE = 0x1_0000;
const DATA = 0x2_0000;

const memory = new GuestMemory();
memory.setPermissions(DATA, 0x1000, Permission.READ | Permission.WRITE);
const machine = new Machine(memory);
const w = machine.words;

const run = (...words: number[]): number => runVfp(machine, 'arm', CODE, words);
const setS = (n: number, bits: number): void => {
  w[Word.VFP + n] = bits;
};
const s = (n: number): number => (w[Word.VFP + n] as number) >>> 0;
const d = (n: number): bigint => (BigInt(s(2 * n + 1)) << 32n) | BigInt(s(2 * n));
const setD = (n: number, bits: bigint): void => {
  setS(2 * n, Number(BigInt.asIntN(32, bits)));
  setS(2 * n + 1, Number(BigInt.asIntN(32, bits >> 32n)));
};
const trapCount = (...words: number[]): number =>
  liftVfp('arm', CODE, words).filter((inst) => inst.op === 'trapIf').length;

beforeEach(() => {
  w.fill(0, 0, Word.THREAD_END);
  memory.i32.fill(0, DATA / 4, DATA / 4 + 64);
});

const VADD = 0xee300a81; // vadd.f32 s0, s1, s2
const VMSR = 0xeee12a10; // vmsr fpscr, r2

describe('multiplication and addition', () => {
  it('vmls, vnmul and vnmla negate the NaN they formed', () => {
    const operands = (...bits: number[]): void => w.set(bits, Word.VFP);
    operands(0x3f800000, 0x7fc00123, 0x3f800000);
    run(0xee000ac1); // vmls.f32 s0, s1, s2
    expect(s(0)).toBe(0xffc00123);
    operands(0, 0x7f800000, 0);
    run(0xee200ac1); // vnmul.f32 s0, s1, s2
    expect(s(0)).toBe(0xffc00000);
    operands(0x7fc00123, 0x3f800000, 0x3f800000);
    run(0xee100ac1); // vnmla.f32 s0, s1, s2
    expect(s(0)).toBe(0xffc00123);
  });
  it('unfused: the addend NaN wins over the default NaN of infinity times zero; fused: it does not', () => {
    setS(0, 0x7fc00123);
    setS(1, 0x7f800000);
    run(0xee000a81); // vmla.f32 s0, s1, s2
    expect(s(0)).toBe(0x7fc00123);
    run(0xeea00a81); // vfma.f32 s0, s1, s2
    expect(s(0)).toBe(0x7fc00000);
  });
  it('vmla rounds twice, vfma once', () => {
    setS(1, 0x3f800800);
    setS(2, 0x3f800800);
    setS(0, 0xbf801000);
    run(0xee000a81);
    expect(s(0)).toBe(0);
    setS(0, 0xbf801000);
    run(0xeea00a81);
    expect(s(0)).toBe(0x33800000);
  });
});

describe('Len and Stride', () => {
  it.each([
    ['vadd.f32 s0, s1, s2', VADD],
    ['vmov.f32 s0, #1.0', 0xeeb70a00],
    ['vmov.f32 s0, s1', 0xeeb00a60],
  ])('make %s UNDEFINED', (_text, word) => {
    w[Word.FPSCR] = 1 << 16;
    expect(run(word)).toBe(ExitReason.UNDEFINED);
  });
  it.each([
    ['vcmp.f32 s0, s1', 0xeeb40a60],
    ['vcvt.s32.f32 s0, s1', 0xeebd0ae0],
    ['vmrs r3, fpscr', 0xeef13a10],
  ])('do not touch %s', (_text, word) => {
    w[Word.FPSCR] = 1 << 16;
    expect(run(word)).toBe(ExitReason.NEXT);
  });
  it('one test serves a block, until vmsr', () => {
    expect(trapCount(VADD, VADD, VADD)).toBe(1);
    expect(trapCount(VADD, VMSR, VADD)).toBe(2);
    w[2] = 1 << 20;
    expect(run(VADD, VMSR, VADD)).toBe(ExitReason.UNDEFINED);
    expect((w[Word.PC] as number) >>> 0).toBe(CODE + 8);
  });
  it('a test under a condition does not serve what follows', () => {
    expect(trapCount(0x0e300a81, VADD)).toBe(2); // vaddeq.f32 s0, s1, s2
  });
});

describe('registers', () => {
  it('vmov.f64 writes D16 and up, vmov.32 one half of it', () => {
    run(0xeefc0b04); // vmov.f64 d16, #-0.15625
    expect(d(16)).toBe(0xbfc4000000000000n);
    w[3] = 0x1234;
    setD(17, 0x1111111122222222n);
    run(0xee213b90); // vmov.32 d17[1], r3
    expect(d(17)).toBe(0x0000123422222222n);
  });
  it('VFPExpandImm makes 1.0, 2.0, -31.0 and 0.125', () => {
    const single = [0x70, 0x00, 0xbf, 0x40].map((imm8) => vfpExpandImm(0, imm8) >>> 0);
    expect(single).toEqual([0x3f800000, 0x40000000, 0xc1f80000, 0x3e000000]);
    const double = [0x70, 0x00, 0xbf, 0x40].map((imm8) => vfpExpandImm(1, imm8) >>> 0);
    expect(double).toEqual([0x3ff00000, 0x40000000, 0xc03f0000, 0x3fc00000]);
  });
  it('vmsr keeps the writable bits, vmrs returns them with the flags', () => {
    w[2] = -1;
    run(VMSR, 0xeef13a10);
    expect((w[3] as number) >>> 0).toBe(0xfff7009f);
  });
  it('vmrs APSR_nzcv takes the comparison to the flags', () => {
    setS(0, 0x3f800000);
    setS(1, 0x7fc00000);
    run(0xeeb40a60, 0xeef1fa10); // vcmp.f32 s0, s1; vmrs APSR_nzcv, fpscr
    expect(readCpsr(w) >>> 28).toBe(0b0011);
  });
});

describe('memory', () => {
  it('a doubleword needs four-byte alignment and no more', () => {
    w[1] = DATA + 4;
    memory.i32[DATA / 4 + 1] = 0x11223344;
    memory.i32[DATA / 4 + 2] = 0x55667788;
    expect(run(0xed910b00)).toBe(ExitReason.NEXT); // vldr d0, [r1]
    expect(d(0)).toBe(0x5566778811223344n);
    w[1] = DATA + 2;
    expect(run(0xed910b00)).toBe(ExitReason.FAULT);
    expect(w[Word.FAULT_KIND]).toBe(FaultKind.ALIGNMENT);
    expect(w[Word.FAULT_ADDR]).toBe(DATA + 2);
  });
  it('fldmiax of three doubles moves its base by 28 bytes', () => {
    w[1] = DATA;
    memory.i32[DATA / 4 + 4] = 7;
    run(0xecb10b07); // fldmiax r1!, {d0-d2}
    expect(w[1]).toBe(DATA + 28);
    expect(d(2)).toBe(7n);
  });
  it('a load multiple that faults leaves registers and base as they were', () => {
    w[1] = DATA + 0x1000 - 8;
    setD(2, 5n);
    memory.i32[(DATA + 0x1000 - 8) / 4] = 9;
    expect(run(0xecb12b04)).toBe(ExitReason.FAULT); // vldmia r1!, {d2-d3}
    expect(w[1]).toBe(DATA + 0x1000 - 8);
    expect(d(2)).toBe(5n);
    expect((w[Word.FAULT_ADDR] as number) >>> 0).toBe(DATA + 0x1000);
  });
  it('vpush stores below the stack pointer and moves it', () => {
    w[Word.SP] = DATA + 32;
    setD(8, 0x1_0000_0002n);
    setD(9, 3n);
    run(0xed2d8b04); // vpush {d8-d9}
    expect(w[Word.SP]).toBe(DATA + 16);
    expect(Array.from(memory.i32.subarray(DATA / 4 + 4, DATA / 4 + 8))).toEqual([2, 1, 3, 0]);
  });
});

describe('ARMv8 additions', () => {
  it('vsel picks by the flags', () => {
    setS(1, 11);
    setS(2, 22);
    w[Word.ZF] = 0;
    run(0xfe000a81); // vseleq.f32 s0, s1, s2
    expect(s(0)).toBe(11);
    w[Word.ZF] = 1;
    run(0xfe000a81);
    expect(s(0)).toBe(22);
    setD(17, 17n);
    setD(31, 31n);
    run(0xfe714baf); // vselgt.f64 d20, d17, d31
    expect(d(20)).toBe(17n);
  });
  it('vmaxnm prefers a number to a quiet NaN; vminnm of zeros is -0', () => {
    setS(1, 0x7fc00000);
    setS(2, 0xbf800000);
    run(0xfe800a81); // vmaxnm.f32 s0, s1, s2
    expect(s(0)).toBe(0xbf800000);
    setD(1, 0n);
    setD(2, 1n << 63n);
    run(0xfe810b42); // vminnm.f64 d0, d1, d2
    expect(d(0)).toBe(1n << 63n);
  });
  it.each([
    ['vrinta', 0xfeb80a60, 0xc0400000], // -2.5 to -3
    ['vrintp', 0xfeba0a60, 0xc0000000],
    ['vrintm', 0xfebb0a60, 0xc0400000],
    ['vrintr', 0xeeb60a60, 0xc0000000],
    ['vcvta.s32.f32', 0xfebc0ae0, 0xfffffffd],
    ['vcvtp.s32.f32', 0xfebe0ae0, 0xfffffffe],
  ])('%s of -2.5', (_name, word, expected) => {
    setS(1, 0xc0200000);
    run(word);
    expect(s(0)).toBe(expected);
  });
  it('vrintx alone of the vrint family raises Inexact', () => {
    setS(1, 0xc0200000);
    run(0xeeb60a60);
    expect(w[Word.FPSCR]).toBe(0);
    run(0xeeb70a60); // vrintx.f32 s0, s1
    expect(w[Word.FPSCR]).toBe(0x10);
  });
  it('vcvtt.f16.f64 writes the top half only', () => {
    setS(0, 0x1234);
    setD(1, 0x3ff8000000000000n);
    run(0xeeb30bc1); // vcvtt.f16.f64 s0, d1
    expect(s(0)).toBe(0x3e001234);
  });
});

describe('the table', () => {
  it('has the same rows for both instruction sets', () => {
    expect(VFP_T32.map((r) => r.name.replace(/T(\d)$/, 'A$1'))).toEqual(VFP_A32.map((r) => r.name));
  });
  it.each([
    ['vmrs r0, fpsid', 0xeef00a10],
    ['vmrs r0, mvfr0', 0xeef70a10],
    ['vmov.8 d0[0], r0', 0xee400b10],
    ['vdup.32 d0, r0', 0xee800b10],
  ])('%s is UNDEFINED', (_text, word) => {
    expect(decodeVfp('arm', word)).toBeUndefined();
  });
  it('empty and overlong register lists are UNPREDICTABLE', () => {
    expect(decodeVfp('arm', 0xecb12b00)?.isOpen).toBe(true); // vldmia r1!, {}
    expect(decodeVfp('arm', 0xecf1fb04)?.isOpen).toBe(true); // vldmia r1!, {d31-d32}
    expect(decodeVfp('arm', 0xecb12b04)?.isOpen).toBe(false);
  });
});
