import type { DivergedBlock, Divergence, TraceDiff } from '../index.js';
import type { BranchInsn } from './diff-branch.js';
import { shownStack } from './diff-text.js';

const blockJson = ({ module, startOffset, endOffset }: DivergedBlock): unknown => ({
  module: module?.name ?? '',
  start: startOffset,
  end: endOffset,
});

const divergenceJson = ({ block, stack, lastReturn, ...divergence }: Divergence): Record<string, unknown> => ({
  ...divergence,
  ...(block ? { block: blockJson(block) } : {}),
  ...(lastReturn ? { lastReturn } : {}),
  stack: shownStack(stack),
});

/** The same as the text, for programs. */
export const diffJson = ({ first, threads, ...diff }: TraceDiff, branch: BranchInsn | undefined): unknown => ({
  ...diff,
  ...(first ? { first: { ...divergenceJson(first), ...(branch ? { branch } : {}) } } : {}),
  threads: threads.map(divergenceJson),
});
