/** Translating anew on request: lazily or at once, of one thread or all, of an address or a range; in every tier. */
import { describe, expect, it } from 'vitest';
import { EventKind } from '../../src/events/event.js';
import { F, type Harness, inEveryTier, type Program, visiting } from './catalogue/harness.js';
import { CollectingSink, TID } from './guest-code.js';

const { COMPILE } = EventKind;
const OTHER = TID + 1;
const PROGRAM: Program = {
  isa: 'arm',
  events: COMPILE,
  code: 'push {lr}\n mov r0, #0\n bl leaf\n pop {pc}\nleaf: add r0, r0, #2\n mov pc, lr',
};
const LEAF = F + 16;
const ALL = ['compile f+0 f+12', 'compile f+16 f+24', 'compile f+12 f+16'];

/** Two threads, each called in turn, and what was compiled for each since the last time. */
class Pair {
  private readonly sinks = new Map<number, CollectingSink>();
  private readonly harness: Harness;

  constructor(harness: Harness) {
    this.harness = harness;
    harness.stalker.addThread(OTHER);
    for (const tid of [TID, OTHER]) {
      const sink = new CollectingSink(COMPILE);
      this.sinks.set(tid, sink);
      harness.stalker.follow(tid, { profile: 'gum', events: COMPILE, sink });
    }
  }

  /** What calling the function compiles, in one thread and the other. */
  run(): string[][] {
    return [TID, OTHER].map((tid) => {
      this.harness.stalker.switchTo(tid);
      expect(this.harness.run(F)).toBe(2);
      return this.compiled(tid);
    });
  }

  compiled(tid: number): string[] {
    const { events } = this.sinks.get(tid) as CollectingSink;
    return events
      .splice(0)
      .map((event) => this.harness.show(event))
      .filter((text) => text.startsWith('compile f'));
  }
}

describe('invalidate', () => {
  it('of an address: at the next entry, in all threads or in one', () => {
    inEveryTier(PROGRAM, (harness) => {
      const { stalker } = harness;
      const pair = new Pair(harness);
      expect(pair.run()).toEqual([ALL, ALL]);
      expect(pair.run()).toEqual([[], []]);
      stalker.invalidate(LEAF);
      stalker.drain();
      expect([pair.compiled(TID), pair.compiled(OTHER)]).toEqual([[], []]);
      expect(pair.run()).toEqual([['compile f+16 f+24'], ['compile f+16 f+24']]);
      stalker.invalidate(LEAF, OTHER);
      expect(pair.run()).toEqual([[], ['compile f+16 f+24']]);
      for (const [address, tid] of [
        [LEAF + 4, undefined],
        [LEAF, 4711],
      ] as const) {
        stalker.invalidate(address, tid);
      }
      expect(pair.run()).toEqual([[], []]);
    });
  });

  it('of a range: every block with a byte in it, in all threads or in one', () => {
    inEveryTier(PROGRAM, (harness) => {
      const pair = new Pair(harness);
      pair.run();
      harness.stalker.invalidateRange(F + 11, F + 13);
      const both = ['compile f+0 f+12', 'compile f+12 f+16'];
      expect(pair.run()).toEqual([both, both]);
      harness.stalker.invalidateRange(F + 23, F + 200, TID);
      expect(pair.run()).toEqual([['compile f+16 f+24'], []]);
      harness.stalker.invalidateRange(F + 24, F + 200);
      expect(pair.run()).toEqual([[], []]);
    });
  });
});

describe('recompile', () => {
  it('is done at once, for its thread only; where no block is, it does nothing', () => {
    inEveryTier(PROGRAM, (harness) => {
      const { stalker } = harness;
      const pair = new Pair(harness);
      pair.run();
      stalker.recompile(LEAF, TID);
      stalker.recompile(LEAF + 4, TID);
      stalker.drain();
      expect([pair.compiled(TID), pair.compiled(OTHER)]).toEqual([['compile f+16 f+24'], []]);
      expect(pair.run()).toEqual([[], []]);
    });
  });

  it('of the block under way, by its own probe: the probe has fired once, the rest of the block is as it was', () => {
    let log: string[] = [];
    let version = 0;
    const transformer = visiting((iterator, offset) => {
      if (offset !== 16) return;
      const made = ++version;
      iterator.putCallout(
        () => log.push(`callout ${made}`),
        () => log.push(`callout ${made} is gone`),
      );
    });
    inEveryTier({ ...PROGRAM, transformer }, (harness) => {
      [log, version] = [[], 0];
      const { stalker } = harness;
      stalker.follow(TID, harness.options);
      const id: number = stalker.addCallProbe(LEAF, () => {
        log.push('probe');
        if (version === 1) stalker.recompile(LEAF, TID);
      });
      harness.run(F);
      harness.run(F);
      expect(log).toEqual(['probe', 'callout 1', 'callout 1 is gone', 'probe', 'callout 2']);
      stalker.removeCallProbe(id);
      stalker.unfollow(TID);
      harness.run(F);
      expect(log.slice(5)).toEqual(['callout 2 is gone']);
    });
  });

  it('may make the block longer, even from inside it: the pass under way ends with the old one', () => {
    let [extra, current]: [number, Harness | undefined] = [0, undefined];
    const transformer = visiting((iterator, offset) => {
      if (offset !== 20) return;
      for (let n = 0; n < extra; n++) iterator.putInstruction(0xe280_0001);
      iterator.putCallout(() => {
        if (extra > 0) return;
        extra = 100;
        current?.stalker.recompile(LEAF, TID);
      });
    });
    inEveryTier({ ...PROGRAM, transformer }, (harness) => {
      [extra, current] = [0, harness];
      harness.stalker.follow(TID, harness.options);
      expect([harness.run(F), harness.run(F)]).toEqual([2, 102]);
      expect(harness.inside.filter((text) => text === 'compile f+16 f+24')).toHaveLength(2);
    });
  });
});
