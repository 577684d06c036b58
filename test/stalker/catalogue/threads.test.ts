/** The catalogue's rows about several threads: two of them take turns in one guest. */
import { describe, expect, test } from 'vitest';
import { EventKind } from '../../../src/events/event.js';
import { Word } from '../../../src/guest/cpu-state.js';
import { ExitReason } from '../../../src/ir/terminal.js';
import type { StalkerIterator } from '../../../src/stalker/iterator.js';
import { STACK_TOP, STOP, TID } from '../guest-code.js';
import { F, type Harness, inEveryTier } from './harness.js';

const OTHER = TID + 1;
/** Instructions a thread gets before the other one's turn. */
const SLICE = 500;

/** Two threads of one guest at the same function; each keeps its registers while the other runs. */
class Pair {
  readonly harness: Harness;
  private readonly saved = new Map<number, Int32Array>();
  private readonly ended = new Set<number>();

  constructor(harness: Harness, entry: number) {
    this.harness = harness;
    harness.stalker.addThread(OTHER);
    for (const [tid, stack] of [
      [TID, STACK_TOP - 0x100],
      [OTHER, STACK_TOP - 0x8000],
    ] as const) {
      const words = harness.words.slice(0, Word.THREAD_END);
      words[Word.SP] = stack;
      words[Word.LR] = STOP;
      words[Word.PC] = entry & ~1;
      words[Word.THUMB] = entry & 1;
      this.saved.set(tid, words);
      harness.stalker.follow(tid, harness.options);
    }
  }

  hasEnded(tid: number): boolean {
    return this.ended.has(tid);
  }

  /** A turn of one thread; nothing when it has ended. */
  turn(tid: number): void {
    if (this.ended.has(tid)) return;
    const { stalker, words } = this.harness;
    stalker.switchTo(tid);
    words.set(this.saved.get(tid) as Int32Array);
    const reason = stalker.run(SLICE);
    this.saved.set(tid, words.slice(0, Word.THREAD_END));
    if (reason === ExitReason.SVC) this.ended.add(tid);
    else expect(reason).toBe(ExitReason.YIELD);
  }
}

describe('invalidation', () => {
  for (const isa of ['arm', 'thumb'] as const) {
    test(`${isa}_invalidation_for_specific_thread_should_be_supported`, () => {
      // Loops until `is_done` says so, which only a new translation of it does.
      const code = `push {lr}\n1: bl is_done\n cmp r0, #0\n beq 1b\n pop {pc}\n.balign 4\nis_done: mov r0, #0\n mov pc, lr`;
      const bit = isa === 'thumb' ? 1 : 0;
      const start = F + (isa === 'arm' ? 20 : 12);
      let isDone = false;
      const transformer = {
        transform: (iterator: StalkerIterator) => {
          for (let insn = iterator.next(); insn !== undefined; insn = iterator.next()) {
            if (insn.pc === start + 4 && isDone) iterator.putCallout((registers) => registers.setRegister(0, 1));
            iterator.keep();
          }
        },
      };
      inEveryTier({ isa, code, transformer, events: EventKind.COMPILE }, (harness) => {
        isDone = false;
        const pair = new Pair(harness, F + bit);
        const turns = (count: number): void => {
          for (let i = 0; i < count; i++) for (const tid of [TID, OTHER]) pair.turn(tid);
        };
        turns(5);
        isDone = true;
        turns(5);
        expect([pair.hasEnded(TID), pair.hasEnded(OTHER)]).toEqual([false, false]);
        harness.stalker.invalidate(start + bit, TID);
        turns(5);
        expect([pair.hasEnded(TID), pair.hasEnded(OTHER)]).toEqual([true, false]);
        harness.stalker.invalidate(start + bit, OTHER);
        turns(1);
        expect(pair.hasEnded(OTHER)).toBe(true);
        harness.stalker.unfollow(TID);
        harness.stalker.unfollow(OTHER);
      });
    });
  }
});
