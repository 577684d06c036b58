/**
 * A thread in a loop of one block that leads to itself never asks the engine for anything. What others ask of it (another
 * thread's callout, its own probe, its sink, the host between two slices) takes effect within one block all the same, and
 * exactly where it does in the cold tier.
 */
import { describe, expect, it } from 'vitest';
import { EventKind } from '../../src/events/event.js';
import type { EventBatch } from '../../src/events/ring.js';
import { Word } from '../../src/guest/cpu-state.js';
import { ExitReason } from '../../src/ir/terminal.js';
import type { Stalker } from '../../src/stalker/stalker.js';
import type { TierOptions } from '../../src/stalker/tiering.js';
import { BASE, GuestCode, STACK_TOP, STOP, TID } from '../stalker/guest-code.js';
import { TIERS } from './traced-run.js';

const { BLOCK, EXEC, COMPILE } = EventKind;
const SPIN = 'spin: add r0, r0, #1\n subs r1, r1, #1\n bne spin\n bx lr\nother: mov r2, #1\n bx lr';
const OTHER = BASE + 16;
const OTHER_TID = TID + 1;
const TURNS = 60_000;
/** Instructions of one turn. */
const TURN = 3;

class Spinner {
  readonly guest: GuestCode;

  constructor(tier: TierOptions, events: number) {
    this.guest = new GuestCode(SPIN, { events, tier });
    this.start(200);
    this.guest.run();
    if (tier.tier !== 'cold') expect(this.stalker.stats.hot.functions).toBeGreaterThan(0);
    this.guest.sink.events.length = 0;
    this.start(TURNS);
  }

  get stalker(): Stalker {
    return this.guest.stalker;
  }

  get blocks(): number {
    return this.guest.sink.events.filter(({ kind, location }) => kind === BLOCK && location === BASE).length;
  }

  start(turns: number): void {
    const w = this.guest.words;
    [w[0], w[1], w[Word.SP], w[Word.LR], w[Word.PC]] = [0, turns, STACK_TOP, STOP, BASE];
  }

  /** Lets the loop run for so many turns. */
  turns(count: number): void {
    expect(this.stalker.run(count * TURN)).toBe(ExitReason.YIELD);
  }

  /** What another thread does in the meantime; `act` is its callout. */
  meanwhile(act: () => void): void {
    const { stalker, guest } = this;
    const saved = guest.words.slice(0, Word.THREAD_END);
    stalker.addThread(OTHER_TID);
    stalker.switchTo(OTHER_TID);
    const id = stalker.addCallProbe(OTHER, act);
    [guest.words[Word.LR], guest.words[Word.PC]] = [STOP, OTHER];
    expect(stalker.run(1000)).toBe(ExitReason.SVC);
    stalker.removeCallProbe(id);
    stalker.removeThread(OTHER_TID);
    guest.words.set(saved);
    stalker.switchTo(TID);
  }

  finish(): void {
    this.guest.run();
    expect(this.guest.words[0]).toBe(TURNS);
  }
}

/** Runs a scenario in every tier; all must see the same, which is returned. */
const inEveryTier = <T>(events: number, scenario: (spinner: Spinner) => T): T => {
  const outcomes = Object.values(TIERS).map((tier) => {
    const spinner = new Spinner(tier, events);
    const seen = scenario(spinner);
    spinner.finish();
    return { seen, blocks: spinner.blocks, clock: spinner.stalker.clock };
  });
  for (const outcome of outcomes) expect(outcome).toEqual(outcomes[0]);
  return outcomes[0]?.seen as T;
};

type How = (spinner: Spinner, act: () => void) => void;
const FROM_OUTSIDE: readonly (readonly [string, How])[] = [
  ['the host, between slices', (_spinner, act) => act()],
  ["another thread's callout", (spinner, act) => spinner.meanwhile(act)],
];

