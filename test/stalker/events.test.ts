import { describe, expect, it } from 'vitest';
import { EventKind } from '../../src/events/event.js';
import { BASE, GuestCode } from './guest-code.js';

const { CALL, RET, EXEC, BLOCK, COMPILE } = EventKind;

const nested = (ret: string): string => `
main:  push {r4, lr}
       mov r0, #0
       bl a
       bl b
       pop {r4, pc}
a:     push {r4, lr}
       add r0, r0, #1
       bl b
       pop {r4, pc}
b:     add r0, r0, #1
       ${ret}
`;

describe('CALL and RET', () => {
  it('carry the depth before the push and after the pop, so a pair has one depth', () => {
    const guest = new GuestCode(nested('bx lr'), { events: CALL | RET });
    expect(guest.call()).toBe(3);
    expect(guest.text()).toEqual([
      'call +8 -> +14 d0',
      'call +1c -> +24 d1',
      'ret +28 -> +20 d1',
      'ret +20 -> +c d0',
      'call +c -> +24 d0',
      'ret +28 -> +10 d0',
      'ret +10 -> stop d0',
    ]);
  });

  it('report no RET for bx lr under gum, as Frida does, and still pop the frame', () => {
    const guest = new GuestCode(nested('bx lr'), { events: CALL | RET, profile: 'gum' });
    guest.call();
    expect(guest.text()).toEqual([
      'call +8 -> +14 d0',
      'call +1c -> +24 d1',
      'ret +20 -> +c d0',
      'call +c -> +24 d0',
      'ret +10 -> stop d0',
    ]);
  });

  it('count mov pc, lr as RET in both profiles', () => {
    for (const profile of ['gum', 'precise'] as const) {
      const guest = new GuestCode(nested('mov pc, lr'), { events: RET, profile });
      guest.call();
      expect(guest.text()).toEqual([
        'ret +28 -> +20 d1',
        'ret +20 -> +c d0',
        'ret +28 -> +10 d0',
        'ret +10 -> stop d0',
      ]);
    }
  });

  it('carry the Thumb bit in locations and targets', () => {
    const guest = new GuestCode('main: push {lr}\n bl a\n pop {pc}\na: bx lr', { events: CALL | RET, thumb: true });
    guest.call();
    expect(guest.text()).toEqual(['call +3 -> +9 d0', 'ret +9 -> +7 d0', 'ret +7 -> stop d0']);
  });

  it('say nothing of a conditional call or return that is not executed', () => {
    const source = `
      main: push {r4, lr}
            cmp r0, #0
            bleq a
            blne a
            pop {r4, pc}
      a:    cmp r0, #5
            bxne lr
            bx lr`;
    const guest = new GuestCode(source, { events: CALL | RET });
    guest.call([5]);
    expect(guest.text()).toEqual(['call +c -> +14 d0', 'ret +1c -> +10 d0', 'ret +10 -> stop d0']);
  });

  it('tell a computed jump from a return by the shadow stack', () => {
    const source = `
      main: push {r4, lr}
            bl a
            pop {r4, pc}
      a:    mov r3, lr
            adr r2, skip
            bx r2
            .word 0xe7f000f0
      skip: bx r3`;
    const guest = new GuestCode(source, { events: CALL | RET });
    guest.call();
    expect(guest.text()).toEqual(['call +4 -> +c d0', 'ret +1c -> +8 d0', 'ret +8 -> stop d0']);
  });

  it('drop the frames a longjmp leaves behind', () => {
    const source = `
      main: push {r4, lr}
            mov r4, sp
            bl a
      back: bl leaf
            pop {r4, pc}
      a:    push {r4, lr}
            bl b
            pop {r4, pc}
      b:    push {r5, lr}
            mov sp, r4
            adr r3, back
            bx r3
      leaf: bx lr`;
    const guest = new GuestCode(source, { events: CALL | RET });
    guest.call();
    const events = guest.text();
    expect(events.slice(0, 2)).toEqual(['call +8 -> +14 d0', 'call +18 -> +20 d1']);
    // Control came back to main by a plain branch that looks like a return to a's caller: both frames are gone.
    expect(events.slice(-3)).toEqual(['call +c -> +30 d0', 'ret +30 -> +10 d0', 'ret +10 -> stop d0'].slice(-3));
  });

  it('keep an exact depth beyond 1,023 frames under precise and saturate there under gum', () => {
    const source = `
      main: push {r4, lr}
            subs r0, r0, #1
            blne main
            pop {r4, pc}`;
    const deepest = (profile: 'precise' | 'gum'): number => {
      const guest = new GuestCode(source, { events: CALL | RET, profile });
      guest.call([1500]);
      return Math.max(...guest.sink.events.map((event) => event.depth));
    };
    expect(deepest('precise')).toBe(1498);
    expect(deepest('gum')).toBe(1023);
  });

  it('report depth 1 for the last returns out of a recursion that overflowed the gum shadow stack', () => {
    const source = `
      main: push {r4, lr}
            subs r0, r0, #1
            blne main
            pop {r4, pc}`;
    const guest = new GuestCode(source, { events: RET, profile: 'gum' });
    guest.call([1501]);
    const depths = guest.sink.events.map((event) => event.depth);
    expect(depths).toHaveLength(1501);
    expect(depths[0]).toBe(1022);
    expect(depths[1022]).toBe(0);
  });
});

