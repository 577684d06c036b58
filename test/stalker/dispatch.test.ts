/** Frida's switch_block: what is looked at first when control goes from block to block; in every tier. */
import { describe, expect, it } from 'vitest';
import { EventKind } from '../../src/events/event.js';
import { ExitReason } from '../../src/ir/terminal.js';
import { F, type Harness, inEveryTier, type Program, visiting } from './catalogue/harness.js';
import { TID } from './guest-code.js';

const { BLOCK, COMPILE } = EventKind;
const PROGRAM: Program = {
  isa: 'arm',
  events: COMPILE | BLOCK,
  code: 'push {lr}\n mov r0, #2\n bl leaf\n pop {pc}\nleaf: nop\n mov pc, lr',
};
const FIRST = ['compile f+0 f+12', 'block f+0 f+12'];

describe('a dispatch', () => {
  it('leaves before it obtains the block, when a callout has asked for that: no COMPILE of the target', () => {
    let current: Harness | undefined;
    const transformer = visiting((iterator, offset) => {
      if (offset === 4) iterator.putCallout(() => current?.stalker.unfollow(TID));
    });
    inEveryTier({ ...PROGRAM, transformer }, (harness) => {
      current = harness;
      expect(harness.run()).toBe(2);
      expect(harness.inside).toEqual(FIRST);
    });
  });

  it('leaves after it has obtained the block, when that block’s transformer has asked for it: COMPILE, no BLOCK', () => {
    let current: Harness | undefined;
    const transformer = visiting((_iterator, offset) => {
      if (offset === 16) current?.stalker.unfollow(TID);
    });
    inEveryTier({ ...PROGRAM, transformer }, (harness) => {
      current = harness;
      expect(harness.run()).toBe(2);
      expect(harness.inside).toEqual([...FIRST, 'compile f+16 f+24']);
    });
  });

  it('has done what a transformer asked for: its block is not left for that at a system call', () => {
    let current: Harness | undefined;
    const transformer = visiting((_iterator, offset) => {
      if (offset === 0) current?.stalker.activate(TID);
    });
    const code = 'push {lr}\n svc 0\n mov r0, #2\n pop {pc}';
    inEveryTier({ ...PROGRAM, code, transformer }, (harness) => {
      current = harness;
      expect(harness.run()).toBe(2);
      expect(harness.inside).toEqual(['compile f+0 f+16', 'block f+0 f+16']);
    });
  });

  it('counts for the observer first, and asks its switch callback last', () => {
    const log: string[] = [];
    const transformer = visiting((_iterator, offset) => {
      if (offset === 16) log.push('translated');
    });
    inEveryTier({ ...PROGRAM, transformer }, (harness) => {
      log.length = 0;
      const observer = {
        total: 0,
        onSwitch({ to }: { to: number }): undefined {
          if (to === F + 16) log.push(`asked, total ${observer.total}`);
        },
      };
      harness.stalker.follow(TID, harness.options);
      harness.stalker.setObserver(TID, observer);
      expect(harness.run(F)).toBe(2);
      expect(log).toEqual(['translated', 'asked, total 2']);
      harness.stalker.setObserver(TID, undefined);
      const { total } = observer;
      harness.run(F);
      expect(observer.total).toBe(total);
    });
  });

  it('to address 0 is a fault of the guest there; the thread is followed still', () => {
    inEveryTier({ ...PROGRAM, code: 'mov r1, #0\n bx r1' }, (harness) => {
      harness.stalker.follow(TID, harness.options);
      expect(() => harness.run(F)).toThrow(`reason ${ExitReason.FETCH_FAULT} at 0x0`);
      expect(harness.stalker.isFollowing(TID)).toBe(true);
    });
  });
});
