/** The catalogue's IT groups, jump tables and exclusive accesses: one EXEC for a group, at the IT. */
import { describe, expect, test } from 'vitest';
import { EventKind } from '../../../src/events/event.js';
import type { StalkerIterator } from '../../../src/stalker/iterator.js';
import { blocks, execs, H_CALL, H_EXEC, inEveryTier } from './harness.js';

const { CALL, RET, EXEC, BLOCK } = EventKind;

interface Row {
  readonly code: string;
  readonly result: number;
  readonly excluded?: readonly (readonly [number, number])[];
}

const thumb = (name: string, events: number, row: Row, inside: readonly string[], total: number): void =>
  test(name, () => {
    inEveryTier({ isa: 'thumb', events, ...row }, (harness) => {
      expect(harness.run(), 'result').toBe(row.result);
      expect(harness.inside).toEqual(inside);
      expect(harness.events).toHaveLength(total);
    });
  });

describe('IT groups', () => {
  thumb(
    'thumb_it_eq',
    0,
    {
      result: 1,
      code: 'movs r0, #0\n cmp r0, #0\n it eq\n addeq r0, #1\n cmp r0, #7\n it eq\n addeq r0, #1\n bx lr',
    },
    [],
    0,
  );
  thumb(
    'thumb_it_al',
    0,
    {
      result: 7,
      // IT AL, ITT AL and ITTTT AL, which the assembler refuses to fill.
      code: `movs r0, #0\n .hword 0xbfe8, 0x3001, 0xbfe4, 0x3001, 0x3001
             .hword 0xbfe1, 0x3001, 0x3001, 0x3001, 0x3001\n bx lr`,
    },
    [],
    0,
  );
  thumb(
    'thumb_it_eq_branch',
    BLOCK,
    {
      result: 0,
      code: `push {lr}\n movs r0, #0\n cmp r0, #0\n it eq\n beq.n 1f\n udf #0
             1: cmp r0, #1\n it eq\n beq.n 2f\n pop {pc}\n2: udf #0`,
    },
    blocks([1, 11], [13, 19], [19, 21]),
    5,
  );
  thumb(
    'thumb_itt_eq_branch',
    BLOCK,
    {
      result: 1,
      code: `push {lr}\n movs r0, #0\n movs r1, #0\n cmp r1, #0\n itt eq\n addeq r0, #1\n beq.n 1f\n udf #0
             1: cmp r1, #1\n itt eq\n addeq r0, #1\n beq.n 2f\n pop {pc}\n2: udf #0`,
    },
    blocks([1, 15], [17, 25], [25, 27]),
    5,
  );
  thumb(
    'thumb_ite_eq_branch',
    BLOCK,
    {
      result: 2,
      code: `push {lr}\n movs r0, #1\n movs r1, #0\n cmp r1, #1\n ite eq\n addeq r0, #1\n bne.n 1f\n udf #0
             1: cmp r1, #0\n ite eq\n addeq r0, #1\n bne.n 2f\n pop {pc}\n2: udf #0`,
    },
    blocks([1, 15], [17, 25], [25, 27]),
    5,
  );

  const link = `push {lr}\n movs r0, #0\n movs r1, #0\n nop\n cmp r1, #0\n it eq\n bleq leaf
                nop\n cmp r1, #1\n it eq\n bleq leaf\n pop {pc}
          leaf: push {lr}\n adds r0, #1\n pop {pc}`;
  thumb('thumb_it_eq_branch_link', CALL, { result: 1, code: link }, ['call f+11 f+29 1'], H_CALL + 1);
  thumb(
    'thumb_it_eq_branch_link_excluded',
    EXEC,
    { result: 1, code: link, excluded: [[28, 34]] },
    execs(1, 3, 5, 7, 9, 11, 17, 19, 21, 27),
    H_EXEC + 10,
  );
  thumb(
    'thumb_it_eq_pop',
    RET,
    {
      result: 2,
      code: `push {r4, lr}\n movs r0, #1\n nop\n bl in\n bl in\n pop {r4, pc}
             in: push {r2, lr}\n cmp r0, #2\n it eq\n popeq {r2, pc}\n adds r0, #1\n pop {r2, pc}`,
    },
    ['ret f+27 f+11 1', 'ret f+21 f+15 1', 'ret f+15 h+32 0'],
    3,
  );

  test('thumb_itttt_eq_blx_reg', () => {
    const code = `push {r4, lr}\n movs r0, #0\n ldr r1, =leaf\n cmp r0, #0
                  itttt eq\n addeq r0, #1\n addeq r0, #1\n addeq r0, #1\n blxeq r1
                  cmp r0, #0\n itttt eq\n addeq r0, #1\n addeq r0, #1\n addeq r0, #1\n blxeq r1
                  nop\n nop\n pop {r4, pc}\n.thumb_func\nleaf: push {lr}\n adds r0, #1\n pop {pc}\n.ltorg`;
    inEveryTier({ isa: 'thumb', events: EXEC | CALL, code }, (harness) => {
      expect(harness.run()).toBe(4);
      const kinds = harness.inside.map((text) => text.split(' ')[0]);
      expect([kinds.filter((k) => k === 'exec').length, kinds.filter((k) => k === 'call').length]).toEqual([13, 1]);
      expect(harness.inside).toContain('call f+9 f+37 1');
      expect(harness.events).toHaveLength(23);
    });
  });

  thumb(
    'thumb_it_flags',
    0,
    {
      result: 3,
      code: `movs r0, #0\n cmp r0, #0\n itt eq\n addeq r0, #1\n addeq r0, #1\n it eq\n addeq r0, #1\n bx lr`,
    },
    [],
    0,
  );
  thumb(
    'thumb_it_flags2',
    0,
    {
      result: 2,
      code: `movs r0, #0\n movs r1, #1\n cmp r0, #0\n itt eq\n moveq r0, #2\n cmpeq r0, r1
             it eq\n moveq r0, #9\n bx lr`,
    },
    [],
    0,
  );
});

