import { callgrind } from './callgrind.js';
import { chrome } from './chrome.js';
import { csv } from './csv.js';
import { drcov } from './drcov.js';
import { folded } from './folded.js';
import type { ExportFormat } from './format.js';
import { jsonl } from './jsonl.js';
import { perfetto } from './perfetto.js';
import { pprof } from './pprof.js';
import { speedscope } from './speedscope.js';

/** Every format there is, by name. */
export const EXPORT_FORMATS = {
  folded,
  callgrind,
  drcov,
  speedscope,
  chrome,
  csv,
  jsonl,
  pprof,
  perfetto,
} as const satisfies Readonly<Record<string, ExportFormat>>;

export type ExportFormatName = keyof typeof EXPORT_FORMATS;

/** The format a file name stands for; undefined when it says nothing or could mean several. */
export const formatOfFile = (path: string): ExportFormatName | undefined => {
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (name.startsWith('callgrind.out')) return 'callgrind';
  const names = Object.keys(EXPORT_FORMATS) as ExportFormatName[];
  return names.find((format) => EXPORT_FORMATS[format].suffixes.some((suffix) => name.endsWith(suffix)));
};
