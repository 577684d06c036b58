/**
 * Probes of a recording: where they are is decided when the program is loaded; what they do is a callout in front of the
 * instruction, put there when its block is translated, so they may stand anywhere in a function and cost nothing elsewhere.
 * Results are read where the function is left: the Stalker asks about jumps that may be its return.
 */
import type { InterworkingAddr } from '../../bits.js';
import { EventKind, type EventMask, type ProbeNote, type ProbeValue } from '../../events/event.js';
import type { EventSink } from '../../events/sink.js';
import { Word } from '../../guest/cpu-state.js';
import type { BlockIterator } from '../../stalker/iterator.js';
import type { ReturnWatch } from '../../stalker/options.js';
import type { Stalker } from '../../stalker/stalker.js';
import { keepEverything, type Transformer } from '../../stalker/transformer.js';
import type { CodeMap } from '../code-map.js';
import { type PendingReturn, PendingReturns } from './pending-returns.js';
import { type FoundPlace, findPlaces, type LoadedModule } from './place.js';
import { type ProbePlan, planProbe } from './plan.js';
import { ProbedIterator } from './probed-iterator.js';
import { type GuestView, recordedValue } from './reading.js';
import { type ProbeSpec, parseProbeSpec } from './spec.js';

export interface ProbeCount {
  readonly spec: string;
  /** Run-time addresses; empty when nothing matched. */
  readonly addresses: readonly InterworkingAddr[];
  hits: number;
}

/** A probe at one of its places. */
interface Planted {
  readonly probe: number;
  readonly location: InterworkingAddr;
  readonly plan: ProbePlan;
}

export class Probes {
  readonly counts: readonly ProbeCount[];
  private readonly specs: readonly ProbeSpec[];
  private readonly codeMap: CodeMap;
  private readonly at = new Map<InterworkingAddr, Planted[]>();
  private readonly pending = new Map<number, PendingReturns>();
  private emit: (note: ProbeNote) => void = () => {};

  /** Throws UsageError on a specification that makes no sense. */
  constructor(specs: readonly string[], codeMap: CodeMap) {
    this.specs = specs.map(parseProbeSpec);
    this.counts = specs.map((spec) => ({ spec, addresses: [] as InterworkingAddr[], hits: 0 }));
    this.codeMap = codeMap;
  }

  get isEmpty(): boolean {
    return this.specs.length === 0;
  }

  /** A sink that keeps nothing but wants calls, where those of `mask` are not enough to tell who called. */
  callsBeside(mask: EventMask): EventSink | undefined {
    const wantsCallers = this.specs.some(({ fields }) => fields.some(({ kind }) => kind === 'backtrace'));
    const calls = EventKind.CALL | EventKind.RET;
    return wantsCallers && (mask & calls) !== calls ? { mask: calls, process: () => {} } : undefined;
  }

  /** Finds every probe's places; gives the specifications that match nothing. Throws UsageError. */
  resolve(modules: readonly LoadedModule[]): string[] {
    this.at.clear();
    this.specs.forEach((spec, probe) => {
      const places = findPlaces(spec.place, modules);
      const addresses = places.map(({ address }) => address);
      (this.counts[probe].addresses as InterworkingAddr[]).splice(0, Number.POSITIVE_INFINITY, ...addresses);
      for (const place of places) this.plant(probe, planProbe(spec, place), place);
    });
    return this.counts.filter((count) => count.addresses.length === 0).map((count) => count.spec);
  }

  /** Where nothing tells ARM from Thumb code the probe stands in both; the program runs only one of them. */
  private plant(probe: number, plan: ProbePlan, { address, isEitherState }: FoundPlace): void {
    for (const location of isEitherState ? [address, address ^ 1] : [address]) {
      this.at.set(location, [...(this.at.get(location) ?? []), { probe, location, plan }]);
    }
  }

  /** How threads must be followed so that probes are hit. `emit` gets a note for every hit and every return. */
  follow(stalker: Stalker, emit: (note: ProbeNote) => void): { transformer?: Transformer; onReturn?: ReturnWatch } {
    if (this.isEmpty) return {};
    this.emit = emit;
    const watch = this.wantsResults ? { onReturn: this.returnWatch(stalker) } : {};
    return { transformer: this.transformer(stalker), ...watch };
  }

  /** Whether some probe may ask for results; which do is known only when the program is loaded. */
  private get wantsResults(): boolean {
    return this.specs.some(mayHaveResult);
  }

