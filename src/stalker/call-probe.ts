/**
 * Call probes: host callbacks at the entry of a function. Ids start at 1 and are never reused. A firing works on a
 * snapshot of the list, so a probe may add and remove probes, itself included, while it runs; its `notify` runs once,
 * after the last firing that still held it.
 */
import type { InterworkingAddr } from '../bits.js';

export type CallProbeCallback = (target: InterworkingAddr) => void;

interface CallProbe {
  readonly id: number;
  readonly callback: CallProbeCallback;
  readonly notify: (() => void) | undefined;
  references: number;
}

export class CallProbes {
  private lastId = 0;
  private readonly targets = new Map<number, InterworkingAddr>();
  private readonly byAddress = new Map<InterworkingAddr, CallProbe[]>();

  get size(): number {
    return this.targets.size;
  }

  has(address: InterworkingAddr): boolean {
    return this.byAddress.has(address);
  }

  /** Adds a probe; `first` tells that translations of `address` must be made anew. */
  add(address: InterworkingAddr, callback: CallProbeCallback, notify?: () => void): { id: number; first: boolean } {
    const probe: CallProbe = { id: ++this.lastId, callback, notify, references: 1 };
    const list = this.byAddress.get(address);
    if (list === undefined) this.byAddress.set(address, [probe]);
    else list.push(probe);
    this.targets.set(probe.id, address);
    return { id: probe.id, first: list === undefined };
  }

  /** Removes a probe; returns its address when it was the last one there. An unknown id is ignored. */
  remove(id: number): InterworkingAddr | undefined {
    const address = this.targets.get(id);
    if (address === undefined) return undefined;
    this.targets.delete(id);
    const list = this.byAddress.get(address) ?? [];
    const probe = list.find((p) => p.id === id);
    const rest = list.filter((p) => p.id !== id);
    if (rest.length === 0) this.byAddress.delete(address);
    else this.byAddress.set(address, rest);
    if (probe !== undefined) this.release(probe);
    return rest.length === 0 ? address : undefined;
  }

  /** Calls every probe that was at `address` when the firing began. */
  fire(address: InterworkingAddr): void {
    const list = this.byAddress.get(address)?.slice();
    if (list === undefined) return;
    for (const probe of list) probe.references++;
    try {
      for (const probe of list) probe.callback(address);
    } finally {
      for (const probe of list) this.release(probe);
    }
  }

  private release(probe: CallProbe): void {
    if (--probe.references === 0) probe.notify?.();
  }
}
