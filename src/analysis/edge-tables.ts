import { hex } from '../bits.js';
import { EventKind } from '../events/event.js';
import type { EventColumns } from '../trace/event-columns.js';
import type { Place, TraceSymbols } from './symbolize.js';

/** Rows kept at most; a hostile trace can ask for no more memory than this. */
const MAX_ROWS = 1 << 21;

interface EdgeCount {
  readonly location: number;
  readonly target: number;
  count: number;
}

/** Counts distinct (location, target) of one kind of event: the work is per chunk, not per event. */
export class EdgeCounts {
  /** True when rows had to be left out. */
  overflowed = false;
  private readonly kind: number;
  private readonly counts = new Map<number, Map<number, EdgeCount>>();
  private size = 0;
  private perEdge = new Uint32Array(0);

  constructor(kind: number) {
    this.kind = kind;
  }

  add(columns: EventColumns): void {
    const { edge, edges, count } = columns;
    if (this.perEdge.length <= edges.count) this.perEdge = new Uint32Array(edges.count * 2 + 1);
    this.perEdge.fill(0, 0, edges.count + 1);
    const { perEdge } = this;
    for (let i = 0; i < count; i++) {
      const at = edge[i] as number;
      perEdge[at] = (perEdge[at] as number) + 1;
    }
    for (let at = 1; at <= edges.count; at++) {
      if (((edges.kind[at] as number) & this.kind) === 0 || perEdge[at] === 0) continue;
      this.count(edges.location[at] as number, edges.target[at] as number, perEdge[at] as number);
    }
  }

  /** Most frequent first, then by address. */
  rows(): readonly EdgeCount[] {
    return [...this.counts.values()]
      .flatMap((targets) => [...targets.values()])
      .sort((a, b) => b.count - a.count || a.location - b.location || a.target - b.target);
  }

  private count(location: number, target: number, times: number): void {
    let targets = this.counts.get(location);
    if (targets === undefined) {
      targets = new Map();
      this.counts.set(location, targets);
    }
    const row = targets.get(target);
    if (row) row.count += times;
    else if (this.size < MAX_ROWS) {
      this.size++;
      targets.set(target, { location, target, count: times });
    } else this.overflowed = true;
  }
}

export interface CallsiteRow {
  readonly from: Place;
  readonly to: Place;
  readonly calls: number;
}

export const callsiteRows = (counts: EdgeCounts, symbols: TraceSymbols): readonly CallsiteRow[] =>
  counts.rows().map(({ location, target, count }) => ({
    from: symbols.place(location),
    to: symbols.place(target),
    calls: count,
  }));

export interface BlockRow {
  readonly at: Place;
  readonly sizeBytes: number;
  readonly address: string;
  readonly count: number;
}

export const blockRows = (counts: EdgeCounts, symbols: TraceSymbols): readonly BlockRow[] =>
  counts.rows().map(({ location, target, count }) => ({
    at: symbols.place(location),
    sizeBytes: blockSize(location, target),
    address: hex(location & ~1),
    count,
  }));

/** Bytes from a block's start to its end, Thumb bits aside; 0 for an end before the start. */
export const blockSize = (start: number, end: number): number => Math.max(0, ((end & ~1) >>> 0) - ((start & ~1) >>> 0));

export const callsiteCounts = (): EdgeCounts => new EdgeCounts(EventKind.CALL);
export const blockCounts = (): EdgeCounts => new EdgeCounts(EventKind.BLOCK);
