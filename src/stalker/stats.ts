/** What the engine did so far, and what it holds: counted for `--stats`, and for tests that look for leaks. */
import type { TranslatorStats } from '../translator/translator.js';
import type { BlockCacheStats } from './block-cache.js';
import type { EngineParts } from './engine-parts.js';
import { NOT_FOLLOWED } from './options.js';
import type { HotCodeSize } from './translator-pool.js';

/** What the engine did so far. */
export interface StalkerStats extends BlockCacheStats {
  dispatches: number;
  /** WebAssembly modules, functions and bytes made so far. */
  hot: TranslatorStats;
  hotSize: HotCodeSize;
}

/** What the engine holds for threads that are followed. */
export interface StalkerCensus {
  contexts: number;
  blocks: number;
  shadowStacks: number;
  /** The engine's own included. */
  callouts: number;
  probes: number;
  /** Of hot code, each with its part of memory. */
  translators: number;
}

/** What the engine has done so far. */
export const statsOf = ({ dispatcher, cache, tiering }: EngineParts): StalkerStats => ({
  dispatches: dispatcher.count,
  ...cache.stats,
  hot: tiering.stats,
  hotSize: tiering.size,
});

/** What the engine holds now. */
export const censusOf = (parts: EngineParts): StalkerCensus => {
  const contexts = [...parts.threads.all()].filter(({ options }) => options !== NOT_FOLLOWED);
  return {
    contexts: contexts.length,
    blocks: contexts.reduce((sum, { blocks }) => sum + blocks.length, 0),
    shadowStacks: parts.shadowStacks.inUse,
    callouts: parts.callouts.size,
    probes: parts.probes.size,
    translators: parts.tiering.translatorCount,
  };
};
