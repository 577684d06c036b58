/** The catalogue's rows about whole programs: a workload traced twice, threads, the heap, C++ exceptions. */
import { describe, expect, test } from 'vitest';
import type { ElfSymbol } from '../../../src/elf/symbol-table.js';
import { EventKind } from '../../../src/events/event.js';
import { decodeRecord, type EventBatch, type StalkerEvent } from '../../../src/events/ring.js';
import { Process } from '../../../src/process/process.js';
import type { Profile } from '../../../src/stalker/options.js';
import { Stalker } from '../../../src/stalker/stalker.js';
import { GUEST_ENV } from '../../support/qemu.js';
import { compile, hasCompiler } from '../../support/toolchain.js';
import { TIERS } from '../../tiers/traced-run.js';
import { F, inEveryTier } from './harness.js';

const { CALL, RET, EXEC, BLOCK, COMPILE } = EventKind;
const ALL = CALL | RET | EXEC | BLOCK | COMPILE;

describe('a workload', () => {
  const SIZE = 2048;
  // Fills a buffer with runs of random length, packs it (count, value) and gives the CRC-32 of the result.
  const code = `
         push {r4, lr}
         mov r0, #1
         bl workload
         pop {r4, pc}
workload: push {r4-r9, lr}
         ldr r4, =f + 0x4000
         ldr r5, =f + 0x8000
         mov r9, r5
         mov r6, #${SIZE}
         mov r7, r0
1:       bl random
         strb r0, [r4], #1
         subs r6, r6, #1
         bne 1b
         ldr r4, =f + 0x4000
         mov r6, #${SIZE}
2:       ldrb r8, [r4]
         mov r1, #0
3:       add r1, r1, #1
         subs r6, r6, #1
         beq 4f
         ldrb r0, [r4, #1]!
         cmp r0, r8
         beq 3b
4:       mov r0, r1
         bl put
         mov r0, r8
         bl put
         cmp r6, #0
         bne 2b
         mvn r7, #0
5:       ldrb r0, [r9], #1
         bl crc
         cmp r9, r5
         bne 5b
         mvn r0, r7
         pop {r4-r9, pc}
random:  ldr r1, =1664525
         ldr r2, =1013904223
         mla r7, r7, r1, r2
         ubfx r0, r7, #28, #1
         bx lr
put:     strb r0, [r5], #1
         mov pc, lr
crc:     push {r4, lr}
         eor r7, r7, r0
         mov r4, #8
         ldr r1, =0xedb88320
6:       lsrs r7, r7, #1
         eorcs r7, r7, r1
         subs r4, r4, #1
         bne 6b
         pop {r4, pc}
         .ltorg`;

  const expected = (): number => {
    let state = 1;
    const bytes = Array.from({ length: SIZE }, () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return (state >>> 28) & 1;
    });
    let crc = 0xffffffff;
    const put = (byte: number): void => {
      crc ^= byte & 0xff;
      for (let i = 0; i < 8; i++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
    };
    for (let at = 0; at < SIZE; ) {
      let run = at;
      while (run < SIZE && bytes[run] === bytes[at]) run++;
      put(run - at);
      put(bytes[at] as number);
      at = run;
    }
    return ~crc >>> 0;
  };

  test('can_follow_workload', () => {
    inEveryTier({ isa: 'arm', code, events: RET }, (harness) => {
      const untraced = harness.run(F);
      expect(untraced).toBe(expected());
      expect(harness.events).toEqual([]);
      for (const round of [1, 2]) {
        harness.sink.events.length = 0;
        expect(harness.run(), `round ${round}`).toBe(untraced);
        expect(harness.inside.at(-1)).toBe('ret f+12 h+32 0');
        // Every return but those by bx lr: of put, of crc, of the workload and of the function.
        expect(harness.inside.length).toBeGreaterThan(SIZE);
      }
    });
  });
});

interface ProgramRun {
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly events: readonly StalkerEvent[];
  readonly isFollowed: boolean;
  readonly symbol: (name: string) => number;
}

