/** The catalogue of Frida's GumStalker tests for ARM, re-created: which events, where, with which targets and depths. */
import { describe, expect, test } from 'vitest';
import { EventKind } from '../../../src/events/event.js';
import {
  blocks,
  execs,
  H_BLOCK,
  H_CALL,
  H_EXEC,
  H_EXECS_AFTER,
  H_EXECS_BEFORE,
  type Isa,
  inEveryTier,
} from './harness.js';

const { CALL, RET, EXEC, BLOCK } = EventKind;

/** A row: events of one kind, the function's result, how many in all, and the function's own. */
interface Row {
  readonly isa: Isa;
  readonly code: string;
  readonly result?: number;
  readonly excluded?: readonly (readonly [number, number])[];
}

const countOf = { [EXEC]: H_EXEC, [CALL]: H_CALL, [BLOCK]: H_BLOCK, [RET]: 0, 0: 0 } as Record<number, number>;

const row = (name: string, mask: number, program: Row, inside: readonly string[], more = inside.length): void =>
  test(name, () => {
    inEveryTier({ ...program, events: mask }, (harness) => {
      expect(harness.run(), 'result').toBe(program.result ?? 2);
      expect(harness.inside).toEqual(inside);
      expect(harness.events).toHaveLength((countOf[mask] as number) + more);
      expect([harness.sink.started, harness.sink.stopped]).toEqual([1, 1]);
      expect(harness.stalker.census.contexts).toBe(0);
    });
  });

const FLAT: Record<Isa, Row> = {
  arm: { isa: 'arm', code: 'mov r0, #0\n add r0, r0, #1\n add r0, r0, #1\n mov pc, lr' },
  thumb: { isa: 'thumb', code: 'push {lr}\n movs r0, #0\n adds r0, #1\n adds r0, #1\n pop {pc}' },
};

describe('flat functions', () => {
  row('arm_no_events', 0, FLAT.arm, []);
  row('thumb_no_events', 0, FLAT.thumb, []);
  row('arm_exec_events_generated', EXEC, FLAT.arm, execs(0, 4, 8, 12));
  row('thumb_exec_events_generated', EXEC, FLAT.thumb, execs(1, 3, 5, 7, 9));

  test('arm_exec_events_generated: the harness around it', () => {
    inEveryTier({ ...FLAT.arm, events: EXEC }, (harness) => {
      harness.run();
      expect(harness.events).toEqual([...H_EXECS_BEFORE, ...execs(0, 4, 8, 12), ...H_EXECS_AFTER]);
    });
  });

  for (const isa of ['arm', 'thumb'] as const) {
    test(`${isa}_call_events_generated`, () => {
      inEveryTier({ ...FLAT[isa], events: CALL }, (harness) => {
        harness.run();
        expect(harness.events).toEqual([`call h+28 f+${isa === 'thumb' ? 1 : 0} 0`, 'call h+48 0xfffef010 0']);
      });
    });
  }

  row(
    'arm_block_events_generated',
    BLOCK,
    { isa: 'arm', code: 'mov r0, #0\n add r0, r0, #1\n b 1f\n udf #0\n1: add r0, r0, #1\n mov pc, lr' },
    blocks([0, 12], [16, 24]),
  );
  row(
    'thumb_block_events_generated',
    BLOCK,
    { isa: 'thumb', code: 'push {lr}\n movs r0, #0\n adds r0, #1\n b 1f\n udf #0\n1: adds r0, #1\n pop {pc}' },
    blocks([1, 9], [11, 15]),
  );
});

const NESTED: Record<Isa, Row> = {
  arm: {
    isa: 'arm',
    result: 4,
    code: `push {r4, lr}
           mov r0, #0
           add r0, r0, #1
           bl a
           bl b
           pop {r4, lr}
           mov pc, lr
    a:     push {r4, lr}
           add r0, r0, #1
           bl b
           pop {r4, lr}
           mov pc, lr
    b:     add r0, r0, #1
           mov pc, lr`,
  },
  thumb: {
    isa: 'thumb',
    result: 4,
    code: `push {r4, lr}
           movs r0, #0
           adds r0, #1
           bl a
           bl b
           pop {r4, pc}
    a:     push {r4, lr}
           adds r0, #1
           bl b
           pop {r4, pc}
    b:     push {lr}
           adds r0, #1
           pop {pc}`,
  },
};

