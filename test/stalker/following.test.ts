/** The life of a context: made, left, destroyed, and in which order others hear of it; in every tier. */
import { describe, expect, it } from 'vitest';
import { EventKind } from '../../src/events/event.js';
import type { EventBatch } from '../../src/events/ring.js';
import type { EventSink } from '../../src/events/sink.js';
import type { FollowOptions } from '../../src/stalker/options.js';
import type { Transformer } from '../../src/stalker/transformer.js';
import { execs, F, FLAT, type Harness, inEveryTier, visiting } from './catalogue/harness.js';
import { CollectingSink, TID } from './guest-code.js';

const { CALL, BLOCK, COMPILE } = EventKind;

/** Notes what it is told, in order with what others note. */
class LoggingSink implements EventSink {
  readonly mask = CALL | BLOCK;
  private readonly name: string;
  private readonly log: string[];

  constructor(name: string, log: string[]) {
    this.name = name;
    this.log = log;
  }

  start(): void {
    this.log.push(`${this.name} starts`);
  }

  process({ count }: EventBatch): void {
    this.log.push(`${this.name} gets ${count}`);
  }

  flush(): void {
    this.log.push(`${this.name} flushes`);
  }

  stop(): void {
    this.log.push(`${this.name} stops`);
  }
}

/** A callout in every block, whose end is noted. */
const withCallout = (log: string[]): Transformer => ({
  transform: (iterator) => {
    iterator.next();
    iterator.putCallout(
      () => {},
      () => log.push('callout is gone'),
    );
    do iterator.keep();
    while (iterator.next() !== undefined);
  },
});

