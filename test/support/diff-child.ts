// Compares the two traces named on the command line, or replays a range of one, and prints what it found, how long it
// took (ms) and the most memory it took (kB), as JSON.
import { readFileSync } from 'node:fs';
import { diffTraces } from '../../src/analysis/diff.js';
import { openForReplay, replayTrace } from '../../src/analysis/replay.js';
import { TraceReader } from '../../src/trace/reader.js';

const [, , what, first, second, third] = process.argv as string[];
const begun = performance.now();

const compare = async () => {
  const { same, first: found, commonEvents } = await diffTraces(TraceReader.open(first), TraceReader.open(second));
  return { same, commonEvents, commonBlocks: found?.commonBlocks };
};

const replay = async () => {
  const range = second === undefined ? undefined : { from: Number(second), to: Number(third) };
  let lines = 0;
  for await (const batch of replayTrace(openForReplay(first, range), range ? { range } : {})) lines += batch.length;
  return { lines };
};

const result = what === 'diff' ? await compare() : await replay();
const peak = /VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'));
process.stdout.write(JSON.stringify({ ...result, ms: performance.now() - begun, peakKb: Number(peak?.[1]) }));
