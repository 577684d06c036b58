/** Frida's obtain_block_for as a table: when changed code is noticed, by trust threshold and number of unchanged revisits. */
import { describe, expect, it } from 'vitest';
import { EventKind } from '../../src/events/event.js';
import { F, type Harness, inEveryTier, type Program } from './catalogue/harness.js';
import { TID } from './guest-code.js';

const PROGRAM: Program = { isa: 'arm', code: 'mov r0, #1\n mov pc, lr', events: EventKind.COMPILE };

/** The host's store, which no write tracking sees: MOV r0, #n. */
const patch = ({ memory }: Harness, n: number): void => memory.u8.set([n, 0, 0xa0, 0xe3], F);
const compiles = ({ inside }: Harness): number => inside.length;

/** Visits the function once and `revisits` times more under this threshold. */
const visit = (harness: Harness, threshold: number, revisits: number): void => {
  harness.stalker.trustThreshold = threshold;
  harness.stalker.follow(TID, harness.options);
  for (let n = 0; n <= revisits; n++) expect(harness.run(F)).toBe(1);
  expect(compiles(harness)).toBe(1);
};

describe('a block that was visited and then changed', () => {
  const table = [-1, 0, 1, 2, 3].flatMap((threshold) => [0, 1, 2, 3, 4].map((revisits) => ({ threshold, revisits })));

  it.each(table)(
    'is translated anew iff it is not trusted: threshold $threshold, $revisits revisits',
    ({ threshold, revisits }) => {
      const isNoticed = threshold < 0 || revisits < threshold;
      inEveryTier(PROGRAM, (harness) => {
        visit(harness, threshold, revisits);
        patch(harness, 2);
        expect(harness.run(F)).toBe(isNoticed ? 2 : 1);
        expect(compiles(harness)).toBe(isNoticed ? 2 : 1);
      });
    },
  );

  it('keeps its count of revisits when it is translated anew', () => {
    inEveryTier(PROGRAM, (harness) => {
      visit(harness, 2, 1);
      patch(harness, 2);
      expect(harness.run(F)).toBe(2);
      expect(harness.run(F)).toBe(2);
      patch(harness, 3);
      expect(harness.run(F)).toBe(2);
    });
  });
});

describe('the threshold', () => {
  it('may be raised from 0 at any time: there is a snapshot to compare with', () => {
    inEveryTier(PROGRAM, (harness) => {
      visit(harness, 0, 5);
      harness.stalker.trustThreshold = 1;
      expect([harness.run(F), compiles(harness)]).toEqual([1, 1]);
      harness.stalker.trustThreshold = -1;
      patch(harness, 2);
      expect([harness.run(F), compiles(harness)]).toEqual([2, 2]);
    });
  });
});
