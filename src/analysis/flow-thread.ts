import { EventKind } from '../events/event.js';
import type { HeldChunk } from '../trace/held-chunk.js';
import type { CallForest } from './call-forest.js';
import { CommonStack } from './common-stack.js';
import { type FlowKeys, PASSED } from './flow-keys.js';
import { type FlowStep, SideTree, stepAt } from './side-tree.js';

/** A chunk with a number for each of its edges; 0 for events that are not compared. */
export interface FlowChunk {
  readonly columns: HeldChunk;
  readonly ids: Int32Array;
}

/** How two threads parted: other events, other costs between the same events, or one has no more events. */
export type PartingKind = 'flow' | 'cost' | 'ended';

/** The place where two threads parted. */
export interface Parting {
  readonly kind: PartingKind;
  readonly commonEvents: number;
  readonly commonBlocks: number;
  /** The last event both have. */
  readonly last: FlowStep | undefined;
  readonly lastBlock: FlowStep | undefined;
  /** Entry of the function that returned right before the last event; 0 when there is none. */
  readonly lastReturn: number;
  /** The first event that differs, on each side; undefined where there is none. */
  readonly next: readonly [old: FlowStep | undefined, now: FlowStep | undefined];
}

export interface FlowRules {
  /** Context calls kept for hunks. */
  readonly context: number;
  /** Whether instructions between events must agree. */
  readonly compareCosts: boolean;
}

/** Chunks of one side that may wait for the other side's. */
const MAX_WAITING = 256;

/** One thread of both traces, compared event by event as chunks come in. */
export class FlowThread {
  readonly tid: number;
  readonly stack: CommonStack;
  parting: Parting | undefined;
  trees: readonly [SideTree, SideTree] | undefined;
  private readonly rules: FlowRules;
  private readonly keys: readonly [FlowKeys, FlowKeys];
  private readonly forest: CallForest;
  private readonly release: (chunk: FlowChunk) => void;
  private readonly waiting: readonly [FlowChunk[], FlowChunk[]] = [[], []];
  commonEvents = 0;
  private commonBlocks = 0;
  private last: FlowStep | undefined;
  private lastBlock: FlowStep | undefined;
  private lastReturn = 0;
  private lastReturnAt = 0;

  constructor(
    tid: number,
    rules: FlowRules,
    keys: readonly [FlowKeys, FlowKeys],
    forest: CallForest,
    release: (chunk: FlowChunk) => void,
  ) {
    this.tid = tid;
    this.rules = rules;
    this.keys = keys;
    this.forest = forest;
    this.release = release;
    this.stack = new CommonStack(rules.context);
  }

  /** A chunk of one side; the thread hands it to `release` when it is done with it. */
  add(side: 0 | 1, chunk: FlowChunk): void {
    if (this.parting !== undefined) {
      this.trees?.[side].consume(chunk.columns, 0, this.keys[side]);
      this.release(chunk);
      return;
    }
    this.waiting[side].push(chunk);
    this.compare();
    if (this.parting === undefined && this.waiting[side].length > MAX_WAITING) this.part('ended');
  }

  /** No more chunks will come. */
  finish(): void {
    if (this.parting === undefined && (this.head(0) !== undefined || this.head(1) !== undefined)) this.part('ended');
    if (this.trees !== undefined) for (const tree of this.trees) tree.finish();
  }

  private compare(): void {
    for (;;) {
      const [old, now] = [this.head(0), this.head(1)];
      if (old === undefined || now === undefined) return;
      if (this.stack.height === 0) this.stack.begin(...firstPlace(old.columns));
      const kind = this.compareChunks(old, now);
      if (kind !== undefined) {
        this.part(kind);
        return;
      }
    }
  }

