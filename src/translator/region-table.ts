import { SLOT_LIMIT } from './result-code.js';

/** Slots the table gains at a time; instantiating a module costs time in proportion to the table, so it stays tight. */
const GROWTH = 64;

/** The slots of one module. */
interface SlotGroup {
  readonly slots: readonly number[];
  inUse: number;
}

/**
 * The function table of one translator: slot 0 is what empty link cells call, the rest are regions. A region calls
 * others of its module directly while its cell names their slot, so no slot of a module means anything else before the
 * whole module is gone.
 */
export class RegionTable {
  readonly table = new WebAssembly.Table({ initial: GROWTH, element: 'anyfunc' });
  private readonly free: number[] = [];
  private readonly groups = new Map<number, SlotGroup>();
  private next = 1;
  private used = 0;
  private modules = 0;

  /** Slots in use, slot 0 not counted. */
  get count(): number {
    return this.used;
  }

  /** Modules with a slot in use. */
  get moduleCount(): number {
    return this.modules;
  }

  /** Slots for the regions of one module; reuse keeps the table small and lets modules die. */
  allocate(count: number): readonly number[] {
    const slots = Array.from({ length: count }, () => this.free.pop() ?? this.next++);
    if (this.next > SLOT_LIMIT) throw new Error('out of region slots');
    while (this.next > this.table.length) this.table.grow(GROWTH);
    const group: SlotGroup = { slots, inUse: count };
    for (const slot of slots) this.groups.set(slot, group);
    this.used += count;
    this.modules++;
    return slots;
  }

  /** Gives a slot back. No cell or jump cache entry may name it any more. */
  release(slot: number): void {
    this.table.set(slot, null);
    this.used--;
    const group = this.groups.get(slot) as SlotGroup;
    if (--group.inUse > 0) return;
    this.modules--;
    for (const member of group.slots) {
      this.groups.delete(member);
      this.free.push(member);
    }
  }
}