describe('nested calls', () => {
  row('arm_nested_call_events_generated', CALL, NESTED.arm, [
    'call f+12 f+28 1',
    'call f+36 f+48 2',
    'call f+16 f+48 1',
  ]);
  row('thumb_nested_call_events_generated', CALL, NESTED.thumb, [
    'call f+7 f+17 1',
    'call f+21 f+27 2',
    'call f+11 f+27 1',
  ]);
  row('arm_nested_ret_events_generated', RET, NESTED.arm, [
    'ret f+52 f+40 2',
    'ret f+44 f+16 1',
    'ret f+52 f+20 1',
    'ret f+24 h+32 0',
  ]);
  row('thumb_nested_ret_events_generated', RET, NESTED.thumb, [
    'ret f+31 f+25 2',
    'ret f+25 f+11 1',
    'ret f+31 f+15 1',
    'ret f+15 h+32 0',
  ]);
  row(
    'arm_unmodified_lr',
    0,
    { isa: 'arm', result: 0xecec_ecec, code: 'push {lr}\n bl 1f\n .word 0xecececec\n1: ldr r0, [lr]\n pop {pc}' },
    [],
  );
  row(
    'thumb_unmodified_lr',
    0,
    {
      isa: 'thumb',
      result: 0xecec_ecec,
      code: 'push {lr}\n nop\n bl 1f\n .word 0xecececec\n1: subs r0, r0, r0\n mov r1, lr\n ldr r0, [r1, #-1]\n pop {pc}',
    },
    [],
  );
});

describe('returns', () => {
  row(
    'arm_pop_pc_ret_events_generated',
    RET,
    {
      isa: 'arm',
      code: `push {r4-r8, lr}\n mov r0, #1\n nop\n bl in\n pop {r4-r8, pc}
             in: push {r1-r3, lr}\n add r0, r0, #1\n pop {r1-r3, pc}`,
    },
    ['ret f+28 f+16 1', 'ret f+16 h+32 0'],
  );
  row(
    'thumb_pop_pc_ret_events_generated',
    RET,
    {
      isa: 'thumb',
      code: `push {r4-r7, lr}\n movs r0, #1\n nop\n bl in\n pop {r4-r7, pc}
             in: push {r1-r3, lr}\n adds r0, #1\n pop {r1-r3, pc}`,
    },
    ['ret f+17 f+11 1', 'ret f+11 h+32 0'],
  );
  row(
    'arm_pop_just_pc_ret_events_generated',
    RET,
    {
      isa: 'arm',
      // ldm sp!, {pc}: the assembler would write ldr pc, [sp], #4.
      code: `push {r4-r8, lr}\n mov r0, #1\n nop\n bl in\n pop {r4-r8, pc}
             in: push {lr}\n add r0, r0, #1\n .word 0xe8bd8000`,
    },
    ['ret f+28 f+16 1', 'ret f+16 h+32 0'],
  );
  row(
    'thumb_pop_just_pc_ret_events_generated',
    RET,
    {
      isa: 'thumb',
      code: `push {r4-r7, lr}\n movs r0, #1\n nop\n bl in\n pop {r4-r7, pc}
             in: push {lr}\n adds r0, #1\n pop {pc}`,
    },
    ['ret f+17 f+11 1', 'ret f+11 h+32 0'],
  );
  row(
    'thumb_pop_just_pc2_ret_events_generated',
    RET,
    {
      isa: 'thumb',
      code: `push {r4-r7, lr}\n movs r0, #1\n nop\n bl in\n pop {r4-r7, pc}
             in: push {lr}\n adds r0, #1\n ldr.w pc, [sp], #4`,
    },
    ['ret f+11 h+32 0'],
  );
  row(
    'arm_ldm_pc_ret_events_generated',
    RET,
    {
      isa: 'arm',
      code: `push {r4-r8, lr}\n mov r0, #1\n nop\n bl in\n pop {r4-r8, pc}
             in: sub r3, sp, #24\n stm r3, {r4-r8, lr}\n add r0, r0, #1\n ldm r3!, {r4-r8, pc}`,
    },
    ['ret f+32 f+16 1', 'ret f+16 h+32 0'],
  );
  row(
    'thumb_ldm_pc_ret_events_generated',
    RET,
    {
      isa: 'thumb',
      code: `push {r4-r7, lr}\n movs r0, #1\n nop\n bl in\n pop {r4-r7, pc}
             in: push {r1, r2, lr}\n mov r3, sp\n adds r0, #1\n add sp, #12\n ldm.w r3!, {r1, r2, pc}`,
    },
    ['ret f+21 f+11 1', 'ret f+11 h+32 0'],
  );
});

