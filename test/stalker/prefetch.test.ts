import { describe, expect, it } from 'vitest';
import { EventKind } from '../../src/events/event.js';
import { BASE, GuestCode } from './guest-code.js';

const { COMPILE, BLOCK } = EventKind;

const source = `
  main: push {r4, lr}
        mov r4, #3
  next: bl leaf
        subs r4, r4, #1
        bne next
        pop {r4, pc}
  leaf: add r0, r0, #1
        bx lr`;

const compiled = (guest: GuestCode): string[] => guest.text().filter((line) => line.startsWith('compile'));
const entered = (guest: GuestCode): string[] => guest.text().filter((line) => line.startsWith('block'));

describe('prefetch', () => {
  it('of what a first run compiled leaves nothing for a second run to compile, and changes no block', () => {
    const first = new GuestCode(source, { events: COMPILE | BLOCK });
    const result = first.call([0]);
    const addresses = first.sink.events.filter((event) => event.kind === COMPILE).map((event) => event.location);

    const second = new GuestCode(source, { events: COMPILE | BLOCK });
    second.stalker.trustThreshold = 3;
    second.stalker.prefetchAtStart = addresses;
    expect(second.call([0])).toBe(result);
    expect(compiled(second).toSorted()).toEqual(compiled(first).toSorted());
    const firstBlock = second.text().findIndex((line) => line.startsWith('block'));
    expect(
      second
        .text()
        .slice(firstBlock)
        .filter((line) => line.startsWith('compile')),
    ).toEqual([]);
    expect(entered(second)).toEqual(entered(first));
  });

  it('trusts what it was given: a later patch is not seen under gum', () => {
    const guest = new GuestCode('main: mov r0, #1\n bx lr', { profile: 'gum' });
    guest.stalker.prefetchAtStart = [BASE];
    expect(guest.call()).toBe(1);
    guest.memory.u8.set(Uint8Array.of(2, 0, 0xa0, 0xe3), BASE);
    expect(guest.call()).toBe(1);
  });

  it('leaves out addresses that hold no code now', () => {
    const guest = new GuestCode('main: mov r0, #1\n bx lr', { events: COMPILE });
    guest.stalker.prefetchAtStart = [0x5000_0000, BASE];
    expect(guest.call()).toBe(1);
    expect(compiled(guest)[0]).toBe('compile +0 +8');
  });
});
