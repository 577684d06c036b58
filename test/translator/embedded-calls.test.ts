/** Calls whose callee is part of the caller's region: what is chosen, and that nothing a guest can see changes. */
import { describe, expect, test } from 'vitest';
import { Word } from '../../src/guest/cpu-state.js';
import type { IrBlock } from '../../src/ir/block.js';
import type { Builder } from '../../src/ir/builder.js';
import { type Location, locationPc } from '../../src/ir/location.js';
import { ExitReason, type Terminal } from '../../src/ir/terminal.js';
import type { BlockSource } from '../../src/translator/guest-function.js';
import { type FormedRegion, formRegion } from '../../src/translator/region.js';
import { at, block, DATA, DATA_BYTES, knownBlocks, newTranslator, READ_ONLY, runHot, words } from './rig.js';

const [CALLER, SITE, CALLEE, CALLEE_END, OTHER, OUTSIDE] = [0, 1, 2, 3, 4, 90].map((n) => at(n)) as [
  Location,
  Location,
  Location,
  Location,
  Location,
  Location,
];

const ofOne = (location: Location, body: (b: Builder) => Terminal): IrBlock =>
  block(location, 1, (b) => {
    b.enter(1);
    return body(b);
  });

/** CALLER calls with r14 = SITE; the callee adds 10 to r1 in its second block and returns to what r14 holds. */
const caller = (terminal: Terminal): IrBlock =>
  ofOne(CALLER, (b) => {
    b.set(b.const(SITE), 14);
    b.set(b.const(7), 2);
    return terminal;
  });
const fixed: Terminal = { kind: 'jump', flow: 'call', to: CALLEE, link: SITE };
const site = ofOne(SITE, (b) => {
  b.set(b.add(b.get(1), b.const(1)), 1);
  return { kind: 'jump', flow: 'jump', to: OUTSIDE };
});
const callee = (returnTo: (b: Builder) => number = (b) => b.get(14)): IrBlock[] => [
  ofOne(CALLEE, (b) => {
    b.set(b.load32(b.get(0)), 3);
    return { kind: 'jump', flow: 'jump', to: CALLEE_END };
  }),
  ofOne(CALLEE_END, (b) => {
    b.set(b.add(b.get(1), b.const(10)), 1);
    return { kind: 'indirect', flow: 'return', target: returnTo(b) };
  }),
];
const other = ofOne(OTHER, (b) => {
  b.set(b.add(b.get(1), b.const(100)), 1);
  return { kind: 'indirect', flow: 'return', target: b.get(14) };
});

const known = (blocks: readonly IrBlock[]): BlockSource => knownBlocks(new Map(blocks.map((b) => [b.location, b])));
const formed = (source: BlockSource): FormedRegion => formRegion(source, CALLER) as FormedRegion;
const calledFrom = ({ calls }: FormedRegion): Location[] =>
  (calls?.get(CALLER) ?? []).map(({ blocks }) => (blocks[0] as IrBlock).location);

/** Runs CALLER and answers the reason; r0 points to data unless given. */
const run = (region: FormedRegion, r0 = DATA): number => {
  const t = newTranslator();
  const [compiled] = t.compile([region]);
  words.fill(0, 0, 16);
  words[0] = r0;
  words[13] = DATA + DATA_BYTES;
  words[Word.FUEL] = 100;
  const reason = t.enter(CALLER) as number;
  expect(compiled?.isAlive).toBe(true);
  return reason;
};

