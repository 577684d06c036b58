import type { IncidentNote, ModuleNote, ProbeNote, SignalNote, SyscallNote, ThreadNote } from '../events/event.js';
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

export const probeMessage = (note: ProbeNote): Message => ({
  ...note,
  values: note.values.map(([name, value]) =>
    typeof value === 'number' ? { name, number: value } : { name, text: value },
  ),
});

export const probeNote = (raw: Raw): ProbeNote =>
  ({
    type: 'probe',
    ...raw,
    values: (raw.values as Raw[]).map((value) => [value.name, value.number ?? value.text ?? '']),
  }) as unknown as ProbeNote;

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
