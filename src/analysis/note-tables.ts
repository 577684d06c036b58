import type { ProbeNote, SyscallNote } from '../events/event.js';
import type { TraceProbe } from '../trace/messages.js';
import { type ProbeJson, probeValueJson, probeValueText } from './probe-text.js';

export interface SyscallRow {
  readonly name: string;
  readonly number: number;
  calls: number;
  /** Calls that ended in -errno. */
  errors: number;
  /** Instructions the whole process retired between entry and return. */
  insns: number;
}

export class SyscallCounts {
  private readonly byNumber = new Map<string, SyscallRow>();

  add({ name, number, result, clock, endClock }: SyscallNote): void {
    const key = `${number}:${name}`;
    let row = this.byNumber.get(key);
    if (row === undefined) {
      row = { name, number, calls: 0, errors: 0, insns: 0 };
      this.byNumber.set(key, row);
    }
    row.calls++;
    if (result !== undefined && result < 0 && result >= -4095) row.errors++;
    row.insns += Math.max(0, endClock - clock);
  }

  rows(): readonly SyscallRow[] {
    return [...this.byNumber.values()].sort((a, b) => b.calls - a.calls || a.number - b.number);
  }
}

export interface ProbeValueCount {
  readonly value: ProbeJson;
  /** As a replay shows it. */
  readonly text: string;
  readonly count: number;
}

export interface ProbeRow {
  readonly probe: number;
  readonly spec: string;
  hits: number;
  /** How often each value was seen, by field name; at most MAX_VALUES of them each, most frequent first. */
  readonly values: Record<string, readonly ProbeValueCount[]>;
}

const MAX_VALUES = 256;

interface ProbeCount {
  hits: number;
  /** By field name, then by text. */
  readonly values: Map<string, Map<string, { readonly value: ProbeJson; count: number }>>;
}

export class ProbeCounts {
  private readonly specs = new Map<number, string>();
  private readonly byProbe = new Map<number, ProbeCount>();

  /** Probes of a header: one that is never hit still has a row. */
  declare(probes: readonly TraceProbe[]): void {
    for (const { id, spec } of probes) {
      this.specs.set(id, spec);
      this.of(id);
    }
  }

  add(note: ProbeNote): void {
    const probe = this.of(note.probe);
    if (note.phase !== 'return') probe.hits++;
    for (const recorded of note.values) {
      const [name] = recorded;
      const text = probeValueText(recorded);
      const seen = probe.values.get(name) ?? new Map();
      const known = seen.get(text);
      if (known !== undefined) known.count++;
      else if (seen.size < MAX_VALUES) seen.set(text, { value: probeValueJson(recorded), count: 1 });
      probe.values.set(name, seen);
    }
  }

  rows(): readonly ProbeRow[] {
    return [...this.byProbe].map(([probe, { hits, values }]) => ({
      probe,
      spec: this.specs.get(probe) ?? '',
      hits,
      values: Object.fromEntries([...values].map(([name, seen]) => [name, histogram(seen)])),
    }));
  }

  private of(id: number): ProbeCount {
    let probe = this.byProbe.get(id);
    if (probe === undefined) {
      probe = { hits: 0, values: new Map() };
      this.byProbe.set(id, probe);
    }
    return probe;
  }
}

const histogram = (
  seen: ReadonlyMap<string, { readonly value: ProbeJson; readonly count: number }>,
): ProbeValueCount[] =>
  [...seen].map(([text, { value, count }]) => ({ value, text, count })).sort((a, b) => b.count - a.count);
