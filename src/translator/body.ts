/**
 * What a region is made of: the blocks of a guest function, and of the functions whose calls became part of it. A callee
 * stands there once per call, so the same block may be several nodes of the region; a frame says which of them a jump,
 * call or return means.
 */
import type { IrBlock } from '../ir/block.js';
import type { Location } from '../ir/location.js';
import { locationAddress } from '../ir/location.js';

/** The blocks of one guest function, entered at the first unless it is a whole region. */
export interface Body {
  readonly blocks: readonly IrBlock[];
  /** Callees that are part of the region, by the location of the block that ends with the call. */
  readonly calls?: ReadonlyMap<Location, readonly Body[]>;
}

/** Where a callee begins. */
export interface Callee {
  readonly target: Location;
  readonly node: number;
}

/** A body in its place. */
export interface Frame {
  /** Node by location, for the blocks of the body. */
  readonly nodeAt: ReadonlyMap<Location, number>;
  /** Callees by the location of the block that ends with the call. */
  readonly callees: ReadonlyMap<Location, readonly Callee[]>;
  /** For a callee: the return address it was given, and the node there. */
  readonly returnsTo?: { readonly address: number; readonly node: number };
}

export interface RegionNode {
  readonly block: IrBlock;
  readonly frame: Frame;
}

/** The return location of a call. */
const linkOf = ({ terminal }: IrBlock): Location => (terminal as { readonly link: Location }).link;

/** The nodes of a body, its own blocks first. */
export const layOut = (body: Body): RegionNode[] => {
  const nodes: RegionNode[] = [];
  const place = (
    { blocks, calls = new Map<Location, readonly Body[]>() }: Body,
    returnsTo: Frame['returnsTo'],
  ): number => {
    const first = nodes.length;
    const callees = new Map<Location, readonly Callee[]>();
    const frame: Frame = {
      nodeAt: new Map(blocks.map(({ location }, n) => [location, first + n])),
      callees,
      ...(returnsTo !== undefined && { returnsTo }),
    };
    for (const block of blocks) nodes.push({ block, frame });
    for (const block of blocks) {
      const called = calls.get(block.location);
      if (called === undefined) continue;
      const link = linkOf(block);
      const node = frame.nodeAt.get(link) as number;
      const placed = called.map((callee) => ({
        target: (callee.blocks[0] as IrBlock).location,
        node: place(callee, { address: locationAddress(link), node }),
      }));
      callees.set(block.location, placed);
    }
    return first;
  };
  place(body, undefined);
  return nodes;
};

/** Locations of the blocks of the functions called inside `body`, each once. */
export const calledLocations = (body: Body): Location[] => {
  const found = new Set<Location>();
  const visit = ({ calls }: Body): void => {
    for (const callee of [...(calls?.values() ?? [])].flat()) {
      for (const { location } of callee.blocks) found.add(location);
      visit(callee);
    }
  };
  visit(body);
  return [...found];
};
