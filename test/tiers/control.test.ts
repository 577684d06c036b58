/**
 * What is asked of the engine while a thread spins in hot code takes effect within one block, and exactly where it does
 * in the cold tier: every scenario gives the same events and the same log in each tier.
 */
import { describe, expect, it } from 'vitest';
import type { EventBatch } from '../../src/events/ring.js';
import { Word } from '../../src/guest/cpu-state.js';
import { ExitReason } from '../../src/ir/terminal.js';
import type { TierOptions } from '../../src/stalker/tiering.js';
import type { Transformer } from '../../src/stalker/transformer.js';
import { BASE, CollectingSink, GuestCode, type GuestOptions, STACK_TOP, STOP, TID } from '../stalker/guest-code.js';
import { TIERS } from './traced-run.js';

/**
 * Blocks: start (with the first turn), loop (further turns, to the BL), leaf, after (where BL returns to), end. r0 counts
 * the turns, so it is 200 at the 200th entry of the loop block and of the leaf.
 */
const SPIN = `
start: mov r4, lr
       mov r0, #0
       mov r5, #0
loop:  add r0, r0, #1
       bl leaf
after: cmp r0, r1
       bne loop
end:   bx r4
leaf:  add r5, r5, r0
       bx lr
`;
const LOOP = BASE + 12;
const AFTER = BASE + 20;
const LEAF = BASE + 32;
const TURNS = 400;
const ALL_EVENTS = 31;
const CALL_AND_RET = 3;

/** A guest in its loop, and a log of what happened. */
class Spinner {
  readonly guest: GuestCode;
  readonly log: string[] = [];

  constructor(tier: TierOptions, options: GuestOptions = {}) {
    this.guest = new GuestCode(SPIN, { events: ALL_EVENTS, tier, ...options });
  }

  get turn(): number {
    return this.guest.words[0] as number;
  }

  note(what: string): void {
    const { words, stalker } = this.guest;
    this.log.push(
      `${what} at ${((words[Word.PC] as number) - BASE).toString(16)} turn ${this.turn} clock ${stalker.clock}`,
    );
  }

  begin(turns = TURNS): void {
    const w = this.guest.words;
    w[1] = turns;
    w[Word.SP] = STACK_TOP;
    w[Word.LR] = STOP;
    w[Word.PC] = BASE;
  }

  /** Everything that must not depend on the tier. */
  outcome(): readonly string[] {
    this.guest.stalker.drain();
    const { words } = this.guest;
    return [
      ...this.log,
      `r0 ${words[0]} r5 ${words[5]} pc ${words[Word.PC]} fuel ${words[Word.FUEL]}`,
      ...this.guest.text(),
    ];
  }
}

type Scenario = (spinner: Spinner) => void;

/** Runs a scenario in every tier and gives the cold tier's outcome. Hot code must have been there when it began. */
const inEveryTier = (scenario: Scenario, options: GuestOptions = {}): readonly string[] => {
  const outcomes = Object.entries(TIERS).map(([name, tier]) => {
    const spinner = new Spinner(tier, options);
    spinner.begin(50);
    spinner.guest.run();
    if (name !== 'cold') expect(spinner.guest.stalker.stats.hot.functions).toBeGreaterThan(0);
    spinner.guest.sink.events.length = 0;
    spinner.begin();
    scenario(spinner);
    return spinner.outcome();
  });
  const [cold, ...others] = outcomes as [readonly string[], ...(readonly string[])[]];
  for (const other of others) expect(other).toEqual(cold);
  return cold;
};

/** Keeps everything, and calls `callout` before the instruction at `address`. */
const calloutAt = (address: number, callout: () => void): Transformer => ({
  transform: (iterator) => {
    for (let insn = iterator.next(); insn !== undefined; insn = iterator.next()) {
      if (insn.pc === address) iterator.putCallout(callout);
      iterator.keep();
    }
  },
});

/** A scenario that runs to the end and acts from a callout at `address` in turn 200. */
const fromCallout = (address: number, act: Scenario): readonly string[] => {
  let current: Spinner | undefined;
  const transformer = calloutAt(address, () => {
    if (current?.turn !== 200) return;
    current.note('callout');
    act(current);
  });
  return inEveryTier(
    (spinner) => {
      current = spinner;
      spinner.guest.run();
      current = undefined;
    },
    { transformer },
  );
};

