import { hex } from '../bits.js';
import { EventKind, type ModuleNote } from '../events/event.js';
import type { EventColumns } from '../trace/event-columns.js';
import { blockSize } from './edge-tables.js';

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

const MAX_BLOCKS = 1 << 21;
const EXECUTABLE = 1;

/** Collects the blocks that ran at least once, from COMPILE and BLOCK events. */
export class Coverage {
  private readonly blocks = new Map<number, number>();

  add({ edges }: EventColumns): void {
    for (let edge = 1; edge <= edges.count; edge++) {
      if (((edges.kind[edge] as number) & (EventKind.COMPILE | EventKind.BLOCK)) === 0) continue;
      const start = ((edges.location[edge] as number) & ~1) >>> 0;
      const size = blockSize(start, edges.target[edge] as number);
      const known = this.blocks.get(start);
      if (known === undefined && this.blocks.size >= MAX_BLOCKS) continue;
      if (known === undefined || size > known) this.blocks.set(start, size);
    }
  }

  rows(modules: readonly ModuleNote[]): readonly CoverageRow[] {
    const blocks = [...this.blocks].sort(([a], [b]) => a - b);
    return modules.flatMap(({ name, segments }) =>
      segments
        .filter(({ flags }) => flags & EXECUTABLE)
        .map(({ address, sizeBytes }) => {
          const inside = blocks.filter(([start]) => start >= address && start < address + sizeBytes);
          return {
            module: name,
            start: hex(address),
            end: hex(address + sizeBytes),
            blocks: inside.length,
            bytes: unionBytes(inside, address + sizeBytes),
            sizeBytes,
          };
        }),
    );
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
