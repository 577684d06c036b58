import { UsageError } from '../index.js';
import type { FlagValues } from './flag.js';
import type { SUMMARIZE_FLAGS } from './read-flags.js';

const FORMATS = ['json', 'jsonl', 'csv', 'tsv'] as const;

export interface SummaryStyle {
  readonly format: 'table' | (typeof FORMATS)[number];
  readonly hasHeader: boolean;
  /** As given with --fields. */
  readonly fields: string | undefined;
  /** Rows to show of those there are; 0 for all. */
  readonly top: number;
  /** Whether the tree is shown instead of the table. */
  readonly isTree: boolean;
}

/** How a summary is to look. Throws UsageError for words that contradict each other. */
export const summaryStyle = (flags: FlagValues<typeof SUMMARIZE_FLAGS>): SummaryStyle => {
  const [format = 'table', other] = FORMATS.filter((each) => flags[each]);
  if (other !== undefined) throw new UsageError(`--${format} and --${other} contradict each other`);
  if (flags.tree && flags.by !== 'function') throw new UsageError(`--tree is made of functions, not by ${flags.by}`);
  return { format, hasHeader: !flags['no-header'], fields: flags.fields, top: flags.top, isTree: flags.tree };
};
