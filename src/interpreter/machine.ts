/** What the cold tier runs on: the shared memory, the state words and the host's callouts. */

import { Word } from '../guest/cpu-state.js';
import { CPU_STATE, CPU_STATE_BYTES } from '../guest/layout.js';
import type { GuestMemory } from '../guest/memory.js';
import { ConstantPool } from './bind-block.js';

export class Machine {
  readonly memory: GuestMemory;
  /** CPU state, value slots and constants. */
  readonly words: Int32Array;
  /** FPSCR as element 0, the shape ir/fp works on. */
  readonly fpscr: Int32Array;
  readonly constants: ConstantPool;
  /** How the last block was left with ExitReason.NEXT: EXIT_TO, EXIT_OTHERWISE or EXIT_INDIRECT. */
  exit = 0;
  /** Runs callout `id`; PC holds the current instruction. */
  callout: (id: number) => void = () => {};

  constructor(memory: GuestMemory) {
    this.memory = memory;
    this.words = new Int32Array(memory.memory.buffer, CPU_STATE, CPU_STATE_BYTES / 4);
    this.fpscr = this.words.subarray(Word.FPSCR, Word.FPSCR + 1);
    this.constants = new ConstantPool(this.words);
  }
}
