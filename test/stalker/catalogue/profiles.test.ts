/**
 * D1 to D9 of the Stalker's README: one program for each, with everything both profiles say about it. D2 and D9 are
 * decisions that came out the same for both.
 */
import { describe, expect, test } from 'vitest';
import { EventKind } from '../../../src/events/event.js';
import { Permission } from '../../../src/guest/memory.js';
import type { Profile } from '../../../src/stalker/options.js';
import { blocks, execs, F, type Harness, type Isa, inEveryTier } from './harness.js';

const { CALL, RET, EXEC, BLOCK, COMPILE } = EventKind;

interface Difference {
  readonly isa: Isa;
  readonly code: string;
  readonly events: number;
  readonly result: number;
  readonly gum: readonly string[];
  readonly precise: readonly string[];
}

const underBoth = (
  program: { isa: Isa; code: string; events: number },
  check: (harness: Harness, profile: Profile) => void,
): void => {
  for (const profile of ['gum', 'precise'] as const) {
    inEveryTier({ ...program, profile }, (harness) => {
      try {
        check(harness, profile);
      } catch (error) {
        if (error instanceof Error) error.message = `${profile}: ${error.message}`;
        throw error;
      }
    });
  }
};

const difference = (name: string, { result, gum, precise, ...program }: Difference): void =>
  test(name, () => {
    underBoth(program, (harness, profile) => {
      expect(harness.run(), 'result').toBe(result);
      expect(harness.inside).toEqual(profile === 'gum' ? gum : precise);
    });
  });

const inBoth = (name: string, row: Omit<Difference, 'gum' | 'precise'>, events: readonly string[]): void =>
  difference(name, { ...row, gum: events, precise: events });

describe('instructions', () => {
  difference('D1: an IT group is one EXEC and ends the block, or its dependents are instructions like others', {
    isa: 'thumb',
    result: 5,
    events: CALL | EXEC | BLOCK,
    code: `push {lr}\n movs r0, #0\n movs r1, #0\n cmp r1, #0\n ite eq\n addeq r0, #1\n addne r0, #2
           it eq\n bleq leaf\n pop {pc}
     leaf: push {lr}\n adds r0, #4\n pop {pc}`,
    gum: [
      ...[...blocks([1, 15]), ...execs(1, 3, 5, 7, 9)],
      ...[...blocks([15, 21]), ...execs(15), 'call f+15 f+23 1'],
      ...[...blocks([23, 29]), ...execs(23, 25, 27)],
      ...[...blocks([21, 23]), ...execs(21)],
    ],
    precise: [
      ...[...blocks([1, 21]), ...execs(1, 3, 5, 7, 9, 11, 13, 15, 17), 'call f+17 f+23 1'],
      ...[...blocks([23, 29]), ...execs(23, 25, 27)],
      ...[...blocks([21, 23]), ...execs(21)],
    ],
  });

  inBoth(
    'D2: SVC does not end a block',
    { isa: 'arm', result: 1, events: EXEC | BLOCK, code: 'mov r7, #20\n svc 0\n add r0, r0, #1\n bx lr' },
    [...blocks([0, 16]), ...execs(0, 4, 8, 12)],
  );

  difference('D4: an instruction that jumps to itself is one EXEC, or one each time', {
    isa: 'arm',
    result: 3,
    events: EXEC,
    code: `adr r1, table\n self: ldr pc, [r1], #4\n end: mov r0, #3\n bx lr\n table: .word self, self, end`,
    gum: execs(0, 4, 8, 12),
    precise: execs(0, 4, 4, 4, 8, 12),
  });

  difference('D6: blocks from LDREX to STREX say no EXEC once the pair was seen, or as others do', {
    isa: 'arm',
    result: 2,
    events: EXEC,
    code: `push {r4, lr}\n ldr r1, =value\n bl lock\n bl lock\n ldr r0, [r1]\n pop {r4, pc}
     lock: ldrex r2, [r1]\n cmp r2, #9\n beq out\n add r2, r2, #1\n strex r3, r2, [r1]\n cmp r3, #0\n bne lock
      out: bx lr\n .ltorg\n value: .word 0`,
    gum: execs(0, 4, 8, 24, 28, 32, 52, 12, 52, 16, 20),
    precise: execs(...[0, 4, 8, 24, 28, 32, 36, 40, 44, 48, 52], ...[12, 24, 28, 32, 36, 40, 44, 48, 52], ...[16, 20]),
  });

  inBoth(
    'D9: a block ends after 512 instructions',
    { isa: 'arm', result: 600, events: BLOCK, code: 'mov r0, #0\n .rept 600\n add r0, r0, #1\n .endr\n bx lr' },
    blocks([0, 2048], [2048, 2408]),
  );
});

