import { SLOT_LIMIT } from './result-code.js';

/** Slots the table gains at a time; instantiating a module costs time in proportion to the table, so it stays tight. */
const GROWTH = 64;

/** The function table of one translator: slot 0 is what empty link cells call, the rest are regions. */
export class RegionTable {
  readonly table = new WebAssembly.Table({ initial: GROWTH, element: 'anyfunc' });
  private readonly free: number[] = [];
  private next = 1;

  /** Slots in use, slot 0 not counted. */
  get count(): number {
    return this.next - 1 - this.free.length;
  }

  /** The lowest unused slot: reuse keeps the table small and lets modules die. */
  allocate(): number {
    const slot = this.free.pop() ?? this.next++;
    if (slot >= SLOT_LIMIT) throw new Error('out of region slots');
    if (slot >= this.table.length) this.table.grow(GROWTH);
    return slot;
  }

  /** Gives a slot back. No cell or jump cache entry may name it any more. */
  release(slot: number): void {
    this.table.set(slot, null);
    this.free.push(slot);
  }
}
