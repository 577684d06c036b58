/**
 * Call probes: host callbacks at the entry of a function. Ids start at 1 and are never reused. A firing works on a
 * snapshot of the list, so a probe may add and remove probes, itself included, while it runs; its `notify` runs once,
 * after the last firing that still held it.
 */
import type { GuestAddr, InterworkingAddr } from '../bits.js';
import { Word } from '../guest/cpu-state.js';
import type { GuestMemory } from '../guest/memory.js';
import { CpuContext } from './cpu-context.js';
import type { HostCallbacks } from './host-callbacks.js';

const REGISTER_ARGS = 4;

/** What a probe sees; valid only while it runs. */
export class CallProbeDetails {
  readonly target: InterworkingAddr;
  /** LR. */
  readonly returnAddress: InterworkingAddr;
  readonly stackPointer: GuestAddr;
  readonly registers: CpuContext;
  private readonly memory: GuestMemory;

  constructor(target: InterworkingAddr, words: Int32Array, memory: GuestMemory) {
    this.target = target;
    this.registers = new CpuContext(words, (target & ~1) >>> 0);
    this.returnAddress = (words[Word.LR] as number) >>> 0;
    this.stackPointer = (words[Word.SP] as number) >>> 0;
    this.memory = memory;
  }

  /** Argument `n` as u32: r0 to r3, then words of the stack; undefined when the stack cannot be read there. */
  argument(n: number): number | undefined {
    return n < REGISTER_ARGS ? this.registers.register(n) : this.memory.readU32(this.stackAddress(n));
  }

  /** False when the stack cannot be written there. */
  setArgument(n: number, value: number): boolean {
    if (n >= REGISTER_ARGS) return this.memory.writeU32(this.stackAddress(n), value >>> 0);
    this.registers.setRegister(n, value);
    return true;
  }

  /** Where argument `n` is on the stack. */
  private stackAddress(n: number): GuestAddr {
    return (this.stackPointer + (n - REGISTER_ARGS) * 4) >>> 0;
  }
}

export type CallProbeCallback = (details: CallProbeDetails) => void;

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
  private readonly memory: GuestMemory;
  private readonly words: Int32Array;
  private readonly callbacks: HostCallbacks;

  constructor(memory: GuestMemory, words: Int32Array, callbacks: HostCallbacks) {
    this.memory = memory;
    this.words = words;
    this.callbacks = callbacks;
  }

  /** Probes that were not removed. */
  get size(): number {
    return this.targets.size;
  }

  /** Whether calls of `address` are probed. */
  has(address: InterworkingAddr): boolean {
    return this.byAddress.has(address);
  }

  /** Adds a probe; `first` tells that translations of `address` must be made anew. */
  add(address: InterworkingAddr, callback: CallProbeCallback, notify?: () => void): { id: number; first: boolean } {
    const probe: CallProbe = { id: ++this.lastId, callback, notify, references: 1 };
    const list = this.byAddress.get(address);
    this.byAddress.set(address, [...(list ?? []), probe]);
    this.targets.set(probe.id, address);
    return { id: probe.id, first: list === undefined };
  }

  /** Removes a probe; `last` is its address when it was the last one there. An unknown id is ignored. */
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

  /** Ids of all probes. */
  get ids(): readonly number[] {
    return [...this.targets.keys()];
  }

  /** Calls every probe that was at `address` when the firing began. */
  fire(address: InterworkingAddr): void {
    const list = this.byAddress.get(address);
    if (list === undefined) return;
    for (const probe of list) probe.references++;
    const details = new CallProbeDetails(address, this.words, this.memory);
    try {
      for (const { callback } of list) this.callbacks.run('call probe', address, callback, () => callback(details));
    } finally {
      details.registers.close();
      for (const probe of list) this.release(probe);
    }
  }

  /** One holder less; the last one's going is the probe's end. */
  private release(probe: CallProbe): void {
    if (--probe.references === 0) probe.notify?.();
  }
}
