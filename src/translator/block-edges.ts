/** Where control goes from a block within its region: what the state's flow and the order of code rest on. */
import type { IrBlock } from '../ir/block.js';
import { type Location, locationIsBigEndian, locationItState } from '../ir/location.js';
import type { Flow, Terminal } from '../ir/terminal.js';
import type { BlockEdges } from './state-flow.js';

/** The block that a call's return reaches inside the region, if any. */
export const returnSite = (
  terminal: { readonly flow: Flow; readonly link?: Location },
  blockAt: ReadonlyMap<Location, number>,
): number | undefined =>
  terminal.flow === 'call' && terminal.link !== undefined && isPlain(terminal.link)
    ? blockAt.get(terminal.link)
    : undefined;

/** Whether the interworking address says all about the location. */
export const isPlain = (location: Location): boolean =>
  locationItState(location) === 0 && !locationIsBigEndian(location);

/** Where the indirect jump at the end of `block` has been seen to go, inside the region. */
export const seenInside = (block: IrBlock, blockAt: ReadonlyMap<Location, number>): Location[] => {
  const { terminal, seenTargets } = block;
  if (seenTargets === undefined || terminal.kind !== 'indirect' || terminal.flow !== 'jump') return [];
  return [...seenTargets].filter((to) => isPlain(to) && blockAt.has(to));
};

class EdgeCollector {
  readonly direct: number[] = [];
  readonly afterCall: number[] = [];
  exits = false;
  private readonly blockAt: ReadonlyMap<Location, number>;

  constructor(blockAt: ReadonlyMap<Location, number>) {
    this.blockAt = blockAt;
  }

  direction(to: Location): void {
    const block = this.blockAt.get(to);
    if (block === undefined) this.exits = true;
    else this.direct.push(block);
  }

  transfer(terminal: Extract<Terminal, { kind: 'jump' | 'branch' | 'indirect' }>): void {
    const site = returnSite(terminal, this.blockAt);
    if (terminal.kind !== 'indirect' && terminal.flow !== 'call') this.direction(terminal.to);
    else {
      this.exits = true;
      if (site !== undefined) this.afterCall.push(site);
    }
  }
}

/** Where control goes from `block` within the region. The same cases as `ExitWriter`. */
export const edgesOf = (block: IrBlock, blockAt: ReadonlyMap<Location, number>): BlockEdges => {
  const { terminal } = block;
  const edges = new EdgeCollector(blockAt);
  if (terminal.kind === 'trap') edges.exits = true;
  else if (terminal.kind === 'svc') {
    edges.exits = true;
    if (terminal.cond !== undefined) edges.direction(terminal.next);
  } else {
    edges.transfer(terminal);
    for (const to of seenInside(block, blockAt)) edges.direction(to);
    if (terminal.kind === 'branch') edges.direction(terminal.otherwise);
    else if (terminal.kind === 'indirect' && terminal.cond !== undefined)
      edges.direction(terminal.otherwise as Location);
  }
  return edges;
};