/** A scenario that acts between two slices, somewhere in the loop. */
const betweenSlices = (act: Scenario): readonly string[] =>
  inEveryTier((spinner) => {
    expect(spinner.guest.stalker.run(1000)).toBe(ExitReason.YIELD);
    spinner.note('slice over');
    act(spinner);
    spinner.guest.run();
  });

const blocksOf = (outcome: readonly string[], address: number): number =>
  outcome.filter((line) => line.startsWith(`block +${(address - BASE).toString(16)} `)).length;
const compilesOf = (outcome: readonly string[], address: number): number =>
  outcome.filter((line) => line.startsWith(`compile +${(address - BASE).toString(16)} `)).length;

describe('unfollow of a thread that spins in hot code', () => {
  it.each([
    ['the first block of the loop', LOOP],
    ['the called function', LEAF],
    ['the last block of the loop', AFTER],
  ])('from a callout in %s ends its events with that block', (_where, address) => {
    const outcome = fromCallout(address, ({ guest }) => guest.stalker.unfollow(TID));
    expect(blocksOf(outcome, address)).toBe(200);
    expect(blocksOf(outcome, LEAF)).toBe(200);
    expect(outcome).toContain(
      `r0 ${TURNS} r5 ${(TURNS * (TURNS + 1)) / 2} pc ${STOP + 4} fuel ${outcome[1]?.split(' ').at(-1)}`,
    );
  });

  it('between slices ends them at once', () => {
    let events = 0;
    betweenSlices((spinner) => {
      spinner.guest.stalker.drain();
      events = spinner.guest.sink.events.length;
      spinner.guest.stalker.unfollow(TID);
      spinner.log.push(`${events} events`);
    });
    const outcome = betweenSlices(({ guest }) => guest.stalker.unfollow(TID));
    expect(outcome.filter((line) => /^(call|ret|exec|block|compile) /.test(line))).toHaveLength(events);
  });

  it('from the sink, when the ring is full, ends them with what the ring holds', () => {
    const batches: number[] = [];
    inEveryTier((spinner) => {
      const { guest } = spinner;
      const { sink } = guest;
      const collect = sink.process.bind(sink);
      let seen = 0;
      sink.process = (batch: EventBatch) => {
        collect(batch);
        if (batch.count > 10_000 && seen++ === 1) guest.stalker.unfollow(TID);
      };
      spinner.begin(20_000);
      guest.run();
      sink.process = collect;
      batches.push(sink.events.length);
    });
    expect(batches[0]).toBeLessThan(40_000);
  });
});

describe('invalidation of a block that spins in hot code', () => {
  it.each([
    ['itself', LOOP, LOOP],
    ['the function it calls', LOOP, LEAF],
    ['its caller', LEAF, LOOP],
    ['the block it returns to', LEAF, AFTER],
  ])('from a callout, of %s, translates that block anew at its next entry, once', (_what, from, target) => {
    const outcome = fromCallout(from, ({ guest }) => guest.stalker.invalidate(target));
    expect(compilesOf(outcome, target)).toBe(1);
    const at = outcome.findIndex((line) => line.startsWith('compile'));
    const before = outcome.slice(0, at);
    expect(blocksOf(before, target)).toBe(from === LOOP ? 200 : 199);
  });

  it('between slices translates it anew at its next entry', () => {
    const outcome = betweenSlices(({ guest }) => guest.stalker.invalidate(LEAF));
    expect(compilesOf(outcome, LEAF)).toBe(1);
  });

  it('by a store of the guest into code it spins in takes effect at the next block', () => {
    const source = SPIN.replace('leaf:  add r5, r5, r0', 'leaf:  add r5, r5, r0\n cmp r0, #200\n streq r2, [r3]');
    const runs = Object.values(TIERS).map((tier) => {
      const guest = new GuestCode(source, { events: ALL_EVENTS, tier });
      const w = guest.words;
      [w[1], w[2], w[3]] = [TURNS, 0xe045_5000, LEAF];
      guest.call();
      return [w[5], ...guest.text()];
    });
    expect(runs[1]).toEqual(runs[0]);
    expect(runs[2]).toEqual(runs[0]);
    // From turn 201 on the leaf is SUB r5, r5, r0.
    const sum = (from: number, to: number) => (to * (to + 1) - from * (from - 1)) / 2;
    expect(runs[0]?.[0]).toBe(sum(1, 200) - sum(201, 400));
  });
});

