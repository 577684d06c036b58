/**
 * Whatever is asked of the Stalker while a guest runs, from outside and from inside its callbacks: the guest's results
 * stay right, each follow records exactly what the model says, and nothing is left behind.
 */
import { describe, expect, test } from 'vitest';
import { fuzzSeed, Random } from '../support/random.js';
import { CONFIGURATIONS } from './catalogue/harness.js';
import { Episode, type Places } from './operations/episode.js';
import { functionEntries, Guest, THREADS } from './operations/guest.js';
import { ThreadModel } from './operations/model.js';
import type { Operation } from './operations/operation.js';
import { referenceRun, shapesOf, type ThreadReference } from './operations/reference.js';

/** Operations in each tier. */
const OPERATIONS = Number(process.env.ARMSTALK_OPERATIONS ?? 120);
const PER_EPISODE = 40;

const seed = fuzzSeed('operations');
const reference = referenceRun();

const referenceOf = (tid: number): ThreadReference => {
  const found = reference.get(tid);
  if (found === undefined) throw new Error(`no thread ${tid}`);
  return found;
};

const shapes = shapesOf(reference.values());
const places: Places = { functions: functionEntries(), blocks: [...shapes.keys()] };

/** What every engine holds before anything is followed. */
const empty = (() => {
  const { stalker } = new Guest({ tier: 'cold' });
  for (const tid of THREADS) stalker.removeThread(tid);
  return stalker.census;
})();

/** Parts of blocks that were under way, after a system call, when an operation came: it may take effect in them or not. */
const partsUnderWay = (tid: number, operations: readonly Operation[]): [from: number, to: number][] => {
  const { steps } = referenceOf(tid);
  return operations.map(({ at }) => {
    let end = at;
    while (end < steps.length && !steps[end]?.isBoundary) end++;
    return [at, end];
  });
};

/** COMPILE of a block that begins after a system call, inside one of the reference: a callout in it may ask for that. */
const isOfPart = (text: string): boolean => {
  const [, kind, start] = text.split(' ');
  return kind === 'compile' && !shapes.has(Number(start));
};

const without = (texts: readonly string[] | undefined, parts: readonly (readonly [number, number])[]): string[] =>
  (texts ?? []).filter((text) => {
    const at = Number.parseInt(text, 10);
    return !parts.some(([from, to]) => at >= from && (at < to || (at === to && isOfPart(text))));
  });

const check = (episode: Episode): void => {
  const { recorded, guest, probes, sinks } = episode;
  for (const tid of THREADS) expect(guest.results.get(tid), `result of thread ${tid}`).toBe(referenceOf(tid).result);
  const fired = new Map<number, number>();
  for (const tid of THREADS) {
    const operations = episode.operations.get(tid) as Operation[];
    const model = new ThreadModel(referenceOf(tid), shapes, operations);
    const parts = [...partsUnderWay(tid, operations), ...model.unsettled];
    for (const { follow } of operations) {
      if (follow === undefined) continue;
      const expected = without(model.recorded.get(follow.id), parts);
      expect(differenceOf(without(recorded.get(follow.id), parts), expected), `follow ${follow.id} of ${tid}`).toBe('');
    }
    for (const [id, count] of model.fired) fired.set(id, (fired.get(id) ?? 0) + count);
  }
  expect(probes.map((p) => p.fired)).toEqual(probes.map(({ id }) => fired.get(id) ?? 0));
  expect(probes.map((p) => p.notified)).toEqual(probes.map(() => 1));
  expect(sinks.map((s) => s.stopped)).toEqual(sinks.map((s) => s.started));
  expect(guest.stalker.census).toEqual(empty);
};

/** The first place where two streams differ. */
const differenceOf = (actual: readonly string[], expected: readonly string[]): string => {
  for (let i = 0; i < Math.max(actual.length, expected.length); i++) {
    if (actual[i] !== expected[i]) return `event ${i}: ${actual[i]}, not ${expected[i]}`;
  }
  return '';
};

describe(`random operations (ARMSTALK_SEED=${seed})`, () => {
  for (const { name, tier, trust } of CONFIGURATIONS) {
    test(name, () => {
      const random = new Random(seed);
      for (let done = 0, number = 0; done < OPERATIONS; number++) {
        const episode = new Episode(random, tier, places, Math.min(PER_EPISODE, OPERATIONS - done));
        episode.guest.stalker.trustThreshold = trust;
        try {
          episode.run();
          check(episode);
        } catch (error) {
          if (error instanceof Error) error.message += `\nepisode ${number}:\n${episode.log.join('\n')}`;
          throw error;
        }
        done += episode.done;
      }
    });
  }
});
