import { EventKind } from '../events/event.js';
import type { SiteTable } from '../events/ring.js';
import { ByteColumn } from './byte-column.js';
import { EDGE_DYNAMIC, EDGE_HAS_TARGET, KIND_BITS, predictedReturn } from './chunk-format.js';

const HEADS = 1 << 12;

/**
 * A chunk's dictionary while it is written: one row per (site, dynamic target), numbered from 1. Sites lead to their
 * latest row by array; only a dynamic target other than the site's last one is looked up.
 */
export class EdgeTable {
  count = 0;
  /** Row of each site, 0 when it has none in this chunk. */
  edgeOf = new Int32Array(1024);
  /** Kind bit, EDGE_HAS_TARGET, EDGE_DYNAMIC. */
  kind = new Uint8Array(1024);
  location = new Int32Array(1024);
  target = new Int32Array(1024);
  /** The site's clockAdjust. */
  adjust = new Int32Array(1024);
  /** Predicted return address of a call. */
  returns = new Int32Array(1024);
  /** Clock delta of the row's latest event. A delta beyond int32 never equals what is kept of it. */
  lastDelta = new Int32Array(1024);

  private site = new Int32Array(1024);
  private nextInHash = new Int32Array(1024);
  private readonly heads = new Int32Array(HEADS);
  private dynamicRows = 0;
  /** Rows the event sequence has named already. */
  private named = 0;
  private readonly kinds = new ByteColumn();
  private readonly locations = new ByteColumn();
  private readonly targets = new ByteColumn();

  /** Makes room for every site there is. */
  cover(sites: SiteTable): void {
    if (sites.count <= this.edgeOf.length) return;
    const grown = new Int32Array(sites.kind.length);
    grown.set(this.edgeOf);
    this.edgeOf = grown;
  }

  /** The row of an event, made when this chunk has none; becomes its site's latest. */
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
    if (edge !== 0) this.returns[edge] = target;
  }

  columns(): { kinds: ByteColumn; locations: ByteColumn; targets: ByteColumn } {
    const { kinds, locations, targets } = this;
    for (const column of [kinds, locations, targets]) column.clear();
    let before = 0;
    for (let edge = 1; edge <= this.count; edge++) {
      const location = this.location[edge] as number;
      const kind = this.kind[edge] as number;
      kinds.byte(kind);
      locations.zigzag32((location - before) | 0);
      if (kind & EDGE_HAS_TARGET) targets.zigzag32(((this.target[edge] as number) - location) | 0);
      before = location;
    }
    return { kinds, locations, targets };
  }

  clear(): void {
    for (let edge = 1; edge <= this.count; edge++) this.edgeOf[this.site[edge] as number] = 0;
    if (this.dynamicRows > 0) this.heads.fill(0);
    this.dynamicRows = 0;
    this.count = 0;
    this.named = 0;
  }

  private find(site: number, target: number): number {
    let edge = this.heads[bucket(site, target)] as number;
    while (edge !== 0 && (this.site[edge] !== site || this.target[edge] !== target)) {
      edge = this.nextInHash[edge] as number;
    }
    return edge;
  }

  private add(site: number, sites: SiteTable, kind: number, dynamic: boolean, dynamicTarget: number): number {
    const edge = ++this.count;
    if (edge === this.kind.length) this.grow();
    const isDynamicReturn = dynamic && kind === EventKind.RET;
    const target = dynamic ? dynamicTarget : (sites.target[site] as number) | 0;
    const hasTarget = !isDynamicReturn && (dynamic || target !== 0 || kind === EventKind.RET);
    const location = (sites.location[site] as number) | 0;
    this.kind[edge] =
      (kind & KIND_BITS) | (hasTarget ? EDGE_HAS_TARGET : 0) | (dynamic && !isDynamicReturn ? EDGE_DYNAMIC : 0);
    this.site[edge] = site;
    this.location[edge] = location;
    this.target[edge] = target;
    this.adjust[edge] = sites.clockAdjust[site] as number;
    this.returns[edge] = predictedReturn(location, dynamic);
    this.lastDelta[edge] = 0;
    this.edgeOf[site] = edge;
    if (dynamic && !isDynamicReturn) this.link(edge, bucket(site, target));
    return edge;
  }

  private link(edge: number, head: number): void {
    this.nextInHash[edge] = this.heads[head] as number;
    this.heads[head] = edge;
    this.dynamicRows++;
  }

  private grow(): void {
    const size = this.kind.length * 2;
    const copy = <T extends Uint8Array | Int32Array>(from: T, to: T): T => {
      to.set(from);
      return to;
    };
    this.kind = copy(this.kind, new Uint8Array(size));
    this.location = copy(this.location, new Int32Array(size));
    this.target = copy(this.target, new Int32Array(size));
    this.adjust = copy(this.adjust, new Int32Array(size));
    this.returns = copy(this.returns, new Int32Array(size));
    this.lastDelta = copy(this.lastDelta, new Int32Array(size));
    this.site = copy(this.site, new Int32Array(size));
    this.nextInHash = copy(this.nextInHash, new Int32Array(size));
  }
}

const bucket = (site: number, target: number): number => (Math.imul(site, 0x9e3779b1) ^ (target >>> 1)) & (HEADS - 1);
