/**
 * Probes of a recording: where they are is decided when the program is loaded; what they do is a callout in front of the
 * instruction, put there when its block is translated, so they may stand anywhere in a function and cost nothing elsewhere.
 */
import type { Insn } from '../arm/insn.js';
import type { InterworkingAddr } from '../bits.js';
import type { ProbeNote } from '../events/event.js';
import { Word } from '../guest/cpu-state.js';
import type { Stalker } from '../stalker/stalker.js';
import type { Transformer } from '../stalker/transformer.js';
import { type LoadedModule, type ProbeSpec, parseProbeSpec, resolveProbe } from './probe-spec.js';

/** Registers a probe records: the first four arguments. */
const RECORDED = [0, 1, 2, 3] as const;

export interface ProbeCount {
  readonly spec: string;
  /** Run-time addresses; empty when nothing matched. */
  readonly addresses: readonly InterworkingAddr[];
  hits: number;
}

export class Probes {
  readonly counts: readonly ProbeCount[];
  private readonly specs: readonly ProbeSpec[];
  /** Numbers of the probes at an interworking address. */
  private readonly at = new Map<InterworkingAddr, number[]>();

  /** Throws UsageError on a specification that makes no sense. */
  constructor(specs: readonly string[]) {
    this.specs = specs.map(parseProbeSpec);
    this.counts = specs.map((spec) => ({ spec, addresses: [] as InterworkingAddr[], hits: 0 }));
  }

  get isEmpty(): boolean {
    return this.specs.length === 0;
  }

  /** Finds every probe's places; gives the specifications that match nothing. */
  resolve(modules: readonly LoadedModule[]): string[] {
    this.at.clear();
    this.specs.forEach((spec, probe) => {
      const addresses = resolveProbe(spec, modules);
      (this.counts[probe].addresses as InterworkingAddr[]).splice(0, Number.POSITIVE_INFINITY, ...addresses);
      for (const address of addresses) this.at.set(address, [...(this.at.get(address) ?? []), probe]);
    });
    return this.counts.filter((count) => count.addresses.length === 0).map((count) => count.spec);
  }

  /** Puts the callouts in. `emit` gets a note for every hit. */
  transformer(stalker: Stalker, emit: (note: ProbeNote) => void): Transformer {
    return {
      transform: (iterator) => {
        const segment = new SegmentLength();
        for (let insn = iterator.next(); insn !== undefined; insn = iterator.next()) {
          const address = (insn.pc | Number(insn.isa === 'thumb')) >>> 0;
          const probes = this.at.get(address);
          if (probes !== undefined) {
            const rest = segment.restFromHere();
            iterator.putCallout(() => this.hit(probes, address, stalker.clock - rest.insns, stalker, emit));
          }
          iterator.keep();
          segment.add(insn);
        }
      },
    };
  }

  private hit(
    probes: readonly number[],
    address: InterworkingAddr,
    clock: number,
    stalker: Stalker,
    emit: (note: ProbeNote) => void,
  ): void {
    const { words } = stalker.machine;
    stalker.drain();
    for (const probe of probes) {
      this.counts[probe].hits++;
      emit({
        type: 'probe',
        tid: stalker.currentThread ?? 0,
        clock,
        probe,
        location: address,
        depth: stalker.depth,
        returnAddress: words[Word.LR] >>> 0,
        values: RECORDED.map((register) => [`r${register}`, words[register] >>> 0] as const),
      });
    }
  }
}

/**
 * A block's instructions count as retired when it is entered (again after each SVC in it), so in a callout the clock is
 * ahead by those that are still to come. How many that is, is known only when the block has been read to its end.
 */
class SegmentLength {
  private waiting: { insns: number }[] = [];

  /** Grows by each instruction added until the segment ends. */
  restFromHere(): { readonly insns: number } {
    const rest = { insns: 0 };
    this.waiting.push(rest);
    return rest;
  }

  add(insn: Insn): void {
    for (const rest of this.waiting) rest.insns += 1 + (insn.group?.length ?? 0);
    if (insn.row.name.startsWith('SVC')) this.waiting = [];
  }
}
