/**
 * One run of the guest with random operations between slices and inside callouts, probes, sinks, transformers and
 * requests. Notes what was applied where, and what was recorded; the model says what should have been.
 */
import { EventKind } from '../../../src/events/event.js';
import type { FollowOptions } from '../../../src/stalker/options.js';
import type { Stalker } from '../../../src/stalker/stalker.js';
import type { TierOptions } from '../../../src/stalker/tiering.js';
import type { Transformer } from '../../../src/stalker/transformer.js';
import type { Random } from '../../support/random.js';
import { Guest, THREADS } from './guest.js';
import type { Asked, Follow, Operation, Probe } from './operation.js';
import { RecordingSink } from './recording-sink.js';

const { CALL, RET, EXEC, BLOCK, COMPILE } = EventKind;
/** The usual ones; any other comes as often as all of these. */
const MASKS = [CALL | RET | EXEC, CALL | RET, EXEC, CALL | RET | EXEC | BLOCK | COMPILE, BLOCK | COMPILE];
const PROFILES = ['precise', 'precise', 'gum'] as const;
const MAX_EXCLUSIONS = 2;
const MAX_FUEL = 300;
/** A callback or a time slice is a place for an operation once in this many; a transformer, of which there are few, too. */
const SPARSENESS = 12;
const TRANSFORMER_SPARSENESS = 3;

type Where = 'outside' | 'request' | 'callout' | 'probe' | 'sink' | 'transformer';
interface Place {
  readonly where: Where;
  readonly tid: number | undefined;
  /** Of a callout or probe: the start of its block. */
  readonly block?: number;
  /** Of a transformer: the start of what it transforms. */
  readonly transformed?: number;
  /** Of a transformer: the follow it belongs to, and which of all runs of transformers this is. */
  readonly ofFollow?: number;
  readonly pass?: number;
}
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
  private passes = 0;
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
      ['invalidate', (tid, place) => this.invalidate(tid, place)],
      ['invalidate range', (_, place) => this.invalidateRange(place)],
      ['recompile', (tid, place) => this.recompile(tid, place)],
      ['prefetch', (tid, place) => this.prefetch(tid, place)],
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
  get recorded(): Map<number, readonly string[]> {
    return new Map(this.sinks.map(({ events }, id) => [id, events]));
  }

  // -- where operations happen ---------------------------------------------------------------------------------------

  private maybe(place: Place): void {
    if (this.isOver || this.isBusy || this.done >= this.limit) return;
    if (this.random.below(place.where === 'transformer' ? TRANSFORMER_SPARSENESS : SPARSENESS) > 0) return;
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

  private note(tid: number, place: Place, asked: Asked): void {
    const isOwn = place.tid === tid;
    const inBlock = isOwn ? place.block : undefined;
    const isTransformer = isOwn && place.where === 'transformer';
    const isSink = isOwn && place.where === 'sink';
    this.operations.get(tid)?.push({
      ...asked,
      at: this.guest.clockOf(tid),
      inBlock,
      inProbe: place.where === 'probe',
      waits: inBlock !== undefined || isTransformer || isSink,
      inDispatch: isTransformer || (isSink && this.guest.isInside),
      ofFollow: isOwn ? place.ofFollow : undefined,
      pass: isOwn ? place.pass : undefined,
    });
  }

  private noteForAll(place: Place, operation: Asked): void {
    for (const tid of THREADS) this.note(tid, place, operation);
  }

  private anyMask(): number {
    return this.random.chance(50) ? this.random.pick(MASKS) : this.random.below(COMPILE * 2);
  }

  /** Often the one the place belongs to, as with `anyEntry`. */
  private anyBlock({ block, transformed = block }: Place): number {
    return transformed !== undefined && this.random.chance(30) ? transformed : this.random.pick(this.places.blocks);
  }

  private anyEntry({ block, transformed = block }: Place): number {
    const { functions } = this.places;
    const isOne = transformed !== undefined && functions.includes(transformed);
    return isOne && this.random.chance(50) ? transformed : this.random.pick(functions);
  }

  // -- operations ----------------------------------------------------------------------------------------------------

  private follow(tid: number, place: Place): void {
    const follow: Follow = { id: this.sinks.length, mask: this.anyMask(), profile: this.random.pick(PROFILES) };
    const sink = new RecordingSink(follow.mask, () => this.maybe({ where: 'sink', tid }));
    this.sinks.push(sink);
    const options: FollowOptions = { profile: follow.profile, events: follow.mask, sink };
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
        const first = iterator.next();
        if (first === undefined) return;
        const block = first.isa === 'thumb' ? first.pc + 1 : first.pc;
        const place = { where: 'transformer', tid, ofFollow, pass: this.passes++, transformed: block } as const;
        this.maybe(place);
        iterator.putCallout(() => this.maybe({ where: 'callout', tid, block }));
        do iterator.keep();
        while (iterator.next() !== undefined);
        this.maybe(place);
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
    const entry = this.anyEntry(place);
    const id = this.probes.length;
    this.noteForAll(place, { kind: 'add probe', probe: { id, entry } });
    const probe = { id, entry, fired: 0, notified: 0 };
    const number = this.stalker.addCallProbe(
      entry,
      () => {
        added.fired++;
        this.maybe({ where: 'probe', tid: this.stalker.currentThread, block: entry });
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
    const own = live.filter(({ entry }) => entry === place.transformed);
    const probe = this.random.pick(own.length > 0 ? own : live);
    this.noteForAll(place, { kind: 'remove probe', probe });
    this.stalker.removeCallProbe(probe.number);
  }

  private invalidate(tid: number, place: Place): void {
    const block = this.anyBlock(place);
    const only = this.random.chance(50) ? tid : undefined;
    for (const of of only === undefined ? THREADS : [only])
      this.note(of, place, { kind: 'invalidate', blocks: [block] });
    this.stalker.invalidate(block, only);
  }

  private invalidateRange(place: Place): void {
    const start = this.anyBlock(place) & ~1;
    const end = start + 4 * (1 + this.random.below(16));
    this.noteForAll(place, { kind: 'invalidate', range: [start, end] });
    this.stalker.invalidateRange(start, end);
  }

  private recompile(tid: number, place: Place): void {
    const block = this.anyBlock(place);
    this.note(tid, place, { kind: 'recompile', blocks: [block] });
    this.stalker.recompile(block, tid);
  }

  private prefetch(tid: number, place: Place): void {
    const blocks = [this.anyBlock(place), this.anyBlock(place)];
    this.note(tid, place, { kind: 'prefetch', blocks });
    this.stalker.prefetch(blocks, this.random.below(3), tid);
  }

  private setTrust(): void {
    this.stalker.trustThreshold = this.random.below(4) - 1;
  }

  private request(tid: number): void {
    const sync = this.random.chance(50);
    const where = sync ? 'outside' : 'request';
    const serve = (): void => (this.isBusy ? undefined : this.guest.serve(() => this.maybe({ where, tid })));
    this.stalker.runOnThread(tid, serve, { sync });
  }
}
