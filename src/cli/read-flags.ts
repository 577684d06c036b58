import { LOOK_FLAGS } from './color.js';
import type { Flags } from './flag.js';
import { rangeWords } from './range-words.js';
import { count, integer, oneOf, text, words } from './values.js';

const repeatable = { multiple: true, multipleNonGreedy: true } as const;

/** What every command that reads traces takes. */
export const READ_FLAGS = {
  json: { type: 'boolean', summary: 'one JSON object instead of text' },
  strict: { type: 'boolean', summary: 'exit 3 when a trace is incomplete' },
  quiet: { type: 'boolean', char: 'q', summary: 'say nothing but errors on standard error' },
} as const satisfies Flags;

/** `1000,1002`, one flag or several. */
const tidList = (list: string, option: string): readonly number[] =>
  list.split(',').map((word) => integer(word.trim(), option));

/** Where names come from besides the trace; the same words in every reader. */
export const NAME_FLAGS = {
  symbols: {
    type: 'option',
    helpValue: 'FILE|DIR',
    read: text,
    ...repeatable,
    summary: 'names from the program itself, a file with its debugging information, or a directory of them',
  },
  'show-veneers': { type: 'boolean', summary: 'veneers as what they are, not as the functions they lead to' },
  'no-demangle': { type: 'boolean', summary: 'C++ and Rust names as they stand in the symbol table' },
  srcline: { type: 'boolean', summary: 'source lines too, of what --symbols and /usr/lib/debug have' },
} as const satisfies Flags;

/** What of the calls is meant; the same words in every reader. */
export const FILTER_FLAGS = {
  ...NAME_FLAGS,
  filter: {
    type: 'option',
    char: 'F',
    helpValue: 'PATTERN',
    read: text,
    ...repeatable,
    summary: 'only these functions and what they call: name, na*e, module!name, /regex/, 0x1040',
  },
  notrace: {
    type: 'option',
    char: 'N',
    helpValue: 'PATTERN',
    read: text,
    ...repeatable,
    summary: 'without these functions and what they call',
  },
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
    summary: 'not these functions themselves; what they call moves up a level',
  },
  'include-module': {
    type: 'option',
    char: 'I',
    helpValue: 'GLOB',
    read: text,
    ...repeatable,
    summary: 'only lines and rows of these modules; costs stay as they are',
  },
  'exclude-module': {
    type: 'option',
    char: 'X',
    helpValue: 'GLOB',
    read: text,
    ...repeatable,
    summary: 'no lines and rows of these modules',
  },
  depth: { type: 'option', char: 'D', helpValue: 'N', read: count, summary: 'only N levels of calls' },
  'min-cost': {
    type: 'option',
    char: 't',
    helpValue: 'N',
    read: count,
    summary: 'no calls that cost fewer than N instructions',
  },
  range: {
    type: 'option',
    char: 'r',
    helpValue: 'A~B',
    read: rangeWords,
    summary:
      'only from clock A to clock B, e.g. 10k~2M, or the first call of a function, e.g. @main~; of a file with an index ' +
      'the rest is not read',
  },
  tid: { type: 'option', helpValue: 'LIST', read: tidList, ...repeatable, summary: 'only these threads' },
  match: {
    type: 'option',
    options: ['glob', 'regex'],
    read: oneOf('glob', 'regex'),
    default: 'glob',
    summary: 'what names in patterns are',
  },
} as const satisfies Flags;

const TABLES = ['function', 'module', 'thread', 'callsite', 'syscall', 'probe', 'block'] as const;

export const SUMMARIZE_FLAGS = {
  by: { type: 'option', options: TABLES, read: oneOf(...TABLES), default: 'function', summary: 'what a row is' },
  sort: {
    type: 'option',
    char: 's',
    helpValue: 'KEYS',
    read: words,
    summary: 'what rows are ordered by, most first: self,total,calls,min,max,mean,... or a name',
  },
  top: { type: 'option', helpValue: 'N', read: count, default: '20', summary: 'rows at most; 0 for all' },
  tree: { type: 'boolean', summary: 'all stacks merged, instead of the table: what called what, at which cost' },
  coverage: { type: 'boolean', summary: 'also how much of each executable segment ran' },
  ...FILTER_FLAGS,
  fields: {
    type: 'option',
    char: 'f',
    helpValue: 'LIST',
    read: text,
    summary: 'columns, by their headings in small letters: calls,self,function; +min,max adds to the usual ones',
  },
  each: { type: 'boolean', summary: 'a table for each trace instead of one for all' },
  jsonl: { type: 'boolean', summary: 'a JSON object for each row' },
  csv: { type: 'boolean', summary: 'comma-separated values' },
  tsv: { type: 'boolean', summary: 'tab-separated values' },
  'no-header': { type: 'boolean', summary: 'rows only' },
  ...LOOK_FLAGS,
  ...READ_FLAGS,
} as const satisfies Flags;
