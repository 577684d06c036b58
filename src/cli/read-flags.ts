import type { Flags } from './flag.js';
import { count, integer, oneOf, text } from './values.js';

const repeatable = { multiple: true, multipleNonGreedy: true } as const;

/** What every command that reads traces takes. */
export const READ_FLAGS = {
  json: { type: 'boolean', summary: 'one JSON object instead of text' },
  strict: { type: 'boolean', summary: 'exit 3 when a trace is incomplete' },
  quiet: { type: 'boolean', char: 'q', summary: 'say nothing but errors on standard error' },
} as const satisfies Flags;

export const TABLES = ['function', 'module', 'thread', 'callsite', 'syscall', 'probe', 'block'] as const;
const SORTS = ['self', 'total', 'calls', 'returns', 'min', 'max', 'mean', 'deepest', 'symbol'] as const;

export const SUMMARIZE_FLAGS = {
  by: { type: 'option', options: TABLES, read: oneOf(...TABLES), default: 'function', summary: 'what a row is' },
  sort: {
    type: 'option',
    char: 's',
    options: SORTS,
    read: oneOf(...SORTS),
    default: 'self',
    summary: 'what functions are ordered by, most first',
  },
  top: { type: 'option', helpValue: 'N', read: count, default: '20', summary: 'rows at most; 0 for all' },
  coverage: { type: 'boolean', summary: 'also how much of each executable segment ran' },
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
  'include-module': {
    type: 'option',
    char: 'I',
    helpValue: 'GLOB',
    read: text,
    ...repeatable,
    summary: 'only rows of these modules; costs stay as they are',
  },
  'exclude-module': {
    type: 'option',
    char: 'X',
    helpValue: 'GLOB',
    read: text,
    ...repeatable,
    summary: 'no rows of these modules',
  },
  match: {
    type: 'option',
    options: ['glob', 'regex'],
    read: oneOf('glob', 'regex'),
    default: 'glob',
    summary: 'what names in patterns are',
  },
  tid: { type: 'option', helpValue: 'TID', read: integer, ...repeatable, summary: 'only this thread' },
  fields: {
    type: 'option',
    char: 'f',
    helpValue: 'LIST',
    read: text,
    summary: 'columns, by their headings in small letters: calls,self,function; +min,max adds to the usual ones',
  },
  each: { type: 'boolean', summary: 'a table for each trace instead of one for all' },
  csv: { type: 'boolean', summary: 'comma-separated values' },
  tsv: { type: 'boolean', summary: 'tab-separated values' },
  'no-header': { type: 'boolean', summary: 'rows only' },
  ...READ_FLAGS,
} as const satisfies Flags;
