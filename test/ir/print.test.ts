import { expect, it } from 'vitest';
import { BlockLifter } from '../../src/arm/lift-block.js';
import { printBlock } from '../../src/ir/print.js';

/** The IR of machine code at 0x1000, as text. */
const irOf = (words: readonly number[]): string => {
  const readCode = (address: number) => ((words[(address - 0x1000) >> 2] ?? 0) >>> ((address & 2) * 8)) & 0xffff;
  const lifter = new BlockLifter(0x1000, readCode, {}, { itGroups: 'separate', maxInsns: 512 });
  while (lifter.next() !== undefined) lifter.keep();
  return lifter.finish().map(printBlock).join('\n');
};

it('a block prints one instruction a line, its conditional regions indented', () => {
  // cmp r0, #0; addne r1, r1, #4; bx lr
  expect(irOf([0xe3500000, 0x12811004, 0xe12fff1e])).toMatchInlineSnapshot(`
    "block 0x1000 insns=3 bytes=12
      enter #3
      insn #4096
      v2 = const #0
      v3 = get #0
      v4 = leU v2 v3
      v5 = overflowSub v3 v2 v3
      set v4 #18
      set v5 #19
      set v3 #16
      set v3 #17
      insn #4100 #1
      v11 = get #17
      if v11
        v13 = const #4
        v14 = get #1
        v15 = add v14 v13
        set v15 #1
      endif
      insn #4104 #2
      v19 = get #14
      return [v19]"
  `);
});
