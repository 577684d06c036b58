import { Word } from '../guest/cpu-state.js';

/** A set of state words (see guest/cpu-state), all below Word.SLOTS. */
export class WordSet {
  private readonly bits = new Uint32Array(Word.SLOTS / 32);

  static of(...words: readonly number[]): WordSet {
    const set = new WordSet();
    for (const word of words) set.add(word);
    return set;
  }

  has(word: number): boolean {
    return (((this.bits[word >>> 5] as number) >>> (word & 31)) & 1) !== 0;
  }

  add(word: number): void {
    this.bits[word >>> 5] = (this.bits[word >>> 5] as number) | (1 << (word & 31));
  }

  delete(word: number): void {
    this.bits[word >>> 5] = (this.bits[word >>> 5] as number) & ~(1 << (word & 31));
  }

  /** Adds every word of `other`; tells whether that changed anything. */
  addAll(other: WordSet): boolean {
    let changed = false;
    for (let n = 0; n < this.bits.length; n++) {
      const before = this.bits[n] as number;
      const after = (before | (other.bits[n] as number)) >>> 0;
      if (after !== before) changed = true;
      this.bits[n] = after;
    }
    return changed;
  }

  clear(): void {
    this.bits.fill(0);
  }

  copy(): WordSet {
    const set = new WordSet();
    set.bits.set(this.bits);
    return set;
  }

  /** The words of this set that `other` lacks. */
  minus(other: WordSet): WordSet {
    const set = new WordSet();
    for (let n = 0; n < this.bits.length; n++) set.bits[n] = (this.bits[n] as number) & ~(other.bits[n] as number);
    return set;
  }

  get size(): number {
    let count = 0;
    this.forEach(() => {
      count++;
    });
    return count;
  }

  /** Calls `visit` for each word, ascending. */
  forEach(visit: (word: number) => void): void {
    for (let n = 0; n < this.bits.length; n++) {
      for (let rest = this.bits[n] as number; rest !== 0; rest &= rest - 1) {
        visit(n * 32 + 31 - Math.clz32(rest & -rest));
      }
    }
  }
}
