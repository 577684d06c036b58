/**
 * The ring is handed to the sink when it is full, which may be in the middle of a dispatch: with COMPILE of the block that
 * was just translated. What the sink asks for then takes effect with that very block, and leaks nothing; in every tier.
 */
import { describe, expect, it } from 'vitest';
import { EventKind } from '../../src/events/event.js';
import type { EventBatch } from '../../src/events/ring.js';
import { RECORD_BYTES } from '../../src/events/ring.js';
import { EVENT_RING_BYTES } from '../../src/guest/layout.js';
import { Permission } from '../../src/guest/memory.js';
import { F, type Harness, inEveryTier, type Program } from './catalogue/harness.js';
import { CollectingSink, TID } from './guest-code.js';

const { EXEC, BLOCK, COMPILE } = EventKind;

const BIG = 0x100_0000;
/** More than the ring holds; every 512 are a new block, so that the ring is never full but at a COMPILE. */
const NOPS = 512 * Math.ceil((1.5 * EVENT_RING_BYTES) / RECORD_BYTES / 512);
const PROGRAM: Program = { isa: 'arm', code: `mov r0, #2\n ldr pc, =${BIG}\n.ltorg` };

let gone = 0;
let placed = 0;

/** A callout in every block. */
const transformer: NonNullable<Program['transformer']> = {
  transform(iterator) {
    iterator.next();
    placed++;
    iterator.putCallout(
      () => {},
      () => void gone++,
    );
    do iterator.keep();
    while (iterator.next() !== undefined);
  },
};

/** Runs the NOPs, acts from the sink when the ring is full; the events before that and all the first sink gets. */
const whenFull = (harness: Harness, act: () => void): { before: number; sink: CollectingSink } => {
  const { memory, stalker } = harness;
  memory.setPermissions(BIG, 4 * (NOPS + 1), Permission.READ | Permission.EXECUTE);
  memory.i32.fill(0xe320_f000 | 0, BIG / 4, BIG / 4 + NOPS);
  memory.i32[BIG / 4 + NOPS] = 0xe1a0_f00e | 0;
  const sink = new CollectingSink(EXEC | BLOCK | COMPILE);
  let before = 0;
  const collect = sink.process.bind(sink);
  sink.process = (batch: EventBatch) => {
    collect(batch);
    if (before > 0) return;
    before = sink.events.length;
    act();
  };
  [placed, gone] = [0, 0];
  stalker.follow(TID, { profile: 'gum', events: sink.mask, sink, transformer });
  expect(harness.run(F)).toBe(2);
  expect(before).toBeGreaterThan(5000);
  memory.unmap(BIG, 4 * (NOPS + 1));
  return { before, sink };
};

/** Where control was when the sink acted: after the last instruction recorded. */
const placeAfter = ({ events }: CollectingSink, before: number): number =>
  (events.slice(0, before).findLast(({ kind }) => kind === EXEC)?.location as number) + 4;

const expectNothingLeft = (harness: Harness, callouts: number): void => {
  harness.stalker.stop();
  harness.stalker.run(0);
  const { census } = harness.stalker;
  expect({ contexts: census.contexts, callouts: census.callouts }).toEqual({ contexts: 0, callouts });
  expect(gone).toBe(placed);
};

describe('a sink that gets a full ring', () => {
  it('may unfollow its thread', () => {
    inEveryTier(PROGRAM, (harness) => {
      const { callouts } = harness.stalker.census;
      const { before, sink } = whenFull(harness, () => harness.stalker.unfollow(TID));
      const rest = sink.events.slice(before).map(({ kind }) => kind);
      expect(rest.filter((kind) => kind !== COMPILE)).toEqual([]);
      expect(rest.length).toBeLessThan(2);
      expectNothingLeft(harness, callouts);
    });
  });

  it('may have its thread followed in another way', () => {
    inEveryTier(PROGRAM, (harness) => {
      const { callouts } = harness.stalker.census;
      const other = new CollectingSink(BLOCK);
      const { before, sink } = whenFull(harness, () =>
        harness.stalker.follow(TID, { profile: 'gum', events: BLOCK, sink: other, transformer }),
      );
      harness.stalker.drain();
      expect(sink.events.slice(before).filter(({ kind }) => kind !== COMPILE)).toEqual([]);
      expect(other.events.filter(({ kind }) => kind !== BLOCK)).toEqual([]);
      expect(other.events[0]?.location).toBe(placeAfter(sink, before));
      expectNothingLeft(harness, callouts);
    });
  });

  it('may deactivate its thread', () => {
    inEveryTier(PROGRAM, (harness) => {
      const { callouts } = harness.stalker.census;
      const { before, sink } = whenFull(harness, () => harness.stalker.deactivate(TID));
      expect(sink.events.slice(before).filter(({ kind }) => kind !== COMPILE)).toEqual([]);
      expectNothingLeft(harness, callouts);
    });
  });

  it('may invalidate the block that is about to run', () => {
    inEveryTier(PROGRAM, (harness) => {
      const { callouts } = harness.stalker.census;
      const { sink } = whenFull(harness, () => harness.stalker.invalidateRange(BIG, BIG + 4 * NOPS));
      harness.stalker.drain();
      expect(sink.events.filter(({ kind, location }) => kind === EXEC && location >= BIG)).toHaveLength(NOPS + 1);
      expectNothingLeft(harness, callouts);
    });
  });
});
