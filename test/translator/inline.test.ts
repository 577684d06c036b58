import { afterAll, describe, expect, test } from 'vitest';
import { sRegister, Word } from '../../src/guest/cpu-state.js';
import { bindBlock } from '../../src/interpreter/bind-block.js';
import { runBlock } from '../../src/interpreter/run-block.js';
import type { IrBlock } from '../../src/ir/block.js';
import { evaluate, type WidePureOp } from '../../src/ir/eval.js';
import { type FloatingOp, isFloating, isPure, OPS, type Op, type PureOp, type Type } from '../../src/ir/opcode.js';
import { inline } from '../../src/translator/inline.js';
import { inlineFloating } from '../../src/translator/inline-floating.js';
import { Random, randomWord } from './random-block.js';
import { at, block, jump, machine, newTranslator, region, words } from './rig.js';

const translator = newTranslator();
const names = Object.keys(OPS) as Op[];
const WIDE = new Set<string>(['f64FromWords', 'lowWord', 'highWord', 'negF64', 'absF64'] satisfies WidePureOp[]);

/** Ops with an f32 operand have a test of their own. */
const isSingle = (op: Op): boolean => OPS[op].args.some((type: Type) => type === 'f32');

/** Runs one block in the hot tier from these words; returns the word asked for. */
const runHot = (b: IrBlock): void => {
  const [compiled] = translator.compile([region(b)]);
  words[Word.FUEL] = 10;
  translator.enter(b.location);
  if (compiled !== undefined) translator.invalidate(compiled);
};

const INTEGERS = [
  0,
  1,
  2,
  7,
  8,
  15,
  31,
  32,
  33,
  64,
  255,
  256,
  -1,
  -2,
  0x7fff_ffff,
  -0x8000_0000,
  0x8080_8080 | 0,
  0x0102_7f80,
];

afterAll(() => expect(translator.regionCount).toBe(0));

describe('inline recipes', () => {
  const ops = names.filter(
    (op): op is PureOp => isPure(op) && inline[op as PureOp] !== undefined && !WIDE.has(op) && !isSingle(op),
  );
  const kinds = (op: PureOp) => (op.startsWith('parallel') ? [4, 5, 28, 29] : [0]);

  test.each(ops)('%s computes what ir/eval says, operands from registers', (op) => {
    const arity = OPS[op].args.length;
    for (const imm of kinds(op)) {
      const b = block(at(0), 1, (b) => {
        const args = [0, 1, 2].map((n) => (n < arity ? b.get(n) : -1)) as [number, number, number];
        const result = b.emit(op, ...args, imm, 0);
        b.set(OPS[op].result === 'f32' ? b.bitsFromF32(result) : result, 4);
        return jump(at(9));
      });
      const [compiled] = translator.compile([region(b)]);
      for (const x of INTEGERS) {
        for (const y of arity > 1 ? INTEGERS : [0]) {
          for (const z of arity > 2 ? (op === 'carry' || op.endsWith('Carry') ? [0, 1] : INTEGERS) : [0]) {
            if ((op === 'satS' || op === 'satU') && (y < 1 || y > 31)) continue;
            words.set([x, y, z]);
            words[Word.FUEL] = 10;
            translator.enter(at(0));
            expect(words[4], `${op}(${x}, ${y}, ${z}) imm ${imm}`).toBe(evaluate[op](x, y, z, imm) | 0);
          }
        }
      }
      if (compiled !== undefined) translator.invalidate(compiled);
    }
  });

  test.each(['satS', 'satU'] as const)('%s saturates to every constant width', (op) => {
    for (let width = 1; width <= 31; width++) {
      const b = block(at(0), 1, (b) => {
        b.set(b[op](b.get(0), b.const(width)), 4);
        return jump(at(9));
      });
      for (const x of INTEGERS) {
        words[0] = x;
        runHot(b);
        expect(words[4]).toBe(evaluate[op](x, width, 0, 0));
      }
    }
  });

  test('a constant carry in compares instead of adding', () => {
    for (const carryIn of [0, 1]) {
      const b = block(at(0), 1, (b) => {
        b.set(b.carry(b.get(0), b.get(1), b.const(carryIn)), 4);
        return jump(at(9));
      });
      const [compiled] = translator.compile([region(b)]);
      for (const x of INTEGERS) {
        for (const y of INTEGERS) {
          words.set([x, y]);
          words[Word.FUEL] = 10;
          translator.enter(at(0));
          expect(words[4], `${x} ${y} ${carryIn}`).toBe(evaluate.carry(x, y, carryIn, 0));
        }
      }
      if (compiled !== undefined) translator.invalidate(compiled);
    }
  });

  test('negation and absolute value keep the payload of a signaling NaN', () => {
    const b = block(at(0), 1, (b) => {
      b.setF32(b.negF32(b.getF32(sRegister(0))), sRegister(1));
      b.setF32(b.absF32(b.getF32(sRegister(1))), sRegister(2));
      b.setF64(b.negF64(b.getF64(Word.VFP + 4)), Word.VFP + 6);
      return jump(at(9));
    });
    words[sRegister(0)] = 0x7fa1_2345;
    words.set([0x1234_5678, 0x7ff4_0001], Word.VFP + 4);
    runHot(b);
    expect([words[sRegister(1)] ?? 0, words[sRegister(2)], words[Word.VFP + 6], words[Word.VFP + 7]]).toEqual([
      0xffa1_2345 | 0,
      0x7fa1_2345,
      0x1234_5678,
      0xfff4_0001 | 0,
    ]);
  });
});

