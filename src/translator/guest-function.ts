/** The blocks of one guest function, as far as they are known. */
import type { IrBlock } from '../ir/block.js';
import { type Location, locationIsBigEndian, locationItState } from '../ir/location.js';

export interface FunctionBounds {
  readonly blocks: number;
  readonly instructions: number;
}

/** Where regions get their blocks from. */
export interface BlockSource {
  /** What is known at a location and may be translated. */
  blockAt(location: Location): IrBlock | undefined;
  /** Whether the function that begins there is called so often that it may become part of its callers. */
  isFrequent(location: Location): boolean;
}

/** Whether the hot tier takes this block: little-endian, not entered inside an IT block. */
export const isTranslatable = (location: Location): boolean =>
  locationItState(location) === 0 && !locationIsBigEndian(location);

/** Where a call of `block` returns to. */
export const returnSites = ({ terminal }: IrBlock): Location[] =>
  'link' in terminal && terminal.flow === 'call' && terminal.link !== undefined ? [terminal.link] : [];

/** Where control may go from `block` without leaving the guest function: over a call, to its return site. */
export const localSuccessors = (block: IrBlock): Location[] => {
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

export interface WalkedFunction {
  /** By location, the entry first. */
  readonly blocks: ReadonlyMap<Location, IrBlock>;
  /** Where it may go on at that is left out: unknown, or beyond the bounds. */
  readonly missing: readonly Location[];
  readonly instructions: number;
}

/** The blocks of one function from `entry` on, breadth first, within bounds; undefined when there is no such block. */
export const walkFunction = (
  source: BlockSource,
  entry: Location,
  bounds: FunctionBounds,
): WalkedFunction | undefined => {
  const blocks = new Map<Location, IrBlock>();
  const missing: Location[] = [];
  const seen = new Set([entry]);
  let instructions = 0;
  for (const location of seen) {
    const block = isTranslatable(location) && blocks.size < bounds.blocks ? source.blockAt(location) : undefined;
    if (block === undefined || (blocks.size > 0 && instructions + block.insnCount > bounds.instructions)) {
      missing.push(location);
      continue;
    }
    instructions += block.insnCount;
    blocks.set(location, block);
    for (const next of localSuccessors(block)) seen.add(next);
  }
  return blocks.has(entry) ? { blocks, missing, instructions } : undefined;
};
