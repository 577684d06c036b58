import { hex } from '../bits.js';
import { EventKind } from '../events/event.js';
import type { EdgeColumns, EventColumns } from '../trace/event-columns.js';
import type { Place, TraceSymbols } from './symbolize.js';

/** Rows kept at most; a hostile trace can ask for no more memory than this. */
const MAX_ROWS = 1 << 21;

interface BlockCount {
  readonly start: number;
  readonly end: number;
  count: number;
}

/** Counts how often each block was executed: the work is per chunk, not per event. */
export class BlockCounts {
  private readonly ended = new Map<string, BlockRow>();
  private readonly counts = new Map<number, Map<number, BlockCount>>();
  private size = 0;
  private perEdge = new Uint32Array(0);

  add(columns: EventColumns): void {
    const { edge, edges, count } = columns;
    if (this.perEdge.length <= edges.count) this.perEdge = new Uint32Array(edges.count * 2 + 1);
    this.perEdge.fill(0, 0, edges.count + 1);
    const { perEdge } = this;
    for (let i = 0; i < count; i++) {
      const at = edge[i] as number;
      perEdge[at] = (perEdge[at] as number) + 1;
    }
    this.addCounts(edges, perEdge);
  }

  addCounts(edges: EdgeColumns, perEdge: Uint32Array): void {
    for (let at = 1; at <= edges.count; at++) {
      if (((edges.kind[at] as number) & EventKind.BLOCK) === 0 || perEdge[at] === 0) continue;
      this.count(edges.location[at] as number, edges.target[at] as number, perEdge[at] as number);
    }
  }

  /** A process is over: its addresses become places. */
  endSegment(symbols: TraceSymbols): void {
    for (const ends of this.counts.values()) {
      for (const { start, end, count } of ends.values()) this.addRow(symbols.place(start), start, end, count);
    }
    this.counts.clear();
    this.size = 0;
  }

  /** Of the processes that have ended, by address. */
  rows(): BlockRow[] {
    return [...this.ended.values()].sort((a, b) => Number(a.address) - Number(b.address) || a.sizeBytes - b.sizeBytes);
  }

  private addRow(at: Place, start: number, end: number, count: number): void {
    const sizeBytes = blockSize(start, end);
    const key = `${at.module}!${at.offset}!${at.symbol}!${sizeBytes}`;
    const row = this.ended.get(key);
    if (row) row.count += count;
    else if (this.ended.size < MAX_ROWS) this.ended.set(key, { at, sizeBytes, address: hex(start & ~1), count });
  }

  private count(start: number, end: number, times: number): void {
    let ends = this.counts.get(start);
    if (ends === undefined) {
      ends = new Map();
      this.counts.set(start, ends);
    }
    const row = ends.get(end);
    if (row) row.count += times;
    else if (this.size < MAX_ROWS) {
      this.size++;
      ends.set(end, { start, end, count: times });
    }
  }
}

export interface BlockRow {
  readonly at: Place;
  readonly sizeBytes: number;
  /** Where it was the first time. */
  readonly address: string;
  count: number;
}

/** Bytes from a block's start to its end, Thumb bits aside; 0 for an end before the start. */
export const blockSize = (start: number, end: number): number => Math.max(0, ((end & ~1) >>> 0) - ((start & ~1) >>> 0));
