import type { EdgeColumns, EventColumns } from './event-columns.js';

/** A copy of a chunk that outlives the reader's columns; its arrays are used again by the next `load`. */
export class HeldChunk implements EventColumns {
  tid = 0;
  count = 0;
  kind = new Uint8Array(0);
  location = new Uint32Array(0);
  target = new Uint32Array(0);
  depth = new Int32Array(0);
  clock = new Float64Array(0);
  threadClock = new Float64Array(0);
  edge = new Int32Array(0);
  edges: EdgeColumns = { count: 0, kind: new Uint8Array(1), location: new Uint32Array(1), target: new Uint32Array(1) };
  openReturns: readonly number[] = [];
  openDepth = 0;
  /** The first event that has not been dealt with; for whoever works through the chunk. */
  next = 0;

  load(from: EventColumns): void {
    const { count } = from;
    if (this.kind.length < count) this.reserve(count);
    this.tid = from.tid;
    this.count = count;
    this.next = 0;
    this.openReturns = from.openReturns;
    this.openDepth = from.openDepth;
    this.kind.set(from.kind.subarray(0, count));
    this.location.set(from.location.subarray(0, count));
    this.target.set(from.target.subarray(0, count));
    this.depth.set(from.depth.subarray(0, count));
    this.clock.set(from.clock.subarray(0, count));
    this.threadClock.set(from.threadClock.subarray(0, count));
    this.edge.set(from.edge.subarray(0, count));
    this.loadEdges(from.edges);
  }

  private reserve(count: number): void {
    this.kind = new Uint8Array(count);
    this.location = new Uint32Array(count);
    this.target = new Uint32Array(count);
    this.depth = new Int32Array(count);
    this.clock = new Float64Array(count);
    this.threadClock = new Float64Array(count);
    this.edge = new Int32Array(count);
  }

  private loadEdges({ count, kind, location, target }: EdgeColumns): void {
    const size = count + 1;
    if (this.edges.kind.length < size) {
      this.edges = {
        count,
        kind: new Uint8Array(size),
        location: new Uint32Array(size),
        target: new Uint32Array(size),
      };
    }
    this.edges.count = count;
    this.edges.kind.set(kind.subarray(0, size));
    this.edges.location.set(location.subarray(0, size));
    this.edges.target.set(target.subarray(0, size));
  }
}

/** Held chunks to be used again. */
export class ChunkPool {
  private readonly free: HeldChunk[] = [];

  hold(columns: EventColumns): HeldChunk {
    const chunk = this.free.pop() ?? new HeldChunk();
    chunk.load(columns);
    return chunk;
  }

  release(chunk: HeldChunk): void {
    this.free.push(chunk);
  }
}
