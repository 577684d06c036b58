import { describe, expect, it } from 'vitest';
import { floating } from '../../src/ir/fp.js';
import { type FloatingOp, OPS, type Type } from '../../src/ir/opcode.js';
import { fuzzSeed } from '../support/random.js';
import { ANSWER_WORDS, askOracle, CASE_WORDS, hasOracle } from './fp-oracle.js';

/** An op with its immediates, and the instruction that is it (operands in d0, d1, d2; result in d0 or s0). */
interface Subject {
  op: FloatingOp;
  text: string;
  imm?: number;
  imm2?: number;
}

const NZCV = 0xf0000000 | 0;

const arithmetic = (suffix: 'F32' | 'F64'): Subject[] => {
  const t = suffix.toLowerCase();
  const [a, b, c] = suffix === 'F32' ? ['s0', 's2', 's4'] : ['d0', 'd1', 'd2'];
  return [
    { op: `add${suffix}`, text: `vadd.${t} ${a}, ${a}, ${b}` },
    { op: `sub${suffix}`, text: `vsub.${t} ${a}, ${a}, ${b}` },
    { op: `mul${suffix}`, text: `vmul.${t} ${a}, ${a}, ${b}` },
    { op: `div${suffix}`, text: `vdiv.${t} ${a}, ${a}, ${b}` },
    { op: `sqrt${suffix}`, text: `vsqrt.${t} ${a}, ${a}` },
    { op: `fma${suffix}`, text: `vfma.${t} ${a}, ${b}, ${c}` },
    { op: `cmp${suffix}`, text: `vcmp.${t} ${a}, ${b}`, imm: 0 },
    { op: `cmp${suffix}`, text: `vcmpe.${t} ${a}, ${b}`, imm: 1 },
    { op: `s32From${suffix}`, text: `vcvt.s32.${t} s0, ${a}`, imm: 0 },
    { op: `u32From${suffix}`, text: `vcvt.u32.${t} s0, ${a}`, imm: 0 },
    { op: `s32From${suffix}`, text: `vcvtr.s32.${t} s0, ${a}`, imm: 1 },
    { op: `u32From${suffix}`, text: `vcvtr.u32.${t} s0, ${a}`, imm: 1 },
  ];
};

const armv8 = (suffix: 'F32' | 'F64'): Subject[] => {
  const t = suffix.toLowerCase();
  const [a, b] = suffix === 'F32' ? ['s0', 's2'] : ['d0', 'd1'];
  const rounds = Object.entries({ n: 0, p: 1, m: 2, z: 3, a: 4, r: 5 }).map(
    ([letter, imm]): Subject => ({ op: `round${suffix}`, text: `vrint${letter}.${t} ${a}, ${a}`, imm, imm2: 0 }),
  );
  const converts = Object.entries({ a: 4, n: 0, p: 1, m: 2 }).flatMap(([letter, imm]): Subject[] => [
    { op: `roundedS32From${suffix}`, text: `vcvt${letter}.s32.${t} s0, ${a}`, imm },
    { op: `roundedU32From${suffix}`, text: `vcvt${letter}.u32.${t} s0, ${a}`, imm },
  ]);
  return [
    ...rounds,
    ...converts,
    { op: `round${suffix}`, text: `vrintx.${t} ${a}, ${a}`, imm: 5, imm2: 1 },
    { op: `maxNum${suffix}`, text: `vmaxnm.${t} ${a}, ${a}, ${b}` },
    { op: `minNum${suffix}`, text: `vminnm.${t} ${a}, ${a}, ${b}` },
  ];
};

const conversions: Subject[] = [
  { op: 'f64FromF32', text: 'vcvt.f64.f32 d0, s0' },
  { op: 'f32FromF64', text: 'vcvt.f32.f64 s0, d0' },
  { op: 'f32FromF16', text: 'vcvtb.f32.f16 s0, s0' },
  { op: 'f64FromF16', text: 'vcvtb.f64.f16 d0, s0' },
  { op: 'f16FromF32', text: 'vmov.i32 d3, #0; vcvtb.f16.f32 s6, s0; vmov.f32 s0, s6' },
  { op: 'f16FromF64', text: 'vmov.i32 d3, #0; vcvtb.f16.f64 s6, d0; vmov.f32 s0, s6' },
  { op: 'f32FromS32', text: 'vcvt.f32.s32 s0, s0' },
  { op: 'f32FromU32', text: 'vcvt.f32.u32 s0, s0' },
  { op: 'f64FromS32', text: 'vcvt.f64.s32 d0, s0' },
  { op: 'f64FromU32', text: 'vcvt.f64.u32 d0, s0' },
];

