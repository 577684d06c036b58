import type { IrBlock } from '../ir/block.js';
import { type Location, locationIsBigEndian, locationItState } from '../ir/location.js';
import type { RegionInput } from './translate-region.js';

/** Bounds of one region: beyond them code gets long to compile and locals many. */
export interface RegionBounds {
  readonly blocks: number;
  readonly instructions: number;
}

const BOUNDS: RegionBounds = { blocks: 128, instructions: 900 };

/** Whether the hot tier takes this block: little-endian, not entered inside an IT block. */
export const isTranslatable = (location: Location): boolean =>
  locationItState(location) === 0 && !locationIsBigEndian(location);

/** Where a call of `block` returns to. */
const returnSites = ({ terminal }: IrBlock): Location[] =>
  'link' in terminal && terminal.flow === 'call' && terminal.link !== undefined ? [terminal.link] : [];

/** Where control may go from `block` without leaving the guest function: over a call, to its return site. */
const localSuccessors = (block: IrBlock): Location[] => {
  const { terminal } = block;
  const sites = returnSites(block);
  switch (terminal.kind) {
    case 'jump':
      return terminal.flow === 'call' ? sites : [terminal.to];
    case 'branch':
      return terminal.flow === 'call' ? [...sites, terminal.otherwise] : [terminal.to, terminal.otherwise];
    case 'indirect': {
      const seen = terminal.flow === 'jump' ? (block.seenTargets ?? []) : [];
      return [...sites, ...seen, ...(terminal.otherwise === undefined ? [] : [terminal.otherwise])];
    }
    case 'svc':
      return terminal.cond === undefined ? [] : [terminal.next];
    default:
      return [];
  }
};

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

/** What is known at a location and may be translated. */
export type RegionBlocks = (location: Location) => IrBlock | undefined;

/**
 * The blocks of one function from `entry` on, breadth first, within bounds; undefined when there is no such block. Its
 * other entries are where control comes back to after the host has been asked, return sites and the tops of loops, and
 * those of `more` that it contains.
 */
export const formRegion = (
  getBlock: RegionBlocks,
  entry: Location,
  more: readonly Location[] = [],
  bounds: RegionBounds = BOUNDS,
): FormedRegion | undefined => {
  const blocks = new Map<Location, IrBlock>();
  const missing: Location[] = [];
  const sites: Location[] = [];
  const seen = new Set([entry]);
  let instructions = 0;
  for (const location of seen) {
    const block = isTranslatable(location) && blocks.size < bounds.blocks ? getBlock(location) : undefined;
    if (block === undefined || (blocks.size > 0 && instructions + block.insnCount > bounds.instructions)) {
      missing.push(location);
      continue;
    }
    instructions += block.insnCount;
    blocks.set(location, block);
    for (const next of localSuccessors(block)) seen.add(next);
    sites.push(...returnSites(block));
  }
  if (!blocks.has(entry)) return undefined;
  const entries = new Set([entry, ...sites, ...loopTops(blocks, entry), ...more]);
  return { blocks: [...blocks.values()], entries: [...entries].filter((location) => blocks.has(location)), missing };
};

/**
 * Regions to translate so that the hot locations can be entered. Locations without a block, inside IT blocks, or
 * big-endian are left out.
 */
export const formRegions = (
  getBlock: RegionBlocks,
  hot: readonly Location[],
  bounds: RegionBounds = BOUNDS,
): FormedRegion[] => {
  const regions: FormedRegion[] = [];
  const covered = new Set<Location>();
  for (const entry of hot) {
    const region = covered.has(entry) ? undefined : formRegion(getBlock, entry, [], bounds);
    if (region === undefined) continue;
    regions.push(region);
    for (const location of region.entries) covered.add(location);
  }
  return regions;
};