/** Runs a program with all events; `exclude` names functions. */
const run = async (
  program: string,
  tier: keyof typeof TIERS,
  profile: Profile,
  exclude: readonly string[] = [],
): Promise<ProgramRun> => {
  const events: StalkerEvent[] = [];
  let stdout = '';
  let isFollowed = false;
  let engine: Stalker | undefined;
  const process = (batch: EventBatch): void => {
    isFollowed = engine?.isFollowing(batch.tid) ?? false;
    for (let i = 0; i < batch.count; i++) {
      const event = decodeRecord(batch, i);
      if (event.kind === CALL || event.kind === COMPILE) events.push(event);
    }
  };
  const guest = Process.spawn(program, {
    args: [],
    env: GUEST_ENV,
    stdin: new Uint8Array(),
    stdout: (chunk) => {
      stdout += Buffer.from(chunk).toString();
    },
    createEngine: (memory) => {
      engine = new Stalker(memory, TIERS[tier]);
      engine.followNewThreads = { profile, events: ALL, sink: { mask: ALL, process } };
      return engine;
    },
  });
  const { symbols } = guest.program;
  const symbol = (name: string): number => symbols.addressesOf(name)[0] as number;
  for (const name of exclude) {
    const { address, sizeBytes } = symbols.named(name)[0] as ElfSymbol;
    engine?.exclude({ base: address, size: sizeBytes });
  }
  const { exitCode } = await guest.resume();
  engine?.drain();
  return { exitCode, stdout, events, isFollowed, symbol };
};

const callsOf = ({ events, symbol }: ProgramRun, name: string): number =>
  events.filter(({ kind, target }) => kind === CALL && target === symbol(name)).length;

// Built here by gcc-arm-linux-gnueabihf. `npm test` installs it or stops; only a file run by hand goes without.
describe.runIf(hasCompiler())('programs', () => {
  const names = Object.keys(TIERS) as (keyof typeof TIERS)[];

  test.each(names)('pthread_create (%s)', async (tier) => {
    const program = compile(
      'catalogue-thread',
      `#include <pthread.h>
       #include <stdio.h>
       static volatile int number;
       static void *child(void *n) { number = *(int *)n; return 0; }
       int main(void) {
         pthread_t thread;
         int n = 42;
         if (pthread_create(&thread, 0, child, &n) || pthread_join(thread, 0)) return 1;
         printf("%d\\n", number);
         return 0;
       }`,
    );
    const result = await run(program, tier, 'gum');
    expect([result.exitCode, result.stdout]).toEqual([0, '42\n']);
    expect(result.events.length).toBeGreaterThan(0);
  });

  test.each(names)('heap_api (%s)', async (tier) => {
    const program = compile(
      'catalogue-heap',
      `#include <stdlib.h>
       int main(void) {
         char *volatile p = malloc(1234);
         if (p == 0) return 1;
         free(p);
         return 0;
       }`,
    );
    const result = await run(program, tier, 'gum');
    expect(result.exitCode).toBe(0);
    expect([callsOf(result, 'malloc') > 0, callsOf(result, 'free') > 0]).toEqual([true, true]);
  });

  const THROWS = `#include <cstdio>
    static int state;
    extern "C" __attribute__((noinline)) void thrower(int n) { state += n; throw n; }
    extern "C" __attribute__((noinline)) int catches(int n) {
      try { thrower(n); } catch (int e) { return e + 1; }
      return 0;
    }
    extern "C" __attribute__((noinline)) int lets_pass(int n) {
      try { thrower(n); } catch (const char *) { return -1; }
      return 0;
    }
    extern "C" __attribute__((noinline)) int after(int n) { asm volatile(""); return n * 2; }
    int main() {
      int a = catches(20), b = 0;
      try { b = lets_pass(10); } catch (int e) { b = e + 2; }
      std::printf("%d %d %d %d\\n", a, b, state, after(a));
      return 0;
    }`;

  for (const profile of ['gum', 'precise'] as const) {
    for (const [what, excluded] of [
      ['followed', []],
      ['excluded', ['thrower']],
    ] as const) {
      test.each(names)(
        `exceptions: thrown by a function that is ${what}, caught or not (${profile}, %s)`,
        async (tier) => {
          const options = { language: 'cc', flags: ['-O2', '-mthumb'] } as const;
          const program = compile('catalogue-throw', THROWS, options);
          const result = await run(program, tier, profile, excluded);
          expect([result.exitCode, result.stdout]).toEqual([0, '21 12 30 42\n']);
          expect(callsOf(result, 'thrower')).toBe(2);
          // The thread is still followed afterwards.
          expect(callsOf(result, 'after')).toBe(1);
          expect(result.isFollowed).toBe(true);
        },
      );
    }
  }
});
