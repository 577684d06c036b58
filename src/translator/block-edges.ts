/** Where control goes from a block within its region: what the state's flow and the order of code rest on. */
import type { IrBlock } from '../ir/block.js';
import { type Location, locationIsBigEndian, locationItState } from '../ir/location.js';
import type { Flow, Terminal } from '../ir/terminal.js';
import type { Frame, RegionNode } from './body.js';
import type { BlockEdges } from './state-flow.js';

/** The block that a call's return reaches inside the region, if any. */
export const returnSite = (
  terminal: { readonly flow: Flow; readonly link?: Location },
  { nodeAt }: Frame,
): number | undefined =>
  terminal.flow === 'call' && terminal.link !== undefined && isPlain(terminal.link)
    ? nodeAt.get(terminal.link)
    : undefined;

/** Whether the interworking address says all about the location. */
export const isPlain = (location: Location): boolean =>
  locationItState(location) === 0 && !locationIsBigEndian(location);

/** Where the indirect jump at the end of `block` has been seen to go, inside the region. */
export const seenInside = (block: IrBlock, { nodeAt }: Frame): Location[] => {
  const { terminal, seenTargets } = block;
  if (seenTargets === undefined || terminal.kind !== 'indirect' || terminal.flow !== 'jump') return [];
  return [...seenTargets].filter((to) => isPlain(to) && nodeAt.has(to));
};

class EdgeCollector {
  readonly direct: number[] = [];
  readonly afterCall: number[] = [];
  exits = false;
  private readonly block: IrBlock;
  private readonly frame: Frame;

  constructor({ block, frame }: RegionNode) {
    this.block = block;
    this.frame = frame;
  }

  direction(to: Location): void {
    const node = this.frame.nodeAt.get(to);
    if (node === undefined) this.exits = true;
    else this.direct.push(node);
  }

  transfer(terminal: Extract<Terminal, { kind: 'jump' | 'branch' | 'indirect' }>): void {
    const callees = this.frame.callees.get(this.block.location) ?? [];
    for (const { node } of callees) this.direct.push(node);
    if (terminal.kind !== 'indirect' && callees.length > 0) return;
    if (terminal.kind !== 'indirect' && terminal.flow !== 'call') this.direction(terminal.to);
    else {
      this.exits = true;
      const site = returnSite(terminal, this.frame);
      if (site !== undefined) this.afterCall.push(site);
      const { returnsTo } = this.frame;
      if (terminal.flow === 'return' && returnsTo !== undefined) this.direct.push(returnsTo.node);
    }
  }
}

/** Where control goes from a node within the region. The same cases as `ExitWriter`. */
export const edgesOf = (node: RegionNode): BlockEdges => {
  const { block, frame } = node;
  const { terminal } = block;
  const edges = new EdgeCollector(node);
  if (terminal.kind === 'trap') edges.exits = true;
  else if (terminal.kind === 'svc') {
    edges.exits = true;
    if (terminal.cond !== undefined) edges.direction(terminal.next);
  } else {
    edges.transfer(terminal);
    for (const to of seenInside(block, frame)) edges.direction(to);
    if (terminal.kind === 'branch') edges.direction(terminal.otherwise);
    else if (terminal.kind === 'indirect' && terminal.cond !== undefined)
      edges.direction(terminal.otherwise as Location);
  }
  return edges;
};
