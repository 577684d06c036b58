import { UsageError } from '../index.js';
import type { FlagValues } from './flag.js';
import type { REPLAY_FLAGS } from './replay-flags.js';
import { JsonLines, JsonObject } from './replay-json.js';
import { FlatText, type ReplayText, StraceText, TreeText } from './replay-text.js';

type ReplayValues = FlagValues<typeof REPLAY_FLAGS>;

/** How the lines are to look. Throws UsageError for words that contradict each other. */
export const replayText = (flags: ReplayValues, file: string): ReplayText => {
  const views = (['flat', 'strace', 'columns'] as const).filter((view) => flags[view]);
  if (views.length > 1) throw new UsageError(`--${views[0]} and --${views[1]} contradict each other`);
  if (flags.json && flags.jsonl) throw new UsageError('--json and --jsonl contradict each other');
  if (flags.json) return new JsonObject(file);
  if (flags.jsonl) return new JsonLines();
  const hasHeader = !flags['no-header'];
  if (flags.strace) return new StraceText();
  return flags.flat ? new FlatText({ hasHeader }) : new TreeText({ hasHeader, hasColumns: flags.columns });
};
