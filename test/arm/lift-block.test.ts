/** The block lifter: where blocks and segments end, IT blocks, what the hooks are told. */
import { describe, expect, it } from 'vitest';
import type { Insn } from '../../src/arm/insn.js';
import { BlockLifter, type LiftOptions, type Transfer } from '../../src/arm/lift-block.js';
import type { IrBlock, IrInst } from '../../src/ir/block.js';
import { makeLocation } from '../../src/ir/location.js';
import { ExitReason } from '../../src/ir/terminal.js';

const PC = 0x1_0000;
const arm = (...words: number[]): number[] => words.flatMap((word) => [word & 0xffff, word >>> 16]);

interface Lifted {
  blocks: IrBlock[];
  seen: Insn[];
  transfers: Transfer[];
  /** Length of the builder when onTransfer was called. */
  transferAt: number[];
  end: number;
}

interface How extends Partial<LiftOptions> {
  thumb?: boolean;
  itState?: number;
  keep?: (insn: Insn) => boolean;
}

/** Lifts the halfwords at PC; what lies behind them cannot be fetched. */
const lift = (code: readonly number[], how: How = {}): Lifted => {
  const transfers: Transfer[] = [];
  const transferAt: number[] = [];
  const lifter = new BlockLifter(
    makeLocation(PC, how.thumb ?? false, how.itState),
    (addr) => code[(addr - PC) / 2],
    {
      onTransfer(b, t) {
        transfers.push(t);
        transferAt.push(b.insts.length);
      },
    },
    { itGroups: how.itGroups ?? 'separate', maxInsns: how.maxInsns ?? 100 },
  );
  const seen: Insn[] = [];
  for (let insn = lifter.next(); insn !== undefined; insn = lifter.next()) {
    seen.push(insn);
    if (how.keep?.(insn) ?? true) lifter.keep();
  }
  return { blocks: lifter.finish(), seen, transfers, transferAt, end: lifter.endAddress };
};

const only = ({ blocks }: Lifted): IrBlock => {
  expect(blocks).toHaveLength(1);
  return blocks[0] as IrBlock;
};
const setsOf = (block: IrBlock): IrInst[] => block.insts.filter((inst) => inst.op === 'set');

describe('a block', () => {
  it('runs to the first branch, and its enter op knows how many instructions it has', () => {
    const lifted = lift(arm(0xe2800001, 0xe12f_ff1e, 0xe280_0001)); // add r0, r0, #1; bx lr; add
    const block = only(lifted);
    expect(block).toMatchObject({ insnCount: 2, sizeBytes: 8, location: PC });
    expect(block.insts[0]).toMatchObject({ op: 'enter', imm: 2 });
    expect(block.terminal).toMatchObject({ kind: 'indirect', flow: 'return' });
    expect(lifted.end).toBe(PC + 8);
  });

  it('marks every instruction with its address and index', () => {
    const block = only(lift(arm(0xe280_0001, 0xe280_0001, 0xe12f_ff1e)));
    const marks = block.insts.filter((inst) => inst.op === 'insn').map(({ imm, imm2 }) => [imm, imm2]);
    expect(marks).toEqual([
      [PC, 0],
      [PC + 4, 1],
      [PC + 8, 2],
    ]);
  });

  it('ends with a jump at the length limit', () => {
    const block = only(lift(arm(0xe280_0001, 0xe280_0001, 0xe280_0001), { maxInsns: 2 }));
    expect(block.terminal).toEqual({ kind: 'jump', flow: 'jump', to: PC + 8 });
  });

  it('ends with a jump before an instruction that cannot be fetched or decoded', () => {
    expect(only(lift(arm(0xe280_0001))).terminal).toEqual({ kind: 'jump', flow: 'jump', to: PC + 4 });
    expect(only(lift(arm(0xe280_0001, 0xf7ff_ffff))).terminal).toEqual({ kind: 'jump', flow: 'jump', to: PC + 4 });
  });

  it('is a fetch fault when the first instruction cannot be fetched, even the second half of it', () => {
    const fault = { kind: 'trap', reason: ExitReason.FETCH_FAULT };
    expect(only(lift([])).terminal).toEqual({ ...fault, at: PC });
    expect(only(lift([0xf000], { thumb: true })).terminal).toEqual({ ...fault, at: PC + 1 });
  });

  it('is a trap when the first instruction is UNDEFINED', () => {
    expect(only(lift(arm(0xf7ff_ffff))).terminal).toEqual({ kind: 'trap', reason: ExitReason.UNDEFINED, at: PC });
  });

  it('does not end at UDF or BKPT', () => {
    const block = only(lift(arm(0xe7f0_00f0, 0xe120_0070, 0xe7f0_01f0, 0xe12f_ff1e)));
    const traps = block.insts.filter((inst) => inst.op === 'trap').map((inst) => inst.imm);
    expect(traps).toEqual([ExitReason.UNDEFINED, ExitReason.BREAKPOINT, ExitReason.BREAKPOINT]);
    expect(block.insnCount).toBe(4);
  });

  it('writes registers only after the last memory access of an instruction', () => {
    for (const word of [0xe8bd_80f0, 0xe4b1_2004, 0xe0c0_20d8, 0xe92d_40f0, 0xe1b0_0f9f]) {
      const { insts } = only(lift(arm(word), { maxInsns: 1 }));
      const firstSet = insts.findIndex((inst) => inst.op === 'set');
      const lastAccess = insts.findLastIndex((inst) => /^(load|store|check)/.test(inst.op));
      expect(firstSet).toBeGreaterThan(lastAccess);
    }
  });
});

