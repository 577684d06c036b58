import { existsSync } from 'node:fs';
import { TraceReader, UsageError } from '../index.js';

const DEFAULTS = ['trace.pb.old', 'trace.pb'] as const;

export interface TracePair {
  readonly readers: readonly [TraceReader, TraceReader];
  readonly segments: readonly [number, number];
}

/** `FILE` or `FILE#N`; a file of that very name comes first. */
const operand = (word: string): { path: string; segment: number } => {
  const match = /^(.+)#([0-9]{1,6})$/.exec(word);
  if (match === null || existsSync(word)) return { path: word, segment: 0 };
  return { path: match[1], segment: Number(match[2]) };
};

/** The two traces to compare; `trace.pb.old` and `trace.pb` without operands. Throws UsageError. */
export const openPair = (operands: readonly string[]): TracePair => {
  if (operands.length !== 0 && operands.length !== 2) {
    throw new UsageError(`diff compares two traces, not ${operands.length}`, { hint: 'armstalk diff OLD NEW' });
  }
  const [old, now] = (operands.length === 0 ? DEFAULTS : operands).map(operand);
  if (old.path === '-' && now.path === '-') throw new UsageError('standard input can be read only once');
  return {
    readers: [TraceReader.open(old.path), TraceReader.open(now.path)],
    segments: [old.segment, now.segment],
  };
};