describe('excluded ranges', () => {
  row(
    'arm_excluded_range',
    EXEC,
    {
      isa: 'arm',
      excluded: [[24, 32]],
      code: `push {lr}\n mov r0, #0\n add r0, r0, #1\n bl leaf\n pop {lr}\n mov pc, lr
             leaf: add r0, r0, #1\n mov pc, lr`,
    },
    execs(0, 4, 8, 12, 16, 20),
  );
  row(
    'thumb_excluded_range',
    EXEC,
    {
      isa: 'thumb',
      excluded: [[12, 18]],
      code: 'push {lr}\n movs r0, #0\n adds r0, #1\n bl leaf\n pop {pc}\nleaf: push {lr}\n adds r0, #1\n pop {pc}',
    },
    execs(1, 3, 5, 7, 11),
  );
  // c is excluded and calls b, which is not: b is silent all the same.
  const arm: Row = {
    isa: 'arm',
    result: 4,
    excluded: [[40, 56]],
    code: `push {lr}
           mov r0, #0
           add r0, r0, #1
           bl c
           bl a
           pop {pc}
    a:     add r0, r0, #1
           mov pc, lr
    b:     add r0, r0, #1
           mov pc, lr
    c:     push {lr}
           add r0, r0, #1
           bl b
           pop {pc}`,
  };
  const thumb: Row = {
    isa: 'thumb',
    result: 4,
    excluded: [[28, 38]],
    code: `push {lr}
           movs r0, #0
           adds r0, #1
           bl c
           bl a
           pop {pc}
    a:     push {lr}
           adds r0, #1
           pop {pc}
    b:     push {lr}
           adds r0, #1
           pop {pc}
    c:     push {lr}
           adds r0, #1
           bl b
           pop {pc}`,
  };
  row('arm_excluded_range_call_events', CALL, arm, ['call f+12 f+40 1', 'call f+16 f+24 1']);
  row('thumb_excluded_range_call_events', CALL, thumb, ['call f+7 f+29 1', 'call f+11 f+17 1']);
  row('arm_excluded_range_ret_events', RET, arm, ['ret f+28 f+20 1', 'ret f+20 h+32 0']);
  row('thumb_excluded_range_ret_events', RET, thumb, ['ret f+21 f+15 1', 'ret f+15 h+32 0']);
});

describe('conditional branches', () => {
  row(
    'arm_branch_cc_block_events_generated',
    BLOCK,
    {
      isa: 'arm',
      result: 10,
      code: `mov r0, #0\n mov r1, #5\n cmp r0, #0\n beq 1f\n udf #0
             1: cmp r0, #1\n beq bad\n add r0, r0, #10\n cmp r1, #5\n bge 2f\n udf #0
             2: cmp r1, #5\n blt bad\n mov pc, lr\nbad: udf #0`,
    },
    blocks([0, 16], [20, 28], [28, 40], [44, 52], [52, 56]),
  );
  row(
    'thumb_branch_cc_block_events_generated',
    BLOCK,
    {
      isa: 'thumb',
      result: 10,
      code: `push {lr}\n movs r0, #0\n movs r1, #5\n cmp r0, #0\n beq 1f\n udf #0
             1: cmp r0, #1\n beq bad\n adds r0, #10\n cmp r1, #5\n bge 2f\n udf #0
             2: cmp r1, #5\n blt bad\n pop {pc}\nbad: udf #0`,
    },
    blocks([1, 11], [13, 17], [17, 23], [25, 29], [29, 31]),
  );
  row(
    'thumb_cbz_cbnz_block_events_generated',
    BLOCK,
    {
      isa: 'thumb',
      result: 6,
      code: `push {lr}\n movs r0, #6\n movs r1, #0\n movs r2, #1\n nop\n cbz r1, 1f\n udf #0
             1: cbnz r1, bad\n nop\n cbz r2, bad\n nop\n cbnz r2, 2f\n udf #0
             2: pop {pc}\nbad: udf #0`,
    },
    blocks([1, 13], [15, 17], [17, 21], [21, 25], [27, 29]),
  );
  row(
    'arm_branch_link_cc_block_events_generated',
    CALL,
    {
      isa: 'arm',
      result: 5,
      code: `push {lr}\n mov r0, #1\n mov r1, #0\n cmp r1, #0\n bleq a\n cmp r1, #1\n bleq b\n cmp r1, #0
             blge c\n cmp r1, #0\n bllt d\n pop {pc}
             a: add r0, r0, #1\n mov pc, lr\n b: udf #0\n udf #0\n c: add r0, r0, #3\n mov pc, lr\n d: udf #0`,
    },
    ['call f+16 f+48 1', 'call f+32 f+64 1'],
  );
  row(
    'arm_cc_excluded_range',
    CALL,
    {
      isa: 'arm',
      result: 1,
      excluded: [[36, 72]],
      code: `push {lr}\n mov r0, #0\n mov r1, #0\n cmp r1, #0\n bleq a\n cmp r1, #0\n blne b\n pop {pc}\n udf #0
             a: add r0, r0, #1\n mov pc, lr\n udf #0\n b: add r0, r0, #2\n mov pc, lr\n .rept 4\n udf #0\n .endr`,
    },
    ['call f+16 f+36 1'],
  );
});

