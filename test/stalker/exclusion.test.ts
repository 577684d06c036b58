/** What counts as a call into an excluded range, and from when on; in every tier. */
import { describe, expect, it } from 'vitest';
import { EventKind } from '../../src/events/event.js';
import { KUSER_PAGE } from '../../src/guest/layout.js';
import { Permission } from '../../src/guest/memory.js';
import type { StalkerIterator } from '../../src/stalker/iterator.js';
import { F, FLAT, inEveryTier } from './catalogue/harness.js';
import { TID } from './guest-code.js';

const { CALL, EXEC } = EventKind;
const execs = (...offsets: number[]): string[] => offsets.map((offset) => `exec f+${offset}`);

describe('an excluded range', () => {
  it('is left out of calls through a register, judged when they happen', () => {
    const code = `push {r4, lr}\n mov r0, #0\n ldr r4, =in\n blx r4\n ldr r4, =out\n blx r4\n pop {r4, pc}
                  in: add r0, r0, #1\n mov pc, lr\nout: add r0, r0, #1\n mov pc, lr\n.ltorg`;
    inEveryTier({ isa: 'arm', code, events: EXEC, excluded: [[28, 36]] }, (harness) => {
      expect(harness.run()).toBe(2);
      expect(harness.inside).toEqual(execs(0, 4, 8, 12, 16, 20, 36, 40, 24));
    });
  });

  it('is traced when a branch leads there: a tail call is no call', () => {
    const code = 'push {lr}\n bl tail\n pop {pc}\ntail: mov r0, #1\n b in\nin: add r0, r0, #1\n mov pc, lr';
    inEveryTier({ isa: 'arm', code, events: EXEC, excluded: [[20, 28]] }, (harness) => {
      expect(harness.run()).toBe(2);
      expect(harness.inside).toEqual(execs(0, 4, 12, 16, 20, 24, 8));
    });
  });

  it('holds for calls that were translated before it was added, and for all threads', () => {
    const code = 'push {lr}\n mov r0, #0\n bl in\n pop {pc}\nin: add r0, r0, #2\n mov pc, lr';
    inEveryTier({ isa: 'arm', code, events: CALL | EXEC }, (harness) => {
      const { stalker, sink } = harness;
      stalker.follow(TID, harness.options);
      for (let n = 0; n < 10; n++) harness.run(F);
      stalker.exclude({ base: F + 16, size: 8 });
      sink.events.length = 0;
      expect(harness.run(F)).toBe(2);
      expect(harness.inside).toEqual([...execs(0, 4, 8), 'call f+8 f+16 0', ...execs(12)]);
    });
  });

  it('holds at once for a call its own transformer has kept before it was added', () => {
    const code = 'push {lr}\n mov r0, #0\n bl in\n pop {pc}\nin: add r0, r0, #2\n mov pc, lr';
    inEveryTier({ isa: 'arm', code, events: CALL | EXEC }, (harness) => {
      const { stalker, sink } = harness;
      let isExcluded = false;
      const transform = (iterator: StalkerIterator): void => {
        while (iterator.next() !== undefined) iterator.keep();
        if (!isExcluded) stalker.exclude({ base: F + 16, size: 8 });
        isExcluded = true;
      };
      stalker.follow(TID, { ...harness.options, transformer: { transform } });
      for (let n = 0; n < 2; n++) {
        sink.events.length = 0;
        expect(harness.run(F)).toBe(2);
        expect(harness.inside).toEqual([...execs(0, 4, 8), 'call f+8 f+16 0', ...execs(12)]);
      }
    });
  });

  it('holds at once when the transformer adds it while it is asked again because of an earlier one', () => {
    const code = `push {lr}\n mov r0, #0\n bl in\n pop {pc}\nin: add r0, r0, #1\n mov pc, lr\n.rept 8\n nop\n.endr`;
    inEveryTier({ isa: 'arm', code, events: CALL | EXEC }, (harness) => {
      const { stalker, sink } = harness;
      // The last one is the callee; the transformer adds one each time it is asked.
      const ranges = [48, 40, 32, 24, 16].map((offset) => ({ base: F + offset, size: 8 }));
      const transform = (iterator: StalkerIterator): void => {
        while (iterator.next() !== undefined) iterator.keep();
        const range = ranges.shift();
        if (range !== undefined) stalker.exclude(range);
      };
      stalker.follow(TID, { ...harness.options, transformer: { transform } });
      for (let n = 0; n < 3; n++) {
        sink.events.length = 0;
        expect(harness.run(F)).toBe(1);
        expect(harness.inside).toEqual([...execs(0, 4, 8), 'call f+8 f+16 0', ...execs(12)]);
      }
      expect(stalker.stats.recompiles).toBe(0);
    });
  });

  it('that is another one each time the transformer is asked is an error of its; it is asked no more', () => {
    inEveryTier({ isa: 'arm', code: FLAT.arm, events: EXEC }, (harness) => {
      const { stalker } = harness;
      const errors: string[] = [];
      stalker.callbacks.onError = ({ message }) => errors.push(message);
      let asked = 0;
      const transform = function greedy(iterator: StalkerIterator): void {
        stalker.exclude({ base: F + 0x100 + 8 * asked++, size: 8 });
        while (iterator.next() !== undefined) iterator.keep();
      };
      stalker.follow(TID, { ...harness.options, transformer: { transform } });
      for (let n = 0; n < 3; n++) expect(harness.run(F)).toBe(2);
      expect(errors).toEqual([
        'the transformer greedy at 0x10100 threw: it changed what is excluded or probed each of the 16 times it was asked',
      ]);
      expect([asked, stalker.isFollowing(TID), harness.events]).toEqual([16, false, []]);
    });
  });

  it('inside one that is excluded already changes nothing, so it may be added again and again', () => {
    const code = 'push {lr}\n mov r0, #0\n bl in\n pop {pc}\nin: add r0, r0, #2\n mov pc, lr';
    inEveryTier({ isa: 'arm', code, events: EXEC, excluded: [[16, 24]] }, (harness) => {
      const { stalker } = harness;
      let asked = 0;
      const transform = (iterator: StalkerIterator): void => {
        asked++;
        stalker.exclude({ base: F + 20, size: 4 });
        while (iterator.next() !== undefined) iterator.keep();
      };
      stalker.follow(TID, { ...harness.options, transformer: { transform } });
      for (let n = 0; n < 3; n++) expect(harness.run(F)).toBe(2);
      expect([stalker.excludedRanges.length, asked]).toEqual([1, 3]);
    });
  });

  it('is never needed for the kernel’s helpers: under gum they are not traced, called or branched to', () => {
    const code = `push {lr}\n ldr r3, =${KUSER_PAGE + 0xfa0}\n blx r3\n bl veneer\n mov r0, #2\n pop {pc}
                  veneer: nop\n bx r3\n.ltorg`;
    inEveryTier({ isa: 'arm', code, events: EXEC }, (harness) => {
      harness.memory.setPermissions(KUSER_PAGE, 0x1000, Permission.READ | Permission.EXECUTE);
      harness.memory.poke(KUSER_PAGE + 0xfa0, Uint8Array.of(0x1e, 0xff, 0x2f, 0xe1));
      expect(harness.run()).toBe(2);
      const inside = harness.events.filter((text) => !text.includes(' h+'));
      expect(inside).toEqual(execs(0, 4, 8, 12, 24, 28, 16, 20));
    });
  });
});
