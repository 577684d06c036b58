/** Orders of a directed graph given by its successors. */

/** Reachable nodes from node 0 on, every node before its successors except along edges that close a cycle. */
export const reversePostorder = (successors: readonly (readonly number[])[]): number[] => {
  const seen = new Uint8Array(successors.length);
  const postorder: number[] = [];
  const stack: { node: number; next: number }[] = [{ node: 0, next: 0 }];
  seen[0] = 1;
  while (stack.length > 0) {
    const top = stack[stack.length - 1] as { node: number; next: number };
    const to = (successors[top.node] as number[])[top.next++];
    if (to === undefined) {
      postorder.push(top.node);
      stack.pop();
    } else if (seen[to] === 0) {
      seen[to] = 1;
      stack.push({ node: to, next: 0 });
    }
  }
  return postorder.reverse();
};

interface Visit {
  readonly node: number;
  readonly edges: readonly number[];
  next: number;
}

/** Strongly connected components (Tarjan); `edgesOf` gives successors among `nodes` only. */
export const components = (nodes: readonly number[], edgesOf: (node: number) => readonly number[]): number[][] => {
  const index = new Map<number, number>();
  const low = new Map<number, number>();
  const open: number[] = [];
  const isOpen = new Set<number>();
  const found: number[][] = [];
  const enter = (node: number): Visit => {
    low.set(node, index.size);
    index.set(node, index.size);
    open.push(node);
    isOpen.add(node);
    return { node, edges: edgesOf(node), next: 0 };
  };
  const lower = (node: number, to: number) => low.set(node, Math.min(low.get(node) as number, to));
  const leave = (node: number): void => {
    if (low.get(node) !== index.get(node)) return;
    const members = open.splice(open.indexOf(node));
    for (const member of members) isOpen.delete(member);
    found.push(members);
  };
  for (const start of nodes) {
    if (index.has(start)) continue;
    const stack = [enter(start)];
    while (stack.length > 0) {
      const top = stack[stack.length - 1] as Visit;
      const to = top.edges[top.next++];
      if (to === undefined) {
        stack.pop();
        leave(top.node);
        const parent = stack.at(-1);
        if (parent !== undefined) lower(parent.node, low.get(top.node) as number);
      } else if (!index.has(to)) stack.push(enter(to));
      else if (isOpen.has(to)) lower(top.node, index.get(to) as number);
    }
  }
  return found;
};
