/** Every condition after every way to set the flags: with and without the fold, the interpreter comes to the same end. */
import { expect, test } from 'vitest';
import { foldConditions } from '../../src/arm/fold-conditions.js';
import { BlockLifter } from '../../src/arm/lift-block.js';
import { Word } from '../../src/guest/cpu-state.js';
import { GuestMemory } from '../../src/guest/memory.js';
import { bindBlock } from '../../src/interpreter/bind-block.js';
import type { ColdCode } from '../../src/interpreter/cold-code.js';
import { Machine } from '../../src/interpreter/machine.js';
import { runBlock } from '../../src/interpreter/run-block.js';
import type { IrBlock } from '../../src/ir/block.js';
import { makeLocation } from '../../src/ir/location.js';
import { removeDeadSets } from '../../src/ir/passes/dead-sets.js';
import { verifyBlock } from '../../src/ir/verify.js';

const START = 0x1_0000;
const SETTERS: Readonly<Record<string, number>> = {
  'cmp r0, r1': 0xe1500001,
  'cmp r0, #0': 0xe3500000,
  'cmp r0, #1': 0xe3500001,
  'cmn r0, r1': 0xe1700001,
  'tst r0, r1': 0xe1100001,
  'subs r0, r0, r1': 0xe0500001,
  'subs r3, r0, r1': 0xe0503001,
  'rsbs r3, r0, r1': 0xe0703001,
  'adds r3, r0, r1': 0xe0903001,
  'sbcs r3, r0, r1': 0xe0d03001,
  'adcs r3, r0, r1': 0xe0b03001,
  'movs r3, r0': 0xe1b03000,
  'cmpne r0, r1': 0x11500001,
};
const VALUES = [0, 1, 2, -1, -2, 0x7fff_ffff, 0x8000_0000 | 0, 0x8000_0001 | 0, 77];

const memory = new GuestMemory();
const machine = new Machine(memory);

const lift = (words: readonly number[]): IrBlock => {
  const read = (addr: number): number | undefined => {
    const word = words[(addr - START) >>> 2];
    return word === undefined ? undefined : (addr & 2) === 0 ? word & 0xffff : word >>> 16;
  };
  const lifter = new BlockLifter(
    makeLocation(START, false),
    read,
    {},
    { itGroups: 'separate', maxInsns: words.length },
  );
  while (lifter.next() !== undefined) lifter.keep();
  return lifter.finish()[0] as IrBlock;
};

const run = (code: ColdCode, a: number, b: number): string => {
  const w = machine.words;
  w.fill(0, 0, Word.THREAD_END);
  w.set([a, b], 0);
  w.set([5, 0, 1, 0], Word.NF);
  w[Word.FUEL] = 100;
  const reason = runBlock(code, machine);
  return `${reason} ${w.slice(0, 15)} ${w[Word.NF]} ${w[Word.ZF]} ${w[Word.CF]} ${(w[Word.VF] as number) >>> 31}`;
};

test.each(Object.entries(SETTERS))('%s', (_name, setter) => {
  for (let cond = 0; cond < 14; cond++) {
    // mov<cond> r2, #1; then a second set of the flags and the condition once more, over dead ones.
    const words = [setter, ((cond << 28) | 0x03a02001) >>> 0, 0xe1510000, ((cond << 28) | 0x03a04001) >>> 0];
    const plain = lift(words);
    const folded = lift(words);
    foldConditions(folded);
    expect(verifyBlock(folded)).toBeUndefined();
    removeDeadSets(folded);
    const [expected, got] = [bindBlock(plain, machine.constants), bindBlock(folded, machine.constants)];
    for (const a of VALUES) {
      for (const b of VALUES) expect(run(got, a, b), `condition ${cond}, ${a} and ${b}`).toBe(run(expected, a, b));
    }
  }
});

test('a condition after a comparison is one operation', () => {
  const block = lift([0xe1500001, 0xc3a02001]);
  foldConditions(block);
  removeDeadSets(block);
  const at = block.insts.findIndex(({ op }) => op === 'if');
  const condition = block.insts[block.insts[at]?.a ?? -1];
  expect(condition?.op).toBe('ltS');
});
