/**
 * Puts a flow graph's nodes into WebAssembly's structured control flow, after Ramsey ("Beyond Relooper", ICFP 2022): a
 * loop header opens a `loop`, a node where paths merge is placed after a `block` opened at its dominator, all else is
 * written where it is reached. Loops with several ways in have been given one header, see loop-entries.
 */
import type { FunctionBuilder, Label, Local } from '../wasm/function-builder.js';
import { I32 } from '../wasm/opcode.js';
import { buildFlowGraph, type FlowGraph } from './flow-graph.js';
import { type RoutedGraph, routeLoopEntries } from './loop-entries.js';
import { writeSwitch } from './switch.js';

/** Writes a node's code; calls `goto` for each way out that stays in the region, where control must not fall through. */
export type NodeWriter = (node: number, goto: (to: number) => void) => void;

export class ControlWriter {
  private readonly loops = new Map<number, Label>();
  private readonly merges = new Map<number, Label>();
  private readonly f: FunctionBuilder;
  private readonly routed: RoutedGraph;
  private readonly graph: FlowGraph;
  private readonly writeNode: NodeWriter;
  /** The announced node; 0, which is nobody's target, when there is none. */
  private readonly announced: Local;

  constructor(f: FunctionBuilder, successors: readonly (readonly number[])[], writeNode: NodeWriter) {
    this.f = f;
    this.routed = routeLoopEntries(successors);
    this.graph = buildFlowGraph(this.routed.successors);
    this.writeNode = writeNode;
    this.announced = f.allocate(I32);
  }

  write(): void {
    this.tree(0);
  }

  /** A label that reaches `to` by a plain branch from node `from`, or undefined when there is more to do. */
  labelOf(from: number, to: number): Label | undefined {
    return this.hop(from, to) === to ? this.labelBetween(from, to) : undefined;
  }

  private hop(from: number, to: number): number {
    return this.routed.routes[from]?.get(to) as number;
  }

  private labelBetween(from: number, to: number): Label | undefined {
    const { order, isMerge } = this.graph;
    if ((order[to] as number) <= (order[from] as number)) return this.loops.get(to);
    return isMerge[to] ? this.merges.get(to) : undefined;
  }

  private tree(node: number): void {
    const { children, isMerge, isLoopHeader, order } = this.graph;
    const merges = (children[node] as number[]).filter((child) => isMerge[child]);
    merges.sort((a, b) => (order[b] as number) - (order[a] as number));
    if (!isLoopHeader[node]) {
      this.within(node, merges);
      return;
    }
    this.loops.set(node, this.f.loop());
    this.within(node, merges);
    this.f.end();
  }

  private within(node: number, merges: readonly number[]): void {
    const [last, ...rest] = merges;
    if (last === undefined) {
      this.passOn(node);
      this.writeNode(node, (to) => this.goto(node, to));
      return;
    }
    this.merges.set(last, this.f.block());
    this.within(node, rest);
    this.f.end();
    this.tree(last);
  }

  /** A header sends what was announced on its way. */
  private passOn(node: number): void {
    const { f, announced } = this;
    const passes = [...(this.routed.passes[node] as ReadonlyMap<number, number>)];
    if (passes.length === 0) return;
    f.get(announced).ifUnlikely();
    const cases = passes.map(([target, to]): [number, () => void] => [
      target,
      () => {
        if (to === target) f.i32(0).set(announced);
        this.follow(node, to);
      },
    ]);
    writeSwitch(f, () => f.get(announced), cases);
    f.end();
  }

  private goto(from: number, to: number): void {
    const hop = this.hop(from, to);
    if (hop !== to) this.f.i32(to).set(this.announced);
    this.follow(from, hop);
  }

  private follow(from: number, to: number): void {
    const label = this.labelBetween(from, to);
    if (label === undefined) this.tree(to);
    else this.f.br(label);
  }
}
