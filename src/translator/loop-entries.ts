/**
 * Gives every loop one header. WebAssembly's loops are entered at the top only; a loop of the guest may be entered in
 * several places, by its own jumps or because the region has entries inside it. One of these places becomes the header,
 * and a way in to any other announces it and goes to the header, which passes it on. What runs inside the loop pays one
 * test at the header of a loop that has such ways in, all other loops nothing.
 */
import { components, reversePostorder } from './graph-order.js';

/** Final target -> the node to go to first. */
type Routes = Map<number, number>;

export interface RoutedGraph {
  /** Where an edge from a node goes first, by its final target; announced unless that is the target itself. */
  readonly routes: readonly ReadonlyMap<number, number>[];
  /** What a header passes on, the same way. */
  readonly passes: readonly ReadonlyMap<number, number>[];
  /** Both together: a reducible graph. */
  readonly successors: readonly (readonly number[])[];
}

class LoopEntries {
  readonly routes: Routes[];
  readonly passes: Routes[];
  private readonly successors: readonly (readonly number[])[];
  private readonly position: Int32Array;
  private readonly headers = new Set<number>();
  private readonly nodes: readonly number[];

  constructor(successors: readonly (readonly number[])[]) {
    this.successors = successors;
    this.routes = successors.map((list) => new Map(list.map((to) => [to, to])));
    this.passes = successors.map(() => new Map());
    this.nodes = reversePostorder(successors);
    this.position = new Int32Array(successors.length).fill(-1);
    this.nodes.forEach((node, n) => {
      this.position[node] = n;
    });
  }

  solve(): void {
    this.split(this.nodes);
  }

  hops(node: number): number[] {
    return [...(this.routes[node] as Routes).values(), ...(this.passes[node] as Routes).values()];
  }

  /** Handles the loops among these nodes, from the outside in. */
  private split(nodes: readonly number[]): void {
    const inside = new Set(nodes);
    const edges = (node: number) => this.hops(node).filter((to) => inside.has(to) && !this.headers.has(to));
    for (const loop of components(nodes, edges)) {
      const isLoop = loop.length > 1 || edges(loop[0] as number).includes(loop[0] as number);
      if (isLoop) this.closeLoop(loop);
    }
  }

  private closeLoop(loop: readonly number[]): void {
    const inside = new Set(loop);
    const entries = this.entriesOf(inside);
    const header = this.chooseHeader(entries, loop);
    for (const entry of entries) if (entry !== header) this.route(entry, header, inside);
    this.headers.add(header);
    this.split(loop);
  }

  private entriesOf(inside: ReadonlySet<number>): number[] {
    const entries = new Set<number>();
    for (const node of this.nodes) {
      if (inside.has(node)) continue;
      for (const to of this.hops(node)) if (inside.has(to)) entries.add(to);
    }
    return [...entries];
  }

  /** The entry that most jumps back lead to; the first of them in program order. */
  private chooseHeader(entries: readonly number[], loop: readonly number[]): number {
    const backwards = (to: number) =>
      loop.filter((from) => this.at(from) >= this.at(to) && this.hops(from).includes(to)).length;
    const ranked = entries.map((entry) => ({ entry, count: backwards(entry) }));
    ranked.sort((a, b) => b.count - a.count || this.at(a.entry) - this.at(b.entry));
    return (ranked[0] as { entry: number }).entry;
  }

  private at(node: number): number {
    return this.position[node] as number;
  }

  /** Ways from outside to `entry` lead over the header from now on. */
  private route(entry: number, header: number, inside: ReadonlySet<number>): void {
    for (const node of this.nodes) {
      if (inside.has(node)) continue;
      for (const routes of [this.routes[node] as Routes, this.passes[node] as Routes]) {
        for (const [target, to] of routes) {
          if (to !== entry) continue;
          routes.set(target, header);
          (this.passes[header] as Routes).set(target, entry);
        }
      }
    }
  }

  get graph(): RoutedGraph {
    const { routes, passes } = this;
    const successors = this.successors.map((list, node) => [
      ...list.map((to) => (routes[node] as Routes).get(to) as number),
      ...(passes[node] as Routes).values(),
    ]);
    return { routes, passes, successors };
  }
}

/** A reducible graph that leads to the same places. Node 0 is where it is entered. */
export const routeLoopEntries = (successors: readonly (readonly number[])[]): RoutedGraph => {
  const loops = new LoopEntries(successors);
  loops.solve();
  return loops.graph;
};
