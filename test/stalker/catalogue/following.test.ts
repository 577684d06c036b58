/** The catalogue's follow and unfollow: defaults, from a transformer, from elsewhere; requests to threads. */
import { describe, expect, test } from 'vitest';
import { EventKind } from '../../../src/events/event.js';
import { Word } from '../../../src/guest/cpu-state.js';
import type { StalkerIterator } from '../../../src/stalker/iterator.js';
import { Reserved } from '../../../src/stalker/reserved.js';
import { STACK_TOP, TID } from '../guest-code.js';
import { CONFIGURATIONS, F, FLAT, Harness, inEveryTier, visiting } from './harness.js';

const { CALL, RET, EXEC, BLOCK, COMPILE } = EventKind;
const ALL = CALL | RET | EXEC | BLOCK | COMPILE;

describe('defaults', () => {
  test('trust_should_be_one_by_default', () => {
    expect(
      new Harness({ isa: 'arm', code: FLAT.arm }, CONFIGURATIONS[0] as (typeof CONFIGURATIONS)[0]).stalker
        .trustThreshold,
    ).toBe(1);
  });

  test('follow_me_should_support_nullable_event_sink', () => {
    inEveryTier({ isa: 'arm', code: FLAT.arm, hasSink: false, events: ALL }, (harness) => {
      expect(harness.run()).toBe(2);
      expect(harness.events).toEqual([]);
    });
  });
});

describe('unfollow from a transformer', () => {
  for (const [where, block] of [
    ['first', 0],
    ['second', 1],
  ] as const) {
    for (const [when, after] of [
      ['before', 0],
      ['mid', 1],
      ['after', Number.POSITIVE_INFINITY],
    ] as const) {
      test(`unfollow_should_be_allowed_${when}_${where}_transform`, () => {
        let harness: Harness | undefined;
        let seen = 0;
        const transformer = {
          transform: (iterator: StalkerIterator) => {
            const isHere = seen++ === block;
            const leave = () => harness?.stalker.unfollow(TID);
            if (isHere && after === 0) leave();
            for (let n = 1; iterator.next() !== undefined; n++) {
              iterator.keep();
              if (isHere && n === after) leave();
            }
            if (isHere && after === Number.POSITIVE_INFINITY) leave();
          },
        };
        inEveryTier({ isa: 'arm', code: FLAT.arm, transformer, events: COMPILE | BLOCK }, (current) => {
          harness = current;
          seen = 0;
          expect(current.run()).toBe(2);
          expect(seen).toBe(block + 1);
          // COMPILE of the block is recorded, the block is not entered.
          const kinds = current.events.map((text) => text.split(' ')[0]);
          expect(kinds).toEqual(block === 0 ? ['compile'] : ['compile', 'block', 'compile']);
          expect(current.stalker.isFollowing(TID)).toBe(false);
        });
      });
    }
  }
});