/** Fraction bits from 0 are encodable for 16-bit fixed point, from 1 for 32-bit. */
const fixedPoint = (): Subject[] => {
  const out: Subject[] = [];
  for (const imm2 of [16, -16, 32, -32]) {
    const kind = `${imm2 < 0 ? 's' : 'u'}${Math.abs(imm2)}`;
    for (const imm of [Math.abs(imm2) === 16 ? 0 : 2, 1, 7, Math.abs(imm2) - 1, Math.abs(imm2)]) {
      out.push({ op: 'f32FromFixed', text: `vcvt.f32.${kind} s0, s0, #${imm}`, imm, imm2 });
      out.push({ op: 'f64FromFixed', text: `vcvt.f64.${kind} d0, d0, #${imm}`, imm, imm2 });
      out.push({ op: 'fixedFromF32', text: `vcvt.${kind}.f32 s0, s0, #${imm}`, imm, imm2 });
      out.push({ op: 'fixedFromF64', text: `vcvt.${kind}.f64 d0, d0, #${imm}`, imm, imm2 });
    }
  }
  return out;
};

const NASTY_F32 = [
  0, 0x80000000, 1, 0x80000001, 0x007fffff, 0x00800000, 0x00800001, 0x80800000, 0x00c00000, 0x3f800000, 0xbf800000,
  0x3f800001, 0x3f7fffff, 0x3fc00000, 0x40200000, 0x34000000, 0x33800000, 0x33800001, 0x33ffffff, 0x4b000000,
  0x4b000001, 0x4b800000, 0x4effffff, 0x4f000000, 0xcf000000, 0xcf000001, 0x4f7fffff, 0x4f800000, 0x3f000000,
  0xbf000000, 0x7f7fffff, 0xff7fffff, 0x7f000000, 0x7f800000, 0xff800000, 0x7fc00000, 0xffc00123, 0x7fc00123,
  0x7f800001, 0xffbfffff, 0x7fa00000, 0x477fe000, 0x477fefff, 0x477ff000, 0x477fffff, 0x33000000, 0x33000001,
  0x38800000, 0x387fe000, 0x0d800000, 0x1f800000, 0x20000000, 0x5f000000, 0x40490fdb, 0x3eaaaaab, 0x00000003,
  0x00400000,
].map((x) => x | 0);

const NASTY_HIGH = [
  0, 0x80000000, 0x000fffff, 0x00100000, 0x80100000, 0x3ff00000, 0xbff00000, 0x3fefffff, 0x3ff80000, 0x40040000,
  0x3ca00000, 0x3cb00000, 0x43400000, 0x41dfffff, 0x41e00000, 0xc1e00000, 0x41efffff, 0x41f00000, 0x7fefffff,
  0xffefffff, 0x7fe00000, 0x7ff00000, 0xfff00000, 0x7ff80000, 0xfff80123, 0x7ff40000, 0x20000000, 0x1ff00000,
  0x5fe00000, 0x36a00000, 0x381fffff, 0x38100000, 0x38000000, 0x47efffff, 0x40effdff, 0x40effe00, 0x3e6fffff,
  0x3f000000, 0x00080000, 0x03600000, 0x3fd55555,
].map((x) => x | 0);
const NASTY_LOW = [0, 1, 0x80000000, 0xffffffff, 0xe0000000, 0x10000000, 0x0fffffff, 0x55555555, 2].map((x) => x | 0);

/** xorshift32. */
const random = (seed: number) => {
  let x = seed | 1;
  return (): number => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return x;
  };
};

const makeOperands = (next: () => number) => {
  const pick = (list: readonly number[]): number => list[(next() >>> 1) % list.length] as number;
  const recent = { low: 0, high: 0x3ff00000 };
  const near = (x: number): number => x + ((next() >> 28) << ((next() >>> 1) % 3 === 0 ? 23 : 0));
  const single = (): number => {
    const how = (next() >>> 8) % 8;
    if (how < 4) return pick(NASTY_F32);
    if (how < 5) return near(recent.low);
    if (how < 6) return (next() & 0x807fffff) | ((((next() >>> 1) % 48) + 104) << 23);
    return next();
  };
  const double = (): { low: number; high: number } => {
    const how = (next() >>> 8) % 8;
    const low = how % 2 === 0 ? pick(NASTY_LOW) : next();
    if (how < 4) return { low, high: pick(NASTY_HIGH) };
    if (how < 5) return { low: recent.low, high: recent.high ^ (next() & 0x80000003) };
    if (how < 6) return { low, high: (next() & 0x800fffff) | ((((next() >>> 1) % 100) + 970) << 20) };
    return { low, high: next() };
  };
  return (type: Type): { low: number; high: number } => {
    const made = type === 'f64' ? double() : { low: type === 'f32' ? single() : integer(next, pick), high: 0 };
    recent.low = made.low;
    recent.high = made.high;
    return made;
  };
};

