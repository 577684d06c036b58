/** What transformers and sinks ask for about the very thread and block they work for; in every tier. */
import { describe, expect, it } from 'vitest';
import { EventKind } from '../../src/events/event.js';
import { decodeRecord, type EventBatch } from '../../src/events/ring.js';
import { Word } from '../../src/guest/cpu-state.js';
import type { StalkerIterator } from '../../src/stalker/iterator.js';
import { execs, F, type Harness, inEveryTier, type Program } from './catalogue/harness.js';
import { CollectingSink, STACK_TOP, STOP, TID } from './guest-code.js';

const { EXEC, COMPILE } = EventKind;
const OTHER = TID + 1;
const PROGRAM: Program = {
  isa: 'arm',
  events: EXEC,
  code: 'push {lr}\n bl leaf\n mov r0, r0\n pop {pc}\nleaf: mov r0, #2\n mov pc, lr',
};
const [AFTER, LEAF] = [F + 8, F + 16];
const WHOLE = execs(0, 4, 16, 20, 8, 12);

/** A transformer that puts a callout in every block, keeps everything and then, in the block at `place`, asks for something once. */
const askingIn = (place: number, ask: () => void) => {
  let isAsked = false;
  return {
    transform: (iterator: StalkerIterator) => {
      const first = iterator.next()?.pc;
      iterator.putCallout(() => {});
      do iterator.keep();
      while (iterator.next() !== undefined);
      if (first !== place || isAsked) return;
      isAsked = true;
      ask();
    },
  };
};

const shown = (harness: Harness, { events }: CollectingSink): string[] =>
  events.map((event) => harness.show(event)).filter((text) => text.startsWith('exec f'));

describe('a transformer', () => {
  it('may add the first probe of its block, which fires at this entry, and remove the last one, which does not', () => {
    inEveryTier(PROGRAM, (harness) => {
      const { stalker } = harness;
      const log: string[] = [];
      const id = stalker.addCallProbe(AFTER, () => log.push('removed'));
      const asked = new Set<number>();
      const transform = (iterator: StalkerIterator): void => {
        const first = iterator.next()?.pc as number;
        do iterator.keep();
        while (iterator.next() !== undefined);
        if (asked.has(first)) return;
        asked.add(first);
        if (first === LEAF) stalker.addCallProbe(LEAF, () => log.push('added'));
        if (first === AFTER) stalker.removeCallProbe(id);
      };
      stalker.follow(TID, { ...harness.options, transformer: { transform } });
      for (let n = 0; n < 2; n++) expect(harness.run(F)).toBe(2);
      expect(log).toEqual(['added', 'added']);
    });
  });

  it('may invalidate its block and exclude what that calls: the translation made after that holds', () => {
    inEveryTier(PROGRAM, (harness) => {
      const { stalker } = harness;
      let asked = 0;
      const transform = (iterator: StalkerIterator): void => {
        const isFirst = iterator.next()?.pc === F;
        do iterator.keep();
        while (iterator.next() !== undefined);
        if (!isFirst) return;
        asked++;
        if (asked !== 2) return;
        stalker.invalidate(F);
        stalker.exclude({ base: LEAF, size: 8 });
      };
      stalker.follow(TID, { ...harness.options, transformer: { transform } });
      const counts = [0, 1, 2].map((n) => {
        if (n === 1) stalker.invalidate(F);
        expect(harness.run(F)).toBe(2);
        return asked;
      });
      expect(counts).toEqual([1, 3, 3]);
    });
  });

  it('may deactivate its thread: its block records nothing any more', () => {
    inEveryTier(PROGRAM, (harness) => {
      const { stalker } = harness;
      const transformer = askingIn(AFTER, () => stalker.deactivate(TID));
      stalker.follow(TID, { ...harness.options, transformer });
      for (let n = 0; n < 2; n++) expect(harness.run(F)).toBe(2);
      expect(harness.inside).toEqual(execs(0, 4, 16, 20));
    });
  });

  it('may have its thread followed anew: its block belongs to the new follow', () => {
    inEveryTier(PROGRAM, (harness) => {
      const { stalker, sink } = harness;
      const { callouts } = stalker.census;
      const second = new CollectingSink(EXEC);
      const transformer = askingIn(LEAF, () => stalker.follow(TID, { profile: 'gum', events: EXEC, sink: second }));
      stalker.follow(TID, { ...harness.options, transformer });
      expect(harness.run(F)).toBe(2);
      expect([shown(harness, sink), shown(harness, second)]).toEqual([execs(0, 4), execs(16, 20, 8, 12)]);
      expect([sink.started, sink.stopped, second.started, second.stopped]).toEqual([1, 1, 1, 0]);
      expect(stalker.census.callouts).toBe(callouts);
    });
  });
});