describe('which calls', () => {
  test('a fixed call of a function that is wholly known and called often', () => {
    expect(calledFrom(formed(known([caller(fixed), site, ...callee()])))).toEqual([CALLEE]);
  });

  test('none of a function with a part missing, seldom called, or that does not come back', () => {
    const [first, last] = callee() as [IrBlock, IrBlock];
    expect(calledFrom(formed(known([caller(fixed), site, first])))).toEqual([]);
    expect(calledFrom(formed({ ...known([caller(fixed), site, first, last]), isFrequent: () => false }))).toEqual([]);
    const endless = ofOne(CALLEE, () => ({ kind: 'jump', flow: 'jump', to: CALLEE }));
    expect(calledFrom(formed(known([caller(fixed), site, endless])))).toEqual([]);
  });

  test('none whose return site is not in the region', () => {
    expect(calledFrom(formed(known([caller(fixed), ...callee()])))).toEqual([]);
  });

  test('recursion a few levels deep', () => {
    const recursive = [
      caller(fixed),
      site,
      ofOne(CALLEE, (b) => ({ kind: 'branch', flow: 'jump', cond: b.get(0), to: CALLEE_END, otherwise: OTHER })),
      ofOne(OTHER, () => ({ kind: 'jump', flow: 'call', to: CALLEE, link: CALLEE_END })),
      callee()[1] as IrBlock,
    ];
    let depth = 0;
    for (let body = formed(known(recursive)).calls?.get(CALLER)?.[0]; body !== undefined; depth++) {
      body = body.calls?.get(OTHER)?.[0];
    }
    expect(depth).toBe(3);
  });
});

describe('what the guest sees', () => {
  test('registers as after a call, and one region for both functions', () => {
    const region = formed(known([caller(fixed), site, ...callee()]));
    expect(run(region)).toBe(ExitReason.NEXT);
    expect([words[1], words[2], words[14], words[Word.PC]]).toEqual([11, 7, SITE, locationPc(OUTSIDE)]);
    expect(words[Word.FUEL]).toBe(100 - 4);
  });

  test('a callee that returns elsewhere goes there', () => {
    const region = formed(known([caller(fixed), site, ...callee((b) => b.const(OTHER))]));
    expect(run(region)).toBe(ExitReason.NEXT);
    expect([words[1], words[Word.PC]]).toEqual([10, locationPc(OTHER)]);
  });

  test('a fault in the callee stands at its instruction, with what the caller did before', () => {
    const region = formed(known([caller(fixed), site, ...callee()]));
    expect(run(region, READ_ONLY + 0x1000_0000)).toBe(ExitReason.FAULT);
    expect([words[1], words[2], words[14], words[Word.PC]]).toEqual([0, 7, SITE, locationPc(CALLEE)]);
  });

  test('fuel that ends in the callee', () => {
    const t = newTranslator();
    t.compile([formed(known([caller(fixed), site, ...callee()]))]);
    for (const [fuel, pc] of [
      [1, CALLEE],
      [2, CALLEE_END],
      [3, SITE],
    ] as const) {
      words.fill(0, 0, 16);
      words[0] = DATA;
      words[Word.FUEL] = fuel;
      expect(t.enter(CALLER)).toBe(ExitReason.YIELD);
      expect([words[Word.PC], words[Word.FUEL], words[2]]).toEqual([locationPc(pc), 0, 7]);
    }
  });

  test('an indirect call goes where it went before inside the region, and elsewhere outside', () => {
    const indirect = ofOne(CALLER, (b) => {
      b.set(b.const(SITE), 14);
      return { kind: 'indirect', flow: 'call', target: b.get(5), link: SITE };
    });
    const seen = { ...indirect, seenTargets: new Set([CALLEE, OTHER]) };
    const region = formed(known([seen, site, ...callee(), other]));
    expect(calledFrom(region)).toEqual([CALLEE, OTHER]);
    const t = newTranslator();
    t.compile([region]);
    for (const [target, r1, pc] of [
      [CALLEE, 11, OUTSIDE],
      [OTHER, 101, OUTSIDE],
      [OUTSIDE, 0, OUTSIDE],
    ] as const) {
      words.fill(0, 0, 16);
      words[0] = DATA;
      words[5] = target;
      words[Word.FUEL] = 100;
      expect(runHot(t, CALLER)).toBe(ExitReason.NEXT);
      expect([words[1], words[Word.PC]]).toEqual([r1, locationPc(pc)]);
    }
  });
});