describe('unfollow elsewhere', () => {
  const reserved = `ldr r3, =${Reserved.UNFOLLOW_ME}\n blx r3`;

  test('unfollow_deep', () => {
    const code = `push {lr}\n mov r0, #2\n bl a\n pop {pc}\na: push {lr}\n bl b\n pop {pc}
                  b: push {lr}\n ${reserved}\n nop\n pop {pc}\n.ltorg`;
    inEveryTier({ isa: 'arm', code, events: EXEC }, (harness) => {
      expect(harness.run()).toBe(2);
      expect(harness.inside).toEqual([0, 4, 8, 16, 20, 28, 32, 36].map((at) => `exec f+${at}`));
      expect(harness.events.at(-1)).toBe('exec f+36');
    });
  });

  test('exclude_bl_with_unfollow', () => {
    const code = `push {lr}\n mov r0, #2\n bl a\n nop\n pop {pc}\na: push {lr}\n ${reserved}\n pop {pc}\n.ltorg`;
    inEveryTier({ isa: 'arm', code, events: EXEC | CALL, excluded: [[20, 40]] }, (harness) => {
      expect(harness.run()).toBe(2);
      // The request takes effect when the excluded call has returned.
      expect(harness.events.slice(-2)).toEqual(['exec f+8', 'call f+8 f+20 1']);
      expect(harness.stalker.isFollowing(TID)).toBe(false);
    });
  });

  test('exclude_blr_with_unfollow', () => {
    const code = `push {lr}\n mov r0, #2\n ldr r2, =a\n blx r2\n pop {pc}\na: push {lr}\n ${reserved}\n pop {pc}\n.ltorg`;
    inEveryTier({ isa: 'arm', code, events: EXEC | CALL, excluded: [[20, 40]] }, (harness) => {
      expect(harness.run()).toBe(2);
      expect(harness.events.slice(-2)).toEqual(['exec f+12', 'call f+12 f+20 1']);
    });
  });

  test('follow_thread', () => {
    const code = '1: add r0, r0, #1\n cmp r0, r1\n bne 1b\n mov pc, lr';
    inEveryTier({ isa: 'arm', code, events: EXEC }, (harness) => {
      harness.words[0] = 0;
      harness.words[1] = 100_000;
      harness.words[Word.SP] = STACK_TOP;
      harness.words[Word.LR] = 0x2_0000;
      harness.words[Word.PC] = F;
      harness.stalker.run(1000);
      expect(harness.sink.events).toHaveLength(0);
      harness.stalker.follow(TID, harness.options);
      harness.stalker.run(1000);
      harness.stalker.drain();
      expect(harness.sink.events.length).toBeGreaterThan(900);
      harness.stalker.unfollow(TID);
      harness.sink.events.length = 0;
      harness.resume();
      expect(harness.sink.events).toHaveLength(0);
      expect(harness.words[0]).toBe(100_000);
    });
  });

  test('unfollow of a thread that never ran leaves no event', () => {
    inEveryTier({ isa: 'arm', code: FLAT.arm, events: ALL }, (harness) => {
      harness.stalker.follow(TID, harness.options);
      harness.stalker.unfollow(TID);
      expect(harness.stalker.census.contexts).toBe(0);
      expect(harness.run(F)).toBe(2);
      expect(harness.events).toEqual([]);
      expect([harness.sink.started, harness.sink.stopped]).toEqual([1, 1]);
    });
  });

  test('unfollow_should_handle_terminated_thread', () => {
    inEveryTier({ isa: 'arm', code: FLAT.arm, events: ALL }, (harness) => {
      const { stalker } = harness;
      for (let round = 0; round < 10; round++) {
        const tid = 100 + round;
        stalker.addThread(tid);
        stalker.follow(tid, harness.options);
        if (round % 2 === 0) {
          stalker.switchTo(tid);
          harness.run(F);
        }
        stalker.removeThread(tid);
        stalker.unfollow(tid);
        expect(stalker.garbageCollect()).toBe(false);
        stalker.switchTo(TID);
      }
      expect(harness.run()).toBe(2);
    });
  });
});

describe('requests to threads', () => {
  test('run_on_thread_current, run_on_thread_current_sync', () => {
    for (const sync of [false, true]) {
      let seen: unknown = 'nothing';
      let harness: Harness | undefined;
      const transformer = visiting((iterator, offset) => {
        if (offset === 4) {
          iterator.putCallout(() => {
            expect(harness?.stalker.runOnThread(TID, (registers) => (seen = registers), { sync })).toBe(true);
          });
        }
      });
      inEveryTier({ isa: 'arm', code: FLAT.arm, transformer }, (current) => {
        harness = current;
        seen = 'nothing';
        expect(current.run()).toBe(2);
        expect(seen).toBeUndefined();
      });
    }
  });

  test('run_on_thread_other, run_on_thread_other_sync', () => {
    for (const sync of [false, true]) {
      inEveryTier({ isa: 'arm', code: FLAT.arm, events: ALL }, (harness) => {
        const { stalker } = harness;
        let seen = 0;
        let destroyed = 0;
        harness.words[Word.PC] = F;
        harness.words[7] = 77;
        const run = (registers: { register(n: number): number } | undefined): void => {
          seen = registers?.register(7) ?? -1;
        };
        expect(stalker.runOnThread(TID, run, { sync, destroy: () => void destroyed++ })).toBe(true);
        expect(seen).toBe(sync ? 77 : 0);
        harness.run(F);
        expect([seen, destroyed]).toEqual([77, 1]);
        expect(stalker.runOnThread(4711, run, { destroy: () => void destroyed++ })).toBe(false);
        expect(destroyed).toBe(2);
      });
    }
  });
});
