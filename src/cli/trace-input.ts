import { type ClockRange, openForReplay, type TraceIntegrity, type TraceReader, UsageError } from '../index.js';
import { counted } from './number-text.js';
import { note } from './output.js';

const DEFAULT_TRACE = 'trace.pb';
const EXIT_INCOMPLETE = 3;

/** The operands of a command that reads traces: `trace.pb` without any, standard input for `-` (once). */
export const tracePaths = (operands: readonly string[]): readonly string[] => {
  if (operands.filter((name) => name === '-').length > 1) throw new UsageError('standard input can be read only once');
  return operands.length === 0 ? [DEFAULT_TRACE] : operands;
};

/** A trace to be read, and the clocks that are meant in it. */
export interface TraceInput {
  readonly reader: TraceReader;
  readonly range?: ClockRange;
}

/** Of a file with an index only what is needed for the range is read. */
export const openInputs = async (
  paths: readonly string[],
  rangeOf: (path: string) => Promise<ClockRange | undefined>,
): Promise<readonly TraceInput[]> => {
  const inputs: TraceInput[] = [];
  for (const path of paths) {
    const range = await rangeOf(path);
    inputs.push({ reader: openForReplay(path, range), ...(range && { range }) });
  }
  return inputs;
};

/** What is wrong with a trace, e.g. `cut.pb: the file ends inside a packet (…); 117 packets (7,602,176 events) intact`. */
const damageText = (name: string, { reason, intactPackets, intactEvents }: TraceIntegrity): string => {
  const [packets, events] = [counted(intactPackets, 'packet'), counted(intactEvents, 'event')];
  return `${name}: ${reason ?? 'incomplete'}; ${packets} (${events}) intact`;
};

/** Whether it is known if a trace is whole: it was read to its end, or something wrong was met. */
export const wasRead = ({ integrity }: TraceReader): boolean =>
  integrity.sizeBytes > 0 || integrity.firstBadOffset !== undefined;

/** Says so when traces hold only counts of calls, for readers that show what happened in order. */
export const warnOfCounts = (readers: readonly TraceReader[], { quiet }: { quiet: boolean }): void => {
  const counted = readers.filter(({ headers }) => headers.some(({ callSummary }) => callSummary));
  if (quiet) return;
  for (const { name } of counted) {
    note(`warning: ${name} holds only how often each call happened; armstalk summarize shows it`);
  }
};

/** Warns of incomplete traces; gives the exit code. */
export const exitCodeFor = (readers: readonly TraceReader[], flags: { strict: boolean; quiet: boolean }): number => {
  const torn = readers.filter(({ integrity }) => !integrity.complete);
  if (!flags.quiet) for (const { name, integrity } of torn) note(`warning: ${damageText(name, integrity)}`);
  return flags.strict && torn.length > 0 ? EXIT_INCOMPLETE : 0;
};
