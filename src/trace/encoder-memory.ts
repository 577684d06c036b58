/**
 * Where the encoders' tables live: in one WebAssembly memory that never grows (it is address space, committed when
 * touched), so that its views stay valid and the hot loop reads them without a bounds check of its own. A simple
 * allocator: sizes are powers of two, a released piece serves the next request of its size.
 */
import { OutputError } from '../errors.js';

/** Address space, committed when touched. */
export const PAGES = 8192;
const SMALLEST_WORDS = 64;

export class EncoderMemory {
  readonly memory: WebAssembly.Memory;
  private readonly words: Int32Array;
  private readonly free = new Map<number, Int32Array[]>();
  private next: number;

  /** On `memory` from byte `from` on, all zero; without arguments a memory of its own. */
  constructor(memory = new WebAssembly.Memory({ initial: PAGES, maximum: PAGES }), from = 0) {
    this.memory = memory;
    this.words = new Int32Array(memory.buffer);
    this.next = from + SMALLEST_WORDS * 4;
  }

  /** At least `words` words, all zero. The view's `byteOffset` is its address. */
  allocate(words: number): Int32Array {
    const size = Math.max(SMALLEST_WORDS, 2 ** Math.ceil(Math.log2(words)));
    const reused = this.free.get(size)?.pop();
    if (reused !== undefined) return reused.fill(0);
    const at = this.next;
    this.next += size * 4;
    if (this.next > this.memory.buffer.byteLength) {
      throw new OutputError('the trace writer ran out of memory for its tables', {
        hint: 'record fewer kinds of events, or fewer threads',
      });
    }
    return new Int32Array(this.memory.buffer, at, size);
  }

  /** Word `index` of what begins at byte address `address`. */
  word(address: number, index: number): number {
    return this.words[(address >>> 2) + index] as number;
  }

  /** Gives a piece back; nobody may look at it any more. */
  release(piece: Int32Array): void {
    const known = this.free.get(piece.length);
    if (known === undefined) this.free.set(piece.length, [piece]);
    else known.push(piece);
  }

  /** A larger piece that begins with what `piece` holds; `piece` is released. */
  grow(piece: Int32Array, words: number): Int32Array {
    const grown = this.allocate(Math.max(words, piece.length * 2));
    grown.set(piece);
    this.release(piece);
    return grown;
  }
}
