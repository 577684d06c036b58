import { EventKind } from '../events/event.js';
import type { SiteTable } from '../events/ring.js';
import { ByteColumn } from './byte-column.js';
import {
  EDGE_DYNAMIC,
  EDGE_HAS_RETURN,
  EDGE_HAS_TARGET,
  HASH_FACTOR,
  HASH_MASK,
  KIND_BITS,
  predictedReturn,
} from './chunk-format.js';
import type { EncoderMemory } from './encoder-memory.js';

/** Words of a dictionary row; row `edge` begins at `edge << ROW_SHIFT`. One row is a cache line. */
export const ROW_SHIFT = 4;
export const ROW = {
  /** The site's clockAdjust. */
  adjust: 0,
  /** What the edge adds to the predictor's hash, as a byte offset of a slot. */
  mix: 1,
  /** Return address of a call. */
  returns: 2,
  /** What the event does to the depth: 1 a call, -1 a return, else 0. */
  step: 3,
  /** Two words: 1 in the tally's field of the event's kind. */
  tally: 4,
  /** Clock delta of the latest event. */
  lastDelta: 6,
  target: 7,
  /** Kind bit, EDGE_HAS_TARGET, EDGE_HAS_RETURN, EDGE_DYNAMIC: `edge_kind`. */
  flags: 8,
  location: 9,
  site: 10,
  nextInHash: 11,
} as const;

/** A slot of the predictor is this many bytes, as a power of two. */
export const SLOT_SHIFT = 4;

/** Bits of a kind's field in the tally of a stride. */
export const TALLY_BITS = 12;

/**
 * How the hot loop names an edge, and what it finds at its site: the byte offset of the row, plus 1 when that is the
 * site's only row, or 2 when the event's target decides. 0 is none.
 */
export const SITE_FIXED = 1;
export const SITE_DYNAMIC = 2;
export const edgeId = (edge: number): number => (edge << (ROW_SHIFT + 2)) | SITE_FIXED;

/** Buckets of dynamic rows by site and target: a row's is (site * BUCKET_FACTOR ^ target >>> 1) mod BUCKETS. */
export const BUCKETS = 1 << 12;
export const BUCKET_FACTOR = 0x9e3779b1 | 0;

/**
 * A chunk's dictionary while it is written: one row per (site, dynamic target), numbered from 1. Sites lead to their
 * latest row by array; only a dynamic target other than the site's last one is looked up.
 */
export class EdgeTable {
  count = 0;
  /** By site, what SITE_FIXED and SITE_DYNAMIC say. */
  edgeOf: Int32Array;
  rows: Int32Array;
  /** By bucket, the number of its latest row; 0 when it has none. */
  readonly heads: Int32Array;

  private readonly memory: EncoderMemory;
  private dynamicRows = 0;
  private readonly kinds = new ByteColumn();
  private readonly locations = new ByteColumn();
  private readonly targets = new ByteColumn();
  private readonly returns = new ByteColumn();

  constructor(memory: EncoderMemory) {
    this.memory = memory;
    this.edgeOf = memory.allocate(1024);
    this.rows = memory.allocate(256 << ROW_SHIFT);
    this.heads = memory.allocate(BUCKETS);
  }

  /** Gives its memory back; the table is not used again. */
  dispose(): void {
    for (const piece of [this.edgeOf, this.rows, this.heads]) this.memory.release(piece);
  }

  /** Makes room for every site there is and for `more` rows: until then the arrays stay the same ones. */
  reserve(sites: SiteTable, more: number): void {
    if (sites.count > this.edgeOf.length) this.edgeOf = this.memory.grow(this.edgeOf, sites.count);
    const needed = (this.count + more + 1) << ROW_SHIFT;
    if (needed > this.rows.length) this.rows = this.memory.grow(this.rows, needed);
  }

  /** The id of an event's row, made when this chunk has none; becomes its site's latest. Room must be reserved. */
  intern(sites: SiteTable, site: number, target: number): number {
    const kind = sites.kind[site] as number;
    const dynamic = sites.dynamic[site] !== 0;
    if (!dynamic || kind === EventKind.RET) return edgeId(this.add(site, sites, kind, dynamic, 0));
    const known = this.find(site, target);
    if (known === 0) return edgeId(this.add(site, sites, kind, true, target));
    const id = edgeId(known);
    this.edgeOf[site] = (id & ~SITE_FIXED) | SITE_DYNAMIC;
    return id;
  }