const integer = (next: () => number, pick: (list: readonly number[]) => number): number =>
  (next() & 3) === 0
    ? pick([0, 1, -1, 0x7fffffff, -0x80000000, 0x01000001, 0x8000, 0x7c00, 0x7e01, 0x7d00, 0xfc00, 0x03ff])
    : next() >> ((next() >>> 1) % 31);

/** Half of the cases run with FPSCR clear and IXC sometimes set already: the fast path; half with random modes. */
const makeFpscr = (next: () => number): number => {
  if ((next() & 0x100) !== 0) return (next() & 0x100) !== 0 ? 0 : 0x10;
  return next() & (0x07c0009f | (3 << 22));
};

const makeCases = (subjects: readonly Subject[], perSubject: number, seed: number): Int32Array => {
  const next = random(seed);
  const operand = makeOperands(next);
  const cases = new Int32Array(subjects.length * perSubject * CASE_WORDS);
  let at = 0;
  subjects.forEach(({ op }, index) => {
    for (let n = 0; n < perSubject; n++, at += CASE_WORDS) {
      cases[at] = index;
      cases[at + 1] = makeFpscr(next);
      OPS[op].args.forEach((type, k) => {
        const { low, high } = operand(type);
        cases[at + 2 + 2 * k] = low;
        cases[at + 3 + 2 * k] = high;
      });
    }
  });
  return cases;
};

const word = (x: number): string => (x >>> 0).toString(16).padStart(8, '0');

/** Runs every case through `floating` and lists those that differ from the oracle's answers. */
const differences = (subjects: readonly Subject[], cases: Int32Array, answers: Int32Array): string[] => {
  const out: string[] = [];
  const w = new Int32Array(8);
  const env = new Int32Array(1);
  for (let n = 0; n * CASE_WORDS < cases.length; n++) {
    const at = n * CASE_WORDS;
    const { op, text, imm = 0, imm2 = 0 } = subjects[cases[at] as number] as Subject;
    env[0] = cases[at + 1] as number;
    for (let k = 0; k < 6; k++) w[2 + k] = cases[at + 2 + k] as number;
    floating[op](env, w, 0, 2, 4, 6, imm, imm2);
    const [low, high, fpscr] = answers.subarray(n * ANSWER_WORDS) as unknown as [number, number, number];
    const isCompare = op.startsWith('cmp');
    const value = isCompare ? w[0] === (fpscr & NZCV) : w[0] === low && (OPS[op].result !== 'f64' || w[1] === high);
    if (value && env[0] === (isCompare ? fpscr & ~NZCV : fpscr)) continue;
    const operands = Array.from(cases.subarray(at + 2, at + 8), word).join(' ');
    const got = `${word(w[0] as number)} ${word(w[1] as number)} fpscr ${word(env[0] as number)}`;
    out.push(
      `${text}: fpscr ${word(cases[at + 1] as number)} on ${operands} gives ${got}, not ${word(low)} ${word(high)} fpscr ${word(fpscr)}`,
    );
  }
  return out;
};

const SEED = fuzzSeed('floating point');
const COUNT = Number(process.env.ARMSTALK_FUZZ_COUNT ?? 4000);

// Judged by qemu-arm, built by gcc. `npm test` installs both or stops; only a file run by hand goes without.
describe.skipIf(!hasOracle())(`results and cumulative flags equal qemu-arm's (seed ${SEED})`, () => {
  it.each([
    ['single-precision arithmetic, comparison and integer conversion', arithmetic('F32'), 4],
    ['double-precision arithmetic, comparison and integer conversion', arithmetic('F64'), 4],
    ['conversion between formats and from integers', conversions, 2],
    ['ARMv8 single precision', armv8('F32'), 1],
    ['ARMv8 double precision', armv8('F64'), 1],
    ['fixed point', fixedPoint(), 0.25],
  ] as const)('%s', (_name, subjects, weight) => {
    const cases = makeCases(subjects, Math.round(COUNT * weight), SEED);
    const answers = askOracle(
      subjects.map((s) => s.text),
      cases,
    );
    expect(answers.length).toBe((cases.length / CASE_WORDS) * ANSWER_WORDS);
    const wrong = differences(subjects, cases, answers);
    expect(wrong.slice(0, 12)).toEqual([]);
  });
});
