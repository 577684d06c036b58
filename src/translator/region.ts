import type { IrBlock } from '../ir/block.js';
import { type Location, locationIsBigEndian, locationItState } from '../ir/location.js';
import type { RegionInput } from './translate-region.js';

/** Bounds of one region: beyond them code gets long to compile and locals many. */
export interface RegionBounds {
  readonly blocks: number;
  readonly instructions: number;
}

const BOUNDS: RegionBounds = { blocks: 96, instructions: 600 };

/** Whether the hot tier takes this block: little-endian, not entered inside an IT block. */
export const isTranslatable = (location: Location): boolean =>
  locationItState(location) === 0 && !locationIsBigEndian(location);

/** Where control may go from `block` without leaving the guest function: over a call, to its return site. */
const localSuccessors = (block: IrBlock): Location[] => {
  const { terminal } = block;
  switch (terminal.kind) {
    case 'jump':
      if (terminal.flow !== 'call') return [terminal.to];
      return terminal.link === undefined ? [] : [terminal.link];
    case 'branch':
      if (terminal.flow !== 'call') return [terminal.to, terminal.otherwise];
      return terminal.link === undefined ? [terminal.otherwise] : [terminal.link, terminal.otherwise];
    case 'indirect': {
      const next = terminal.otherwise === undefined ? [] : [terminal.otherwise];
      return terminal.flow === 'call' && terminal.link !== undefined ? [terminal.link, ...next] : next;
    }
    case 'svc':
      return terminal.cond === undefined ? [] : [terminal.next];
    default:
      return [];
  }
};

/** The blocks of one function from `entry` on, breadth first, within bounds; undefined when there is no such block. */
const formRegion = (
  getBlock: (location: Location) => IrBlock | undefined,
  entry: Location,
  bounds: RegionBounds,
): RegionInput | undefined => {
  const blocks: IrBlock[] = [];
  const seen = new Set([entry]);
  let instructions = 0;
  const queue = [entry];
  for (const location of queue) {
    const block = isTranslatable(location) ? getBlock(location) : undefined;
    if (block === undefined || blocks.length === bounds.blocks) continue;
    if (blocks.length > 0 && instructions + block.insnCount > bounds.instructions) continue;
    instructions += block.insnCount;
    blocks.push(block);
    for (const next of localSuccessors(block)) {
      if (!seen.has(next)) queue.push(next);
      seen.add(next);
    }
  }
  return blocks.length === 0 ? undefined : { blocks, entries: [entry] };
};

/**
 * Regions to translate so that the hot locations are entries, one region each: paths into the middle of a function (a
 * return to it after its caller's region was left) get code of their own instead of a second entry, which keeps loops
 * whole. Locations without a block, inside IT blocks, or big-endian are left out.
 */
export const formRegions = (
  getBlock: (location: Location) => IrBlock | undefined,
  hot: readonly Location[],
  bounds: RegionBounds = BOUNDS,
): RegionInput[] => {
  const regions: RegionInput[] = [];
  for (const entry of new Set(hot)) {
    const region = formRegion(getBlock, entry, bounds);
    if (region !== undefined) regions.push(region);
  }
  return regions;
};
