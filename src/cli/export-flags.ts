import { EXPORT_FORMATS, type ExportFormatName } from '../index.js';
import type { Flags } from './flag.js';
import { FILTER_FLAGS, READ_FLAGS } from './read-flags.js';
import { count, oneOf, text } from './values.js';

export const FORMATS = Object.keys(EXPORT_FORMATS) as ExportFormatName[];
const { strict, quiet } = READ_FLAGS;

export const EXPORT_FLAGS = {
  to: {
    type: 'option',
    options: FORMATS,
    read: oneOf(...FORMATS),
    summary: "the format; may be left out when the output's name tells it",
  },
  output: {
    type: 'option',
    char: 'o',
    helpValue: 'FILE|-',
    read: text,
    default: '-',
    summary: 'where it goes; standard output by default',
  },
  ...FILTER_FLAGS,
  mips: {
    type: 'option',
    helpValue: 'N',
    read: count,
    default: '1000',
    summary: 'instructions shown as a microsecond by viewers that know only time (chrome, perfetto)',
  },
  'separate-recursion': {
    type: 'option',
    helpValue: 'N',
    read: count,
    default: '1',
    summary: "activations of a recursion shown apart (callgrind): name, name'2, ...",
  },
  strict,
  quiet,
} as const satisfies Flags;
