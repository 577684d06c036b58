import { describe, expect, test } from 'vitest';
import { Word } from '../../src/guest/cpu-state.js';
import { bindBlock } from '../../src/interpreter/bind-block.js';
import { runBlock } from '../../src/interpreter/run-block.js';
import type { IrBlock } from '../../src/ir/block.js';
import { removeDeadSets } from '../../src/ir/passes/dead-sets.js';
import { fuzzSeed } from '../support/random.js';
import { Random, randomBlocks, randomWord } from './random-block.js';
import { at, block, DATA, jump, machine, memory, snapshot, words } from './rig.js';

const SEED = fuzzSeed('dead sets');
const opsOf = (b: IrBlock): string => b.insts.map((inst) => inst.op).join(' ');

describe('dead sets', () => {
  test('a flag that is set again before anyone looks is not computed', () => {
    const b = block(at(0), 2, (b) => {
      b.set(b.carry(b.get(0), b.get(1), b.const(0)), Word.CF);
      b.set(b.carry(b.get(2), b.get(1), b.const(0)), Word.CF);
      return jump(at(1));
    });
    removeDeadSets(b);
    expect(opsOf(b)).toBe('get get const carry set');
  });

  test('a set before something that may exit stays', () => {
    const b = block(at(0), 2, (b) => {
      b.set(b.get(0), Word.CF);
      b.set(b.load32(b.get(1)), 3);
      b.set(b.get(2), Word.CF);
      return jump(at(1));
    });
    const before = opsOf(b);
    removeDeadSets(b);
    expect(opsOf(b)).toBe(before);
  });

  test('a set is not dead because of one inside a conditional region', () => {
    const b = block(at(0), 2, (b) => {
      b.set(b.get(0), Word.CF);
      b.when(b.get(1), () => b.set(b.get(2), Word.CF));
      return jump(at(1));
    });
    removeDeadSets(b);
    expect(b.insts.filter((inst) => inst.op === 'set')).toHaveLength(2);
  });

  test('random blocks end as they did', () => {
    machine.callout = (id) => {
      words[id] = (words[id] as number) ^ 0x55;
    };
    for (let seed = SEED; seed < SEED + 500; seed++) {
      const r = new Random(seed);
      const [b] = randomBlocks(r, 1, { floats: true, wild: 5, callouts: true });
      if (b === undefined) throw new Error('one block was asked for');
      const state = Int32Array.from({ length: Word.FP_RESULT }, () => randomWord(r));
      state[Word.FUEL] = 100;
      state[Word.FPSCR] = 0;
      const data = Uint8Array.from({ length: 0x5000 }, () => r.word());
      const run = (): string => {
        words.set(state);
        memory.u8.set(data, DATA);
        const reason = runBlock(bindBlock(b, machine.constants), machine);
        return `${reason} ${snapshot()} ${memory.u8.slice(DATA, DATA + 64)}`;
      };
      const expected = run();
      removeDeadSets(b);
      expect(run(), `ARMSTALK_SEED=${seed}`).toBe(expected);
    }
  });
});
