import type { CoveredBlock, DiffSide } from './diff-side.js';
import type { Place } from './symbolize.js';

export interface BlockPlace {
  readonly at: Place;
  readonly sizeBytes: number;
}

/** Blocks that ran in one trace and not in the other, by place; addresses are those of the trace they ran in. */
export interface CoverageDiff {
  readonly onlyOld: readonly BlockPlace[];
  readonly onlyNew: readonly BlockPlace[];
  /** Blocks that ran in both. */
  readonly both: number;
}

export const coverageDiff = (old: DiffSide, now: DiffSide): CoverageDiff => {
  const onlyOld = missing(old, now);
  return { onlyOld, onlyNew: missing(now, old), both: old.blocks.size - onlyOld.length };
};

const missing = (from: DiffSide, other: DiffSide): readonly BlockPlace[] =>
  [...from.blocks]
    .filter(([id]) => !other.blocks.has(id))
    .map(([, block]) => block)
    .sort((a: CoveredBlock, b: CoveredBlock) => a.start - b.start)
    .map(({ start, sizeBytes }) => ({ at: from.symbols.place(start), sizeBytes }));