describe('returns', () => {
  difference('D3: bx lr is no RET, or one', {
    isa: 'arm',
    result: 3,
    events: CALL | RET,
    code: `push {r4, lr}\n mov r0, #1\n bl leaf\n bl far\n pop {r4, pc}
     leaf: add r0, r0, #1\n bx lr
      far: mov r3, lr\n add r0, r0, #1\n bx r3`,
    gum: ['call f+8 f+20 1', 'call f+12 f+28 1', 'ret f+16 h+32 0'],
    precise: ['call f+8 f+20 1', 'ret f+24 f+12 1', 'call f+12 f+28 1', 'ret f+36 f+16 1', 'ret f+16 h+32 0'],
  });

  difference('D7: mov pc, rN is a RET, or only when it returns', {
    isa: 'arm',
    result: 7,
    events: CALL | RET,
    code: `push {r4, lr}\n bl a\n pop {r4, pc}
        a: mov r3, lr\n adr r2, skip\n mov pc, r2\n udf #0
     skip: mov r0, #7\n mov pc, r3`,
    gum: ['call f+4 f+12 1', 'ret f+20 f+28 2', 'ret f+32 f+8 1', 'ret f+8 h+32 0'],
    precise: ['call f+4 f+12 1', 'ret f+32 f+8 1', 'ret f+8 h+32 0'],
  });

  difference('D5: a longjmp leaves its frames on the shadow stack, or takes them with it', {
    isa: 'arm',
    result: 9,
    events: CALL | RET,
    code: `push {r4, lr}\n mov r4, sp\n bl a\n back: bl leaf\n mov r0, #9\n pop {r4, pc}
        a: push {r4, lr}\n bl b\n udf #0
        b: push {r5, lr}\n mov sp, r4\n ldr lr, =back\n mov pc, lr
     leaf: mov pc, lr\n .ltorg`,
    gum: [
      ...['call f+8 f+24 1', 'call f+28 f+36 2', 'ret f+48 f+12 3'],
      ...['call f+12 f+52 3', 'ret f+52 f+16 3', 'ret f+20 h+32 3'],
    ],
    precise: [
      ...['call f+8 f+24 1', 'call f+28 f+36 2', 'ret f+48 f+12 1'],
      ...['call f+12 f+52 1', 'ret f+52 f+16 1', 'ret f+20 h+32 0'],
    ],
  });

  test('D5: the depth of a recursion saturates at 1,023, or is exact', () => {
    const code = `push {r4, lr}\n ldr r0, =1500\n bl down\n pop {r4, pc}
            down: push {r4, lr}\n subs r0, r0, #1\n blne down\n pop {r4, pc}\n .ltorg`;
    underBoth({ isa: 'arm', code, events: CALL | RET }, (harness, profile) => {
      expect(harness.run()).toBe(0);
      const isGum = profile === 'gum';
      const calls = Array.from({ length: 1500 }, (_, i) => {
        const depth = isGum ? Math.min(i + 1, 1023) : i + 1;
        return `call ${i === 0 ? 'f+8' : 'f+24'} f+16 ${depth}`;
      });
      // Under gum 1,021 frames of the recursion are left; the returns beyond them match nothing and pop nothing.
      const returns = Array.from({ length: 1501 }, (_, i) => {
        const depth = isGum && i < 1499 ? Math.max(1022 - i, 2) : 1500 - i;
        return `ret ${i < 1500 ? 'f+28' : 'f+12'} ${i < 1499 ? 'f+28' : i === 1499 ? 'f+12' : 'h+32'} ${depth}`;
      });
      expect(harness.inside).toEqual([...calls, ...returns]);
    });
  });
});

describe('code that changes', () => {
  const move = (n: number): number => 0xe3a0_0000 + n;
  const code = `push {r4, lr}\n bl leaf\n bl leaf\n adr r2, leaf\n ldr r1, =${move(2)}\n str r1, [r2]\n bl leaf
                mov r4, r0\n mov r7, #20\n svc 0\n bl leaf\n add r0, r4, r0, lsl #4\n pop {r4, pc}
          leaf: mov r0, #1\n mov pc, lr\n .ltorg`;
  const leaf = F + 13 * 4;

  /** Compilations of the leaf, and the function's result: what the leaf gave after the store, and after the hook. */
  const outcome = (harness: Harness): [compilations: number, result: number] => {
    const result = harness.run();
    return [harness.events.filter((text) => text === 'compile f+52 f+60').length, result];
  };

  test('D8: is seen by the trust rule, or by every store', () => {
    underBoth({ isa: 'arm', code, events: COMPILE }, (harness, profile) => {
      expect(outcome(harness)).toEqual(profile === 'gum' ? [1, 0x11] : [2, 0x22]);
    });
  });

  test('D8: is seen by cacheflush in both', () => {
    underBoth({ isa: 'arm', code, events: COMPILE }, (harness, profile) => {
      harness.onSyscall = () => harness.stalker.codeChanged(leaf, leaf + 4);
      expect(outcome(harness)).toEqual(profile === 'gum' ? [2, 0x21] : [3, 0x22]);
    });
  });

  test('D8: is seen by a change of its mapping under precise', () => {
    underBoth({ isa: 'arm', code, events: COMPILE }, (harness, profile) => {
      const all = Permission.READ | Permission.WRITE | Permission.EXECUTE;
      harness.onSyscall = () => {
        harness.memory.u8.set([3], leaf);
        harness.memory.setPermissions(F & ~0xfff, 0x1000, all);
      };
      expect(outcome(harness)).toEqual(profile === 'gum' ? [1, 0x11] : [3, 0x32]);
    });
  });
});
