import { LOOK_FLAGS } from './color.js';
import type { Flags } from './flag.js';
import { FILTER_FLAGS, READ_FLAGS } from './read-flags.js';

export const REPLAY_FLAGS = {
  ...FILTER_FLAGS,
  flat: { type: 'boolean', summary: 'every event on a line: clock, thread, kind, from where to where' },
  strace: { type: 'boolean', summary: 'system calls, signals and exits as strace prints them' },
  columns: { type: 'boolean', summary: 'a column for each thread' },
  follow: { type: 'boolean', summary: 'wait for more at the end of a file that is still being written' },
  'no-header': { type: 'boolean', summary: 'no comment lines' },
  verify: { type: 'boolean', summary: 'run the program again as it was run, and name the first event that differs' },
  jsonl: { type: 'boolean', summary: 'a JSON object on each line' },
  ...LOOK_FLAGS,
  ...READ_FLAGS,
} as const satisfies Flags;