describe('a follow', () => {
  it('records its first EXEC wherever the follow before recorded its last', () => {
    let current: Harness | undefined;
    const transformer = visiting((iterator) => iterator.putCallout(() => current?.stalker.unfollow(TID)));
    inEveryTier({ isa: 'arm', code: 'mov pc, lr', events: EventKind.EXEC, transformer }, (harness) => {
      current = harness;
      const { stalker } = harness;
      for (let n = 1; n <= 2; n++) {
        stalker.follow(TID, harness.options);
        harness.run(F);
        expect(harness.events).toEqual(execs(...Array<number>(n).fill(0)));
      }
    });
  });

  it('starts its sink first; at its end its callouts go, then the sink is stopped', () => {
    inEveryTier({ isa: 'arm', code: FLAT.arm }, (harness) => {
      const { stalker } = harness;
      const log: string[] = [];
      const sink = new LoggingSink('sink', log);
      stalker.follow(TID, { profile: 'gum', events: sink.mask, sink, transformer: withCallout(log) });
      harness.run(F);
      stalker.flush();
      stalker.unfollow(TID);
      stalker.run(0);
      // F and STOP were a block each.
      const end = ['callout is gone', 'callout is gone', 'sink stops'];
      expect(log).toEqual(['sink starts', 'sink gets 2', 'sink flushes', ...end]);
    });
  });

  it('of a thread that is followed replaces the one before, which is ended first', () => {
    inEveryTier({ isa: 'arm', code: FLAT.arm }, (harness) => {
      const log: string[] = [];
      for (const name of ['one', 'two']) {
        const sink = new LoggingSink(name, log);
        harness.stalker.follow(TID, { profile: 'gum', events: sink.mask, sink });
      }
      harness.run(F);
      harness.stalker.stop();
      harness.stalker.run(0);
      expect(log).toEqual(['one starts', 'one stops', 'two starts', 'two gets 2', 'two stops']);
    });
  });

  it('may be asked for from the last delivery of the one before', () => {
    const code = 'push {lr}\n bl leaf\n pop {pc}\nleaf: mov r0, #2\n mov pc, lr';
    inEveryTier({ isa: 'arm', code }, (harness) => {
      const { stalker } = harness;
      const before = stalker.census;
      const [first, second] = [new CollectingSink(CALL), new CollectingSink(CALL)];
      first.stop = () => {
        first.stopped++;
        stalker.unfollow(TID);
        stalker.follow(TID, { profile: 'gum', events: CALL, sink: second });
      };
      stalker.follow(TID, { profile: 'gum', events: CALL, sink: first });
      harness.run(F);
      stalker.unfollow(TID);
      harness.run(F);
      expect([first.events.length, second.events.length, stalker.isFollowing(TID)]).toEqual([1, 1, true]);
      expect(stalker.census.shadowStacks).toBe(before.shadowStacks + 1);
      stalker.stop();
      harness.run(F);
      expect([first.stopped, second.started, second.stopped]).toEqual([1, 1, 1]);
      expect([stalker.census.contexts, stalker.census.shadowStacks]).toEqual([0, before.shadowStacks]);
    });
  });

  describe('asked for while the one before is told its end, instead of another', () => {
    /** A follow on top of a recording, replaced by `first` in whose place `second` is asked for; what is left then. */
    const replaced = (harness: Harness, isFirstStacked: boolean, isSecondStacked: boolean) => {
      const { stalker } = harness;
      const log: string[] = [];
      const sinkOf = (name: string) => new LoggingSink(name, log);
      const recording: FollowOptions = {
        profile: 'precise',
        events: CALL,
        sink: sinkOf('recording'),
        get otherwise() {
          return recording;
        },
      };
      const optionsOf = (name: string, isStacked: boolean): FollowOptions => {
        const options = { profile: 'precise', events: CALL, sink: sinkOf(name) } as const;
        return isStacked ? { ...options, otherwise: recording } : options;
      };
      const top = optionsOf('top', true);
      stalker.follow(TID, recording);
      stalker.follow(TID, top);
      harness.run(F);
      log.length = 0;
      const second = optionsOf('second', isSecondStacked);
      (top.sink as EventSink).stop = () => {
        log.push('top stops');
        stalker.follow(TID, second);
      };
      stalker.follow(TID, optionsOf('first', isFirstStacked));
      harness.run(F);
      return { log, stacks: stalker.census.shadowStacks, end: () => stalker.removeThread(TID) };
    };
    const code = 'push {lr}\n bl leaf\n pop {pc}\nleaf: mov r0, #2\n bx lr';

    it('on the same recording or not: the later one holds, the recording goes on with it or ends', () => {
      inEveryTier({ isa: 'arm', code }, (harness) => {
        const { log, stacks, end } = replaced(harness, true, false);
        expect(log).toEqual(['top stops', 'recording stops', 'second starts', 'second gets 1']);
        expect(stacks).toBe(1);
        end();
        expect([log.at(-1), harness.stalker.census.shadowStacks]).toEqual(['second stops', 0]);
      });
      inEveryTier({ isa: 'arm', code }, (harness) => {
        const { log, stacks, end } = replaced(harness, false, true);
        expect(log).toEqual(['top stops', 'second starts', 'second gets 1']);
        expect(stacks).toBe(1);
        end();
        expect(log.slice(3)).toEqual(['second stops', 'recording stops']);
        expect(harness.stalker.census.shadowStacks).toBe(0);
      });
    });

    it('and an unfollow there takes back the follow that was under way', () => {
      inEveryTier({ isa: 'arm', code }, (harness) => {
        const { stalker } = harness;
        const [first, second] = [new CollectingSink(CALL), new CollectingSink(CALL)];
        first.stop = () => stalker.unfollow(TID);
        for (const sink of [first, second]) {
          stalker.follow(TID, { profile: 'gum', events: CALL, sink });
          harness.run(F);
        }
        expect([first.events.length, second.started, stalker.isFollowing(TID)]).toEqual([1, 0, false]);
        expect(stalker.census).toMatchObject({ contexts: 0, shadowStacks: 0 });
      });
    });
  });

  it('of a thread that ends may be asked for from its last delivery, in vain', () => {
    inEveryTier({ isa: 'arm', code: FLAT.arm }, (harness) => {
      const { stalker } = harness;
      const [first, second] = [new CollectingSink(CALL), new CollectingSink(CALL)];
      first.stop = () => stalker.follow(TID, { profile: 'gum', events: CALL, sink: second });
      stalker.follow(TID, { profile: 'gum', events: CALL, sink: first });
      harness.run(F);
      stalker.removeThread(TID);
      expect([second.started, second.stopped, stalker.garbageCollect()]).toEqual([0, 0, false]);
      expect(stalker.census.shadowStacks).toBe(0);
    });
  });

  it('records COMPILE of its first block before anything else of it', () => {
    inEveryTier({ isa: 'arm', code: FLAT.arm, events: COMPILE | BLOCK }, (harness) => {
      harness.stalker.follow(TID, harness.options);
      harness.run(F);
      expect(harness.events.slice(0, 2)).toEqual(['compile f+0 f+16', 'block f+0 f+16']);
    });
  });

  it('is ended once, however often and of whomever that is asked', () => {
    inEveryTier({ isa: 'arm', code: FLAT.arm, events: BLOCK }, (harness) => {
      const { stalker, sink } = harness;
      stalker.unfollow(TID);
      stalker.unfollow(4711);
      stalker.follow(TID, harness.options);
      harness.run(F);
      for (let n = 0; n < 3; n++) stalker.unfollow(TID);
      harness.run(F);
      expect([sink.started, sink.stopped]).toEqual([1, 1]);
      expect(harness.inside).toEqual(['block f+0 f+16']);
    });
  });

  it('counts for garbageCollect as long as its thread has not left it', () => {
    inEveryTier({ isa: 'arm', code: FLAT.arm, events: BLOCK }, (harness) => {
      const { stalker } = harness;
      expect(stalker.garbageCollect()).toBe(false);
      stalker.follow(TID, harness.options);
      harness.run(F);
      stalker.unfollow(TID);
      expect([stalker.isFollowing(TID), stalker.garbageCollect()]).toEqual([false, true]);
      harness.run(F);
      expect(stalker.garbageCollect()).toBe(false);
    });
  });

  it('gives back all it took, a hundred times over', () => {
    const code = 'push {lr}\n bl leaf\n pop {pc}\nleaf: mov r0, #2\n mov pc, lr';
    inEveryTier({ isa: 'arm', code }, (harness) => {
      const { stalker } = harness;
      const log: string[] = [];
      const turn = (): void => {
        const sink = new CollectingSink(CALL | BLOCK);
        stalker.follow(TID, { profile: 'precise', events: sink.mask, sink, transformer: withCallout(log) });
        harness.run(F);
        stalker.unfollow(TID);
        expect(harness.run(F)).toBe(2);
        expect(sink.events).toHaveLength(5);
      };
      turn();
      const before = { ...stalker.census, slots: stalker.stats.hotSize.slots, cells: stalker.stats.hotSize.cells };
      for (let n = 0; n < 100; n++) turn();
      expect({ ...stalker.census, slots: stalker.stats.hotSize.slots, cells: stalker.stats.hotSize.cells }).toEqual(
        before,
      );
      // main, the return to it, leaf and STOP.
      expect(log).toHaveLength(4 * 101);
    });
  });
});
