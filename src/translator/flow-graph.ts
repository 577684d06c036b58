/**
 * The control flow of one region. Node 0 is a root without code that leads to every entry; node n is block n - 1. Nodes
 * are numbered again in reverse postorder, from which dominators follow (Cooper, Harvey and Kennedy). The graph is
 * reducible: an edge backwards leads to a node that dominates its source.
 */
import { reversePostorder } from './graph-order.js';

export interface FlowGraph {
  /** Successors by node, duplicates included. */
  readonly successors: readonly (readonly number[])[];
  /** Position in reverse postorder; -1 when the node cannot be reached. */
  readonly order: Int32Array;
  /** Nodes by position. */
  readonly nodes: readonly number[];
  /** Immediate dominator; the root's is itself. */
  readonly dominator: Int32Array;
  /** Nodes this node immediately dominates, in reverse postorder. */
  readonly children: readonly (readonly number[])[];
  readonly isLoopHeader: readonly boolean[];
  /** More than one forward edge leads here. */
  readonly isMerge: readonly boolean[];
}

const findDominators = (nodes: readonly number[], order: Int32Array, predecessors: readonly number[][]): Int32Array => {
  const dominator = new Int32Array(order.length).fill(-1);
  dominator[0] = 0;
  const meet = (x: number, y: number): number => {
    let [a, b] = [x, y];
    while (a !== b) {
      if ((order[a] as number) > (order[b] as number)) a = dominator[a] as number;
      else b = dominator[b] as number;
    }
    return a;
  };
  for (let changed = true; changed; ) {
    changed = false;
    for (const node of nodes.slice(1)) {
      const known = (predecessors[node] as number[]).filter((p) => dominator[p] !== -1);
      const found = known.reduce(meet);
      if (dominator[node] !== found) {
        dominator[node] = found;
        changed = true;
      }
    }
  }
  return dominator;
};

export const buildFlowGraph = (successors: readonly (readonly number[])[]): FlowGraph => {
  const nodes = reversePostorder(successors);
  const order = new Int32Array(successors.length).fill(-1);
  nodes.forEach((node, position) => {
    order[node] = position;
  });
  const predecessors: number[][] = successors.map(() => []);
  for (const from of nodes) for (const to of successors[from] as number[]) (predecessors[to] as number[]).push(from);
  const dominator = findDominators(nodes, order, predecessors);
  const children: number[][] = successors.map(() => []);
  for (const node of nodes.slice(1)) (children[dominator[node] as number] as number[]).push(node);
  const isBackward = (from: number, to: number) => (order[to] as number) <= (order[from] as number);
  return {
    successors,
    order,
    nodes,
    dominator,
    children,
    isLoopHeader: predecessors.map((from, to) => from.some((p) => isBackward(p, to))),
    isMerge: predecessors.map((from, to) => from.filter((p) => !isBackward(p, to)).length > 1),
  };
};
