/**
 * Where a context's hot code may grow. A region leaves out what was not known, or not trusted, when it was made; a block
 * that gets hot there later is taken in by making the whole region again, so that one function has one region. Each time
 * that takes longer to happen: what is rare does not pay for it.
 */

import { type Location, locationPc } from '../ir/location.js';
import type { BlockSource } from '../translator/guest-function.js';
import { type FormedRegion, formRegion } from '../translator/region.js';
import type { ExecBlock, HotRegion, Segment } from './exec-block.js';

/** Doublings of the heat that makes a region grow. */
const MAX_DOUBLINGS = 3;

/** Most targets noted of one jump or call, and how far away a jump's may be: it is the tables of one function that this is for. */
const MAX_TARGETS = 64;
const REACH_BYTES = 0x2000;

/** Notes where the indirect jump or call at the end of `segment` went, so that a region made of it can go on there. */
export const noteTarget = ({ ir }: Segment, to: Location): void => {
  const { terminal } = ir;
  if (terminal.kind !== 'indirect' || terminal.flow === 'return') return;
  if (terminal.flow === 'jump' && Math.abs(locationPc(to) - locationPc(ir.location)) > REACH_BYTES) return;
  ir.seenTargets ??= new Set();
  if (ir.seenTargets.size < MAX_TARGETS) ir.seenTargets.add(to);
};

export class HotSpots {
  /** Blocks that have come half the way to promotion. */
  private warm: Segment[] = [];
  /** Regions by the locations they leave out. */
  private readonly missing = new Map<Location, HotRegion>();

  /** Takes note of a block that has come half the way. */
  noteWarm(segment: Segment): void {
    this.warm.push(segment);
  }

  /** The blocks noted since the last time. */
  takeWarm(): Segment[] {
    const { warm } = this;
    this.warm = [];
    return warm;
  }

  /** A region is in use: what it leaves out is where it may grow. */
  adopted(hot: HotRegion): void {
    for (const location of hot.missing) this.missing.set(location, hot);
  }

  /** A region is gone. */
  dropped(hot: HotRegion): void {
    for (const location of hot.missing) if (this.missing.get(location) === hot) this.missing.delete(location);
  }

  /** The region a block belongs to: it has the block inside, or a way that leads there. */
  regionAround(block: ExecBlock): HotRegion | undefined {
    return this.missing.get(block.location) ?? block.regions.values().next().value;
  }

  /** How many times the usual heat a block needs. */
  patience(block: ExecBlock): number {
    const around = this.regionAround(block);
    return around === undefined ? 1 : 2 ** Math.min(around.generation, MAX_DOUBLINGS);
  }

  /** The region to make so that `block` is hot code. */
  form(block: ExecBlock, source: BlockSource): FormedRegion | undefined {
    const around = this.regionAround(block);
    if (around === undefined) return formRegion(source, block.location);
    const [first] = around.region.entries as [Location];
    const entries = [...around.region.entries];
    if (block.regions.has(around)) entries.push(block.location);
    const grown = formRegion(source, first, entries);
    if (grown?.blocks.some(({ location }) => location === block.location)) return grown;
    // It has got too large; what is beyond it ends where it can be entered.
    const rest: BlockSource = {
      ...source,
      blockAt: (location) => (around.region.entries.includes(location) ? undefined : source.blockAt(location)),
    };
    return formRegion(rest, block.location);
  }
}
