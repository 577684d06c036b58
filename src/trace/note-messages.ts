import type {
  CallCount,
  CallSummaryNote,
  IncidentNote,
  ModuleNote,
  ProbeFormat,
  ProbeNote,
  ProbeValue,
  SignalNote,
  SyscallNote,
  ThreadNote,
} from '../events/event.js';
import type { Message } from './message-encoder.js';

/** Notes to messages and back. `Raw` is a decoded message, defaults filled in, of the schema named beside it. */
type Raw = Record<string, unknown>;

export const threadMessage = (note: ThreadNote): Message => ({
  tid: note.tid,
  clock: note.clock,
  exited: note.what === 'exit',
  parentTid: note.parentTid ?? 0,
  exitCode: note.exitCode,
  name: note.name ?? '',
});

export const threadNote = (raw: Raw): ThreadNote => ({
  type: 'thread',
  tid: raw.tid as number,
  clock: raw.clock as number,
  what: raw.exited ? 'exit' : 'start',
  ...(raw.parentTid ? { parentTid: raw.parentTid as number } : {}),
  ...(raw.exitCode === undefined ? {} : { exitCode: raw.exitCode as number }),
  ...(raw.name ? { name: raw.name as string } : {}),
});

export const moduleNote = (raw: Raw): ModuleNote => ({ type: 'module', ...raw }) as unknown as ModuleNote;

export const syscallNote = (raw: Raw): SyscallNote =>
  ({ type: 'syscall', ...raw, result: raw.result }) as unknown as SyscallNote;

/** ProbeHit.phase 1 and 2. */
const PHASES = ['entry', 'return'] as const;

export const probeMessage = (note: ProbeNote): Message => ({
  ...note,
  phase: note.phase === undefined ? 0 : PHASES.indexOf(note.phase) + 1,
  values: note.values.map(([name, value, format = '']) =>
    typeof value === 'number' ? { name, format, number: value } : { name, format, text: value },
  ),
});

const probeValue = ({ name, number, text, format }: Raw): ProbeValue => {
  const value = (number ?? text ?? '') as number | string;
  return format === '' ? [name as string, value] : [name as string, value, format as ProbeFormat];
};

export const probeNote = (raw: Raw): ProbeNote => {
  const { phase: number, values, ...rest } = raw;
  const phase = PHASES[(number as number) - 1];
  return {
    type: 'probe',
    ...rest,
    ...(phase === undefined ? {} : { phase }),
    values: (values as Raw[]).map(probeValue),
  } as unknown as ProbeNote;
};

export const incidentMessage = (note: IncidentNote | SignalNote): Message =>
  note.type === 'incident'
    ? { ...note }
    : {
        tid: note.tid,
        clock: note.clock,
        code: 'signal',
        pc: note.pc,
        signal: { signo: note.signo, code: note.code, address: note.address, action: note.action },
      };

export const incidentNote = (raw: Raw): IncidentNote | SignalNote => {
  const { tid, clock, code, pc, message, signal } = raw;
  if (signal === undefined) return { type: 'incident', tid, clock, code, pc, message } as unknown as IncidentNote;
  return { type: 'signal', tid, clock, pc, ...(signal as Raw) } as unknown as SignalNote;
};

/** Rows a CallSummary has at most. */
const MAX_CALLS = 1 << 15;

export const callSummaryMessages = ({ tid, clock, calls }: CallSummaryNote): Message[] => {
  const messages: Message[] = [];
  for (let from = 0; from < calls.length; from += MAX_CALLS) {
    const rows = calls.slice(from, from + MAX_CALLS);
    messages.push({
      tid,
      clock,
      location: rows.map(([location], i) => (location - (rows[i - 1]?.[0] ?? 0)) | 0),
      target: rows.map(([location, target]) => (target - location) | 0),
      count: rows.map(([, , count]) => count),
    });
  }
  return messages;
};

/** Throws RangeError when the columns are of different lengths. */
export const callSummaryNote = (raw: Raw): CallSummaryNote => {
  const [locations, targets, counts] = [raw.location, raw.target, raw.count] as number[][];
  if (locations?.length !== counts?.length || targets?.length !== counts?.length) {
    throw new RangeError('the columns of a call summary are of different lengths');
  }
  let location = 0;
  const calls = (counts as number[]).map((count, i): CallCount => {
    location = (location + ((locations as number[])[i] as number)) >>> 0;
    return [location, (location + ((targets as number[])[i] as number)) >>> 0, count];
  });
  return { type: 'call-summary', tid: raw.tid as number, clock: raw.clock as number, calls };
};
