import { EventKind } from '../events/event.js';
import type { SiteTable } from '../events/ring.js';
import { ByteColumn } from './byte-column.js';
import { EDGE_DYNAMIC, EDGE_HAS_TARGET, KIND_BITS, predictedReturn } from './chunk-format.js';
import type { EncoderMemory } from './encoder-memory.js';

/** Words of a dictionary row; row `edge` begins at `edge << ROW_SHIFT`. One row is half a cache line. */
export const ROW_SHIFT = 3;
export const ROW = {
  /** Kind bit, EDGE_HAS_TARGET, EDGE_DYNAMIC: `edge_kind`. */
  flags: 0,
  /** The site's clockAdjust. */
  adjust: 1,
  target: 2,
  /** Predicted return address of a call. */
  returns: 3,
  /** Clock delta of the latest event. */
  lastDelta: 4,
  location: 5,
  site: 6,
  nextInHash: 7,
} as const;

const HEADS = 1 << 12;

/**
 * A chunk's dictionary while it is written: one row per (site, dynamic target), numbered from 1. Sites lead to their
 * latest row by array; only a dynamic target other than the site's last one is looked up.
 */
export class EdgeTable {
  count = 0;
  /** Row number of each site, 0 when it has none in this chunk. */
  edgeOf: Int32Array;
  rows: Int32Array;

  private readonly memory: EncoderMemory;
  private readonly heads = new Int32Array(HEADS);
  private dynamicRows = 0;
  /** Rows the event sequence has named already. */
  private named = 0;
  private readonly kinds = new ByteColumn();
  private readonly locations = new ByteColumn();
  private readonly targets = new ByteColumn();

  constructor(memory: EncoderMemory) {
    this.memory = memory;
    this.edgeOf = memory.allocate(1024);
    this.rows = memory.allocate(1024 << ROW_SHIFT);
  }

  /** Gives its memory back; the table is not used again. */
  dispose(): void {
    this.memory.release(this.edgeOf);
    this.memory.release(this.rows);
  }

  /** Makes room for every site there is and for `more` rows: until then the arrays stay the same ones. */
  reserve(sites: SiteTable, more: number): void {
    if (sites.count > this.edgeOf.length) this.edgeOf = this.memory.grow(this.edgeOf, sites.count);
    const needed = (this.count + more + 1) << ROW_SHIFT;
    if (needed > this.rows.length) this.rows = this.memory.grow(this.rows, needed);
  }

  /** The row of an event, made when this chunk has none; becomes its site's latest. Room must be reserved. */
  intern(sites: SiteTable, site: number, target: number): number {
    const kind = sites.kind[site] as number;
    const dynamic = sites.dynamic[site] !== 0;
    if (!dynamic || kind === EventKind.RET) return this.add(site, sites, kind, dynamic, 0);
    const known = this.find(site, target);
    if (known !== 0) {
      this.edgeOf[site] = known;
      return known;
    }
    return this.add(site, sites, kind, true, target);
  }

  /** The number to name a row by: 0 the first time, when rows are named in order. */
  number(edge: number): number {
    if (edge !== this.named + 1) return edge;
    this.named = edge;
    return 0;
  }

  learnReturn(edge: number, target: number): void {
    if (edge !== 0) this.rows[(edge << ROW_SHIFT) + ROW.returns] = target;
  }

  /** Location and target of row `edge`; 0 when it has no target of its own. */
  location(edge: number): number {
    return (this.rows[(edge << ROW_SHIFT) + ROW.location] as number) >>> 0;
  }

  target(edge: number): number {
    return (this.rows[(edge << ROW_SHIFT) + ROW.target] as number) >>> 0;
  }

  columns(): { kinds: ByteColumn; locations: ByteColumn; targets: ByteColumn } {
    const { kinds, locations, targets, rows } = this;
    for (const column of [kinds, locations, targets]) column.clear();
    let before = 0;
    for (let edge = 1; edge <= this.count; edge++) {
      const row = edge << ROW_SHIFT;
      const location = rows[row + ROW.location] as number;
      const flags = rows[row + ROW.flags] as number;
      kinds.byte(flags);
      locations.zigzag32((location - before) | 0);
      if (flags & EDGE_HAS_TARGET) targets.zigzag32(((rows[row + ROW.target] as number) - location) | 0);
      before = location;
    }
    return { kinds, locations, targets };
  }

  clear(): void {
    const { edgeOf, rows } = this;
    for (let edge = 1; edge <= this.count; edge++) edgeOf[rows[(edge << ROW_SHIFT) + ROW.site] as number] = 0;
    if (this.dynamicRows > 0) this.heads.fill(0);
    this.dynamicRows = 0;
    this.count = 0;
    this.named = 0;
  }

  private find(site: number, target: number): number {
    const { rows } = this;
    let edge = this.heads[bucket(site, target)] as number;
    while (edge !== 0) {
      const row = edge << ROW_SHIFT;
      if (rows[row + ROW.site] === site && rows[row + ROW.target] === target) return edge;
      edge = rows[row + ROW.nextInHash] as number;
    }
    return 0;
  }

  private add(site: number, sites: SiteTable, kind: number, dynamic: boolean, dynamicTarget: number): number {
    const edge = ++this.count;
    const toFrame = dynamic && kind === EventKind.RET;
    const target = dynamic ? dynamicTarget : (sites.target[site] as number) | 0;
    const hasTarget = !toFrame && (dynamic || target !== 0 || kind === EventKind.RET);
    const location = (sites.location[site] as number) | 0;
    const { rows } = this;
    const row = edge << ROW_SHIFT;
    rows[row + ROW.flags] =
      (kind & KIND_BITS) | (hasTarget ? EDGE_HAS_TARGET : 0) | (dynamic && !toFrame ? EDGE_DYNAMIC : 0);
    rows[row + ROW.adjust] = sites.clockAdjust[site] as number;
    rows[row + ROW.target] = target;
    rows[row + ROW.returns] = predictedReturn(location, dynamic);
    rows[row + ROW.lastDelta] = 0;
    rows[row + ROW.location] = location;
    rows[row + ROW.site] = site;
    this.edgeOf[site] = edge;
    if (dynamic && !toFrame) this.link(edge, bucket(site, target));
    return edge;
  }

  private link(edge: number, head: number): void {
    this.rows[(edge << ROW_SHIFT) + ROW.nextInHash] = this.heads[head] as number;
    this.heads[head] = edge;
    this.dynamicRows++;
  }
}

const bucket = (site: number, target: number): number => (Math.imul(site, 0x9e3779b1) ^ (target >>> 1)) & (HEADS - 1);
