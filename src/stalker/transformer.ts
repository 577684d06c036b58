import type { StalkerIterator } from './iterator.js';

/**
 * Called once per translation of a block. It drives the copy: `while (iterator.next()) iterator.keep()` keeps
 * everything; an instruction not kept is dropped.
 */
export interface Transformer {
  transform(iterator: StalkerIterator): void;
}

export const keepEverything: Transformer = {
  transform(iterator) {
    while (iterator.next() !== undefined) iterator.keep();
  },
};
