/** A replay as people read it. */
import {
  hex,
  type Place,
  probeArgumentsText,
  probeCallersText,
  probeHitText,
  probeValueText,
  type ReplayRecord,
  signalName,
} from '../index.js';
import { escapeText } from './escape.js';
import { groupDigits } from './number-text.js';
import { isForPeople } from './table.js';

type Of<T extends ReplayRecord['type']> = Extract<ReplayRecord, { readonly type: T }>;
type Note = Of<'note'>['note'];
type FunctionInfo = Of<'open'>['function'];

/** Turns records into lines; keeps what it must know from one to the next. */
export interface ReplayText {
  readonly head: string;
  readonly tail: string;
  lines(record: ReplayRecord): string;
}

const COST_WIDTH = 11;
const TID_WIDTH = 6;
const COLUMN_WIDTH = 8;
/** No tree is indented further than this many levels. */
const MAX_INDENT = 100;

export const functionName = ({ symbol, module, offset }: FunctionInfo): string =>
  symbol === hex(offset) && module !== '' ? `${module}!${symbol}` : symbol;

export const placeText = ({ module, offset, symbol, symbolOffset }: Place): string => {
  if (symbol === offset) return module === '' ? offset : `${module}!${offset}`;
  return symbolOffset === 0 ? symbol : `${symbol}+${hex(symbolOffset)}`;
};

const argsText = (args: Of<'open'>['args']): string => (args === undefined ? '' : probeArgumentsText(args));
const callersText = (args: Of<'open'>['args']): string => {
  const callers = args === undefined ? '' : probeCallersText(args);
  return callers === '' ? '' : ` /* from ${callers} */`;
};
const sourceText = ({ source }: FunctionInfo): string => (source === undefined ? '' : ` /* ${source} */`);
const resultText = ({ result }: Of<'call' | 'close'>): string =>
  result === undefined ? '' : ` = ${probeValueText(result)}`;

/** Where strace puts the equals sign, and where it stands in a recorded call. */
const RESULT_COLUMN = 39;
const RESULT = /\)\s+= (?!.*\)\s+= )/;

/** `read(0, "4711\n", 15)                 = 5` */
const straceLine = (text: string): string => {
  const at = text.search(RESULT);
  return at < 0 ? text : `${text.slice(0, at + 1).padEnd(RESULT_COLUMN - 1)} ${text.slice(at + 1).trimStart()}`;
};

/** `read(0, "4711\n", 15) = 5` */
const callText = (text: string): string => text.replace(RESULT, ') = ');

const exitText = ({ end }: Of<'end'>): string | undefined => {
  if (end.reason === 'exit') return `exited with ${end.exitCode ?? 0}`;
  if (end.reason === 'signal') return `killed by ${signalName(end.signal)}`;
  return `stopped: ${end.message === '' ? end.reason : end.message}`;
};

/** A rare event in words; undefined when it is not worth a line. */
const noteText = (note: Note, at: Place | undefined): string | undefined => {
  const where = at === undefined ? '' : placeText(at);
  switch (note.type) {
    case 'syscall':
      return callText(note.text);
    case 'signal':
      return `--- ${signalName(note.signo)} {si_code=${note.code}, si_addr=${hex(note.address)}} at ${where} ---`;
    case 'probe':
      return probeHitText(where, note);
    case 'thread':
      return note.what === 'exit'
        ? `thread ${note.tid} exited with ${note.exitCode ?? '?'}`
        : `thread ${note.tid} started by ${note.parentTid ?? '?'}`;
    case 'incident':
      return `${note.code}: ${note.message}`;
    default:
      return undefined;
  }
};

/** Costs and the call tree, as uftrace has it. */
export class TreeText implements ReplayText {
  readonly head: string;
  readonly tail = '';
  private readonly hasColumns: boolean;
  private readonly isGrouped: boolean;
  private readonly columns = new Map<number, number>();

  constructor(options: { hasHeader: boolean; hasColumns: boolean; isGrouped?: boolean }) {
    this.head = options.hasHeader ? `#${'INSNS'.padStart(COST_WIDTH - 1)}${'TID'.padStart(TID_WIDTH)}  FUNCTION\n` : '';
    this.hasColumns = options.hasColumns;
    this.isGrouped = options.isGrouped ?? isForPeople();
  }

