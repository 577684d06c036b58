/**
 * Long runs keep what they hold bounded: a guest that makes and discards code, a loop that never ends. And code that
 * could not run before runs once it is there. ARMSTALK_CHURN is the number of discarded pieces of code.
 */
import { describe, expect, it } from 'vitest';
import type { EventSink } from '../../src/events/sink.js';
import { Word } from '../../src/guest/cpu-state.js';
import { GuestMemory, Permission } from '../../src/guest/memory.js';
import { ExitReason } from '../../src/ir/terminal.js';
import { Stalker } from '../../src/stalker/stalker.js';
import { BASE, GuestCode, STACK_TOP, STOP, TID } from '../stalker/guest-code.js';
import { compile, hasCompiler } from '../support/toolchain.js';
import { TIERS, tracedRun } from './traced-run.js';

const CHURN = Number(process.env.ARMSTALK_CHURN ?? 4000);
const MIB = 1 << 20;

describe.each(Object.entries(TIERS))('code that could not run before (%s)', (_name, tier) => {
  const bx = 0xe12f_ff1e;

  it.each([
    ['permanently', 0xe7f0_def0],
    ['unallocated and', 0xffff_ffff],
  ])('runs when the guest has patched a %s undefined instruction', (_kind, word) => {
    const guest = new GuestCode('start: mov r0, #1\n bx lr', { tier });
    guest.memory.view.setUint32(BASE, word, true);
    guest.words[Word.LR] = STOP;
    for (let n = 0; n < 10; n++) {
      guest.words[Word.PC] = BASE;
      expect(guest.run()).toBe(ExitReason.UNDEFINED);
    }
    guest.memory.write(BASE, Uint8Array.of(1, 0, 0xa0, 0xe3));
    expect(guest.call()).toBe(1);
  });

  it('runs when its page has been mapped', () => {
    const guest = new GuestCode('start: bx r1', { tier });
    const page = 0x50_0000;
    for (let n = 0; n < 10; n++) {
      guest.words[1] = page;
      guest.words[Word.PC] = BASE;
      expect(guest.run()).toBe(ExitReason.FETCH_FAULT);
    }
    guest.memory.setPermissions(page, 4096, Permission.READ | Permission.EXECUTE);
    guest.memory.view.setUint32(page, bx, true);
    expect(guest.call([7, page])).toBe(7);
    guest.memory.unmap(page, 4096);
    guest.words[Word.PC] = BASE;
    guest.words[1] = page;
    expect(guest.run()).toBe(ExitReason.FETCH_FAULT);
  });
});
