import { describe, expect, it } from 'vitest';
import { EventKind } from '../../src/events/event.js';
import type { Transformer } from '../../src/stalker/transformer.js';
import { TIERS } from '../tiers/traced-run.js';
import { BASE, GuestCode } from './guest-code.js';

const { COMPILE, EXEC, BLOCK } = EventKind;

const returning = (value: number): Uint8Array => Uint8Array.of(value, 0, 0xa0, 0xe3);

describe('trust threshold', () => {
  /** Results of calling a function that is patched, without cache maintenance, between calls. */
  const results = (threshold: number): number[] => {
    const guest = new GuestCode('main: mov r0, #1\n bx lr', { events: EXEC, profile: 'gum' });
    guest.stalker.trustThreshold = threshold;
    const seen = [guest.call()];
    guest.memory.u8.set(returning(2), BASE);
    seen.push(guest.call(), guest.call(), guest.call());
    guest.memory.u8.set(returning(3), BASE);
    seen.push(guest.call());
    return seen;
  };

  it('is 1 by default', () => {
    expect(new GuestCode('bx lr').stalker.trustThreshold).toBe(1);
  });

  it('of -1 never trusts: every patch is seen', () => {
    expect(results(-1)).toEqual([1, 2, 2, 2, 3]);
  });

  it('of 0 trusts at once: no patch is seen', () => {
    expect(results(0)).toEqual([1, 1, 1, 1, 1]);
  });

  it('of 1 sees a patch until the block was revisited unchanged once', () => {
    expect(results(1)).toEqual([1, 2, 2, 2, 2]);
  });
});

describe('invalidation', () => {
  it('makes the next entry translate anew, once', () => {
    const guest = new GuestCode('main: mov r0, #1\n bx lr', { events: COMPILE });
    guest.stalker.trustThreshold = 0;
    guest.call();
    guest.memory.u8.set(returning(2), BASE);
    expect(guest.call()).toBe(1);
    guest.stalker.invalidate(BASE);
    expect([guest.call(), guest.call()]).toEqual([2, 2]);
    expect(guest.text().filter((line) => line.startsWith('compile +0'))).toHaveLength(2);
  });

  it('follows a store into translated code under precise, whatever the threshold', () => {
    const source = `
      main:  push {r4, lr}
             mov r4, #3
      again: bl leaf
             subs r4, r4, #1
             adr r2, leaf
             ldr r1, [r2]
             add r1, r1, #1
             str r1, [r2]
             bne again
             pop {r4, pc}
      leaf:  mov r0, #1
             bx lr`;
    for (const threshold of [-1, 0, 1]) {
      const guest = new GuestCode(source, {});
      guest.stalker.trustThreshold = threshold;
      expect(guest.call()).toBe(3);
    }
  });

  it('of a range reaches every block with a byte in it', () => {
    const guest = new GuestCode('main: mov r0, #1\n bx lr', { profile: 'gum' });
    guest.stalker.trustThreshold = 0;
    guest.call();
    guest.memory.u8.set(returning(9), BASE);
    guest.stalker.codeChanged(BASE + 2, BASE + 3);
    expect(guest.call()).toBe(9);
  });
});

