/** The sorted list of mapped ranges: lookup, gaps, splitting and merging. Knows nothing of memory contents. */
import type { MappableFile } from './mm.js';

/** One mapping. [start, end) are page aligned; pages at and after `backedEnd` lie beyond the end of the file. */
export interface Region {
  readonly start: number;
  readonly end: number;
  prot: number;
  readonly isShared: boolean;
  readonly backedEnd: number;
  /** Byte offset of `start` in the file; 0 for anonymous memory. */
  readonly offset: number;
  /** Path of the file, `[heap]`, `[stack]` …, or empty. */
  readonly name: string;
  readonly file?: MappableFile;
}

const cut = (region: Region, start: number, end: number): Region => ({
  ...region,
  start,
  end,
  backedEnd: Math.min(Math.max(region.backedEnd, start), end),
  offset: region.file === undefined ? region.offset : region.offset + (start - region.start),
});

export class RegionList {
  private regions: Region[] = [];

  get all(): readonly Region[] {
    return this.regions;
  }

  /** Index of the first region ending after `addr`. */
  private indexOf(addr: number): number {
    let low = 0;
    let high = this.regions.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.regions[middle] as Region).end <= addr) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  find(addr: number): Region | undefined {
    const region = this.regions[this.indexOf(addr)];
    return region !== undefined && region.start <= addr ? region : undefined;
  }

  overlapping(start: number, end: number): Region[] {
    const result: Region[] = [];
    for (let i = this.indexOf(start); i < this.regions.length; i++) {
      const region = this.regions[i] as Region;
      if (region.start >= end) break;
      result.push(region);
    }
    return result;
  }

  isFree(start: number, end: number): boolean {
    const next = this.regions[this.indexOf(start)];
    return next === undefined || next.start >= end;
  }

  /** Adds a region where nothing is mapped, joined with equal neighbours. */
  insert(region: Region): void {
    this.regions.splice(this.indexOf(region.start), 0, region);
    this.merge(region.start, region.end);
  }

  /** Takes [start, end) out; gives the pieces removed. */
  remove(start: number, end: number): Region[] {
    const removed = this.split(start, end);
    if (removed.length > 0) this.regions.splice(this.indexOf(start), removed.length);
    return removed;
  }

  /** Cuts regions at `start` and `end`; gives those in between. */
  split(start: number, end: number): Region[] {
    this.cutAt(start);
    this.cutAt(end);
    return this.overlapping(start, end);
  }

  private cutAt(addr: number): void {
    const index = this.indexOf(addr);
    const region = this.regions[index];
    if (region === undefined || region.start >= addr) return;
    this.regions.splice(index, 1, cut(region, region.start, addr), cut(region, addr, region.end));
  }

  /** Joins neighbours around [start, end) that continue each other. */
  merge(start: number, end: number): void {
    let index = Math.max(1, this.indexOf(start));
    while (index < this.regions.length) {
      const left = this.regions[index - 1] as Region;
      const right = this.regions[index] as Region;
      if (right.start > end) return;
      if (!continues(left, right)) index++;
      else this.regions.splice(index - 1, 2, { ...left, end: right.end, backedEnd: right.backedEnd });
    }
  }

  /** Start of the highest gap of `size` bytes within [low, high). */
  lastGap(size: number, low: number, high: number): number | undefined {
    let top = high;
    for (let i = this.regions.length - 1; i >= 0; i--) {
      const region = this.regions[i] as Region;
      if (region.end <= top && top - region.end >= size) break;
      top = Math.min(top, region.start);
    }
    return top - size >= low ? top - size : undefined;
  }

  /** Start of the lowest gap of `size` bytes within [low, high). */
  firstGap(size: number, low: number, high: number): number | undefined {
    let at = low;
    for (const region of this.overlapping(low, high)) {
      if (region.start - at >= size) return at;
      at = region.end;
    }
    return high - at >= size ? at : undefined;
  }
}

const continues = (left: Region, right: Region): boolean =>
  left.end === right.start &&
  left.prot === right.prot &&
  left.isShared === right.isShared &&
  left.name === right.name &&
  left.file === right.file &&
  left.backedEnd === left.end &&
  (left.file === undefined || left.offset + (left.end - left.start) === right.offset);
