import type { CodeMap, EventSink } from '../index.js';
import { LiveFlat } from './live-flat.js';
import { LiveProbes } from './live-probes.js';
import { LiveStrace } from './live-strace.js';
import { LiveTree } from './live-tree.js';
import { writeStderr } from './output.js';

export const LIVE_MODES = ['tree', 'flat', 'strace', 'probes'] as const;
export type LiveMode = (typeof LIVE_MODES)[number];

/** The sink that prints on stderr while the program runs. `mask` is what the recording keeps. */
export const liveSink = (mode: LiveMode, mask: number, codeMap: CodeMap): EventSink => {
  switch (mode) {
    case 'tree':
      return new LiveTree(codeMap, writeStderr);
    case 'flat':
      return new LiveFlat(mask, codeMap, writeStderr);
    case 'strace':
      return new LiveStrace(codeMap, writeStderr);
    case 'probes':
      return new LiveProbes(codeMap, writeStderr);
  }
};
