/** The catalogue's transformers, callouts and call probes. */
import { describe, expect, test } from 'vitest';
import { EventKind } from '../../../src/events/event.js';
import type { CallProbeDetails } from '../../../src/stalker/call-probe.js';
import type { CalloutFunction, StalkerIterator } from '../../../src/stalker/iterator.js';
import { F, FLAT, ISAS, type Isa, inEveryTier, isInFunction, visiting } from './harness.js';

const { CALL, RET, EXEC, BLOCK, COMPILE } = EventKind;
const _ALL = CALL | RET | EXEC | BLOCK | COMPILE;

describe('transformers', () => {
  for (const isa of ISAS) {
    test(`${isa}_custom_transformer`, () => {
      const transformer = {
        transform: (iterator: StalkerIterator) => {
          for (let insn = iterator.next(); insn !== undefined; insn = iterator.next()) {
            if (isInFunction(insn.pc) && insn.row.name.startsWith('ADD')) iterator.putInstruction(insn.word);
            iterator.keep();
          }
        },
      };
      inEveryTier({ isa, code: FLAT[isa], transformer, events: EXEC }, (harness) => {
        expect(harness.run()).toBe(4);
        expect(harness.inside).toHaveLength(isa === 'arm' ? 4 : 5);
      });
    });

    test(`${isa}_callout`, () => {
      const last = isa === 'arm' ? 12 : 8;
      const value = isa === 'arm' ? 42 : 24;
      const callout: CalloutFunction = (registers) => {
        expect([registers.register(0), registers.pc]).toEqual([2, F + last]);
        registers.setRegister(0, value);
        // These have no effect.
        registers.setRegister(15, 0);
        registers.setRegister(13, 0);
      };
      const transformer = visiting((iterator, offset) => offset === last && iterator.putCallout(callout));
      inEveryTier({ isa, code: FLAT[isa], transformer }, (harness) => expect(harness.run()).toBe(value));
    });

    test(`${isa}_many_callouts_should_not_overflow_literal_pool`, () => {
      let count = 0;
      const code = `mov r0, #0\n .rept 1500\n add${isa === 'thumb' ? 's' : ''} r0, r0, #1\n .endr\n bx lr`;
      const transformer = visiting((iterator) => iterator.putCallout(() => void count++));
      inEveryTier({ isa, code, transformer }, (harness) => {
        count = 0;
        expect(harness.run()).toBe(1500);
        expect(count).toBe(1502);
      });
    });
  }

  const replacing = (at: number, replacement: (iterator: StalkerIterator) => void) => ({
    transform: (iterator: StalkerIterator) => {
      for (let insn = iterator.next(); insn !== undefined; insn = iterator.next()) {
        if (insn.pc === F + at) replacement(iterator);
        else iterator.keep();
      }
    },
  });
  const set: CalloutFunction = (registers) => registers.setRegister(0, 0xc001);

  test('arm_transformer_should_be_able_to_replace_call_with_callout', () => {
    const code = 'push {lr}\n mov r0, #1\n bl bad\n pop {pc}\nbad: mov r0, #0\n mov pc, lr';
    const transformer = replacing(8, (iterator) => iterator.putCallout(set));
    inEveryTier({ isa: 'arm', code, transformer, events: EXEC }, (harness) => {
      expect(harness.run()).toBe(0xc001);
      expect(harness.inside).toEqual(['exec f+0', 'exec f+4', 'exec f+12']);
    });
  });

  test('arm_transformer_should_be_able_to_replace_jumpout_with_callout', () => {
    const code = 'mov r0, #1\n nop\n b bad\n udf #0\nbad: mov r0, #0\n mov pc, lr';
    const transformer = replacing(8, (iterator) => {
      iterator.putCallout(set);
      iterator.putChainingReturn();
    });
    inEveryTier({ isa: 'arm', code, transformer, events: EXEC | RET }, (harness) => {
      expect(harness.run()).toBe(0xc001);
      expect(harness.inside).toEqual(['exec f+0', 'exec f+4', 'exec f+8', 'ret f+8 h+32 0']);
    });
  });

  test('transformer_should_be_able_to_skip_call', () => {
    const code = 'push {lr}\n mov r0, #1\n bl bad\n add r0, r0, #1\n pop {pc}\nbad: mov r0, #0\n mov pc, lr';
    const transformer = replacing(8, () => {});
    inEveryTier({ isa: 'arm', code, transformer }, (harness) => expect(harness.run()).toBe(2));
  });
});

describe('call probes', () => {
  const code: Record<Isa, string> = {
    arm: `push {r10, lr}\n mov r0, #0x11\n mov r1, #0x22\n push {r0, r1}\n mov r2, #0x33\n mov r3, #0x44
          mov r10, #0xaa\n bl leaf\n add sp, #8\n pop {r10, pc}\nleaf: mov r0, #0\n mov pc, lr`,
    thumb: `push.w {r10, lr}\n movs r0, #0x11\n movs r1, #0x22\n movs r2, #0x33\n movs r3, #0x44\n mov.w r10, #0xaa
            push {r0, r1}\n nop\n nop\n nop\n nop\n bl leaf\n add sp, #8\n pop.w {r10, pc}
            leaf: push {lr}\n movs r0, #0\n pop {pc}`,
  };
  const leaf = { arm: F + 40, thumb: F + 36 + 1 };
  const returnAddress = { arm: F + 32, thumb: F + 31 };

  for (const isa of ISAS) {
    test(`${isa}_call_probe`, () => {
      inEveryTier({ isa, code: code[isa] }, (harness) => {
        const counts = [0, 0];
        const check = (details: CallProbeDetails): void => {
          const { registers } = details;
          expect(details.target).toBe(leaf[isa]);
          expect(details.returnAddress).toBe(returnAddress[isa]);
          expect([0, 1, 2, 3, 4, 5].map((n) => details.argument(n))).toEqual([0x11, 0x22, 0x33, 0x44, 0x11, 0x22]);
          expect([registers.pc, registers.lr, registers.register(10)]).toEqual([
            leaf[isa] & ~1,
            returnAddress[isa],
            0xaa,
          ]);
          expect(details.stackPointer).toBe(registers.sp);
        };
        const probe = (n: 0 | 1) =>
          harness.stalker.addCallProbe(leaf[isa], (details) => {
            counts[n] = (counts[n] as number) + 1;
            check(details);
          });
        const first = probe(0);
        harness.run();
        expect(counts).toEqual([1, 0]);
        probe(1);
        harness.run();
        expect(counts).toEqual([2, 1]);
        harness.stalker.removeCallProbe(first);
        harness.run();
        expect(counts).toEqual([2, 2]);
      });
    });
  }
});