/** Bit patterns at every edge of the format, as high words (doubles) or whole words (singles). */
const SINGLES = [
  0, 1, 0x007f_ffff, 0x0080_0000, 0x0080_0001, 0x0100_0000, 0x3f80_0000, 0x3f80_0001, 0x4b80_0000, 0x4f00_0000,
  0x4f80_0000, 0x7f7f_ffff, 0x7f80_0000, 0x7fc0_0000, 0x7fa0_0000, 0x4049_0fdb, 0x3eaa_aaab,
];
const DOUBLES = [
  0, 1, 0x000f_ffff, 0x0010_0000, 0x0020_0000, 0x3ff0_0000, 0x3810_0000, 0x47ef_ffff, 0x41e0_0000, 0x41f0_0000,
  0x7fef_ffff, 0x7ff0_0000, 0x7ff8_0000, 0x7ff4_0000, 0x4009_21fb, 0x3fd5_5555,
];
const signed = (list: readonly number[]) => list.flatMap((x) => [x, x | 0x8000_0000]);

describe('inline floating recipes', () => {
  const ops = names.filter((op): op is FloatingOp => isFloating(op) && inlineFloating[op as FloatingOp] !== undefined);
  const fpscrs = [0, 0x10, 0x0000_009f, 0x0040_0010, 0x00c0_0010, 0x0100_0010, 0x0200_0010];

  /** Operands in r0, r1 (single, integer) or d0, d1; result and flags compared as words. */
  const make = (op: FloatingOp, imm: number): IrBlock =>
    block(at(0), 1, (b) => {
      b.insn(0x1_0000, 0);
      const args = OPS[op].args.map((type: Type, n: number) =>
        type === 'f64' ? b.getF64(Word.VFP + 2 * n) : type === 'f32' ? b.f32FromBits(b.get(n)) : b.get(n),
      );
      const id = b.emit(op, args[0] ?? -1, args[1] ?? -1, args[2] ?? -1, imm, 0);
      if (OPS[op].result === 'f64') b.setF64(id, Word.VFP + 8);
      else b.set((OPS[op].result as Type) === 'f32' ? b.bitsFromF32(id) : id, 4);
      return jump(at(9));
    });

  test.each(ops)('%s gives the result and flags of ir/fp in every mode', (op) => {
    const r = new Random(op.length);
    const isDouble = OPS[op].args[0] === ('f64' as Type);
    const edges = isDouble ? signed(DOUBLES) : signed(SINGLES);
    const wrong: string[] = [];
    for (const imm of [0, 1]) {
      const b = make(op, imm);
      const cold = bindBlock(b, machine.constants);
      const [compiled] = translator.compile([region(b)]);
      for (const fpscr of fpscrs) {
        for (const x of edges) {
          for (const y of OPS[op].args.length > 1 ? edges : [0]) {
            const operands = isDouble
              ? [r.chance(50) ? 0 : randomWord(r), x, r.chance(50) ? 0 : randomWord(r), y]
              : [x, y];
            const outcome = (run: () => void): string => {
              words.set(operands, isDouble ? Word.VFP : 0);
              words[Word.FPSCR] = fpscr;
              words[Word.FUEL] = 10;
              words.fill(0, Word.VFP + 8, Word.VFP + 10);
              run();
              return [words[4], words[Word.VFP + 8], words[Word.VFP + 9], words[Word.FPSCR]]
                .map((w) => ((w ?? 0) >>> 0).toString(16))
                .join();
            };
            const expected = outcome(() => runBlock(cold, machine));
            const actual = outcome(() => translator.enter(at(0)));
            const context = `${op} ${operands.map((o) => (o >>> 0).toString(16))} fpscr ${fpscr.toString(16)}`;
            if (actual !== expected) wrong.push(`${context}: ${actual}, not ${expected}`);
          }
        }
      }
      if (compiled !== undefined) translator.invalidate(compiled);
    }
    expect(wrong).toEqual([]);
  });
});