  private transformer(stalker: Stalker): Transformer {
    const around = (iterator: BlockIterator): BlockIterator =>
      new ProbedIterator(iterator, (address) => {
        const planted = this.at.get(address);
        return planted && ((ahead) => this.reached(planted, stalker, stalker.clock - ahead));
      });
    return { transform: (iterator) => keepEverything.transform(around(iterator)), around };
  }

  private viewOf(stalker: Stalker): GuestView {
    const { words, memory } = stalker.machine;
    return { words, memory, nameOf: (address) => this.codeMap.nameAt(address) };
  }

  private reached(planted: readonly Planted[], stalker: Stalker, clock: number): void {
    const view = this.viewOf(stalker);
    let isDrained = false;
    for (const one of planted) {
      if (one.plan.condition?.(view) === false) continue;
      if (!isDrained) stalker.drain();
      isDrained = true;
      this.hit(one, stalker, view, clock);
    }
  }

  private hit({ probe, location, plan }: Planted, stalker: Stalker, view: GuestView, clock: number): void {
    const { words } = view;
    const count = ++this.counts[probe].hits;
    const returnAddress = words[Word.LR] >>> 0;
    const values: ProbeValue[] = plan.values.map((value) => value(view));
    if (plan.counts) values.push(['count', count, 'u']);
    if (plan.backtrace > 0) values.push(['bt', this.callers(stalker, plan.backtrace, returnAddress), 'bt']);
    const tid = stalker.currentThread ?? 0;
    if (plan.result !== undefined) {
      this.expect(tid, { returnAddress, sp: words[Word.SP] >>> 0, location, probe }, words);
    }
    this.emit({
      type: 'probe',
      tid,
      clock,
      probe,
      location,
      depth: stalker.depth,
      returnAddress,
      ...(plan.result === undefined ? {} : { phase: 'entry' }),
      values,
    });
  }

  /** The places that called, innermost first; without recorded calls only the one LR tells. */
  private callers(stalker: Stalker, limit: number, returnAddress: number): string {
    const known = stalker.backtrace(stalker.currentThread ?? 0, limit);
    return (known.length === 0 ? [returnAddress] : known).map((address) => this.codeMap.describe(address)).join('\n');
  }

  // -- returns -------------------------------------------------------------------------------------------------------

  private expect(tid: number, call: PendingReturn, words: Int32Array): void {
    let pending = this.pending.get(tid);
    if (pending === undefined) {
      pending = new PendingReturns();
      this.pending.set(tid, pending);
    }
    pending.entered(call);
    words[Word.RETURN_WATCH] = pending.watch;
  }

  private returnWatch(stalker: Stalker): ReturnWatch {
    const { words } = stalker.machine;
    return (target, sp, loads, isReturnSite) => {
      const tid = stalker.currentThread ?? 0;
      const pending = this.pending.get(tid);
      const ended = pending?.returned(target, sp, isReturnSite) ?? [];
      words[Word.RETURN_WATCH] = pending?.watch ?? -1;
      if (ended.length === 0) return;
      stalker.drain();
      const view = afterLoads(this.viewOf(stalker), loads);
      for (const call of ended) this.returned(call, stalker, view);
    };
  }

  private returned({ probe, location, returnAddress }: PendingReturn, stalker: Stalker, view: GuestView): void {
    const planted = this.at.get(location)?.find((one) => one.probe === probe);
    if (planted?.plan.result === undefined) return;
    const { slot, type } = planted.plan.result;
    this.emit({
      type: 'probe',
      tid: stalker.currentThread ?? 0,
      // The block's instructions have been counted; the one that returns is its last.
      clock: stalker.clock - 1,
      probe,
      location,
      depth: stalker.depth,
      returnAddress,
      phase: 'return',
      values: [recordedValue('retval', slot, type, view)],
    });
  }

  /** The thread is over; its number may be used again. */
  threadEnded(tid: number): void {
    this.pending.delete(tid);
  }
}

const mayHaveResult = ({ prototype, fields }: ProbeSpec): boolean =>
  prototype !== undefined ||
  fields.some(({ kind }) => kind === 'result') ||
  !fields.some(({ kind }) => kind !== 'backtrace' && kind !== 'condition' && kind !== 'count');

/** A return that loads r0 or r1 from the stack (POP {r0, pc}) has not done so yet. */
const afterLoads = (view: GuestView, loads: number): GuestView => {
  if ((loads & 3) === 0) return view;
  const words = view.words.slice(0, Word.SLOTS);
  let at = words[Word.SP] >>> 0;
  for (let register = 0; register < 4; register++) {
    if (((loads >>> register) & 1) === 0) continue;
    words[register] = view.memory.readU32(at) ?? 0;
    at += 4;
  }
  return { ...view, words };
};
