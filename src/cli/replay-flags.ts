import { type ClockRange, UsageError } from '../index.js';
import type { Flags } from './flag.js';
import { SUMMARIZE_FLAGS } from './read-flags.js';
import { count, text } from './values.js';

const repeatable = { multiple: true, multipleNonGreedy: true } as const;
const { filter, notrace, match, tid, json, strict, quiet } = SUMMARIZE_FLAGS;

/** `10k~2M`, `10k~`, `~2M`: clocks, both ends included. */
export const clockRange = (word: string, option: string): ClockRange => {
  const parts = word.split('~');
  if (parts.length !== 2) {
    throw new UsageError(`${option} needs a range of clocks, not ${JSON.stringify(word)}`, {
      hint: 'for example 10k~2M, 10k~ or ~2M, in instructions',
    });
  }
  const [from, to] = parts;
  const range = {
    from: from === '' ? 0 : count(from, option),
    to: to === '' ? Number.POSITIVE_INFINITY : count(to, option),
  };
  if (range.from > range.to) throw new UsageError(`${option} ${word} ends before it begins`);
  return range;
};

export const REPLAY_FLAGS = {
  filter,
  notrace,
  caller: {
    type: 'option',
    char: 'C',
    helpValue: 'PATTERN',
    read: text,
    ...repeatable,
    summary: 'only these functions and the calls that lead to them',
  },
  hide: {
    type: 'option',
    char: 'H',
    helpValue: 'PATTERN',
    read: text,
    ...repeatable,
    summary: 'no lines of these functions; what they call moves up a level',
  },
  'include-module': {
    type: 'option',
    char: 'I',
    helpValue: 'GLOB',
    read: text,
    ...repeatable,
    summary: 'only lines of functions of these modules',
  },
  'exclude-module': {
    type: 'option',
    char: 'X',
    helpValue: 'GLOB',
    read: text,
    ...repeatable,
    summary: 'no lines of functions of these modules',
  },
  depth: { type: 'option', char: 'D', helpValue: 'N', read: count, summary: 'only N levels of calls' },
  range: {
    type: 'option',
    char: 'r',
    helpValue: 'A~B',
    read: clockRange,
    summary: 'only from clock A to clock B, e.g. 10k~2M; of a file with an index the rest is not read',
  },
  'min-cost': {
    type: 'option',
    char: 't',
    helpValue: 'N',
    read: count,
    summary: 'no calls that cost fewer than N instructions',
  },
  tid,
  match,
  flat: { type: 'boolean', summary: 'every event on a line: clock, thread, kind, from where to where' },
  strace: { type: 'boolean', summary: 'system calls, signals and exits as strace prints them' },
  columns: { type: 'boolean', summary: 'a column for each thread' },
  'no-header': { type: 'boolean', summary: 'no comment lines' },
  verify: { type: 'boolean', summary: 'run the program again as it was run, and name the first event that differs' },
  jsonl: { type: 'boolean', summary: 'a JSON object on each line' },
  json,
  strict,
  quiet,
} as const satisfies Flags;
