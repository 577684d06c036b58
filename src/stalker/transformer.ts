/** Transformers: what decides, instruction by instruction, what a translation is made of. */
import type { BlockIterator } from './iterator.js';

/**
 * Called once per translation of a block. It drives the copy: `while (iterator.next()) iterator.keep()` keeps
 * everything; an instruction not kept is dropped.
 */
export interface Transformer {
  /** Writes one block: fetches its instructions and keeps those that shall run. */
  transform(iterator: BlockIterator): void;
  /** What another transformer on top of this one drives, so that this one's work is done too. */
  around?(iterator: BlockIterator): BlockIterator;
}

export const keepEverything: Transformer = {
  /** Copies the block as it is. */
  transform(iterator) {
    while (iterator.next() !== undefined) iterator.keep();
  },
};