describe('an SVC', () => {
  it('ends a segment but not the block', () => {
    const { blocks, seen } = lift(arm(0xe3a0_7004, 0xef00_0000, 0xe280_0001, 0xe12f_ff1e));
    expect(seen).toHaveLength(4);
    expect(blocks.map(({ location, insnCount, sizeBytes }) => ({ location, insnCount, sizeBytes }))).toEqual([
      { location: PC, insnCount: 2, sizeBytes: 8 },
      { location: PC + 8, insnCount: 2, sizeBytes: 8 },
    ]);
    expect(blocks[0]?.terminal).toEqual({ kind: 'svc', imm: 0, next: PC + 8 });
    expect(blocks[1]?.insts[0]).toMatchObject({ op: 'enter', imm: 2 });
  });

  it('that is the last instruction leaves no empty segment', () => {
    expect(only(lift(arm(0xef00_0000), { maxInsns: 1 })).terminal).toMatchObject({ kind: 'svc', next: PC + 4 });
  });

  it('with a condition makes the call only when it holds', () => {
    const { terminal } = only(lift(arm(0x0f00_0000), { maxInsns: 1 }));
    expect(terminal).toMatchObject({ kind: 'svc' });
    expect('cond' in terminal && terminal.cond).toBeTypeOf('number');
  });

  it('in an IT block resumes inside it', () => {
    // itt eq; svceq 0; addeq r0, #1; bx lr
    const { blocks } = lift([0xbf04, 0xdf00, 0x3001, 0x4770], { thumb: true });
    const inside = makeLocation(PC + 4, true, 0x08);
    expect(blocks[0]?.terminal).toMatchObject({ kind: 'svc', next: inside });
    expect(blocks[1]?.location).toBe(inside);
    expect([...(blocks[1]?.itStates ?? [])]).toEqual([[PC + 4, 0x08]]);
  });
});

describe('SETEND', () => {
  it('goes on in a segment whose location is big-endian, where a word load swaps bytes', () => {
    const { blocks } = lift(arm(0xf101_0200, 0xe590_0000, 0xe12f_ff1e)); // setend be; ldr r0, [r0]; bx lr
    const next = makeLocation(PC + 4, false, 0, true);
    expect(blocks[0]?.terminal).toEqual({ kind: 'jump', flow: 'jump', to: next });
    expect(blocks[1]?.location).toBe(next);
    expect(blocks[1]?.insts.some((inst) => inst.op === 'rev')).toBe(true);
  });
});

describe('an instruction that is not kept', () => {
  it('is not lifted and not counted', () => {
    const block = only(lift(arm(0xe280_0001, 0xe280_0002, 0xe12f_ff1e), { keep: (insn) => insn.pc !== PC }));
    expect(block).toMatchObject({ insnCount: 2, sizeBytes: 12 });
  });

  it('lets the block run on when it was a call or a conditional branch', () => {
    for (const word of [0xeb00_0010, 0x0a00_0010]) {
      const { seen } = lift(arm(word, 0xe280_0001, 0xe12f_ff1e), { keep: (insn) => insn.pc !== PC });
      expect(seen).toHaveLength(3);
    }
  });

  it('ends the block when it was an unconditional jump', () => {
    const { seen } = lift(arm(0xea00_0010, 0xe280_0001), { keep: () => false });
    expect(seen).toHaveLength(1);
  });
});