  /** Location and target of every row, in order; 0 for one without a target of its own. */
  addresses(): Uint32Array {
    const addresses = new Uint32Array(this.count * 2);
    for (let edge = 1; edge <= this.count; edge++) {
      const row = edge << ROW_SHIFT;
      addresses[edge * 2 - 2] = this.rows[row + ROW.location] as number;
      addresses[edge * 2 - 1] = this.rows[row + ROW.target] as number;
    }
    return addresses;
  }

  columns(): { kinds: ByteColumn; locations: ByteColumn; targets: ByteColumn; returns: ByteColumn } {
    const { kinds, locations, targets, returns, rows } = this;
    for (const column of [kinds, locations, targets, returns]) column.clear();
    let before = 0;
    for (let edge = 1; edge <= this.count; edge++) {
      const row = edge << ROW_SHIFT;
      const location = rows[row + ROW.location] as number;
      const flags = rows[row + ROW.flags] as number;
      kinds.byte(flags);
      locations.zigzag32((location - before) | 0);
      if (flags & EDGE_HAS_TARGET) targets.zigzag32(((rows[row + ROW.target] as number) - location) | 0);
      if (flags & EDGE_HAS_RETURN) returns.zigzag32(((rows[row + ROW.returns] as number) - location) | 0);
      before = location;
    }
    return { kinds, locations, targets, returns };
  }

  clear(): void {
    const { edgeOf, rows } = this;
    for (let edge = 1; edge <= this.count; edge++) edgeOf[rows[(edge << ROW_SHIFT) + ROW.site] as number] = 0;
    if (this.dynamicRows > 0) this.heads.fill(0);
    this.dynamicRows = 0;
    this.count = 0;
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
    const isDynamicCall = dynamic && !toFrame;
    const target = dynamic ? dynamicTarget : (sites.target[site] as number) | 0;
    const location = (sites.location[site] as number) | 0;
    const predicted = predictedReturn(location, dynamic);
    const returns = kind !== EventKind.CALL ? 0 : (sites.link[site] as number) | 0 || predicted;
    const hasTarget = !toFrame && (dynamic || target !== 0 || kind === EventKind.RET);
    const hasReturn = kind === EventKind.CALL && returns !== predicted;
    const { rows } = this;
    const row = edge << ROW_SHIFT;
    rows[row + ROW.adjust] = sites.clockAdjust[site] as number;
    rows[row + ROW.mix] = (Math.imul(edge, HASH_FACTOR) & HASH_MASK) << SLOT_SHIFT;
    rows[row + ROW.returns] = returns;
    rows[row + ROW.step] = kind === EventKind.CALL ? 1 : kind === EventKind.RET ? -1 : 0;
    const shift = TALLY_BITS * (31 - Math.clz32(kind));
    rows[row + ROW.tally] = shift < 32 ? 1 << shift : 0;
    rows[row + ROW.tally + 1] = shift < 32 ? 0 : 1 << (shift - 32);
    rows[row + ROW.lastDelta] = 0;
    rows[row + ROW.target] = target;
    rows[row + ROW.flags] =
      (kind & KIND_BITS) |
      (hasTarget ? EDGE_HAS_TARGET : 0) |
      (hasReturn ? EDGE_HAS_RETURN : 0) |
      (isDynamicCall ? EDGE_DYNAMIC : 0);
    rows[row + ROW.location] = location;
    rows[row + ROW.site] = site;
    this.edgeOf[site] = isDynamicCall ? (edgeId(edge) & ~SITE_FIXED) | SITE_DYNAMIC : edgeId(edge);
    if (isDynamicCall) this.link(edge, bucket(site, target));
    return edge;
  }

  private link(edge: number, head: number): void {
    this.rows[(edge << ROW_SHIFT) + ROW.nextInHash] = this.heads[head] as number;
    this.heads[head] = edge;
    this.dynamicRows++;
  }
}

const bucket = (site: number, target: number): number =>
  (Math.imul(site, BUCKET_FACTOR) ^ (target >>> 1)) & (BUCKETS - 1);
