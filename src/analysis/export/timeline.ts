import type { Note } from '../../events/event.js';
import { probeValuesJson } from '../probe-text.js';

/** A rare event as a viewer of time lines shows it: a stretch for a system call, else a moment. */
export interface Occurrence {
  readonly name: string;
  readonly category: 'syscall' | 'signal' | 'probe' | 'incident';
  readonly tid: number;
  readonly clock: number;
  /** Equal to `clock` for a moment. */
  readonly endClock: number;
  readonly args: Readonly<Record<string, number | string>>;
}

const hex = (address: number): string => `0x${((address & ~1) >>> 0).toString(16)}`;

/** What to show of a note; undefined for what viewers show otherwise or not at all. */
export const occurrenceOf = (note: Note): Occurrence | undefined => {
  if (note.type === 'module' || note.type === 'thread' || note.type === 'call-summary') return undefined;
  const { tid, clock } = note;
  const moment = { tid, clock, endClock: clock };
  if (note.type === 'syscall') {
    const endClock = Math.max(clock, note.endClock);
    return { ...moment, endClock, name: note.name, category: 'syscall', args: { call: note.text } };
  }
  if (note.type === 'signal') {
    const args = { signo: note.signo, action: note.action, pc: hex(note.pc) };
    return { ...moment, name: `signal ${note.signo}`, category: 'signal', args };
  }
  if (note.type === 'probe') {
    const args = { location: hex(note.location), ...probeValuesJson(note.values) };
    return { ...moment, name: `probe ${note.probe}`, category: 'probe', args };
  }
  return { ...moment, name: note.code, category: 'incident', args: { message: note.message, pc: hex(note.pc) } };
};
