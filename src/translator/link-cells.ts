import type { Location } from '../ir/location.js';
import { type DataArea, LINK_CELL_BYTES, LINK_CELLS } from './data-area.js';

/** A translated entry: which slot, and the parameter that selects it there. */
export interface EntryPoint {
  readonly slot: number;
  readonly parameter: number;
}

/**
 * The exits of regions to other code. Each is a cell of two words in linear memory, (parameter, slot), which the exit
 * calls through; an empty cell names slot 0, whose function reports the cell (its parameter) to the host. Linking is
 * filling a cell. Cell 0 is never handed out.
 */
export class LinkCells {
  private readonly words: Int32Array;
  private readonly base: number;
  private readonly limit: number;
  private readonly free: number[] = [];
  private readonly targets: Location[] = [0];
  /** Linked cells by the slot they name. */
  private readonly incoming = new Map<number, Set<number>>();

  constructor(buffer: ArrayBufferLike, area: DataArea) {
    this.base = area.base + LINK_CELLS;
    this.limit = Math.floor((area.sizeBytes - LINK_CELLS) / LINK_CELL_BYTES);
    this.words = new Int32Array(buffer, this.base, this.limit * 2);
  }

  /** Cells in use. */
  get count(): number {
    return this.targets.length - 1 - this.free.length;
  }

  /** Cells that can still be handed out. */
  get room(): number {
    return this.limit - 1 - this.count;
  }

  /** A new empty cell towards `target`. */
  allocate(target: Location): number {
    const cell = this.free.pop() ?? this.targets.length;
    if (cell >= this.limit) throw new Error('out of link cells');
    this.targets[cell] = target;
    this.words[cell * 2] = cell;
    this.words[cell * 2 + 1] = 0;
    return cell;
  }

  /** Byte address of the cell in linear memory. */
  address(cell: number): number {
    return this.base + cell * LINK_CELL_BYTES;
  }

  target(cell: number): Location {
    return this.targets[cell] as Location;
  }

  isLinked(cell: number): boolean {
    return this.words[cell * 2 + 1] !== 0;
  }

  link(cell: number, entry: EntryPoint): void {
    this.unlink(cell);
    this.words[cell * 2] = entry.parameter;
    this.words[cell * 2 + 1] = entry.slot;
    const cells = this.incoming.get(entry.slot);
    if (cells === undefined) this.incoming.set(entry.slot, new Set([cell]));
    else cells.add(cell);
  }

  unlink(cell: number): void {
    const slot = this.words[cell * 2 + 1] as number;
    if (slot !== 0) this.forget(cell, slot);
    this.words[cell * 2] = cell;
    this.words[cell * 2 + 1] = 0;
  }

  /** Empties every cell that names `slot`. */
  unlinkSlot(slot: number): void {
    for (const cell of this.incoming.get(slot) ?? []) {
      this.words[cell * 2] = cell;
      this.words[cell * 2 + 1] = 0;
    }
    this.incoming.delete(slot);
  }

  release(cell: number): void {
    this.unlink(cell);
    this.free.push(cell);
  }

  private forget(cell: number, slot: number): void {
    const cells = this.incoming.get(slot);
    cells?.delete(cell);
    if (cells?.size === 0) this.incoming.delete(slot);
  }
}
