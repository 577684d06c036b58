/** The catalogue's transformers, callouts, probes, unfollowing, invalidation, prefetch and requests to threads. */
import { describe, expect, test } from 'vitest';
import { EventKind } from '../../../src/events/event.js';
import { Word } from '../../../src/guest/cpu-state.js';
import type { CallProbeDetails } from '../../../src/stalker/call-probe.js';
import type { CalloutFunction, StalkerIterator } from '../../../src/stalker/iterator.js';
import type { Backpatch } from '../../../src/stalker/observer.js';
import { Reserved } from '../../../src/stalker/reserved.js';
import { STACK_TOP, TID } from '../guest-code.js';
import { CONFIGURATIONS, F, H, Harness, type Isa, inEveryTier, type Program } from './harness.js';

const { CALL, RET, EXEC, BLOCK, COMPILE } = EventKind;
const ALL = CALL | RET | EXEC | BLOCK | COMPILE;

const FLAT: Record<Isa, string> = {
  arm: 'mov r0, #0\n add r0, r0, #1\n add r0, r0, #1\n mov pc, lr',
  thumb: 'push {lr}\n movs r0, #0\n adds r0, #1\n adds r0, #1\n pop {pc}',
};
const ISAS: readonly Isa[] = ['arm', 'thumb'];

const isInFunction = (pc: number): boolean => pc >= F;

/** A transformer that keeps everything and lets `visit` act before each instruction of the function. */
const visiting = (visit: (iterator: StalkerIterator, offset: number) => void) => ({
  transform: (iterator: StalkerIterator) => {
    for (let insn = iterator.next(); insn !== undefined; insn = iterator.next()) {
      if (isInFunction(insn.pc)) visit(iterator, insn.pc - F);
      iterator.keep();
    }
  },
});

