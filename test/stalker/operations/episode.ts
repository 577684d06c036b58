/**
 * One run of the guest with random operations between slices and inside callouts, probes, sinks, transformers and
 * requests. Notes what was applied where, and what was recorded; the model says what should have been.
 */
import { EventKind } from '../../../src/events/event.js';
import { decodeRecord, type EventBatch, type StalkerEvent } from '../../../src/events/ring.js';
import type { EventSink } from '../../../src/events/sink.js';
import type { FollowOptions } from '../../../src/stalker/options.js';
import type { Stalker } from '../../../src/stalker/stalker.js';
import type { TierOptions } from '../../../src/stalker/tiering.js';
import type { Transformer } from '../../../src/stalker/transformer.js';
import type { Random } from '../../support/random.js';
import { Guest, THREADS } from './guest.js';
import type { Follow, Operation, Probe, Recorded } from './model.js';

const { CALL, RET, EXEC } = EventKind;
const MASKS = [CALL | RET | EXEC, CALL | RET, EXEC];
const MAX_EXCLUSIONS = 2;
const MAX_FUEL = 300;
/** A callback or a time slice is a place for an operation once in this many. */
const SPARSENESS = 12;

type Where = 'outside' | 'request' | 'callout' | 'probe' | 'sink' | 'transformer';
interface Place {
  readonly where: Where;
  readonly tid: number | undefined;
  /** Of a transformer: the follow it belongs to. */
  readonly ofFollow?: number;
}
/** What an operation is, without where it came from. */
type Asked = Omit<Operation, 'at' | 'inBlock' | 'waits' | 'ofFollow'>;
type Action = (tid: number, place: Place) => void;

/** A probe that was added: what it is and what became of it. */
interface AddedProbe extends Probe {
  readonly number: number;
  fired: number;
  notified: number;
}

export interface Places {
  /** Interworking entries of functions. */
  readonly functions: readonly number[];
  /** Interworking starts of blocks. */
  readonly blocks: readonly number[];
}

/** Keeps the stream as the model writes it; clocks are the thread's own. */
class RecordingSink implements EventSink {
  readonly mask: number;
  readonly events: string[] = [];
  started = 0;
  stopped = 0;
  private readonly onBatch: () => void;

  constructor(mask: number, onBatch: () => void) {
    this.mask = mask;
    this.onBatch = onBatch;
  }

  start(): void {
    this.started++;
  }

  process(batch: EventBatch): void {
    for (let i = 0; i < batch.count; i++) this.events.push(textOf(decodeRecord(batch, i), batch.elsewhere ?? 0));
    this.onBatch();
  }

  stop(): void {
    this.stopped++;
  }
}

const textOf = ({ kind, location, target, depth, clock }: StalkerEvent, elsewhere: number): string => {
  const own = clock - elsewhere;
  if (kind === EXEC) return `${own} exec ${location}`;
  return `${own} ${kind === CALL ? 'call' : 'ret'} ${location} ${target} ${depth}`;
};

export class Episode {
  readonly guest: Guest;
  readonly sinks: RecordingSink[] = [];
  readonly probes: AddedProbe[] = [];
  /** What was done, for the report of a failure. */
  readonly log: string[] = [];
  readonly operations = new Map<number, Operation[]>(THREADS.map((tid) => [tid, []]));
  done = 0;
  private readonly random: Random;
  private readonly places: Places;
  private readonly limit: number;
  private readonly excluded = new Set<number>();
  private readonly actions: readonly (readonly [name: string, action: Action])[];
  private isOver = false;
  private isBusy = false;

  constructor(random: Random, tier: TierOptions, places: Places, limit: number) {
    this.random = random;
    this.places = places;
    this.limit = limit;
    this.guest = new Guest(tier);
    this.actions = [
      ['follow', (tid, place) => this.follow(tid, place)],
      ['unfollow', (tid, place) => this.unfollow(tid, place)],
      ['deactivate', (tid, place) => this.deactivate(tid, place)],
      ['activate', (tid, place) => this.activate(tid, place)],
      ['exclude', (_, place) => this.exclude(place)],
      ['add probe', (_, place) => this.addProbe(place)],
      ['remove probe', (_, place) => this.removeProbe(place)],
      ['invalidate', (tid) => this.stalker.invalidate(this.anyBlock(), this.random.chance(50) ? tid : undefined)],
      ['invalidate range', () => this.invalidateRange()],
      ['recompile', (tid) => this.stalker.recompile(this.anyBlock(), tid)],
      ['prefetch', (tid) => this.stalker.prefetch([this.anyBlock(), this.anyBlock()], this.random.below(3), tid)],
      ['trust', () => this.setTrust()],
      ['request', (tid) => this.request(tid)],
    ];
  }

  private get stalker(): Stalker {
    return this.guest.stalker;
  }

  /** Runs the guest to its end, then takes everything back. */
  run(): void {
    const { guest, random } = this;
    for (const tid of THREADS) if (random.chance(70)) this.follow(tid, { where: 'outside', tid: undefined });
    for (let ready = guest.unfinished; ready.length > 0; ready = guest.unfinished) {
      this.maybe({ where: 'outside', tid: undefined });
      guest.run(random.pick(ready), 1 + random.below(MAX_FUEL));
    }
    this.isOver = true;
    for (const { number } of this.probes) this.stalker.removeCallProbe(number);
    for (const tid of THREADS) this.stalker.removeThread(tid);
  }