describe('jumps through memory and registers', () => {
  for (const [suffix, pointer] of [
    ['', 1],
    ['_without_thumb_bit_set', 0],
  ] as const) {
    row(
      suffix === '' ? 'thumb2_mov_pc_reg_exec_events_generated' : `thumb2_mov_pc_reg${suffix}`,
      EXEC,
      {
        isa: 'thumb',
        result: 1,
        code: `push {r6, lr}\n ldr r6, 1f\n movs r0, #1\n mov pc, r6\n1: .word 2f + ${pointer}
               .word 0\n2: nop\n pop {r6, pc}`,
      },
      execs(1, 3, 5, 7, 17, 19),
    );
  }
  row(
    'thumb2_mov_pc_reg_no_clobber_reg',
    EXEC,
    {
      isa: 'thumb',
      result: 0,
      code: `push {r4-r6, lr}\n ldr r6, 1f\n mov r5, r6\n nop\n mov pc, r6\n nop\n1: .word f + 16
             subs r0, r5, r6\n pop {r4-r6, pc}`,
    },
    execs(1, 3, 5, 7, 9, 17, 19),
  );
  row(
    'arm_ldr_pc',
    BLOCK,
    {
      isa: 'arm',
      code: 'mov r0, #0\n add r0, r0, #1\n ldr pc, 1f\n1: .word 2f\n udf #0\n2: add r0, r0, #1\n mov pc, lr',
    },
    blocks([0, 12], [20, 28]),
  );
  for (const [name, operand, start] of [
    ['arm_ldr_pc_pre_index_imm', '[r1, #8]!', 0],
    ['arm_ldr_pc_post_index_imm', '[r1], #8', 0],
    ['arm_ldr_pc_pre_index_imm_negative', '[r1, #-8]!', 16],
    ['arm_ldr_pc_post_index_imm_negative', '[r1], #-8', 16],
  ] as const) {
    row(
      name,
      BLOCK,
      {
        isa: 'arm',
        result: 0xbaba_babb,
        code: `adr r1, 1f\n add r1, r1, #${start}\n mov r0, #0\n ldr pc, ${operand}
               1: .word 2f, 0, 2f, 0xbabababa, 2f\n2: ldr r0, [r1, #4]\n add r0, r0, #1\n mov pc, lr`,
      },
      blocks([0, 16], [36, 48]),
    );
  }
  row(
    'arm_ldr_pc_shift',
    0,
    {
      isa: 'arm',
      result: 4,
      code: 'mov r0, #4\n ldr pc, [pc, r0, lsl #2]\n udf #0\n .word 0, 0, 0, 0, 1f\n1: mov pc, lr',
    },
    [],
  );
  row(
    'arm_sub_pc',
    BLOCK,
    { isa: 'arm', code: 'mov r0, #0\n b 2f\n1: add r0, r0, #1\n mov pc, lr\n2: add r0, r0, #1\n sub pc, pc, #20' },
    blocks([0, 8], [16, 24], [8, 16]),
  );
  row(
    'arm_add_pc',
    BLOCK,
    { isa: 'arm', code: 'mov r0, #0\n add pc, pc, #4\n1: add r0, r0, #1\n mov pc, lr\n2: add r0, r0, #1\n b 1b' },
    blocks([0, 8], [16, 24], [8, 16]),
  );
  row(
    'arm_ldmia_pc',
    BLOCK,
    {
      isa: 'arm',
      result: 0,
      code: 'mov r12, sp\n stmdb sp!, {r11, r12, lr}\n mov r0, #0\n ldmia sp, {r11, sp, pc}',
    },
    blocks([0, 16]),
  );
});

describe('interworking', () => {
  row(
    'call_thumb',
    CALL,
    {
      isa: 'arm',
      result: 4,
      code: `push {lr}\n mov r0, #0\n add r0, r0, #1\n blx c\n bl a\n pop {pc}
             a: add r0, r0, #1\n mov pc, lr\n b: add r0, r0, #1\n bx lr
             .thumb\n.thumb_func\nc: push {lr}\n adds r0, #1\n blx b\n pop {pc}`,
    },
    ['call f+12 f+41 1', 'call f+45 f+32 2', 'call f+16 f+24 1'],
  );
  row(
    'branch_thumb',
    BLOCK,
    {
      isa: 'arm',
      result: 3,
      code: `mov r0, #0\n ldr r1, =c\n ldr r2, =a\n add r0, r0, #1\n nop\n bx r1\na: b 1f\n udf #0
             1: add r0, r0, #1\n b 2f\n.thumb\n.thumb_func\nc: adds r0, #1\n bx r2\n.arm\n2: mov pc, lr\n.ltorg`,
    },
    ['block f+0 f+24', 'block f+41 f+45', 'block f+24 f+28', 'block f+32 f+40', 'block f+44 f+48'],
  );
});
