import { describe, expect, test } from 'vitest';
import { Word } from '../../src/guest/cpu-state.js';
import { locationPc } from '../../src/ir/location.js';
import { ExitReason, FaultKind, type Terminal } from '../../src/ir/terminal.js';
import { formRegions } from '../../src/translator/region.js';
import {
  at,
  block,
  CODE_PAGE,
  DATA,
  DATA_BYTES,
  jump,
  knownBlocks,
  memory,
  newTranslator,
  region,
  runHot,
  words,
} from './rig.js';

const call = (n: number, link: number): Terminal => ({ kind: 'jump', flow: 'call', to: at(n), link: at(link) });
const OUTSIDE = 90;

/** Counts in r1: block n adds 1 and goes to block n + 1. */
const counting = (n: number) =>
  block(at(n), 1, (b) => {
    b.enter(1);
    b.set(b.add(b.get(1), b.const(1)), 1);
    return jump(at(n + 1));
  });

describe('linking', () => {
  test('an exit to code translated later is linked when that code appears', () => {
    const t = newTranslator();
    words.fill(0, 0, 16);
    words[Word.FUEL] = 100;
    t.compile([region(counting(0))]);
    expect(t.enter(at(0))).toBe(ExitReason.NEXT);
    expect(t.exitCell).not.toBe(0);
    expect(words[Word.PC]).toBe(locationPc(at(1)));
    t.compile([region(counting(1))]);
    words[1] = 0;
    t.enter(at(0));
    expect(words[1]).toBe(2);
  });

  test('invalidating a region unlinks every cell and jump cache entry that leads to it', () => {
    const t = newTranslator();
    const [, second] = t.compile([region(counting(0)), region(counting(1))]);
    if (second === undefined) throw new Error('two regions were compiled');
    t.enter(at(1));
    t.invalidate(second);
    words[1] = 0;
    words[Word.FUEL] = 100;
    expect(t.enter(at(0))).toBe(ExitReason.NEXT);
    expect(words[1]).toBe(1);
    expect(t.lookup(at(1))).toBeUndefined();
    expect(t.enter(at(1))).toBeUndefined();
  });

  test('a new region at an old entry takes over, links included', () => {
    const t = newTranslator();
    t.compile([region(counting(0))]);
    t.compile([region(counting(1))]);
    const other = block(at(1), 1, (b) => {
      b.enter(1);
      b.set(b.const(77), 2);
      return jump(at(OUTSIDE));
    });
    t.compile([region(other)]);
    words[Word.FUEL] = 100;
    words[2] = 0;
    t.enter(at(0));
    expect(words[2]).toBe(77);
  });

  /** CYCLES=100000 is what a release should see; it takes a minute. */
  const CYCLES = Number(process.env.CYCLES ?? 10_000);

  test(`${CYCLES} cycles of compiling and invalidating leave no slot or cell`, { timeout: 600_000 }, () => {
    const t = newTranslator();
    const batch = Array.from({ length: 100 }, (_, n) => region(counting(n)));
    for (let cycle = 0; cycle < CYCLES / 100; cycle++) {
      const regions = t.compile(batch);
      if (cycle % 50 === 0) {
        words[1] = 0;
        words[Word.FUEL] = 1000;
        t.enter(at(0));
        expect(words[1]).toBe(100);
        expect(t.regionCount).toBe(100);
      }
      for (const r of regions) t.invalidate(r);
    }
    expect([t.regionCount, t.cellCount]).toEqual([0, 0]);
    expect(t.stats.functions).toBe(CYCLES);
    expect(Math.max(...batch.map((_, n) => t.compile([region(counting(n))])[0]?.slot ?? 0))).toBeLessThan(256);
  });
});

describe('indirect jumps', () => {
  /** at(0) jumps to what r0 holds; block n sets r1 to n and ends outside. */
  const table = (seen: readonly number[]) => {
    const jumper = block(at(0), 1, (b) => {
      b.enter(1);
      return { kind: 'indirect', flow: 'jump', target: b.get(0) };
    });
    const targets = [1, 2, 3, 4, 5, 6].map((n) =>
      block(at(n), 1, (b) => {
        b.enter(1);
        b.set(b.const(n), 1);
        return jump(at(OUTSIDE));
      }),
    );
    return region({ ...jumper, seenTargets: new Set(seen.map((n) => at(n))) }, ...targets);
  };
  const runTo = (input: ReturnType<typeof table>, target: number): [number, number] => {
    const t = newTranslator();
    t.compile([input]);
    words.fill(0, 0, 16);
    words[Word.FUEL] = 100;
    words[0] = target;
    expect(t.enter(at(0))).toBe(ExitReason.NEXT);
    return [words[1] as number, words[Word.PC] as number];
  };

  test.each([
    ['few', [2, 5]],
    ['many', [1, 2, 3, 5, 6]],
    ['one far away', [1, 2, 3, 5, OUTSIDE * 100]],
  ])('%s seen targets are reached inside the region, all others from its outside', (_many, seen) => {
    for (let n = 1; n <= 6; n++) {
      const isInside = seen.includes(n);
      expect(runTo(table(seen), at(n))).toEqual(isInside ? [n, locationPc(at(OUTSIDE))] : [0, locationPc(at(n))]);
    }
    for (const elsewhere of [at(0) - 16, at(7), at(5) + 4, 0x7fff_0000]) {
      expect(runTo(table(seen), elsewhere)).toEqual([0, elsewhere]);
    }
  });
});