describe('defaults', () => {
  test('trust_should_be_one_by_default', () => {
    expect(
      new Harness({ isa: 'arm', code: FLAT.arm }, CONFIGURATIONS[0] as (typeof CONFIGURATIONS)[0]).stalker
        .trustThreshold,
    ).toBe(1);
  });

  test('follow_me_should_support_nullable_event_sink', () => {
    inEveryTier({ isa: 'arm', code: FLAT.arm, hasSink: false, events: ALL }, (harness) => {
      expect(harness.run()).toBe(2);
      expect(harness.events).toEqual([]);
    });
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

describe('self-modifying code', () => {
  // mov r0, #n / movs r0, #n
  const patch = (isa: Isa, n: number): Uint8Array =>
    isa === 'arm' ? Uint8Array.of(n, 0, 0xa0, 0xe3) : Uint8Array.of(n, 0x20);
  const code: Record<Isa, string> = { arm: 'mov r0, #1\n mov pc, lr', thumb: 'movs r0, #1\n bx lr' };

  // The thread stays followed over all calls, as upstream's does: the harness is entered once for each.
  const results = (isa: Isa, harness: Harness, calls: readonly number[]): number[] => {
    harness.stalker.follow(TID, harness.stalker.followOnRequest);
    return calls.map((n) => {
      harness.memory.u8.set(patch(isa, n), F);
      return harness.run(F + (isa === 'thumb' ? 1 : 0));
    });
  };

  for (const isa of ISAS) {
    for (const [name, threshold, expected] of [
      ['minus_one', -1, [1, 2, 2, 2, 3]],
      ['zero', 0, [1, 1, 1, 1, 1]],
      ['one', 1, [1, 2, 2, 2, 2]],
    ] as const) {
      test(`${isa}_self_modifying_code_should_be_detected_with_threshold_${name}`, () => {
        inEveryTier({ isa, code: code[isa], events: EXEC }, (harness) => {
          harness.stalker.trustThreshold = threshold;
          expect(results(isa, harness, [1, 2, 2, 2, 3])).toEqual(expected);
          expect(harness.events.length).toBeGreaterThan(0);
        });
      });
    }
  }
});

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

describe('unfollow from a transformer', () => {
  for (const [where, block] of [
    ['first', 0],
    ['second', 1],
  ] as const) {
    for (const [when, after] of [
      ['before', 0],
      ['mid', 1],
      ['after', Number.POSITIVE_INFINITY],
    ] as const) {
      test(`unfollow_should_be_allowed_${when}_${where}_transform`, () => {
        let harness: Harness | undefined;
        let seen = 0;
        const transformer = {
          transform: (iterator: StalkerIterator) => {
            const isHere = seen++ === block;
            const leave = () => harness?.stalker.unfollow(TID);
            if (isHere && after === 0) leave();
            for (let n = 1; iterator.next() !== undefined; n++) {
              iterator.keep();
              if (isHere && n === after) leave();
            }
            if (isHere && after === Number.POSITIVE_INFINITY) leave();
          },
        };
        inEveryTier({ isa: 'arm', code: FLAT.arm, transformer, events: COMPILE | BLOCK }, (current) => {
          harness = current;
          seen = 0;
          expect(current.run()).toBe(2);
          expect(seen).toBe(block + 1);
          // COMPILE of the block is recorded, the block is not entered.
          const kinds = current.events.map((text) => text.split(' ')[0]);
          expect(kinds).toEqual(block === 0 ? ['compile'] : ['compile', 'block', 'compile']);
          expect(current.stalker.isFollowing(TID)).toBe(false);
        });
      });
    }
  }
});

describe('unfollow elsewhere', () => {
  const reserved = `ldr r3, =${Reserved.UNFOLLOW_ME}\n blx r3`;

  test('unfollow_deep', () => {
    const code = `push {lr}\n mov r0, #2\n bl a\n pop {pc}\na: push {lr}\n bl b\n pop {pc}
                  b: push {lr}\n ${reserved}\n nop\n pop {pc}\n.ltorg`;
    inEveryTier({ isa: 'arm', code, events: EXEC }, (harness) => {
      expect(harness.run()).toBe(2);
      expect(harness.inside).toEqual([0, 4, 8, 16, 20, 28, 32, 36].map((at) => `exec f+${at}`));
      expect(harness.events.at(-1)).toBe('exec f+36');
    });
  });

  test('exclude_bl_with_unfollow', () => {
    const code = `push {lr}\n mov r0, #2\n bl a\n nop\n pop {pc}\na: push {lr}\n ${reserved}\n pop {pc}\n.ltorg`;
    inEveryTier({ isa: 'arm', code, events: EXEC | CALL, excluded: [[20, 40]] }, (harness) => {
      expect(harness.run()).toBe(2);
      // The request takes effect when the excluded call has returned.
      expect(harness.events.slice(-2)).toEqual(['exec f+8', 'call f+8 f+20 1']);
      expect(harness.stalker.isFollowing(TID)).toBe(false);
    });
  });

  test('exclude_blr_with_unfollow', () => {
    const code = `push {lr}\n mov r0, #2\n ldr r2, =a\n blx r2\n pop {pc}\na: push {lr}\n ${reserved}\n pop {pc}\n.ltorg`;
    inEveryTier({ isa: 'arm', code, events: EXEC | CALL, excluded: [[20, 40]] }, (harness) => {
      expect(harness.run()).toBe(2);
      expect(harness.events.slice(-2)).toEqual(['exec f+12', 'call f+12 f+20 1']);
    });
  });

  test('follow_thread', () => {
    const code = '1: add r0, r0, #1\n cmp r0, r1\n bne 1b\n mov pc, lr';
    inEveryTier({ isa: 'arm', code, events: EXEC }, (harness) => {
      harness.words[0] = 0;
      harness.words[1] = 100_000;
      harness.words[Word.SP] = STACK_TOP;
      harness.words[Word.LR] = 0x2_0000;
      harness.words[Word.PC] = F;
      harness.stalker.run(1000);
      expect(harness.sink.events).toHaveLength(0);
      harness.stalker.follow(TID, harness.stalker.followOnRequest);
      harness.stalker.run(1000);
      harness.stalker.drain();
      expect(harness.sink.events.length).toBeGreaterThan(900);
      harness.stalker.unfollow(TID);
      harness.sink.events.length = 0;
      harness.resume();
      expect(harness.sink.events).toHaveLength(0);
      expect(harness.words[0]).toBe(100_000);
    });
  });

  test('unfollow of a thread that never ran leaves no event', () => {
    inEveryTier({ isa: 'arm', code: FLAT.arm, events: ALL }, (harness) => {
      harness.stalker.follow(TID, harness.stalker.followOnRequest);
      harness.stalker.unfollow(TID);
      expect(harness.stalker.census.contexts).toBe(0);
      expect(harness.run(F)).toBe(2);
      expect(harness.events).toEqual([]);
      expect([harness.sink.started, harness.sink.stopped]).toEqual([1, 1]);
    });
  });

  test('unfollow_should_handle_terminated_thread', () => {
    inEveryTier({ isa: 'arm', code: FLAT.arm, events: ALL }, (harness) => {
      const { stalker } = harness;
      for (let round = 0; round < 10; round++) {
        const tid = 100 + round;
        stalker.addThread(tid);
        stalker.follow(tid, stalker.followOnRequest);
        if (round % 2 === 0) {
          stalker.switchTo(tid);
          harness.run(F);
        }
        stalker.removeThread(tid);
        stalker.unfollow(tid);
        expect(stalker.garbageCollect()).toBe(false);
        stalker.switchTo(TID);
      }
      expect(harness.run()).toBe(2);
    });
  });
});

describe('invalidation', () => {
  for (const isa of ISAS) {
    const bit = isa === 'thumb' ? 1 : 0;

    test(`${isa}_invalidation_for_current_thread_should_be_supported`, () => {
      // Loops until `is_done` returns true; its callout invalidates it at the third call.
      const code = `push {lr}\n1: bl is_done\n cmp r0, #0\n beq 1b\n pop {pc}\n.balign 4\nis_done: mov r0, #0\n mov pc, lr`;
      let harness: Harness | undefined;
      let calls = 0;
      const start = isa === 'arm' ? 20 : 12;
      const transformer = visiting((iterator, offset) => {
        if (offset === start + (isa === 'arm' ? 4 : 4)) {
          const isNew = calls >= 3;
          iterator.putCallout((registers) => {
            if (isNew) registers.setRegister(0, 1);
            else if (++calls === 3) harness?.stalker.invalidate(F + start + bit, TID);
          });
        }
      });
      inEveryTier({ isa, code, transformer, events: COMPILE }, (current) => {
        harness = current;
        calls = 0;
        expect(current.run()).toBe(1);
        expect(calls).toBe(3);
        const compiled = current.events.filter((text) => text.startsWith(`compile f+${start + bit} `));
        expect(compiled).toHaveLength(2);
      });
    });

    test(`${isa}_invalidation_should_allow_block_to_grow`, () => {
      let n = 0;
      const add = isa === 'arm' ? 0xe280_0001 : 0x3001;
      const code = isa === 'arm' ? 'mov r0, #42\n mov pc, lr' : 'movs r0, #42\n bx lr';
      const transformer = visiting((iterator, offset) => {
        if (offset > 0) for (let i = 0; i < n; i++) iterator.putInstruction(add);
      });
      inEveryTier({ isa, code, transformer }, (harness) => {
        const { stalker } = harness;
        stalker.follow(TID, stalker.followOnRequest);
        const run = (): number => harness.run(F + bit);
        n = 0;
        const seen = [run()];
        n = 1;
        stalker.invalidate(F + bit, TID);
        seen.push(run(), run());
        n = 2;
        stalker.invalidate(F + bit, TID);
        seen.push(run());
        expect(seen).toEqual([42, 43, 43, 44]);
      });
    });
  }

  test('of an address in the other instruction set says so', () => {
    inEveryTier({ isa: 'thumb', code: FLAT.thumb, events: COMPILE }, (harness) => {
      const { stalker } = harness;
      stalker.follow(TID, stalker.followOnRequest);
      harness.run(F + 1);
      expect(() => stalker.invalidate(F)).toThrow(/but one does at/);
      expect(() => stalker.invalidate(F + 1)).not.toThrow();
    });
  });
});

describe('observer', () => {
  const loop = 'mov r0, #0\n1: add r0, r0, #1\n bl leaf\n cmp r0, #20\n bne 1b\n mov pc, lr\nleaf: bx lr';
  const program: Program = { isa: 'arm', code: `push {lr}\n ${loop.replace('mov pc, lr', 'pop {pc}')}`, events: BLOCK };

  test('observer', () => {
    inEveryTier(program, (harness) => {
      const { stalker } = harness;
      const observer = { total: 0 };
      stalker.follow(TID, stalker.followOnRequest);
      stalker.deactivate(TID);
      stalker.setObserver(TID, observer);
      stalker.activate(TID, F);
      expect(harness.run(F)).toBe(20);
      expect(observer.total).toBeGreaterThan(0);
      expect(harness.inside.length).toBeGreaterThan(40);
      stalker.unfollow(TID);
    });
  });

  test('a switch callback sees the same in every tier, and may send control elsewhere', () => {
    const outcomes = CONFIGURATIONS.filter(({ trust }) => trust === 1).map((configuration) => {
      const harness = new Harness(program, configuration);
      const seen: string[] = [];
      harness.stalker.follow(TID, harness.stalker.followOnRequest);
      harness.stalker.setObserver(TID, {
        onSwitch: ({ from, insn, to }) => {
          seen.push([from, insn, to].map((at) => (at === undefined ? '-' : harness.text(at))).join(' '));
          return to === F + 28 && harness.words[0] === 5 ? F + 16 : undefined;
        },
      });
      return [harness.run(F), seen];
    });
    expect(outcomes[1]).toEqual(outcomes[0]);
    expect(outcomes[2]).toEqual(outcomes[0]);
    expect(outcomes[0]?.[0]).toBe(20);
    const seen = (outcomes[0] as [number, string[]])[1];
    expect(seen.slice(0, 3)).toEqual(['- - f+0', 'f+0 f+12 f+28', 'f+28 f+28 f+16']);
  });

  test('prefetch_backpatch', () => {
    const configuration = CONFIGURATIONS[0] as (typeof CONFIGURATIONS)[0];
    const round = (links: readonly Backpatch[]): Backpatch[] => {
      const harness = new Harness(program, { ...configuration, trust: 0 });
      const made: Backpatch[] = [];
      harness.stalker.follow(TID, harness.stalker.followOnRequest);
      expect(links.filter((link) => harness.stalker.prefetchBackpatch(link))).toHaveLength(links.length);
      harness.stalker.setObserver(TID, { onBackpatch: (link) => made.push(link) });
      expect(links.filter((link) => harness.stalker.prefetchBackpatch(link))).toHaveLength(links.length);
      expect(harness.run(F)).toBe(20);
      return made;
    };
    const first = round([]);
    expect(first.length).toBeGreaterThan(0);
    expect(round(first)).toEqual([]);
    expect(round(first.slice(1)).length).toBeLessThan(first.length);
  });
});

describe('prefetch', () => {
  test('prefetch', () => {
    const code = 'push {lr}\n mov r0, #3\n1: bl leaf\n subs r0, r0, #1\n bne 1b\n pop {pc}\nleaf: bx lr';
    inEveryTier({ isa: 'arm', code, events: COMPILE | BLOCK }, (harness) => {
      const { stalker, sink } = harness;
      stalker.trustThreshold = 3;
      const run = (before: () => void): [Set<number>, Set<number>] => {
        sink.events.length = 0;
        stalker.follow(TID, stalker.followOnRequest);
        stalker.deactivate(TID);
        before();
        stalker.drain();
        sink.events.length = 0;
        stalker.activate(TID, F);
        harness.run(F);
        const of = (kind: number) => new Set(sink.events.filter((e) => e.kind === kind).map((e) => e.location));
        return [of(COMPILE), of(BLOCK)];
      };
      const [compiled, executed] = run(() => {});
      expect(compiled.size).toBeGreaterThan(0);
      expect(compiled).toEqual(executed);
      const [compiledAgain, executedAgain] = run(() => stalker.prefetch(compiled, 3));
      expect(compiledAgain.size).toBe(0);
      expect(executedAgain).toEqual(executed);
    });
  });
});

describe('requests to threads', () => {
  test('run_on_thread_current, run_on_thread_current_sync', () => {
    for (const sync of [false, true]) {
      let seen: unknown = 'nothing';
      let harness: Harness | undefined;
      const transformer = visiting((iterator, offset) => {
        if (offset === 4) {
          iterator.putCallout(() => {
            expect(harness?.stalker.runOnThread(TID, (registers) => (seen = registers), { sync })).toBe(true);
          });
        }
      });
      inEveryTier({ isa: 'arm', code: FLAT.arm, transformer }, (current) => {
        harness = current;
        seen = 'nothing';
        expect(current.run()).toBe(2);
        expect(seen).toBeUndefined();
      });
    }
  });

  test('run_on_thread_other, run_on_thread_other_sync', () => {
    for (const sync of [false, true]) {
      inEveryTier({ isa: 'arm', code: FLAT.arm, events: ALL }, (harness) => {
        const { stalker } = harness;
        let seen = 0;
        let destroyed = 0;
        harness.words[Word.PC] = F;
        harness.words[7] = 77;
        const run = (registers: { register(n: number): number } | undefined): void => {
          seen = registers?.register(7) ?? -1;
        };
        expect(stalker.runOnThread(TID, run, { sync, destroy: () => void destroyed++ })).toBe(true);
        expect(seen).toBe(sync ? 77 : 0);
        harness.run(F);
        expect([seen, destroyed]).toEqual([77, 1]);
        expect(stalker.runOnThread(4711, run, { destroy: () => void destroyed++ })).toBe(false);
        expect(destroyed).toBe(2);
      });
    }
  });
});

describe('whole programs', () => {
  test('follow_syscall', () => {
    const code = 'mov r7, #162\n svc #0\n mov r0, #2\n mov pc, lr';
    inEveryTier({ isa: 'arm', code, events: EXEC | CALL | RET }, (harness) => {
      expect(harness.run()).toBe(2);
      expect(harness.inside).toEqual(['exec f+0', 'exec f+4', 'exec f+8', 'exec f+12', 'ret f+12 h+32 0']);
    });
  });

  test('big_block', () => {
    const [at, nop, ret] = [0x10_0000, 0xe320_f000, 0xe1a0_f00e];
    const big = new Uint32Array(1_000_001).fill(nop);
    big[1_000_000] = ret;
    const code = `push {r4, lr}\n ldr r3, =${at}\n blx r3\n mov r0, #2\n pop {r4, pc}\n.ltorg`;
    inEveryTier({ isa: 'arm', code, events: BLOCK }, (harness) => {
      harness.memory.setPermissions(at, 0x40_0000, 7);
      harness.memory.poke(at, new Uint8Array(big.buffer));
      expect(harness.run()).toBe(2);
      const inBig = harness.sink.events.filter(({ location }) => location >= at && location < at + big.byteLength);
      expect(inBig).toHaveLength(Math.ceil(big.length / 512));
    });
  });

  test('no_register_clobber', () => {
    const numbers = [1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12];
    const code = `push {r4-r11, lr}
      ${numbers.map((n) => `mov r${n}, #${n}`).join('\n')}
      bl leaf
      ${numbers.map((n) => `cmp r${n}, #${n}\n bne bad`).join('\n')}
      mov r0, #2\n pop {r4-r11, pc}
      bad: mov r0, #1\n pop {r4-r11, pc}\n leaf: b 1f\n 1: bx lr`;
    inEveryTier({ isa: 'arm', code, events: ALL }, (harness) => expect(harness.run()).toBe(2));
  });

  test('exceptions: a throw out of an excluded function leaves the program right and the thread followed', () => {
    const code = `push {r4, r5, lr}\n mov r5, sp\n bl thrower\n udf #0
                  catch: mov r0, #2\n bl leaf\n pop {r4, r5, pc}\n leaf: bx lr
                  thrower: push {r4, lr}\n mov sp, r5\n ldr r3, =catch\n sub sp, sp, #0\n bx r3\n.ltorg`;
    inEveryTier({ isa: 'arm', code, events: CALL, excluded: [[32, 56]] }, (harness) => {
      expect(harness.run()).toBe(2);
      // The catch runs at the sp of the call, so tracing resumes where sp rises above it: in the harness.
      expect(harness.events).toEqual(['call h+28 f+0 0', 'call f+8 f+32 1', 'call h+48 0xfffef010 1']);
      expect(harness.stalker.isFollowing(TID)).toBe(false);
    });
  });
});

test('the harness itself', () => {
  expect(H % 4).toBe(0);
});
