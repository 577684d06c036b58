/**
 * The translations a follow holds, as far as events tell: a block is translated when it is reached or prefetched and there
 * is none, when the one there is has been invalidated, and when that is asked for. The guest's code never changes, so trust
 * makes no difference.
 */
import type { BlockShape } from './reference.js';

export class TranslationModel {
  private readonly shapes: ReadonlyMap<number, BlockShape>;
  /** Blocks that were translated; false since they were invalidated. */
  private readonly blocks = new Map<number, boolean>();

  constructor(shapes: ReadonlyMap<number, BlockShape>) {
    this.shapes = shapes;
  }

  isKnown(start: number): boolean {
    return this.blocks.has(start);
  }

  isValid(start: number): boolean {
    return this.blocks.get(start) === true;
  }

  translated(start: number): void {
    this.blocks.set(start, true);
  }

  invalidate(start: number): void {
    if (this.isKnown(start)) this.blocks.set(start, false);
  }

  /** Blocks with a byte in [from, to). */
  invalidateRange(from: number, to: number): void {
    for (const { start, end } of this.shapes.values())
      if ((start & ~1) < to && (end & ~1) > from) this.invalidate(start);
  }

  /** Blocks whose last instruction calls one of these, or what a register holds. */
  invalidateCallers(targets: ReadonlySet<number>): void {
    for (const { start, calls } of this.shapes.values()) {
      if (calls === 'a register' || (calls !== undefined && targets.has(calls))) this.invalidate(start);
    }
  }
}