describe('calls', () => {
  /** at(0): r0 -= 1; if it is still positive call itself, then count the return in r1. */
  const recursion = [
    block(at(0), 1, (b) => {
      b.enter(1);
      const left = b.sub(b.get(0), b.const(1));
      b.set(left, 0);
      b.store32(b.add(b.get(13), b.const(-4)), b.get(14));
      b.set(b.add(b.get(13), b.const(-4)), 13);
      return { kind: 'branch', flow: 'jump', cond: b.eqz(left), to: at(3), otherwise: at(1) };
    }),
    block(at(1), 1, (b) => {
      b.enter(1);
      b.set(b.const(at(2)), 14);
      return call(0, 2);
    }),
    block(at(2), 1, (b) => {
      b.enter(1);
      b.set(b.add(b.get(1), b.const(1)), 1);
      return jump(at(3));
    }),
    block(at(3), 1, (b) => {
      b.enter(1);
      const lr = b.load32(b.get(13));
      b.set(b.add(b.get(13), b.const(4)), 13);
      return { kind: 'indirect', flow: 'return', target: lr };
    }),
  ];
  const byLocation = new Map(recursion.map((b) => [b.location, b]));

  test.each([10, 199, 201, 1500])('recursion %i deep returns as often, host stack or not', (depth) => {
    const t = newTranslator();
    t.compile(formRegions(knownBlocks(byLocation), [at(0), at(2)]));
    words.fill(0, 0, 16);
    words.set([depth, 0], 0);
    words[13] = DATA + DATA_BYTES;
    words[14] = at(OUTSIDE);
    words[Word.FUEL] = 1_000_000;
    expect(runHot(t, at(0))).toBe(ExitReason.NEXT);
    expect(words[Word.PC]).toBe(locationPc(at(OUTSIDE)));
    expect([words[1], words[13]]).toEqual([depth - 1, DATA + DATA_BYTES]);
  });

  test('a return address that looks like a result code still arrives at the host', () => {
    const t = newTranslator();
    t.compile([region(block(at(0), 1, (b) => ({ kind: 'indirect', flow: 'return', target: b.get(14) })))]);
    for (const address of [2, 6, 0x1_0006, 0xffff_fffe]) {
      words[14] = address;
      expect(t.enter(at(0))).toBe(ExitReason.NEXT);
      expect((words[Word.PC] ?? 0) >>> 0).toBe(address);
    }
  });
});

describe('exits', () => {
  test('a fault in the middle gives back the fuel of what did not run and stands at the instruction', () => {
    const t = newTranslator();
    const b = block(at(0), 4, (b) => {
      b.enter(4);
      for (let n = 0; n < 4; n++) {
        b.insn(locationPc(at(0)) + 4 * n, n);
        const loaded = b.load32(b.get(n));
        b.set(loaded, 4 + n);
      }
      return jump(at(OUTSIDE));
    });
    t.compile([region(b)]);
    for (let bad = 0; bad < 4; bad++) {
      words.fill(DATA, 0, 4);
      words.fill(-1, 4, 8);
      words[bad] = DATA + DATA_BYTES - 2;
      words[Word.FUEL] = 50;
      memory.view.setInt32(DATA, 123, true);
      expect(t.enter(at(0))).toBe(ExitReason.FAULT);
      expect(words[Word.PC]).toBe(locationPc(at(0)) + 4 * bad);
      expect(words[Word.FUEL]).toBe(50 - bad);
      expect([words[Word.FAULT_ADDR], words[Word.FAULT_KIND]]).toEqual([DATA + DATA_BYTES, FaultKind.READ]);
      expect([...words.subarray(4, 8)]).toEqual([0, 1, 2, 3].map((n) => (n < bad ? 123 : -1)));
    }
  });

  test('fuel runs out at exactly the block where the cold tier would stop', () => {
    const t = newTranslator();
    const loop = block(at(0), 3, (b) => {
      b.enter(3);
      b.set(b.add(b.get(1), b.const(1)), 1);
      return jump(at(0));
    });
    t.compile([region(loop)]);
    for (const [fuel, blocks] of [
      [0, 0],
      [-5, 0],
      [1, 1],
      [3, 1],
      [4, 2],
      [3000, 1000],
    ] as const) {
      words[1] = 0;
      words[Word.FUEL] = fuel;
      expect(t.enter(at(0))).toBe(ExitReason.YIELD);
      expect([words[1], words[Word.FUEL], words[Word.PC]]).toEqual([blocks, fuel - 3 * blocks, locationPc(at(0))]);
    }
  });

  test('a store to a page with code is announced after it was done, and a dead region is left within the block', () => {
    const t = newTranslator();
    const loop = block(at(0), 2, (b) => {
      b.enter(2);
      b.insn(0x1_0000, 0);
      b.store32(b.const(CODE_PAGE), b.get(1));
      b.insn(0x1_0004, 1);
      b.set(b.add(b.get(1), b.const(1)), 1);
      return jump(at(0));
    });
    const [compiled] = t.compile([region(loop)]);
    const seen: number[] = [];
    memory.codeWatcher = {
      codeChanged: () => {
        seen.push(memory.view.getInt32(CODE_PAGE, true));
        if (seen.length === 3 && compiled !== undefined) t.invalidate(compiled);
      },
    };
    words[1] = 5;
    words[Word.FUEL] = 1000;
    expect(t.enter(at(0))).toBe(ExitReason.NEXT);
    memory.codeWatcher = undefined;
    expect(seen).toEqual([5, 6, 7]);
    expect([words[1], words[Word.PC], words[Word.FUEL]]).toEqual([8, locationPc(at(0)), 1000 - 6]);
    expect(t.enter(at(0))).toBeUndefined();
  });
});