  lines(record: ReplayRecord): string {
    switch (record.type) {
      case 'open':
        return this.line(
          record,
          undefined,
          `${functionName(record.function)}(${argsText(record.args)}) {${callersText(record.args)}${sourceText(record.function)}`,
        );
      case 'call':
        return this.line(
          record,
          record.insns,
          `${functionName(record.function)}(${argsText(record.args)})${resultText(record)};${callersText(record.args)}${sourceText(record.function)}${this.comment(record)}`,
        );
      case 'close':
        return this.line(
          record,
          record.insns,
          `}${resultText(record)} /* ${functionName(record.function)}${this.remark(record, ': ')} */`,
        );
      case 'note': {
        const text = noteText(record.note, record.at);
        return text === undefined ? '' : this.line(record, undefined, `/* ${text} */`);
      }
      case 'context':
        return `# thread ${record.tid} at ${groupDigits(record.clock)} in ${escapeText(record.stack.map(functionName).join(' > '))}\n`;
      default:
        return '';
    }
  }

  private comment(record: Of<'call'>): string {
    const remark = this.remark(record, '');
    return remark === '' ? '' : ` /* ${remark} */`;
  }

  private remark({ leaving, signal }: Of<'call' | 'close'>, lead: string): string {
    if (leaving === 'unwound') return `${lead}unwound`;
    if (leaving === 'cut') return `${lead}still running here`;
    const cause = signal === undefined ? '' : `: ${signalName(signal)}`;
    return leaving === 'running' ? `${lead}still running at exit${cause}` : '';
  }

  private line({ tid, depth }: { tid: number; depth: number }, insns: number | undefined, text: string): string {
    const cost = insns === undefined ? '' : this.isGrouped ? groupDigits(insns) : String(insns);
    const indent = '  '.repeat(Math.min(depth, MAX_INDENT));
    const shift = this.hasColumns ? ' '.repeat(COLUMN_WIDTH * this.column(tid)) : '';
    const head = `${cost.padStart(COST_WIDTH)}${String(tid).padStart(TID_WIDTH)}`;
    return `${head}  ${shift}${indent}${escapeText(text)}\n`;
  }

  private column(tid: number): number {
    const column = this.columns.get(tid) ?? this.columns.size;
    this.columns.set(tid, column);
    return column;
  }
}

/** System calls, signals and ends, one line each. */
export class StraceText implements ReplayText {
  readonly head = '';
  readonly tail = '';
  private tid = 0;

  lines(record: ReplayRecord): string {
    if (record.type === 'end') {
      const text = exitText(record);
      return text === undefined || this.tid === 0 ? '' : `${this.tid} +++ ${text} +++\n`;
    }
    if (record.type !== 'note') return '';
    const { note, tid, at } = record;
    if (this.tid === 0) this.tid = tid;
    if (note.type === 'thread')
      return note.what === 'exit' && tid !== this.tid ? `${tid} +++ exited with ${note.exitCode ?? '?'} +++\n` : '';
    const text = note.type === 'syscall' ? straceLine(note.text) : noteText(note, at);
    return text === undefined ? '' : `${tid} ${escapeText(text)}\n`;
  }
}

const KIND_NAMES: Readonly<Record<number, string>> = { 1: 'call', 2: 'ret', 4: 'exec', 8: 'block', 16: 'compile' };

/** Every event on a line. */
export class FlatText implements ReplayText {
  readonly head: string;
  readonly tail = '';

  constructor(options: { hasHeader: boolean }) {
    this.head = options.hasHeader ? `#${'CLOCK'.padStart(11)}${'TID'.padStart(TID_WIDTH + 1)} KIND    EVENT\n` : '';
  }

  lines(record: ReplayRecord): string {
    if (record.type === 'note') {
      const text = noteText(record.note, record.at);
      return text === undefined ? '' : this.line(record, record.note.type, text);
    }
    if (record.type !== 'event') return '';
    const { event, location, target } = record;
    const isTransfer = event.kind <= 2;
    const size = (((event.target & ~1) >>> 0) - ((event.location & ~1) >>> 0)) | 0;
    const to = target === undefined ? '' : isTransfer ? ` -> ${placeText(target)}` : ` ${size} bytes`;
    return this.line(record, KIND_NAMES[event.kind] ?? '?', `${location.offset} ${placeText(location)}${to}`);
  }

  private line({ clock, tid }: { clock: number; tid: number }, kind: string, text: string): string {
    return `${String(clock).padStart(12)} ${String(tid).padStart(TID_WIDTH)} ${kind.padEnd(7)} ${escapeText(text)}\n`;
  }
}
