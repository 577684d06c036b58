import { describe, expect, it } from 'vitest';
import { Word } from '../../src/guest/cpu-state.js';
import { GuestMemory, Permission } from '../../src/guest/memory.js';
import { bindBlock } from '../../src/interpreter/bind-block.js';
import { Machine } from '../../src/interpreter/machine.js';
import { runBlock } from '../../src/interpreter/run-block.js';
import type { IrBlock } from '../../src/ir/block.js';
import { type Builder, createBuilder } from '../../src/ir/builder.js';
import { evaluate } from '../../src/ir/eval.js';
import { ExitReason, FaultKind } from '../../src/ir/terminal.js';
import { verifyBlock } from '../../src/ir/verify.js';
import { fuzzSeed, Random } from '../support/random.js';

const memory = new GuestMemory();
const machine = new Machine(memory);
const w = machine.words;

const blockOf = (build: (b: Builder) => void, insnCount = 1): IrBlock => {
  const b = createBuilder();
  b.enter(insnCount);
  build(b);
  const block: IrBlock = {
    location: 0x1000,
    insts: b.insts,
    terminal: { kind: 'jump', flow: 'jump', to: 0x2000 },
    insnCount,
    sizeBytes: 4 * insnCount,
  };
  expect(verifyBlock(block)).toBeUndefined();
  return block;
};

const run = (build: (b: Builder) => void, insnCount = 1): number => {
  w[Word.FUEL] = 1000;
  return runBlock(bindBlock(blockOf(build, insnCount), machine.constants), machine);
};

/** Small deterministic generator (mulberry32). */
describe('bindBlock', () => {
  it('reads a register before a later write changes it', () => {
    w[0] = 1;
    w[1] = 2;
    run((b) => {
      const r0 = b.get(0);
      const r1 = b.get(1);
      b.set(r1, 0);
      b.set(r0, 1);
    });
    expect([w[0], w[1]]).toEqual([2, 1]);
  });

  it('agrees with a reference that keeps every value apart, over random blocks', () => {
    const seed = fuzzSeed('bound blocks');
    const random = new Random(seed);
    const ops = ['add', 'sub', 'xor', 'and', 'or', 'ltU', 'eq', 'not', 'select', 'carry'] as const;
    for (let round = 0; round < 2000; round++) {
      const reference = new Int32Array(8);
      for (let r = 0; r < 8; r++) reference[r] = random.word();
      w.set(reference, 0);
      const values: number[] = [];
      const ids: number[] = [];
      const built = blockOf((b) => {
        for (let i = 0; i < 24; i++) {
          const pick = random.below(4);
          const reg = random.below(8);
          if (pick === 0 || ids.length < 3) {
            ids.push(b.get(reg));
            values.push(reference[reg] as number);
          } else if (pick === 1) {
            const v = random.below(ids.length);
            b.set(ids[v] as number, reg);
            reference[reg] = values[v] as number;
          } else {
            const op = ops[random.below(ops.length)] as (typeof ops)[number];
            const [x, y, z] = [random.below(ids.length), random.below(ids.length), random.below(ids.length)];
            const args = [ids[x], ids[y], ids[z]].slice(
              0,
              op === 'not' ? 1 : op === 'select' || op === 'carry' ? 3 : 2,
            );
            const cin = op === 'carry' ? (values[z] as number) & 1 : (values[z] as number);
            if (op === 'carry') {
              ids.push(b.and(ids[z] as number, b.const(1)));
              values.push(cin);
              args[2] = ids.at(-1) as number;
            }
            ids.push((b[op] as (...a: number[]) => number)(...(args as number[])));
            values.push(evaluate[op](values[x] as number, values[y] as number, cin, 0));
          }
        }
      });
      w[Word.FUEL] = 10;
      runBlock(bindBlock(built, machine.constants), machine);
      expect([...w.slice(0, 8)], `ARMSTALK_SEED=${seed}, round ${round}`).toEqual([...reference]);
    }
  });
});

describe('runBlock', () => {
  it('leaves with YIELD before any effect when the fuel is used up', () => {
    w[Word.FUEL] = 0;
    w[3] = 7;
    const code = bindBlock(
      blockOf((b) => void b.set(b.const(1), 3)),
      machine.constants,
    );
    expect(runBlock(code, machine)).toBe(ExitReason.YIELD);
    expect([w[3], w[Word.PC], w[Word.FUEL]]).toEqual([7, 0x1000, 0]);
  });

  it('reports a refused load at its instruction and gives the fuel of the rest back', () => {
    w[2] = 0x5555_5000;
    const reason = run((b) => {
      b.insn(0x1000, 0);
      b.set(b.const(9), 4);
      b.insn(0x1004, 1);
      b.set(b.load32(b.get(2)), 5);
      b.insn(0x1008, 2);
    }, 3);
    expect(reason).toBe(ExitReason.FAULT);
    expect([w[Word.PC], w[Word.FUEL], w[4]]).toEqual([0x1004, 999, 9]);
    expect([(w[Word.FAULT_ADDR] as number) >>> 0, w[Word.FAULT_KIND]]).toEqual([0x5555_5000, FaultKind.READ]);
  });

  it('checks both pages of an access that straddles them', () => {
    memory.setPermissions(0x7000_0000, 4096, Permission.READ | Permission.WRITE);
    w[2] = 0x7000_0ffe;
    expect(run((b) => void b.store32(b.get(2), b.const(1)))).toBe(ExitReason.FAULT);
    expect([(w[Word.FAULT_ADDR] as number) >>> 0, w[Word.FAULT_KIND]]).toEqual([0x7000_1000, FaultKind.WRITE]);
    memory.setPermissions(0x7000_1000, 4096, Permission.READ | Permission.WRITE);
    expect(run((b) => void b.store32(b.get(2), b.const(0x1234_5678)))).toBe(ExitReason.NEXT);
    expect(memory.readU32(0x7000_0ffe)).toBe(0x1234_5678);
  });

  it('skips a conditional region and keeps what stands around it', () => {
    w[0] = 0;
    w[1] = 5;
    run((b) => {
      b.when(b.get(0), () => void b.set(b.const(1), 1));
      b.set(b.add(b.get(1), b.const(1)), 1);
    });
    expect(w[1]).toBe(6);
  });

  it('tells the watcher of a store into a page with translated code', () => {
    memory.setPermissions(0x7100_0000, 4096, Permission.READ | Permission.WRITE | Permission.EXECUTE);
    memory.markCode(0x7100_0000, 0x7100_0004);
    const seen: number[][] = [];
    memory.codeWatcher = { codeChanged: (start, end) => void seen.push([start, end]) };
    w[2] = 0x7100_0010;
    run((b) => void b.store8(b.get(2), b.const(1)));
    memory.codeWatcher = undefined;
    expect(seen).toEqual([[0x7100_0010, 0x7100_0011]]);
  });
});
