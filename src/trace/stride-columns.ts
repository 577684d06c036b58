import type { EncoderMemory } from './encoder-memory.js';
import { COLUMN_BYTES_PER_EVENT, STATE, STRIDE } from './stride-state.js';

const COLUMN_WORDS = 4096;
const NAMES = ['runs', 'edgeIndex', 'clockDelta'] as const;
type Column = (typeof NAMES)[number];

/** The columns the hot loop writes itself; where each goes on stands in the state words. */
export class StrideColumns {
  private readonly memory: EncoderMemory;
  private readonly state: Int32Array;
  private readonly words: Record<Column, Int32Array>;

  constructor(memory: EncoderMemory, state: Int32Array) {
    this.memory = memory;
    this.state = state;
    const column = (): Int32Array => memory.allocate(COLUMN_WORDS);
    this.words = { runs: column(), edgeIndex: column(), clockDelta: column() };
    this.rewind();
  }

  dispose(): void {
    for (const name of NAMES) this.memory.release(this.words[name]);
  }

  /** Bytes in all of them. */
  get sizeBytes(): number {
    return this.length('runs') + this.length('edgeIndex') + this.length('clockDelta');
  }

  /** What is in one, until the next stride. */
  bytes(name: Column): Uint8Array {
    const { buffer, byteOffset } = this.words[name];
    return new Uint8Array(buffer, byteOffset, this.length(name));
  }

  /** Makes room for a stride. */
  reserve(): void {
    for (const name of NAMES) {
      const length = this.length(name);
      const needed = (length + STRIDE * COLUMN_BYTES_PER_EVENT + 3) >> 2;
      if (needed <= this.words[name].length) continue;
      this.words[name] = this.memory.grow(this.words[name], needed);
      this.state[STATE[name]] = this.words[name].byteOffset + length;
    }
  }

  /** Empties them. */
  rewind(): void {
    for (const name of NAMES) this.state[STATE[name]] = this.words[name].byteOffset;
  }

  private length(name: Column): number {
    return (this.state[STATE[name]] as number) - this.words[name].byteOffset;
  }
}
