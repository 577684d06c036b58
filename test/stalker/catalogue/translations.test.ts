/** The catalogue's translations: of changed code, invalidated, watched, linked, made before they are needed. */
import { describe, expect, test } from 'vitest';
import { EventKind } from '../../../src/events/event.js';
import type { Backpatch } from '../../../src/stalker/observer.js';
import { TID } from '../guest-code.js';
import { CONFIGURATIONS, F, FLAT, Harness, ISAS, type Isa, inEveryTier, type Program, visiting } from './harness.js';

const { CALL, RET, EXEC, BLOCK, COMPILE } = EventKind;
const _ALL = CALL | RET | EXEC | BLOCK | COMPILE;

describe('self-modifying code', () => {
  // mov r0, #n / movs r0, #n
  const patch = (isa: Isa, n: number): Uint8Array =>
    isa === 'arm' ? Uint8Array.of(n, 0, 0xa0, 0xe3) : Uint8Array.of(n, 0x20);
  const code: Record<Isa, string> = { arm: 'mov r0, #1\n mov pc, lr', thumb: 'movs r0, #1\n bx lr' };

  // The thread stays followed over all calls, as upstream's does: the harness is entered once for each.
  const results = (isa: Isa, harness: Harness, calls: readonly number[]): number[] => {
    harness.stalker.follow(TID, harness.options);
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
        stalker.follow(TID, harness.options);
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
      stalker.follow(TID, harness.options);
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
      stalker.follow(TID, harness.options);
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
      harness.stalker.follow(TID, harness.options);
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
      harness.stalker.follow(TID, harness.options);
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
        stalker.follow(TID, harness.options);
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
