import { hex } from '../bits.js';
import { EventKind, type ModuleNote, type ModuleSegment } from '../events/event.js';
import type { EdgeColumns } from '../trace/event-columns.js';
import { blockSize } from './block-counts.js';

/** What of one executable segment ran. */
export interface CoverageRow {
  readonly module: string;
  /** Run-time addresses. */
  readonly start: string;
  readonly end: string;
  readonly blocks: number;
  readonly bytes: number;
  readonly sizeBytes: number;
}

interface SegmentCoverage {
  readonly module: string;
  readonly segment: ModuleSegment;
  /** Sizes by distance from the start. */
  readonly blocks: Map<number, number>;
}

const MAX_BLOCKS = 1 << 21;
const EXECUTABLE = 1;

/**
 * Collects the blocks that ran at least once, from COMPILE and BLOCK events. What several processes ran of one file, by
 * build-id or else name, comes together.
 */
export class Coverage {
  private readonly blocks = new Map<number, number>();
  private readonly segments = new Map<string, SegmentCoverage>();
  private size = 0;

  /** With `counts`, only the edges that have one. */
  add(edges: EdgeColumns, counts?: Uint32Array): void {
    for (let edge = 1; edge <= edges.count; edge++) {
      if (((edges.kind[edge] as number) & (EventKind.COMPILE | EventKind.BLOCK)) === 0) continue;
      if (counts !== undefined && counts[edge] === 0) continue;
      const start = ((edges.location[edge] as number) & ~1) >>> 0;
      const size = blockSize(start, edges.target[edge] as number);
      const known = this.blocks.get(start);
      if (known === undefined && this.blocks.size >= MAX_BLOCKS) continue;
      if (known === undefined || size > known) this.blocks.set(start, size);
    }
  }

  /** A process is over: its addresses become places in its modules, which came in this order. */
  endSegment(modules: readonly ModuleNote[]): void {
    const executable = modules.flatMap((module) =>
      module.segments.filter(({ flags }) => flags & EXECUTABLE).map((segment) => this.segment(module, segment)),
    );
    for (const [start, size] of this.blocks) {
      for (const { covered, address, end } of executable)
        if (start >= address && start < end) this.cover(covered, start - address, size);
    }
    this.blocks.clear();
  }

  /** Of the processes that have ended. */
  rows(): readonly CoverageRow[] {
    return [...this.segments.values()].map(({ module, segment: { address, sizeBytes }, blocks }) => ({
      module,
      start: hex(address),
      end: hex(address + sizeBytes),
      blocks: blocks.size,
      bytes: unionBytes(
        [...blocks].sort(([a], [b]) => a - b),
        sizeBytes,
      ),
      sizeBytes,
    }));
  }

  private segment({ name, buildId, bias }: ModuleNote, segment: ModuleSegment) {
    const { address, sizeBytes } = segment;
    const key = `${buildId || name} ${(address - bias) >>> 0} ${sizeBytes}`;
    let covered = this.segments.get(key);
    if (covered === undefined) {
      covered = { module: name, segment, blocks: new Map() };
      this.segments.set(key, covered);
    }
    return { covered, address, end: address + sizeBytes };
  }

  private cover({ blocks }: SegmentCoverage, offset: number, size: number): void {
    const known = blocks.get(offset);
    if (known === undefined && this.size >= MAX_BLOCKS) return;
    if (known === undefined) this.size++;
    if (known === undefined || size > known) blocks.set(offset, size);
  }
}

/** Bytes in at least one of the blocks, which are sorted by start. */
const unionBytes = (blocks: readonly (readonly [number, number])[], limit: number): number => {
  let bytes = 0;
  let reached = 0;
  for (const [start, size] of blocks) {
    const end = Math.min(limit, start + size);
    if (end <= reached) continue;
    bytes += end - Math.max(start, reached);
    reached = end;
  }
  return bytes;
};
