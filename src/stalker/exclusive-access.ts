/**
 * Frida's exclusive-access rule, kept under `gum` because it shows: once a STREX is found near an LDREX, every block
 * from the load to the store is marked, translated again, and emits no EXEC from then on. "Near" is creation order.
 */
import type { ExecBlock } from './exec-block.js';

/** How far back an LDREX is looked for, in blocks, the block with the STREX included. */
const LOOK_BACK = 8;

/** A block that starts inside a marked one, among the newest run of marked blocks, is marked too. */
export const inheritsExclusiveAccess = (blocks: readonly ExecBlock[], realStart: number): boolean => {
  for (let i = blocks.length - 1; i >= 0; i--) {
    const earlier = blocks[i] as ExecBlock;
    if (!earlier.usesExclusiveAccess) return false;
    if (realStart >= earlier.realStart && realStart < earlier.realStart + earlier.realSize) return true;
  }
  return false;
};

/** The blocks that the newest block, now translated, makes exclusive; empty when it does not. */
export const blocksMadeExclusive = (blocks: readonly ExecBlock[]): readonly ExecBlock[] => {
  const last = blocks.length - 1;
  const newest = blocks[last];
  if (newest === undefined || !newest.hasExclusiveStore || newest.usesExclusiveAccess) return [];
  for (let i = last; i >= 0 && i > last - LOOK_BACK; i--) {
    if ((blocks[i] as ExecBlock).hasExclusiveLoad) return blocks.slice(i);
  }
  return [];
};