describe('BLOCK, EXEC and COMPILE', () => {
  const loop = `
    main: mov r1, #0
    next: add r1, r1, #1
          cmp r1, #3
          bne next
          mov r0, r1
          bx lr`;

  it('report every entry of a block and one compilation each', () => {
    const guest = new GuestCode(loop, { events: BLOCK | COMPILE });
    expect(guest.call()).toBe(3);
    const code = guest.text().filter((line) => !line.includes('stop'));
    expect(code).toEqual([
      'compile +0 +10',
      'block +0 +10',
      'compile +4 +10',
      'block +4 +10',
      'block +4 +10',
      'compile +10 +18',
      'block +10 +18',
    ]);
  });

  it('advance the clock by one for every EXEC', () => {
    const guest = new GuestCode(loop, { events: EXEC });
    guest.call();
    const clocks = guest.sink.events.map((event) => event.clock);
    expect(clocks).toEqual(clocks.map((_, i) => i + 1));
    expect(guest.stalker.clock).toBe(clocks.length);
  });

  it('swallow the repeats of a one-instruction loop under gum only', () => {
    const source = 'main: mov r1, #3\nnext: subs r1, r1, #1\n bne next\n bx lr';
    const gum = new GuestCode(source, { events: EXEC, profile: 'gum' });
    gum.call();
    const precise = new GuestCode(source, { events: EXEC });
    precise.call();
    expect(gum.text()).toEqual(precise.text());
  });

  it('show an IT group as one EXEC under gum and as every dependent under precise', () => {
    const source = 'main: cmp r0, #0\n itt eq\n moveq r0, #1\n addeq r0, r0, #1\n bx lr';
    const gum = new GuestCode(source, { events: EXEC, profile: 'gum', thumb: true });
    expect(gum.call([0])).toBe(2);
    expect(gum.text().slice(0, 3)).toEqual(['exec +1', 'exec +3', 'exec +9']);
    const precise = new GuestCode(source, { events: EXEC, thumb: true });
    expect(precise.call([0])).toBe(2);
    expect(precise.text().slice(0, 5)).toEqual(['exec +1', 'exec +3', 'exec +5', 'exec +7', 'exec +9']);
  });

  it('go on past a system call in the same block', () => {
    const guest = new GuestCode('main: mov r7, #1\n svc 0\n add r0, r0, #1\n bx lr', { events: BLOCK | EXEC });
    guest.words[14] = 0x2_0000;
    guest.words[13] = 0x8_0000;
    guest.words[15] = BASE;
    expect(guest.run()).toBe(1);
    guest.words[0] = 41;
    expect(guest.run()).toBe(1);
    expect(guest.words[0]).toBe(42);
    expect(guest.text().filter((line) => line.startsWith('block'))).toEqual(['block +0 +10', 'block stop stop']);
    expect(guest.text().filter((line) => line.startsWith('exec'))).toHaveLength(5);
  });

  it('cut a long straight run after 512 instructions, every time', () => {
    const guest = new GuestCode(`main: .rept 1000\n add r0, r0, #1\n .endr\n bx lr`, { events: BLOCK });
    expect(guest.call([0])).toBe(1000);
    expect(guest.text().slice(0, 2)).toEqual(['block +0 +800', 'block +800 +fa4']);
  });

  it('lose nothing when the ring fills many times over', () => {
    const source = `
      main: push {lr}
            ldr r1, =20000
      next: bl leaf
            subs r1, r1, #1
            bne next
            pop {pc}
      leaf: bx lr`;
    const guest = new GuestCode(source, { events: CALL | RET | EXEC | BLOCK, fuel: 777 });
    guest.call();
    const count = (kind: number): number => guest.sink.events.filter((event) => event.kind === kind).length;
    expect([count(CALL), count(RET)]).toEqual([20000, 20001]);
    expect(count(EXEC)).toBe(guest.stalker.clock);
  });

  it('store nothing at all with an empty mask', () => {
    const guest = new GuestCode(nested('bx lr'), { events: 0 });
    guest.call();
    expect(guest.sink.events).toEqual([]);
  });
});
