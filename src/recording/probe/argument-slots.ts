/**
 * Where arguments are when a function begins: the Procedure Call Standard for the Arm Architecture (IHI 0042), section
 * 5.5 (base) and 6.1.2 (VFP registers, for programs that say so).
 */
import { sRegister } from '../../guest/cpu-state.js';
import type { ValueType } from './value-type.js';

/** A state word (and the one after it, for 8 bytes), or a place so many bytes above sp. */
export type Slot =
  | { readonly kind: 'word'; readonly word: number }
  | { readonly kind: 'stack'; readonly offset: number };

const CORE_REGISTERS = 4;
/** s0 to s15. */
const VFP_SINGLES = 16;

class Assignment {
  private core = 0;
  private stack = 0;
  private readonly takenSingles = new Set<number>();
  private vfpIsFull = false;

  integer({ sizeBytes }: ValueType): Slot {
    const words = sizeBytes > 4 ? 2 : 1;
    if (words === 2) this.core += this.core & 1;
    if (this.core + words <= CORE_REGISTERS) {
      const word = this.core;
      this.core += words;
      return { kind: 'word', word };
    }
    this.core = CORE_REGISTERS;
    return this.onStack(words);
  }

  /** The lowest free registers of the size, holes left by smaller arguments included, until one had to go to the stack. */
  floating({ sizeBytes }: ValueType): Slot {
    const singles = sizeBytes > 4 ? 2 : 1;
    for (let first = 0; !this.vfpIsFull && first < VFP_SINGLES; first += singles) {
      if (this.takenSingles.has(first) || this.takenSingles.has(first + singles - 1)) continue;
      this.takenSingles.add(first).add(first + singles - 1);
      return { kind: 'word', word: sRegister(first) };
    }
    this.vfpIsFull = true;
    return this.onStack(singles);
  }

  private onStack(words: number): Slot {
    if (words === 2) this.stack += this.stack & 4;
    const offset = this.stack;
    this.stack += 4 * words;
    return { kind: 'stack', offset };
  }
}

/** The places of a function's arguments, in their order. `hardFloat`: floating-point ones travel in VFP registers. */
export const argumentSlots = (types: readonly ValueType[], hardFloat: boolean): Slot[] => {
  const assignment = new Assignment();
  return types.map((type) => (type.format === 'f' && hardFloat ? assignment.floating(type) : assignment.integer(type)));
};

/** Where a function leaves its result: r0 and r1, or s0 and s1. */
export const resultSlot = ({ format }: ValueType, hardFloat: boolean): Slot => ({
  kind: 'word',
  word: format === 'f' && hardFloat ? sRegister(0) : 0,
});
