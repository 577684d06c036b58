/** Call probes beyond the catalogue: ids, several at one address, changes from inside a firing, notify; in every tier. */
import { describe, expect, it } from 'vitest';
import { EventKind } from '../../src/events/event.js';
import { F, inEveryTier, type Program } from './catalogue/harness.js';
import { TID } from './guest-code.js';

/** Enters the leaf twice by call, then `after` by its second return, then the leaf once more by a branch. */
const PROGRAM: Program = {
  isa: 'arm',
  events: EventKind.CALL | EventKind.BLOCK,
  code: `push {lr}
         mov r0, #0
         bl leaf
         bl leaf
  after: pop {lr}
         b leaf
         nop
         nop
  leaf:  add r0, r0, #1
         mov pc, lr`,
};
const AFTER = F + 16;
const LEAF = F + 32;

describe('call probes', () => {
  it('have ids from 1 on that are never used again; an unknown one is ignored', () => {
    inEveryTier(PROGRAM, ({ stalker }) => {
      const nothing = (): void => {};
      expect([stalker.addCallProbe(LEAF, nothing), stalker.addCallProbe(AFTER, nothing)]).toEqual([1, 2]);
      for (const id of [2, 2, 77]) stalker.removeCallProbe(id);
      expect(stalker.addCallProbe(AFTER, nothing)).toBe(3);
      expect(stalker.census.probes).toBe(2);
    });
  });

  it('fire however their block is entered, by call, branch or return, and not where control falls through to them', () => {
    inEveryTier(PROGRAM, (harness) => {
      const entered: string[] = [];
      for (const address of [LEAF, AFTER, F + 4]) {
        harness.stalker.addCallProbe(address, ({ target }) => entered.push(harness.text(target)));
      }
      expect(harness.run()).toBe(3);
      expect(entered).toEqual(['f+32', 'f+32', 'f+16', 'f+32']);
    });
  });

  it('of one firing are those that were there when it began', () => {
    inEveryTier(PROGRAM, (harness) => {
      const { stalker } = harness;
      const log: string[] = [];
      let ids: number[] = [];
      const first = (): void => {
        log.push('first');
        if (ids.length !== 2) return;
        ids.push(stalker.addCallProbe(LEAF, () => log.push('third')));
        stalker.removeCallProbe(ids[1] as number);
      };
      ids = [
        stalker.addCallProbe(LEAF, first),
        stalker.addCallProbe(
          LEAF,
          () => log.push('second'),
          () => log.push('second is gone'),
        ),
      ];
      harness.run();
      expect(log).toEqual(['first', 'second', 'second is gone', 'first', 'third', 'first', 'third']);
    });
  });

  it('may use the interface in their notify, which runs once', () => {
    inEveryTier(PROGRAM, (harness) => {
      const { stalker } = harness;
      let [fired, gone] = [0, 0];
      const id: number = stalker.addCallProbe(
        LEAF,
        () => stalker.removeCallProbe(id),
        () => {
          gone++;
          stalker.addCallProbe(LEAF, () => void fired++);
        },
      );
      harness.run();
      expect([fired, gone]).toEqual([2, 1]);
    });
  });

  it('may unfollow their thread: the block they fire in is recorded to its end, then nothing is', () => {
    inEveryTier(PROGRAM, (harness) => {
      harness.stalker.addCallProbe(LEAF, () => harness.stalker.unfollow(TID));
      expect(harness.run()).toBe(3);
      expect(harness.inside).toEqual(['block f+0 f+12', 'call f+8 f+32 1', 'block f+32 f+40']);
    });
  });

  it('are all removed by stop, each with its notify', () => {
    inEveryTier(PROGRAM, ({ stalker }) => {
      let gone = 0;
      for (const address of [LEAF, LEAF, AFTER]) {
        stalker.addCallProbe(
          address,
          () => {},
          () => void gone++,
        );
      }
      stalker.stop();
      expect([gone, stalker.census.probes]).toEqual([3, 0]);
    });
  });
});
