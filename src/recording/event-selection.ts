/**
 * Which events a recording keeps. The Stalker's kinds become a mask; of the rare kinds, system calls and signals can be
 * left out. Threads, the load map, probes and incidents are the frame the rest hangs in and are always kept.
 */
import { UsageError } from '../errors.js';
import { EventKind, type EventMask, type Note } from '../events/event.js';

export interface EventSelection {
  readonly mask: EventMask;
  readonly syscalls: boolean;
  readonly signals: boolean;
  /** Calls are counted instead of recorded: no sequence, no returns, no costs. */
  readonly callSummary?: boolean;
}

const MASKS: Readonly<Record<string, EventMask>> = {
  call: EventKind.CALL,
  ret: EventKind.RET,
  exec: EventKind.EXEC,
  block: EventKind.BLOCK,
  compile: EventKind.COMPILE,
};
const ALWAYS = ['thread', 'map'];
const KINDS = [...Object.keys(MASKS), 'syscall', 'signal', ...ALWAYS];
const CALL_SUMMARY = 'call-summary';
const WORDS = [...KINDS, CALL_SUMMARY];
const DEFAULT = ['compile', 'call', 'ret', 'syscall', 'signal'];

const toSelection = (words: ReadonlySet<string>): EventSelection => ({
  mask: Object.entries(MASKS).reduce((mask, [word, bit]) => (words.has(word) ? mask | bit : mask), 0),
  syscalls: words.has('syscall'),
  signals: words.has('signal'),
  ...(words.has(CALL_SUMMARY) ? { callSummary: true } : {}),
});

/** What a list may consist of. */
export const EVENT_WORDS: readonly string[] = [...WORDS, 'all', 'none'];

export const DEFAULT_EVENTS: EventSelection = toSelection(new Set(DEFAULT));
export const NO_EVENTS: EventSelection = toSelection(new Set());

/**
 * `call,ret` keeps exactly these; `+block,-compile` changes the default; `all` and `none` are what they say. Throws
 * UsageError on an unknown kind, and on `call-summary` together with calls one by one.
 */
export const parseEventList = (list: string): EventSelection => {
  const items = list.split(',').filter((item) => item !== '');
  const isChange = items.length > 0 && items.every((item) => /^[+-]/.test(item));
  const chosen = new Set(isChange ? DEFAULT : []);
  for (const item of items) {
    const word = item.replace(/^[+-]/, '');
    if (word === 'none' && !isChange) continue;
    const words = word === 'all' ? KINDS : [word];
    if (word !== 'all' && !WORDS.includes(word)) {
      throw new UsageError(`there is no event kind ${JSON.stringify(word)}`, {
        hint: `choose from: ${WORDS.join(', ')}, all, none; +KIND and -KIND change the default`,
      });
    }
    for (const one of words) item.startsWith('-') ? chosen.delete(one) : chosen.add(one);
  }
  const selection = toSelection(chosen);
  if (selection.callSummary && selection.mask !== 0) {
    throw new UsageError('call-summary counts calls instead of recording what happened in order', {
      hint: 'besides it there can be only syscall, signal, thread and map',
    });
  }
  return selection;
};

/** Whether a recording with this selection keeps `note`. */
export const keepsNote = (selection: EventSelection, note: Note): boolean => {
  if (note.type === 'syscall') return selection.syscalls;
  if (note.type === 'signal') return selection.signals;
  return true;
};