describe('call probes in hot code', () => {
  it.each([
    ['the block about to call', LOOP],
    ['the function itself', LEAF],
    ['the block it returns to', AFTER],
  ])('added from a callout in %s fire from the next call on', (_where, from) => {
    let count = 0;
    const outcome = fromCallout(from, (spinner) => {
      count = 0;
      spinner.guest.stalker.addCallProbe(LEAF, () => {
        count++;
        if (count < 3) spinner.note('probe');
      });
    });
    expect(count).toBe(200);
    expect(outcome.filter((line) => line.startsWith('probe'))).toHaveLength(2);
  });

  it.each([
    ['itself, which', undefined],
    ['a callout in the caller, which', LOOP],
  ])('removed from %s stops them within the block', (_where, from) => {
    const fires: number[] = [];
    const scenario = (spinner: Spinner): void => {
      let count = 0;
      const { stalker } = spinner.guest;
      const id = stalker.addCallProbe(LEAF, () => {
        count++;
        if (from === undefined && spinner.turn === 200) stalker.removeCallProbe(id);
      });
      remove = () => stalker.removeCallProbe(id);
      current = spinner;
      spinner.guest.run();
      current = undefined;
      fires.push(count);
    };
    let current: Spinner | undefined;
    let remove = (): void => {};
    const transformer = calloutAt(from ?? -1, () => {
      if (current?.turn === 200) remove();
    });
    inEveryTier(scenario, { transformer });
    expect(new Set(fires)).toEqual(new Set([200]));
  });

  it('added and removed between slices fire in between only', () => {
    const fires: number[] = [];
    inEveryTier((spinner) => {
      const { stalker } = spinner.guest;
      stalker.run(500);
      let count = 0;
      const id = stalker.addCallProbe(LEAF, () => count++);
      stalker.run(700);
      stalker.removeCallProbe(id);
      spinner.guest.run();
      fires.push(count);
    });
    // Six instructions a turn.
    expect(new Set(fires)).toEqual(new Set([117]));
  });
});

describe('other requests of a callout in hot code', () => {
  it('a stop makes the run return at the end of the block', () => {
    const outcome = inStops(LEAF);
    expect(outcome[1]).toMatch(
      new RegExp(`^stopped by ${ExitReason.CONTROL} at ${(AFTER - BASE).toString(16)} turn 200`),
    );
  });

  it('following with other events takes effect with the next block', () => {
    const sinks: string[] = [];
    fromCallout(LEAF, ({ guest }) => {
      const sink = new CollectingSink(CALL_AND_RET);
      guest.stalker.follow(TID, { profile: 'precise', events: CALL_AND_RET, sink });
      sinks.push(`${sink.started}`);
      followers.push(sink);
    });
    expect(followers.map(({ events }) => events.length)).toEqual([400, 400, 400]);
    expect(followers[1]?.events).toEqual(followers[0]?.events);
    expect(followers[2]?.events).toEqual(followers[0]?.events);
  });

  it('registers it writes are what the code goes on with', () => {
    const outcome = fromCallout(AFTER, ({ guest }) => {
      guest.words[0] = 300;
      guest.words[5] = 7;
      guest.words[Word.ZF] = 0;
    });
    expect(outcome.at(1)).toMatch(/^r0 400 r5 35057 /);
  });
});

const followers: CollectingSink[] = [];

const inStops = (address: number): readonly string[] => {
  let current: Spinner | undefined;
  const transformer = calloutAt(address, () => {
    if (current?.turn !== 200) return;
    current.note('callout');
    current.guest.stalker.requestStop();
  });
  return inEveryTier(
    (spinner) => {
      current = spinner;
      const reason = spinner.guest.stalker.run(1_000_000);
      current = undefined;
      spinner.note(`stopped by ${reason}`);
      spinner.guest.run();
    },
    { transformer },
  );
};
