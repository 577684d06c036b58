/** A sample recorded in this process: what it printed, what was told meanwhile, and its trace read back. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type RecordOptions, record } from '../../src/index.js';
import { sample } from './cli.js';
import { readTrace } from './trace-file.js';

export const RECORD_TIERS = [{ tier: 'cold' }, { tier: 'auto', hotThreshold: 3 }, { tier: 'hot' }] as const;
let runs = 0;

/** Writes its traces into `scratch`, each into a file of its own. */
export const recordedRun = async (scratch: string, name: string, options: RecordOptions) => {
  const path = join(scratch, `${runs++}.pb`);
  const notices: string[] = [];
  let text = '';
  const recording = await record(sample(name), {
    stdin: Buffer.from('4711\n'),
    stdout: (bytes) => {
      text += Buffer.from(bytes).toString();
    },
    output: { path },
    onNotice: (notice) => notices.push(notice),
    ...options,
  });
  const bytes = readFileSync(path);
  const { events, items } = await readTrace(bytes);
  return { ...recording, text, notices, events, items, bytes };
};
