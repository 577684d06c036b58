/** The comparison: sequences, with the first difference in words. */
import type { RecordedRun } from './recorded-events.js';
import type { FlowEvent, ReferenceRun } from './reference-events.js';

const hex = (address: number): string => `0x${address.toString(16)}`;
const describeEvent = (event: FlowEvent | undefined): string =>
  event === undefined
    ? '(no more events)'
    : `${event.kind} ${hex(event.location)} -> ${hex(event.target)} depth ${event.depth}`;

const sameEvent = (a: FlowEvent | undefined, b: FlowEvent | undefined): boolean =>
  a?.kind === b?.kind && a?.location === b?.location && a?.target === b?.target && a?.depth === b?.depth;

/** The events from the call of `start` on; all of them when `start` is undefined. */
const from = (events: readonly FlowEvent[], start: number | undefined): readonly FlowEvent[] => {
  if (start === undefined) return events;
  const at = events.findIndex(({ kind, target }) => kind === 'call' && target === start);
  return at < 0 ? [] : events.slice(at);
};

/** Undefined when the sequences are equal; else the first difference with the four events before it. */
export const firstDifference = (ours: readonly FlowEvent[], reference: readonly FlowEvent[]): string | undefined => {
  const length = Math.max(ours.length, reference.length);
  for (let i = 0; i < length; i++) {
    if (sameEvent(ours[i], reference[i])) continue;
    const before = reference.slice(Math.max(0, i - 4), i).map((event) => `    ${describeEvent(event)}\n`);
    return (
      `event ${i} of ${reference.length} (ours has ${ours.length}):\n${before.join('')}` +
      `  - ${describeEvent(reference[i])}  (qemu-arm)\n  + ${describeEvent(ours[i])}  (armstalk)`
    );
  }
  return undefined;
};

export interface Comparison {
  /** Events compared. */
  readonly events: number;
  /** Empty when everything agrees. */
  readonly differences: readonly string[];
}

/**
 * Holds a recorded run against the reference: the calls and returns of every thread as sequences, from the call of
 * `start` on, and the blocks as sets. A block the reference saw left early (exit, fault, signal) has no known end.
 */
export const compareRuns = (ours: RecordedRun, reference: ReferenceRun, start?: number): Comparison => {
  const differences: string[] = [];
  const threads = [...ours.events.values()].filter((events) => events.length > 0);
  const referenceThreads = [...reference.events.values()].filter((events) => events.length > 0);
  if (threads.length !== referenceThreads.length)
    differences.push(`${threads.length} threads with events, qemu-arm has ${referenceThreads.length}`);
  let events = 0;
  threads.forEach((list, i) => {
    const difference = firstDifference(from(list, start), from(referenceThreads[i] ?? [], start));
    if (difference !== undefined) differences.push(`thread ${i}: ${difference}`);
    events += from(list, start).length;
  });
  if (start === undefined) differences.push(...blockDifferences(ours.blocks, reference));
  if (events === 0) differences.push('no events were compared');
  return { events, differences };
};

const startOf = (key: string): number => Number.parseInt(key, 16);

const blockDifferences = (blocks: ReadonlySet<string>, reference: ReferenceRun): string[] => {
  const known = new Set([...reference.blocks].map(startOf));
  const missing = [...reference.blocks].filter((key) => !blocks.has(key));
  const extra = [...blocks].filter((key) => !reference.blocks.has(key) && !reference.leftEarly.has(startOf(key)));
  const show = (key: string): string => `${key}${known.has(startOf(key)) ? ' (the start is right)' : ''}`;
  return [
    ...missing.slice(0, 5).map((key) => `block ${show(key)} ran under qemu-arm but was not compiled`),
    ...extra.slice(0, 5).map((key) => `block ${show(key)} was compiled but did not run under qemu-arm`),
  ];
};
