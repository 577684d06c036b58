import { UsageError } from '../errors.js';
import { EventKind, type ModuleNote, type SyscallNote } from '../events/event.js';
import type { EventColumns } from '../trace/event-columns.js';
import type { ChunkPool, HeldChunk } from '../trace/held-chunk.js';
import type { RecordedEnd, RecordedHeader } from '../trace/messages.js';
import type { TraceItem, TraceReader } from '../trace/reader.js';
import { blockSize } from './block-counts.js';
import type { FunctionTest } from './filters.js';
import { FlowKeys, type PlaceMatch, type SharedNames } from './flow-keys.js';
import type { FlowChunk } from './flow-thread.js';
import { TraceSymbols } from './symbolize.js';

/** Blocks told apart for coverage at most. */
const MAX_BLOCKS = 1 << 21;

/** A block that ran, by the number of its place; addresses are the trace's own. */
export interface CoveredBlock {
  readonly start: number;
  readonly sizeBytes: number;
}

/** One of the two traces, read piece by piece. */
export class DiffSide {
  readonly reader: TraceReader;
  readonly symbols = new TraceSymbols();
  readonly keys: FlowKeys;
  readonly modules: ModuleNote[] = [];
  readonly calls = new Map<number, number>();
  readonly blocks = new Map<number, CoveredBlock>();
  header: RecordedHeader | undefined;
  end: RecordedEnd | undefined;
  isDone = false;
  /** Clock of the latest chunk or system call. */
  clock = 0;
  private readonly items: AsyncGenerator<TraceItem>;
  private readonly segment: number;
  private readonly pool: ChunkPool;
  private perEdge = new Uint32Array(0);
  private isInSegment = false;
  private readonly only: FunctionTest | undefined;
  /** By thread, the recorded depth of the call that is shown with all it calls; absent outside. */
  private readonly inside = new Map<number, number>();

  constructor(
    reader: TraceReader,
    segment: number,
    names: SharedNames,
    match: PlaceMatch,
    pool: ChunkPool,
    only: FunctionTest | undefined,
  ) {
    this.pool = pool;
    this.only = only;
    this.reader = reader;
    this.segment = segment;
    this.items = reader.items();
    this.keys = new FlowKeys(names, this.symbols, match);
  }

  /** Reads on to the next chunk or system call of the segment; undefined when there is none. */
  async next(): Promise<EventColumns | SyscallNote | undefined> {
    while (!this.isDone) {
      const { value, done } = await this.items.next();
      if (done) this.isDone = true;
      else {
        const found = this.take(value);
        if (found !== undefined) return found;
      }
    }
    return undefined;
  }

  /** Stops reading. */
  async close(): Promise<void> {
    this.isDone = true;
    await this.items.return(undefined);
  }

  /** The chunk, copied, with a number for each edge whose kind is in `mask`; events that are left out have edge 0. */
  flowChunk(columns: EventColumns, mask: number): FlowChunk {
    const held = this.pool.hold(columns);
    if (this.only !== undefined) this.leaveOut(held, this.only);
    const ids = new Int32Array(held.edges.count + 1);
    for (let edge = 1; edge <= held.edges.count; edge++) ids[edge] = this.keys.edge(held.edges, edge, mask);
    return { columns: held, ids };
  }

  countCalls({ edge, edges, count }: EventColumns): void {
    if (this.perEdge.length <= edges.count) this.perEdge = new Uint32Array(edges.count * 2 + 1);
    const { perEdge, calls, keys } = this;
    perEdge.fill(0, 0, edges.count + 1);
    for (let i = 0; i < count; i++) {
      const at = edge[i] as number;
      perEdge[at] = (perEdge[at] as number) + 1;
    }
    for (let at = 1; at <= edges.count; at++) {
      if (((edges.kind[at] as number) & EventKind.CALL) === 0 || perEdge[at] === 0) continue;
      const fn = keys.function(edges.target[at] as number);
      calls.set(fn, (calls.get(fn) ?? 0) + (perEdge[at] as number));
    }
  }

  coverBlocks({ edge: events, edges, count }: EventColumns): void {
    const ran = new Set(events.subarray(0, count));
    for (let edge = 1; edge <= edges.count; edge++) {
      if (!ran.has(edge)) continue;
      if (((edges.kind[edge] as number) & (EventKind.COMPILE | EventKind.BLOCK)) === 0) continue;
      const start = ((edges.location[edge] as number) & ~1) >>> 0;
      const id = this.keys.place(start);
      if (this.blocks.has(id) || this.blocks.size >= MAX_BLOCKS) continue;
      this.blocks.set(id, { start, sizeBytes: blockSize(start, edges.target[edge] as number) });
    }
  }

  /** Takes out what happens outside calls of the functions asked for. */
  private leaveOut({ tid, kind, depth, target, edge, count }: HeldChunk, only: FunctionTest): void {
    let inside = this.inside.get(tid);
    for (let i = 0; i < count; i++) {
      const type = kind[i] as number;
      const isCall = type === EventKind.CALL;
      if (inside !== undefined && type <= EventKind.RET && (depth[i] as number) < inside + Number(isCall))
        inside = undefined;
      if (inside === undefined && isCall && only(this.symbols.functionAt(target[i] as number))) inside = depth[i];
      if (inside === undefined) edge[i] = 0;
      else if (type === EventKind.RET && depth[i] === inside) inside = undefined;
    }
    if (inside === undefined) this.inside.delete(tid);
    else this.inside.set(tid, inside);
  }

  private take(item: TraceItem): EventColumns | SyscallNote | undefined {
    if (item.type === 'header') {
      this.isInSegment = item.segment === this.segment;
      if (this.isInSegment) this.begin(item.header);
      else if (item.segment > this.segment) this.isDone = true;
      return undefined;
    }
    if (!this.isInSegment) return undefined;
    if (item.type === 'chunk') {
      if (item.columns.count > 0) this.clock = item.columns.clock[0] as number;
      return item.columns;
    }
    if (item.type === 'symbols') this.symbols.addSymbols(item.symbols);
    else if (item.type === 'end') this.end = item.end;
    else if (item.type === 'note') return this.note(item.note);
    return undefined;
  }

  private begin(header: RecordedHeader): void {
    this.header = header;
    if (!header.callSummary) return;
    throw new UsageError(
      `${this.reader.name} holds only how often each call happened, so there is no order to compare`,
      {
        hint: 'compare two summaries: armstalk summarize --by callsite --csv',
      },
    );
  }

  private note(note: Extract<TraceItem, { type: 'note' }>['note']): SyscallNote | undefined {
    if (note.type === 'syscall') {
      this.clock = Math.max(this.clock, note.clock);
      return note;
    }
    if (note.type !== 'module') return undefined;
    this.modules.push(note);
    this.symbols.addModule(note);
    this.keys.addModule(note);
    return undefined;
  }
}