  /** The first chunk of a side with an event left to compare; its `next` is that event. */
  private head(side: 0 | 1): FlowChunk | undefined {
    const queue = this.waiting[side];
    for (;;) {
      const chunk = queue[0];
      if (chunk === undefined) return undefined;
      const { columns, ids } = chunk;
      const { edge, count } = columns;
      while (columns.next < count && (ids[edge[columns.next] as number] as number) <= 0) {
        if (side === 0) this.pass(ids[edge[columns.next] as number] as number, columns.kind[columns.next] as number);
        columns.next++;
      }
      if (columns.next < count) return chunk;
      this.release(queue.shift() as FlowChunk);
    }
  }

  /** Walks both chunks until one ends or they differ. */
  private compareChunks(old: FlowChunk, now: FlowChunk): PartingKind | undefined {
    const { columns: a, ids: oldIds } = old;
    const { columns: b, ids: newIds } = now;
    const { compareCosts } = this.rules;
    const { stack } = this;
    let i = a.next;
    let j = b.next;
    let last = -1;
    let lastBlock = -1;
    let kind: PartingKind | undefined;
    while (i < a.count && j < b.count) {
      const id = oldIds[a.edge[i] as number] as number;
      if (id <= 0) {
        this.pass(id, a.kind[i] as number);
        i++;
        continue;
      }
      const other = newIds[b.edge[j] as number] as number;
      if (other <= 0) {
        j++;
        continue;
      }
      const type = a.kind[i] as number;
      if (id !== other || (type === EventKind.RET && !this.sameTarget(a.target[i] as number, b.target[j] as number))) {
        kind = 'flow';
        break;
      }
      if (compareCosts && a.threadClock[i] !== b.threadClock[j]) {
        kind = 'cost';
        break;
      }
      if (type === EventKind.BLOCK) {
        this.commonBlocks++;
        lastBlock = i;
      } else if (type === EventKind.CALL) stack.call(a.depth[i] as number, a.target[i] as number);
      else if (type === EventKind.RET) {
        this.lastReturn = stack.ret(a.depth[i] as number, a.target[i] as number);
        this.lastReturnAt = this.commonEvents;
      }
      this.commonEvents++;
      last = i;
      i++;
      j++;
    }
    if (last >= 0) this.last = stepAt(a, last);
    if (lastBlock >= 0) this.lastBlock = stepAt(a, lastBlock);
    a.next = i;
    b.next = j;
    return kind;
  }

  /** A block of a veneer ran. */
  private pass(id: number, kind: number): void {
    if (id === PASSED && kind === EventKind.BLOCK) this.commonBlocks++;
  }

  private sameTarget(old: number, now: number): boolean {
    return this.keys[0].place(old) === this.keys[1].place(now);
  }

  private part(kind: PartingKind): void {
    const { commonEvents, commonBlocks, last, lastBlock } = this;
    const next = ([0, 1] as const).map((side) => {
      const chunk = this.head(side);
      return chunk && stepAt(chunk.columns, chunk.columns.next);
    }) as [FlowStep | undefined, FlowStep | undefined];
    const lastReturn = this.lastReturnAt === commonEvents - 2 ? this.lastReturn : 0;
    this.parting = { kind, commonEvents, commonBlocks, last, lastBlock, lastReturn, next };
    if (this.stack.height === 0) this.stack.begin((next[0] ?? next[1])?.location ?? 0, 0);
    this.trees = [new SideTree(this.forest, this.stack), new SideTree(this.forest, this.stack)];
    for (const side of [0, 1] as const) this.drain(side);
  }

  private drain(side: 0 | 1): void {
    for (const chunk of this.waiting[side].splice(0)) {
      this.trees?.[side].consume(chunk.columns, chunk.columns.next, this.keys[side]);
      this.release(chunk);
    }
  }
}

/** Where the first event to be compared is, and the depth of the calls made there. */
const firstPlace = ({ kind, location, depth, openDepth, next }: HeldChunk): [address: number, depth: number] => {
  const type = kind[next] as number;
  const recorded = depth[next] as number;
  const inside = type === EventKind.CALL ? recorded : type === EventKind.RET ? recorded + 1 : openDepth;
  return [location[next] as number, inside];
};