describe('transformer', () => {
  it('drops an instruction it does not keep and runs on past a dropped call', () => {
    const source = 'main: push {lr}\n mov r0, #7\n bl bad\n add r0, r0, #1\n pop {pc}\nbad: mov r0, #0\n bx lr';
    const guest = new GuestCode(source, {
      events: EXEC,
      transformer: {
        transform(iterator) {
          for (let insn = iterator.next(); insn !== undefined; insn = iterator.next()) {
            if (insn.pc !== BASE + 8) iterator.keep();
          }
        },
      },
    });
    expect(guest.call()).toBe(8);
    expect(guest.text()).not.toContain('exec +8');
  });

  it('runs a callout before its instruction, with registers it may change', () => {
    const guest: GuestCode = new GuestCode('main: mov r0, #1\n bx lr', {
      transformer: {
        transform(iterator) {
          for (let insn = iterator.next(); insn !== undefined; insn = iterator.next()) {
            if (insn.pc === BASE + 4) iterator.putCallout(() => guest.setRegister(0, 42));
            iterator.keep();
          }
        },
      },
    });
    expect(guest.call()).toBe(42);
  });

  it.each(Object.values(TIERS))('runs once for each COMPILE, however hot its blocks become (%o)', (tier) => {
    let runs = 0;
    const source =
      'main: push {lr}\n mov r1, #200\nnext: bl leaf\n subs r1, r1, #1\n bne next\n pop {pc}\nleaf: nop\n bx lr';
    const transformer: Transformer = {
      transform(iterator) {
        runs++;
        while (iterator.next() !== undefined) iterator.keep();
      },
    };
    const guest = new GuestCode(source, { events: COMPILE, transformer, tier });
    guest.call();
    guest.call();
    expect(guest.stalker.stats.hot.functions > 0).toBe(tier.tier !== 'cold');
    expect(runs).toBe(guest.sink.events.length);
  });

  it('cannot use its iterator afterwards', () => {
    let kept: { next(): unknown } | undefined;
    const guest = new GuestCode('bx lr', {
      transformer: {
        transform(iterator) {
          kept ??= iterator;
          while (iterator.next() !== undefined) iterator.keep();
        },
      },
    });
    guest.call();
    expect(() => kept?.next()).toThrow('invalid operation');
  });
});

describe('call probes', () => {
  const source = 'main: push {lr}\n bl leaf\n pop {pc}\nleaf: add r0, r0, #1\n bx lr';

  it('fire at the entry of the block, first those added first, until removed', () => {
    const guest = new GuestCode(source);
    const seen: string[] = [];
    const first = guest.stalker.addCallProbe(BASE + 12, () => void seen.push(`a${guest.words[0]}`));
    guest.call([1]);
    const second = guest.stalker.addCallProbe(BASE + 12, () => void seen.push('b'));
    guest.call([2]);
    guest.stalker.removeCallProbe(first);
    guest.call([3]);
    guest.stalker.removeCallProbe(second);
    guest.call([4]);
    expect([first, second]).toEqual([1, 2]);
    expect(seen).toEqual(['a1', 'a2', 'b', 'b']);
  });

  it('may change arguments', () => {
    const guest = new GuestCode(source);
    guest.stalker.addCallProbe(BASE + 12, () => guest.setRegister(0, 100));
    expect(guest.call([1])).toBe(101);
  });

  it('may be removed from inside a firing, and notify once', () => {
    const guest = new GuestCode(source);
    let notified = 0;
    const id: number = guest.stalker.addCallProbe(
      BASE + 12,
      () => guest.stalker.removeCallProbe(id),
      () => void notified++,
    );
    guest.call();
    guest.call();
    expect(notified).toBe(1);
  });
});

describe('unfollow', () => {
  it('takes effect at the next block: what follows is not recorded, the sink is stopped once', () => {
    const source = 'main: mov r0, #1\n b mid\nmid: add r0, r0, #1\n b last\nlast: add r0, r0, #1\n bx lr';
    const guest: GuestCode = new GuestCode(source, {
      events: BLOCK,
      transformer: {
        transform(iterator) {
          const isMid = iterator.next()?.pc === BASE + 8;
          if (isMid) iterator.putCallout(() => guest.stalker.unfollow(1));
          do iterator.keep();
          while (iterator.next() !== undefined);
        },
      },
    });
    expect(guest.call()).toBe(3);
    expect(guest.text()).toEqual(['block +0 +8', 'block +8 +10']);
    expect([guest.sink.started, guest.sink.stopped]).toEqual([1, 1]);
    expect(guest.stalker.isFollowing(1)).toBe(false);
  });
});
