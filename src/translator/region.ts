import type { IrBlock } from '../ir/block.js';
import type { Location } from '../ir/location.js';
import { embedCalls } from './embedded-calls.js';
import { type BlockSource, type FunctionBounds, localSuccessors, returnSites, walkFunction } from './guest-function.js';
import type { RegionInput } from './translate-region.js';

/** Bounds of a region's own function: beyond them code gets long to compile and locals many. */
const BOUNDS: FunctionBounds = { blocks: 128, instructions: 900 };

/** Blocks that an edge leads back to, on a walk in depth from `entry`. */
const loopTops = (blocks: ReadonlyMap<Location, IrBlock>, entry: Location): Location[] => {
  const tops = new Set<Location>();
  const seen = new Set([entry]);
  const open = new Set([entry]);
  const stack = [{ location: entry, rest: localSuccessors(blocks.get(entry) as IrBlock) }];
  while (stack.length > 0) {
    const { location, rest } = stack[stack.length - 1] as (typeof stack)[number];
    const next = rest.shift();
    if (next === undefined) {
      open.delete(location);
      stack.pop();
      continue;
    }
    if (open.has(next)) tops.add(next);
    const block = blocks.get(next);
    if (block === undefined || seen.has(next)) continue;
    seen.add(next);
    open.add(next);
    stack.push({ location: next, rest: localSuccessors(block) });
  }
  return [...tops];
};

/** A region, and the places its function may go on at that it leaves out. */
export interface FormedRegion extends RegionInput {
  readonly missing: readonly Location[];
}

/**
 * The blocks of one function from `entry` on, breadth first, within bounds; undefined when there is no such block. Its
 * other entries are where control comes back to after the host has been asked, return sites and the tops of loops, and
 * those of `more` that it contains.
 */
export const formRegion = (
  source: BlockSource,
  entry: Location,
  more: readonly Location[] = [],
  bounds: FunctionBounds = BOUNDS,
): FormedRegion | undefined => {
  const walked = walkFunction(source, entry, bounds);
  if (walked === undefined) return undefined;
  const { blocks, missing } = walked;
  const sites = [...blocks.values()].flatMap(returnSites);
  const entries = new Set([entry, ...sites, ...loopTops(blocks, entry), ...more]);
  return {
    blocks: [...blocks.values()],
    calls: embedCalls(source, walked),
    entries: [...entries].filter((location) => blocks.has(location)),
    missing,
  };
};

/**
 * Regions to translate so that the hot locations can be entered. Locations without a block, inside IT blocks, or
 * big-endian are left out.
 */
export const formRegions = (
  source: BlockSource,
  hot: readonly Location[],
  bounds: FunctionBounds = BOUNDS,
): FormedRegion[] => {
  const regions: FormedRegion[] = [];
  const covered = new Set<Location>();
  for (const entry of hot) {
    const region = covered.has(entry) ? undefined : formRegion(source, entry, [], bounds);
    if (region === undefined) continue;
    regions.push(region);
    for (const location of region.entries) covered.add(location);
  }
  return regions;
};