describe('a sink', () => {
  /** Asks for something at its first delivery. */
  class AskingSink extends CollectingSink {
    private readonly ask: () => void;

    constructor(ask: () => void, mask: number = EXEC) {
      super(mask);
      this.ask = ask;
    }

    override process(batch: Parameters<CollectingSink['process']>[0]): void {
      const isFirst = this.events.length === 0;
      super.process(batch);
      if (isFirst) this.ask();
    }
  }

  /** The thread stops at its SVC, with records nobody has got yet. */
  const runUndelivered = ({ stalker, words }: Harness): void => {
    words[Word.SP] = STACK_TOP - 0x100;
    words[Word.LR] = STOP;
    words[Word.PC] = F;
    words[Word.THUMB] = 0;
    stalker.run(100_000);
  };
  const compiled = ({ events }: CollectingSink) =>
    events.filter(({ kind, location }) => kind === COMPILE && location === LEAF);

  it('gets the COMPILE of what it has translated in a delivery, and nobody else does', () => {
    inEveryTier(PROGRAM, (harness) => {
      const { stalker } = harness;
      const other = new CollectingSink(EXEC | COMPILE);
      const first = new AskingSink(() => stalker.recompile(LEAF, TID), EXEC | COMPILE);
      stalker.addThread(OTHER);
      stalker.follow(OTHER, { profile: 'gum', events: EXEC | COMPILE, sink: other });
      stalker.follow(TID, { profile: 'gum', events: EXEC | COMPILE, sink: first });
      runUndelivered(harness);
      stalker.switchTo(OTHER);
      harness.run(F);
      expect([compiled(first).length, compiled(other).length]).toEqual([2, 1]);
    });
  });

  it('gets that COMPILE with the clock of the delivery', () => {
    inEveryTier(PROGRAM, (harness) => {
      const { stalker } = harness;
      const first = new AskingSink(() => stalker.recompile(LEAF, TID), EXEC | COMPILE);
      stalker.follow(TID, { profile: 'gum', events: EXEC | COMPILE, sink: first });
      runUndelivered(harness);
      const { clock } = stalker;
      harness.run(F);
      expect(compiled(first).map((event) => event.clock)).toEqual([2, clock]);
    });
  });

  it('may have blocks translated in the middle of a delivery: the rest of the records is as it was', () => {
    inEveryTier(PROGRAM, (harness) => {
      const { stalker } = harness;
      const texts: string[] = [];
      const process = (batch: EventBatch): void => {
        for (let n = 0; n < batch.count; n++) {
          const event = decodeRecord(batch, n);
          texts.push(harness.show(event));
          if (event.kind === EXEC) for (const place of [LEAF, AFTER]) stalker.recompile(place, TID);
        }
      };
      runUndelivered(harness);
      stalker.follow(TID, { profile: 'gum', events: EXEC | COMPILE, sink: { mask: EXEC | COMPILE, process } });
      harness.run(F);
      expect(texts.filter((text) => text.startsWith('exec f'))).toEqual(WHOLE);
    });
  });

  it('may have its thread followed anew from a delivery: from the next block on', () => {
    inEveryTier(PROGRAM, (harness) => {
      const { stalker } = harness;
      const second = new CollectingSink(EXEC);
      const first = new AskingSink(() => {
        stalker.follow(TID, { profile: 'gum', events: EXEC, sink: second });
        expect([first.stopped, second.started]).toEqual([0, 0]);
      });
      stalker.follow(TID, { profile: 'gum', events: EXEC, sink: first });
      for (let n = 0; n < 2; n++) harness.run(F);
      expect([shown(harness, first), shown(harness, second)]).toEqual([WHOLE, WHOLE]);
      expect([first.stopped, second.started]).toEqual([1, 1]);
    });
  });

  it('may have its thread followed anew from the last delivery before an unfollow', () => {
    inEveryTier(PROGRAM, (harness) => {
      const { stalker } = harness;
      const second = new CollectingSink(EXEC);
      const first = new AskingSink(() => stalker.follow(TID, { profile: 'gum', events: EXEC, sink: second }));
      stalker.follow(TID, { profile: 'gum', events: EXEC, sink: first });
      stalker.addCallProbe(LEAF, () => stalker.unfollow(TID));
      harness.run(F);
      expect([shown(harness, first), shown(harness, second)]).toEqual([execs(0, 4, 16, 20), execs(8, 12)]);
      expect(stalker.isFollowing(TID)).toBe(true);
    });
  });

  it('may have the thread followed anew that is switched to', () => {
    inEveryTier(PROGRAM, (harness) => {
      const { stalker } = harness;
      const other = new CollectingSink(EXEC);
      const first = new AskingSink(() => stalker.follow(OTHER, { profile: 'gum', events: EXEC, sink: other }));
      stalker.addThread(OTHER);
      stalker.follow(TID, { profile: 'gum', events: EXEC, sink: first });
      runUndelivered(harness);
      expect(first.events).toEqual([]);
      stalker.switchTo(OTHER);
      harness.run(F);
      expect([shown(harness, first), shown(harness, other)]).toEqual([WHOLE, WHOLE]);
    });
  });
});
