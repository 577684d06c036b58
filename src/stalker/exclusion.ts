/**
 * Excluded ranges: calls into them are reported, what they do is not. Only calls count; a branch into a range is followed,
 * as in Frida. While an activation target is pending nothing is excluded (the callout decides that when it runs).
 */
import type { GuestAddr, InterworkingAddr } from '../bits.js';
import { KUSER_PAGE } from '../guest/layout.js';
import type { Builder } from '../ir/builder.js';
import type { ValueId } from '../ir/terminal.js';

export interface MemoryRange {
  readonly base: GuestAddr;
  /** In bytes. */
  readonly size: number;
}

/** The kernel's helper routines: 64-bit compare-and-exchange, barrier, compare-and-exchange, get-TLS. */
const KERNEL_HELPERS: ReadonlySet<number> = new Set([0xf60, 0xfa0, 0xfc0, 0xfe0].map((offset) => KUSER_PAGE + offset));

/** Whether Frida leaves this address alone in any case: what it calls there is never translated. */
export const isKernelHelper = (address: InterworkingAddr): boolean => KERNEL_HELPERS.has(address);

export class Exclusions {
  private ranges: readonly MemoryRange[] = [];

  /** Whether that changed anything: a range inside one that is excluded already does not. */
  add(range: MemoryRange): boolean {
    const isKnown = this.ranges.some(({ base, size }) => range.base >= base && range.base + range.size <= base + size);
    if (!isKnown) this.ranges = [...this.ranges, range];
    return !isKnown;
  }

  /** The ranges so far; another array once one is added. */
  get all(): readonly MemoryRange[] {
    return this.ranges;
  }

  /** Whether a call to `address` is excluded. */
  covers(address: InterworkingAddr): boolean {
    return this.ranges.some(({ base, size }) => address >= base && address - base < size);
  }

  /** Emits `body` for those calls to `target` that are excluded; nothing at all when none can be. */
  whenCovered(b: Builder, target: ValueId, body: () => void): void {
    const known = b.constantOf(target);
    if (known !== undefined) {
      if (this.covers(known >>> 0)) body();
      return;
    }
    let isInside: ValueId | undefined;
    for (const { base, size } of this.ranges) {
      const isInThis = b.ltU(b.sub(target, b.const(base)), b.const(size));
      isInside = isInside === undefined ? isInThis : b.or(isInside, isInThis);
    }
    if (isInside !== undefined) b.when(isInside, body);
  }
}
