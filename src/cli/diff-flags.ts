import { UsageError } from '../index.js';
import { LOOK_FLAGS } from './color.js';
import type { Flags } from './flag.js';
import { NAME_FLAGS, READ_FLAGS, SUMMARIZE_FLAGS } from './read-flags.js';
import { count, oneOf } from './values.js';

const IGNORABLE = ['clock', 'args', 'retval', 'addr'] as const;
export type Ignorable = (typeof IGNORABLE)[number];

const ignoreList = (list: string, option: string): readonly Ignorable[] =>
  list
    .split(',')
    .filter((word) => word !== '')
    .map((word) => {
      const found = IGNORABLE.find((one) => one === word);
      if (found !== undefined) return found;
      throw new UsageError(`${option} cannot be ${JSON.stringify(word)}`, {
        hint: `choose from: ${IGNORABLE.join(', ')}`,
      });
    });

export const DIFF_FLAGS = {
  first: { type: 'boolean', summary: 'only the first divergence; reads no further than it must' },
  stat: { type: 'boolean', summary: 'only how often each function was called, where that differs' },
  tree: { type: 'boolean', summary: 'only the calls that differ' },
  coverage: { type: 'boolean', summary: 'also which blocks only one of them ran' },
  filter: SUMMARIZE_FLAGS.filter,
  match: {
    type: 'option',
    options: ['symbol', 'offset', 'addr'],
    read: oneOf('symbol', 'offset', 'addr'),
    default: 'symbol',
    summary: 'when two places are the same: by symbol (compares builds), by offset in the file, by address',
  },
  ignore: {
    type: 'option',
    helpValue: 'LIST',
    list: IGNORABLE,
    read: ignoreList,
    default: '',
    summary: 'what may differ: clock (costs, when blocks were not recorded), args and retval of system calls, addr',
  },
  unified: {
    type: 'option',
    char: 'U',
    helpValue: 'N',
    read: count,
    default: '3',
    summary: 'calls shown around a change',
  },
  tid: SUMMARIZE_FLAGS.tid,
  ...NAME_FLAGS,
  ...LOOK_FLAGS,
  ...READ_FLAGS,
} as const satisfies Flags;
