/**
 * Puts a flow graph's nodes into WebAssembly's structured control flow. Reducible graphs follow Ramsey ("Beyond
 * Relooper", ICFP 2022): a loop header opens a `loop`, a node where paths merge is placed after a `block` opened at its
 * dominator, all else is written where it is reached. Irreducible graphs become one loop around a `br_table`.
 */
import type { FunctionBuilder, Label, Local } from '../wasm/function-builder.js';
import { I32 } from '../wasm/opcode.js';
import type { FlowGraph } from './flow-graph.js';

/** Writes a node's code; calls `goto` for each way out that stays in the region, where control must not fall through. */
export type NodeWriter = (node: number, goto: (to: number) => void) => void;

export interface ControlWriter {
  /** A label that reaches `to` by a plain branch from node `from`, or undefined when its code belongs in place. */
  labelOf(from: number, to: number): Label | undefined;
  write(): void;
}

class StructuredControl implements ControlWriter {
  private readonly loops = new Map<number, Label>();
  private readonly merges = new Map<number, Label>();
  private readonly f: FunctionBuilder;
  private readonly graph: FlowGraph;
  private readonly writeNode: NodeWriter;

  constructor(f: FunctionBuilder, graph: FlowGraph, writeNode: NodeWriter) {
    this.f = f;
    this.graph = graph;
    this.writeNode = writeNode;
  }

  write(): void {
    this.tree(0);
  }

  labelOf(from: number, to: number): Label | undefined {
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
      this.writeNode(node, (to) => this.goto(node, to));
      return;
    }
    this.merges.set(last, this.f.block());
    this.within(node, rest);
    this.f.end();
    this.tree(last);
  }

  private goto(from: number, to: number): void {
    const label = this.labelOf(from, to);
    if (label === undefined) this.tree(to);
    else this.f.br(label);
  }
}

class DispatchedControl implements ControlWriter {
  private readonly f: FunctionBuilder;
  private readonly graph: FlowGraph;
  private readonly writeNode: NodeWriter;
  private readonly next: Local;

  constructor(f: FunctionBuilder, graph: FlowGraph, writeNode: NodeWriter) {
    this.f = f;
    this.graph = graph;
    this.writeNode = writeNode;
    this.next = f.allocate(I32);
  }

  labelOf(): undefined {
    return undefined;
  }

  write(): void {
    const { f, graph, next } = this;
    const again = f.loop();
    const labels: Label[] = [];
    for (const node of [...graph.nodes].reverse()) labels[graph.order[node] as number] = f.block();
    f.get(next).brTable(labels, labels[0] as Label);
    for (const node of graph.nodes) {
      f.end();
      this.writeNode(node, (to) => {
        f.i32(graph.order[to] as number)
          .set(next)
          .br(again);
      });
    }
    f.end();
  }
}

export const controlWriter = (f: FunctionBuilder, graph: FlowGraph, writeNode: NodeWriter): ControlWriter =>
  graph.isReducible ? new StructuredControl(f, graph, writeNode) : new DispatchedControl(f, graph, writeNode);
