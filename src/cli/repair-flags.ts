import type { Flags } from './flag.js';
import { READ_FLAGS } from './read-flags.js';
import { oneOf, text } from './values.js';

const CODECS = ['none', 'deflate', 'brotli'] as const;

export const REPAIR_FLAGS = {
  output: { type: 'option', char: 'o', helpValue: 'FILE|-', read: text, summary: 'where the whole trace goes' },
  compress: {
    type: 'option',
    options: CODECS,
    read: oneOf(...CODECS),
    summary: 'pack chunks anew; none makes all of it readable to protoc; as they are by default',
  },
  ...READ_FLAGS,
  strict: { type: 'boolean', summary: 'exit 3 when something was lost' },
} as const satisfies Flags;