describe('branches', () => {
  it('BL is a call that comes back behind it', () => {
    expect(only(lift(arm(0xeb00_0010))).terminal).toEqual({ kind: 'jump', flow: 'call', to: PC + 0x48, link: PC + 4 });
    expect(only(lift([0xf000, 0xf810], { thumb: true })).terminal).toEqual({
      kind: 'jump',
      flow: 'call',
      to: PC + 0x25,
      link: PC + 5,
    });
  });

  it('BLX to a label changes the instruction set and counts from the aligned pc', () => {
    // nop; blx: at PC + 2 the aligned pc read is PC + 4
    expect(only(lift([0xbf00, 0xf000, 0xe804], { thumb: true })).terminal).toMatchObject({ to: PC + 4 + 8 });
    expect(only(lift(arm(0xfb00_0000))).terminal).toMatchObject({ to: PC + 8 + 2 + 1 });
  });

  it('a conditional branch has two ways out', () => {
    const { terminal } = only(lift(arm(0x0a00_0010)));
    expect(terminal).toMatchObject({ kind: 'branch', flow: 'jump', to: PC + 0x48, otherwise: PC + 4 });
    expect(only(lift([0xb110], { thumb: true })).terminal).toMatchObject({
      kind: 'branch',
      to: PC + 4 + 4 + 1,
      otherwise: PC + 2 + 1,
    });
  });

  it('a computed target that is a constant is a direct jump', () => {
    expect(only(lift(arm(0xe28f_f010))).terminal).toEqual({ kind: 'jump', flow: 'jump', to: PC + 0x18 });
  });

  it('BLX LR reads LR before it writes it', () => {
    const block = only(lift(arm(0xe12f_ff3e)));
    const read = block.insts.findIndex((inst) => inst.op === 'get' && inst.imm === 14);
    const write = block.insts.findIndex((inst) => inst.op === 'set' && inst.imm === 14);
    expect(read).toBeGreaterThan(-1);
    expect(read).toBeLessThan(write);
    expect(block.terminal).toMatchObject({ kind: 'indirect', flow: 'call', target: read, link: PC + 4 });
  });

  it('MOV to the pc ignores bit 0 in T32 and interworks in A32', () => {
    const thumb = only(lift([0x4687], { thumb: true })); // mov pc, r0
    expect(thumb.insts.some((inst) => inst.op === 'or')).toBe(true);
    const { insts } = only(lift(arm(0xe1a0_f000)));
    expect(insts.map((inst) => inst.op)).toEqual(['enter', 'insn', 'get']);
  });
});

describe('onTransfer', () => {
  const firstOf = (code: number[], how?: How): Transfer => {
    const { transfers } = lift(code, how);
    expect(transfers).toHaveLength(1);
    return transfers[0] as Transfer;
  };

  it.each([
    ['b', 'b', arm(0xea00_0000), {}],
    ['bl', 'bl', arm(0xeb00_0000), { link: PC + 4 }],
    ['blx r3', 'blx', arm(0xe12f_ff33), { register: 3, link: PC + 4 }],
    ['bx lr', 'bx', arm(0xe12f_ff1e), { register: 14 }],
    ['mov pc, lr', 'mov', arm(0xe1a0_f00e), { register: 14 }],
    ['add pc, pc, r0', 'alu', arm(0xe08f_f000), {}],
    ['ldr pc, [r0]', 'ldr', arm(0xe590_f000), { pops: false }],
    ['ldr pc, [sp], #4', 'ldr', arm(0xe49d_f004), { pops: true }],
    ['pop {r4, pc}', 'ldm', arm(0xe8bd_8010), { pops: true }],
    ['ldmdb fp, {fp, sp, pc}', 'ldm', arm(0xe91b_a800), { pops: false }],
  ] as const)('%s is %s', (_text, form, code, more) => {
    expect(firstOf([...code])).toMatchObject({ form, ...more });
  });

  it('tells table branches and POP in T32', () => {
    expect(firstOf([0xe8df, 0xf000], { thumb: true })).toMatchObject({ form: 'tb', pops: false });
    expect(firstOf([0xbd10], { thumb: true })).toMatchObject({ form: 'ldm', pops: true });
  });

  it('comes before the register writes of the instruction', () => {
    for (const word of [0xeb00_0000, 0xe8bd_8010, 0xe49d_f004, 0xe12f_ff3e]) {
      const lifted = lift(arm(word));
      const firstSet = only(lifted).insts.findIndex((inst) => inst.op === 'set');
      expect(lifted.transferAt[0]).toBeLessThanOrEqual(firstSet);
    }
  });

  it('stands inside the condition of the instruction', () => {
    for (const code of [arm(0x012f_ff1e), arm(0x0b00_0000)]) {
      const lifted = lift(code);
      const { insts } = only(lifted);
      expect(lifted.transferAt[0]).toBeGreaterThan(insts.findIndex((inst) => inst.op === 'if'));
      expect(lifted.transferAt[0]).toBeLessThanOrEqual(insts.findIndex((inst) => inst.op === 'endif'));
    }
  });

  it('names the IT instruction in charge', () => {
    expect(firstOf([0xbf08, 0x4770], { thumb: true })).toMatchObject({ itStart: PC }); // it eq; bxeq lr
  });
});

