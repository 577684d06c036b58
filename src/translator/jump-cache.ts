import { JUMP_CACHE, JUMP_CACHE_ENTRIES, JUMP_CACHE_ENTRY_BYTES } from './data-area.js';

export const jumpCacheIndex = (address: number): number =>
  ((address >>> 1) ^ (address >>> 14)) & (JUMP_CACHE_ENTRIES - 1);

/** A key that cannot be looked up at entry `index`, because it belongs to another one. */
const emptyKey = (index: number): number => (jumpCacheIndex(2) === index ? 6 : 2);

/**
 * Where indirect jumps and unpredicted returns find translated code: a direct-mapped table in linear memory from
 * interworking address to (parameter, slot). The host fills it when it enters a region by its address.
 */
export class JumpCache {
  private readonly words: Int32Array;

  constructor(buffer: ArrayBufferLike, base: number) {
    this.words = new Int32Array(buffer, base + JUMP_CACHE, (JUMP_CACHE_ENTRIES * JUMP_CACHE_ENTRY_BYTES) / 4);
    this.clear();
  }

  put(address: number, parameter: number, slot: number): void {
    const at = jumpCacheIndex(address) * 4;
    this.words[at] = address;
    this.words[at + 1] = parameter;
    this.words[at + 2] = slot;
  }

  remove(address: number): void {
    const index = jumpCacheIndex(address);
    if (this.words[index * 4] === (address | 0)) this.words[index * 4] = emptyKey(index);
  }

  clear(): void {
    for (let n = 0; n < JUMP_CACHE_ENTRIES; n++) this.words[n * 4] = emptyKey(n);
  }
}
