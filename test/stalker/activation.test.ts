/** Leaving traced execution and coming back without losing the context; in every tier. */
import { describe, expect, it } from 'vitest';
import { EventKind } from '../../src/events/event.js';
import { Reserved } from '../../src/stalker/reserved.js';
import { F, inEveryTier } from './catalogue/harness.js';
import { TID } from './guest-code.js';

const { CALL, EXEC, COMPILE } = EventKind;

describe('deactivation', () => {
  const code = 'push {lr}\n mov r0, #0\n bl leaf\n pop {pc}\nleaf: add r0, r0, #2\n mov pc, lr';

  it('records nothing until activation, and keeps the follow, its translations and its frames', () => {
    inEveryTier({ isa: 'arm', code, events: COMPILE | CALL }, (harness) => {
      const { stalker } = harness;
      stalker.follow(TID, harness.options);
      harness.run(F);
      const first = harness.inside;
      expect(first).toEqual(['compile f+0 f+12', 'call f+8 f+16 0', 'compile f+16 f+24', 'compile f+12 f+16']);
      stalker.deactivate(TID);
      expect(harness.run(F)).toBe(2);
      expect(harness.inside).toEqual(first);
      expect([stalker.isFollowing(TID), stalker.isActive(TID)]).toEqual([true, false]);
      stalker.activate(TID);
      expect(harness.run(F)).toBe(2);
      expect(harness.inside).toEqual([...first, 'call f+8 f+16 0']);
    });
  });

  it('asked for by the guest has its call as the last event; the first after activation follows that call', () => {
    const asking = `push {lr}\n mov r0, #0\n ldr r1, =${Reserved.DEACTIVATE}\n ldr r2, =${Reserved.ACTIVATE}
                    blx r1\n add r3, r3, #1\n blx r2\n mov r0, #2\n pop {pc}\n.ltorg`;
    inEveryTier({ isa: 'arm', code: asking, events: EXEC | CALL }, (harness) => {
      expect(harness.run()).toBe(2);
      const at = harness.events.indexOf('call f+16 0xfffef030 1');
      expect(harness.events.slice(at - 1, at + 2)).toEqual(['exec f+16', 'call f+16 0xfffef030 1', 'exec f+28']);
    });
  });

  it('does nothing to a thread that is not followed', () => {
    inEveryTier({ isa: 'arm', code, events: CALL }, (harness) => {
      harness.stalker.deactivate(TID);
      harness.stalker.activate(TID);
      expect(harness.run(F)).toBe(2);
      expect(harness.events).toEqual([]);
    });
  });
});

describe('activation with a target', () => {
  it('excludes nothing until the target is entered, linked or not', () => {
    // Three turns over a call of an excluded leaf; the target is entered in the second.
    const code = `push {r4, lr}
                  mov r4, #3
            turn: bl leaf
                  cmp r4, #2
                  bne on
          target: mov r0, #2
                  b on
              on: subs r4, r4, #1
                  bne turn
                  pop {r4, pc}
            leaf: mov r1, #1
                  mov pc, lr`;
    inEveryTier({ isa: 'arm', code, events: EXEC | CALL, excluded: [[40, 48]] }, (harness) => {
      const { stalker } = harness;
      stalker.follow(TID, harness.options);
      stalker.deactivate(TID);
      stalker.activate(TID, F + 20);
      expect(harness.run(F)).toBe(2);
      const of = (text: string): number => harness.inside.filter((event) => event.startsWith(text)).length;
      expect([of('call f+8 f+40 0'), of('exec f+40'), of('exec f+44')]).toEqual([3, 2, 2]);
    });
  });
});

describe('inside an excluded call', () => {
  const inner = (request: number): string => `push {lr}\n mov r0, #0\n bl out\n add r0, r0, #2\n pop {pc}
                  out: push {lr}\n ldr r1, =${request}\n blx r1\n nop\n pop {pc}\n.ltorg`;
  const excluded = [[20, 44]] as const;

  it('activation traces the rest of it, and it still ends where it returns to', () => {
    inEveryTier({ isa: 'arm', code: inner(Reserved.ACTIVATE), events: EXEC, excluded }, (harness) => {
      expect(harness.run()).toBe(2);
      expect(harness.inside).toEqual([0, 4, 8, 32, 36, 12, 16].map((at) => `exec f+${at}`));
      expect(harness.stalker.isFollowing(TID)).toBe(false);
    });
  });

  it('deactivation outlasts it: its return does not bring tracing back', () => {
    inEveryTier({ isa: 'arm', code: inner(Reserved.DEACTIVATE), events: EXEC, excluded }, (harness) => {
      harness.stalker.follow(TID, harness.options);
      expect(harness.run(F)).toBe(2);
      expect(harness.inside).toEqual([0, 4, 8].map((at) => `exec f+${at}`));
      expect([harness.stalker.isFollowing(TID), harness.stalker.isActive(TID)]).toEqual([true, false]);
    });
  });
});
