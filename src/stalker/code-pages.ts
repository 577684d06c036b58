/**
 * Which blocks were made from which pages, so that a change of code finds them without looking at all. A page whose
 * last block went is no longer watched.
 */
import type { GuestAddr } from '../bits.js';
import { PAGE_SHIFT } from '../guest/layout.js';
import type { GuestMemory } from '../guest/memory.js';
import type { ExecBlock } from './exec-block.js';

export class CodePages {
  private readonly blocks = new Map<number, Set<ExecBlock>>();
  private readonly memory: GuestMemory;

  constructor(memory: GuestMemory) {
    this.memory = memory;
  }

  /** Remembers a translated block; with `watch`, stores into its pages are announced from now on. */
  add(block: ExecBlock, watch: boolean): void {
    if (block.realSize === 0) return;
    const end = block.realStart + block.realSize;
    for (let page = block.realStart >>> PAGE_SHIFT; page <= (end - 1) >>> PAGE_SHIFT; page++) {
      const known = this.blocks.get(page);
      if (known === undefined) this.blocks.set(page, new Set([block]));
      else known.add(block);
    }
    if (watch) this.memory.markCode(block.realStart, end);
  }

  /** The block is gone: its pages are watched no longer on its account. */
  remove(block: ExecBlock): void {
    const end = block.realStart + block.realSize;
    for (let page = block.realStart >>> PAGE_SHIFT; page <= (end - 1) >>> PAGE_SHIFT; page++) {
      const known = this.blocks.get(page);
      if (known === undefined || !known.delete(block) || known.size > 0) continue;
      this.blocks.delete(page);
      this.memory.clearCode(page);
    }
  }

  /** Blocks with a byte in [start, end). */
  overlapping(start: GuestAddr, end: GuestAddr): ExecBlock[] {
    const found = new Set<ExecBlock>();
    for (let page = start >>> PAGE_SHIFT; page <= (end - 1) >>> PAGE_SHIFT; page++) {
      for (const block of this.blocks.get(page) ?? []) {
        if (block.realStart < end && block.realStart + block.realSize > start) found.add(block);
      }
    }
    return [...found];
  }
}
