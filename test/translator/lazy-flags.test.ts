import { describe, expect, test } from 'vitest';
import { Word } from '../../src/guest/cpu-state.js';
import type { IrBlock } from '../../src/ir/block.js';
import type { Builder } from '../../src/ir/builder.js';
import { ExitReason } from '../../src/ir/terminal.js';
import { edgesOf } from '../../src/translator/block-edges.js';
import { postponeFlags } from '../../src/translator/lazy-flags.js';
import { at, block, jump, newTranslator, region, words } from './rig.js';

const OUTSIDE = 90;
const VALUES = [0, 1, 2, -1, 0x7fff_ffff, -0x8000_0000, 0x1234_5678, -0x1234_5678];

const compare = (b: Builder, isSum: boolean): void => {
  const [x, y] = [b.get(0), b.get(1)];
  const result = isSum ? b.add(x, y) : b.sub(x, y);
  b.set(result, Word.NF);
  b.set(result, Word.ZF);
  b.set(isSum ? b.ltU(result, x) : b.leU(y, x), Word.CF);
  b.set(isSum ? b.overflow(x, y, result) : b.overflowSub(x, y, result), Word.VF);
};

const comparing = (isSum: boolean): IrBlock =>
  block(at(0), 1, (b) => {
    b.enter(1);
    compare(b, isSum);
    return jump(at(1));
  });

/** NF, ZF, CF and VF as they should be. */
const flags = (isSum: boolean, x: number, y: number): number[] => {
  const result = (isSum ? x + y : x - y) | 0;
  const carry = isSum ? (x >>> 0) + (y >>> 0) > 0xffff_ffff : x >>> 0 >= y >>> 0;
  const overflow = isSum ? (x ^ result) & (y ^ result) : (x ^ y) & (x ^ result);
  return [result, result, Number(carry), overflow];
};

const writes = (made: IrBlock, word: number): number =>
  made.insts.filter((inst) => inst.op === 'set' && inst.imm === word).length;

const rewritten = (...blocks: IrBlock[]): IrBlock[] => {
  const frame = { nodeAt: new Map(blocks.map((b, n) => [b.location, n])), callees: new Map() };
  return postponeFlags(
    blocks,
    blocks.map((b) => edgesOf({ block: b, frame })),
    [0],
  );
};

describe.each([
  ['difference', false],
  ['sum', true],
])('flags of a %s', (_name, isSum) => {
  const run = (...blocks: IrBlock[]) => {
    const t = newTranslator();
    t.compile([region(...blocks)]);
    return (x: number, y: number): void => {
      words.fill(0, 0, 32);
      words[Word.FUEL] = 100;
      words[0] = x;
      words[1] = y;
      expect(t.enter(at(0))).toBe(ExitReason.NEXT);
    };
  };
  const eachPair = (check: (x: number, y: number) => void): void => {
    for (const x of VALUES) for (const y of VALUES) check(x, y);
  };

  test('are not computed in translated code, and the host finds them', () => {
    const [made] = rewritten(comparing(isSum));
    for (const word of [Word.NF, Word.ZF, Word.CF, Word.VF]) expect(writes(made as IrBlock, word)).toBe(0);
    const enter = run(comparing(isSum));
    eachPair((x, y) => {
      enter(x, y);
      expect([...words.slice(Word.NF, Word.VF + 1)]).toEqual(flags(isSum, x, y));
      expect(words[Word.FLAGS_FORM]).toBe(0);
    });
  });

  test('are computed for a later block that reads them, or writes some of them', () => {
    const reader = block(at(1), 1, (b) => {
      b.enter(1);
      for (const [n, word] of [Word.NF, Word.ZF, Word.CF, Word.VF].entries()) b.set(b.get(word), 4 + n);
      return jump(at(2));
    });
    const writer = block(at(2), 1, (b) => {
      b.enter(1);
      b.set(b.const(77), Word.NF);
      b.set(b.const(77), Word.ZF);
      return jump(at(OUTSIDE));
    });
    const enter = run(comparing(isSum), reader, writer);
    eachPair((x, y) => {
      enter(x, y);
      const [n, z, c, v] = flags(isSum, x, y) as [number, number, number, number];
      expect([...words.slice(4, 8)]).toEqual([n, z, c, v]);
      expect([...words.slice(Word.NF, Word.VF + 1)]).toEqual([77, 77, c, v]);
    });
  });
});

test('a callout finds the flags in their words, and may change them', () => {
  const seen: number[][] = [];
  const t = newTranslator(() => {
    seen.push([...words.slice(Word.NF, Word.VF + 1)]);
    words[Word.CF] = 1 - (words[Word.CF] as number);
  });
  const caller = block(at(0), 1, (b) => {
    b.enter(1);
    compare(b, false);
    b.when(b.get(2), () => b.callout(0));
    b.set(b.get(Word.CF), 3);
    return jump(at(OUTSIDE));
  });
  t.compile([region(caller)]);
  for (const asks of [0, 1]) {
    words.fill(0, 0, 32);
    words[Word.FUEL] = 100;
    words[0] = 5;
    words[1] = 3;
    words[2] = asks;
    t.enter(at(0));
    expect([words[3], words[Word.CF]]).toEqual([1 - asks, 1 - asks]);
  }
  expect(seen).toEqual([flags(false, 5, 3)]);
});