describe('jump tables', () => {
  thumb(
    'thumb_tbb',
    RET,
    {
      result: 5,
      code: 'push {lr}\n movs r1, #1\n tbb [pc, r1]\n .byte 1, 5, 1, 1\n .rept 3\n udf #0\n .endr\n movs r0, #5\n pop {pc}',
    },
    ['ret f+21 h+32 0'],
    1,
  );
  thumb(
    'thumb_tbh',
    RET,
    {
      result: 3,
      code: `push {lr}\n movs r1, #2\n tbh [pc, r1, lsl #1]\n .hword 1, 1, 7, 1\n .rept 3\n udf #0\n .endr
             movs r0, #3\n pop {pc}`,
    },
    ['ret f+25 h+32 0'],
    1,
  );
});

const lock = (isa: 'arm' | 'thumb'): string => `
  ${isa === 'arm' ? 'ldr r1, =value' : 'ldr.w r1, =value'}
retry: ldrex r2, [r1]
  cmp r2, #1
  beq 2f
  cmp r2, #2
  beq 2f
  cmp r2, #3
  beq 2f
  cmp r2, #4
  beq 2f
  add r2, r2, #1
  strex r3, r2, [r1]
  cmp r3, #0
  bne retry
  mov r0, #1
  bx lr
2: udf #0
.ltorg
.balign 4
value: .word 5
`;

describe('exclusive accesses', () => {
  for (const isa of ['arm', 'thumb'] as const) {
    test(`${isa}_exclusive_load_store_should_not_be_disturbed`, () => {
      let callouts = 0;
      const transformer = {
        transform: (iterator: StalkerIterator) => {
          for (let insn = iterator.next(); insn !== undefined; insn = iterator.next()) {
            iterator.keep();
            const isCompare = insn.row.name.startsWith('CMP');
            if (isCompare && iterator.memoryAccess === 'open') iterator.putCallout(() => void callouts++);
          }
        },
      };
      inEveryTier({ isa, code: lock(isa), events: EXEC, transformer }, (harness) => {
        callouts = 0;
        expect(harness.run()).toBe(1);
        expect(harness.words[2]).toBe(6);
        expect(callouts).toBe(4);
        expect(harness.events).toHaveLength(19);
      });
    });
  }
});