describe('an IT block', () => {
  it('predicates each dependent on the flags it finds', () => {
    // ite eq; cmpeq r0, #1; addne r0, #1; bx lr
    const { blocks, seen } = lift([0xbf0c, 0x2801, 0x3001, 0x4770], { thumb: true });
    expect(seen.map((insn) => insn.cond)).toEqual([14, 0, 1, 14]);
    expect(blocks[0]?.insts.filter((inst) => inst.op === 'if')).toHaveLength(2);
    expect(blocks[0]?.insnCount).toBe(4);
  });

  it('keeps 16-bit data processing from setting the flags, but not comparisons', () => {
    const add = only(lift([0xbf08, 0x3001], { thumb: true }));
    expect(setsOf(add).map((inst) => inst.imm)).toEqual([0]);
    const cmp = only(lift([0xbf08, 0x2801], { thumb: true }));
    expect(setsOf(cmp)).toHaveLength(4);
  });

  it('cut by the length limit continues inside', () => {
    const block = only(lift([0xbf04, 0x3001, 0x3002, 0x4770], { thumb: true, maxInsns: 2 }));
    expect(block.terminal).toEqual({ kind: 'jump', flow: 'jump', to: makeLocation(PC + 4, true, 0x08) });
  });

  it('is resumed where a location says', () => {
    const { seen } = lift([0x3002, 0x4770], { thumb: true, itState: 0x18 }); // last slot, NE
    expect(seen.map((insn) => [insn.cond, insn.itState, insn.itStart])).toEqual([
      [1, 0x18, undefined],
      [14, 0, undefined],
    ]);
  });

  it('may hold a branch in its last slot only', () => {
    expect(lift([0xbf04, 0x4770, 0x3001], { thumb: true }).seen).toHaveLength(1); // itt eq; bxeq lr
    expect(lift([0xbf04, 0x3001, 0x4770], { thumb: true }).seen).toHaveLength(3);
  });

  it('does not take BKPT under its condition', () => {
    expect(lift([0xbf08, 0xbe00], { thumb: true }).seen.at(-1)?.cond).toBe(14);
  });

  it('lifted whole is one instruction that ends the block', () => {
    const lifted = lift([0xbf04, 0x3001, 0x3002, 0x4770], { thumb: true, itGroups: 'whole' });
    expect(lifted.seen).toHaveLength(1);
    expect(lifted.seen[0]?.group).toHaveLength(2);
    expect(only(lifted)).toMatchObject({ insnCount: 3, sizeBytes: 6 });
    expect(only(lifted).terminal).toEqual({ kind: 'jump', flow: 'jump', to: PC + 7 });
    expect(lifted.end).toBe(PC + 6);
  });

  it('lifted whole ends with its conditional return', () => {
    const block = only(lift([0xbf08, 0xbd10], { thumb: true, itGroups: 'whole' })); // it eq; popeq {r4, pc}
    expect(block.terminal).toMatchObject({ kind: 'indirect', flow: 'return', otherwise: PC + 5 });
  });

  it('lifted whole with an SVC last leaves no empty segment', () => {
    const { blocks } = lift([0xbf08, 0xdf00], { thumb: true, itGroups: 'whole' });
    expect(blocks.map((block) => block.terminal.kind)).toEqual(['svc']);
  });
});