  /** What each follow recorded. */
  get recorded(): Recorded {
    return new Map(this.sinks.map(({ events }, id) => [id, events]));
  }

  // -- where operations happen ---------------------------------------------------------------------------------------

  private maybe(place: Place): void {
    if (this.isOver || this.isBusy || this.done >= this.limit || this.random.below(SPARSENESS) > 0) return;
    this.isBusy = true;
    try {
      this.apply(place);
    } finally {
      this.isBusy = false;
    }
  }

  private apply(place: Place): void {
    const { random } = this;
    const [name, action] = random.pick(this.actions);
    const tid = place.tid !== undefined && random.chance(60) ? place.tid : random.pick(this.guest.unfinished);
    // A transformer cannot have blocks translated.
    if (place.where === 'transformer' && (name === 'recompile' || name === 'prefetch')) return;
    this.done++;
    this.log.push(`${name} ${tid} at ${this.guest.clockOf(tid)} in ${place.where} of ${place.tid ?? 'nobody'}`);
    action(tid, place);
  }

  private note(tid: number, place: Place, operation: Asked): void {
    const inBlock = place.tid === tid && (place.where === 'callout' || place.where === 'probe');
    const waits = inBlock || (place.tid === tid && (place.where === 'transformer' || place.where === 'sink'));
    const ofFollow = place.tid === tid ? place.ofFollow : undefined;
    this.operations.get(tid)?.push({ ...operation, at: this.guest.clockOf(tid), inBlock, waits, ofFollow });
  }

  private noteForAll(place: Place, operation: Asked): void {
    for (const tid of THREADS) this.note(tid, place, operation);
  }

  private anyBlock(): number {
    return this.random.pick(this.places.blocks);
  }

  // -- operations ----------------------------------------------------------------------------------------------------

  private follow(tid: number, place: Place): void {
    const follow: Follow = { id: this.sinks.length, mask: this.random.pick(MASKS) };
    const sink = new RecordingSink(follow.mask, () => this.maybe({ where: 'sink', tid }));
    this.sinks.push(sink);
    const options: FollowOptions = { profile: 'precise', events: follow.mask, sink };
    this.note(tid, place, { kind: 'follow', follow });
    this.stalker.follow(
      tid,
      this.random.chance(60) ? { ...options, transformer: this.transformer(tid, follow.id) } : options,
    );
  }

  /** Puts a callout before the first instruction of every block; sometimes an operation instead of one. */
  private transformer(tid: number, ofFollow: number): Transformer {
    return {
      transform: (iterator) => {
        this.maybe({ where: 'transformer', tid, ofFollow });
        let isFirst = true;
        for (let insn = iterator.next(); insn !== undefined; insn = iterator.next()) {
          if (isFirst) iterator.putCallout(() => this.maybe({ where: 'callout', tid }));
          isFirst = false;
          iterator.keep();
        }
        this.maybe({ where: 'transformer', tid, ofFollow });
      },
    };
  }

  private unfollow(tid: number, place: Place): void {
    this.note(tid, place, { kind: 'unfollow' });
    this.stalker.unfollow(tid);
  }

  private deactivate(tid: number, place: Place): void {
    this.note(tid, place, { kind: 'deactivate' });
    this.stalker.deactivate(tid);
  }

  private activate(tid: number, place: Place): void {
    const target = this.random.chance(50) ? this.random.pick(this.places.functions) : undefined;
    this.note(tid, place, { kind: 'activate', ...(target === undefined ? {} : { target }) });
    this.stalker.activate(tid, target);
  }

  private exclude(place: Place): void {
    if (this.excluded.size === MAX_EXCLUSIONS) return;
    const entry = this.random.pick(this.places.functions);
    this.excluded.add(entry);
    this.noteForAll(place, { kind: 'exclude', entry });
    this.stalker.exclude({ base: entry & ~1, size: 4 });
  }

  private addProbe(place: Place): void {
    const entry = this.random.pick(this.places.functions);
    const id = this.probes.length;
    this.noteForAll(place, { kind: 'add probe', probe: { id, entry } });
    const probe = { id, entry, fired: 0, notified: 0 };
    const number = this.stalker.addCallProbe(
      entry,
      () => {
        added.fired++;
        this.maybe({ where: 'probe', tid: this.stalker.currentThread });
      },
      () => {
        added.notified++;
      },
    );
    const added: AddedProbe = { ...probe, number };
    this.probes.push(added);
  }

  private removeProbe(place: Place): void {
    const live = this.probes.filter(({ notified }) => notified === 0);
    if (live.length === 0) return;
    const probe = this.random.pick(live);
    this.noteForAll(place, { kind: 'remove probe', probe });
    this.stalker.removeCallProbe(probe.number);
  }

  private invalidateRange(): void {
    const start = this.anyBlock() & ~1;
    this.stalker.invalidateRange(start, start + 4 * (1 + this.random.below(16)));
  }

  private setTrust(): void {
    this.stalker.trustThreshold = this.random.below(4) - 1;
  }

  private request(tid: number): void {
    const sync = this.random.chance(50);
    const where = sync ? 'outside' : 'request';
    this.stalker.runOnThread(tid, () => this.maybe({ where, tid }), { sync });
  }
}
