// Summarises the trace named on the command line and prints the numbers, and the most memory it took (kB), as JSON.
import { readFileSync } from 'node:fs';
import { summarize } from '../../src/analysis/summarize.js';
import { TraceReader } from '../../src/trace/reader.js';

const summary = await summarize(TraceReader.open(process.argv[2] as string), { top: 3 });
const peak = /VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'));
process.stdout.write(JSON.stringify({ ...summary, peakKb: Number(peak?.[1]) }));