describe.each(FROM_OUTSIDE)('asked by %s', (_who, ask) => {
  it('an unfollow lets no further block be recorded', () => {
    inEveryTier(BLOCK, (spinner) => {
      spinner.turns(1000);
      ask(spinner, () => spinner.stalker.unfollow(TID));
      spinner.turns(1000);
      spinner.stalker.drain();
      expect(spinner.blocks).toBe(1000);
      expect(spinner.stalker.isFollowing(TID)).toBe(false);
    });
  });

  it('deactivation and activation record exactly what is in between the other two', () => {
    inEveryTier(BLOCK | EXEC, (spinner) => {
      spinner.turns(500);
      ask(spinner, () => spinner.stalker.deactivate(TID));
      spinner.turns(500);
      ask(spinner, () => spinner.stalker.activate(TID));
      spinner.turns(500);
      spinner.stalker.drain();
      expect(spinner.blocks).toBe(1000);
    });
  });

  it('an invalidation makes the next entry translate anew, once', () => {
    inEveryTier(BLOCK | COMPILE, (spinner) => {
      spinner.turns(500);
      ask(spinner, () => spinner.stalker.invalidate(BASE));
      spinner.turns(500);
      spinner.stalker.drain();
      // The other thread has the same sink.
      const own = spinner.guest.sink.events.filter(({ location }) => location === BASE);
      const compiles = own.flatMap(({ kind }, at) => (kind === COMPILE ? [at] : []));
      expect(compiles).toEqual([500]);
    });
  });

  it('probes fire from their addition to their removal, to the turn', () => {
    inEveryTier(0, (spinner) => {
      let [fired, id] = [0, 0];
      spinner.turns(700);
      ask(spinner, () => {
        id = spinner.stalker.addCallProbe(BASE, () => void fired++);
      });
      spinner.turns(300);
      ask(spinner, () => spinner.stalker.removeCallProbe(id));
      spinner.turns(700);
      expect(fired).toBe(300);
    });
  });
});

describe('asked by its own probe', () => {
  it.each([
    ['an unfollow', ({ stalker }: Spinner) => stalker.unfollow(TID)],
    ['a deactivation', ({ stalker }: Spinner) => stalker.deactivate(TID)],
  ])('%s ends the events with this very block', (_what, act) => {
    inEveryTier(BLOCK, (spinner) => {
      let fired = 0;
      spinner.stalker.addCallProbe(BASE, () => {
        if (++fired === 400) act(spinner);
      });
      spinner.turns(1000);
      spinner.stalker.drain();
      expect([fired, spinner.blocks]).toEqual([400, 400]);
    });
  });

  it('an invalidation of its block, and another probe there, take effect with the next entry', () => {
    inEveryTier(BLOCK | COMPILE, (spinner) => {
      let [fired, others] = [0, 0];
      spinner.stalker.addCallProbe(BASE, () => {
        if (++fired !== 400) return;
        spinner.stalker.invalidate(BASE);
        spinner.stalker.addCallProbe(BASE, () => void others++);
      });
      spinner.turns(1000);
      spinner.stalker.drain();
      const compiles = spinner.guest.sink.events.filter(({ kind, location }) => kind === COMPILE && location === BASE);
      // One is the first probe's.
      expect([fired, others, compiles.length]).toEqual([1000, 600, 2]);
    });
  });
});

describe('asked by its sink, when the ring is full', () => {
  /** Runs the loop and acts once in the middle of it, from the sink. */
  const fromSink = (spinner: Spinner, act: () => void): void => {
    const { sink } = spinner.guest;
    const collect = sink.process.bind(sink);
    let batches = 0;
    sink.process = (batch: EventBatch) => {
      collect(batch);
      if (batch.count > 10_000 && ++batches === 2) act();
    };
    spinner.turns(50_000);
    expect(batches).toBeGreaterThan(1);
    sink.process = collect;
  };

  it('an unfollow ends the events with what the ring held', () => {
    inEveryTier(EXEC | BLOCK, (spinner) => {
      let held = 0;
      fromSink(spinner, () => {
        held = spinner.guest.sink.events.length;
        spinner.stalker.unfollow(TID);
      });
      spinner.stalker.drain();
      expect(spinner.guest.sink.events).toHaveLength(held);
    });
  });

  it('a probe fires from the very next entry on', () => {
    inEveryTier(EXEC | BLOCK, (spinner) => {
      let [fired, before] = [0, 0];
      fromSink(spinner, () => {
        before = spinner.blocks;
        spinner.stalker.addCallProbe(BASE, () => void fired++);
      });
      expect(before + fired).toBe(50_000);
    });
  });
});
