import { hex, probeValuesJson, type ReplayRecord } from '../index.js';
import type { ReplayText } from './replay-text.js';

const KIND_NAMES: Readonly<Record<number, string>> = { 1: 'call', 2: 'ret', 4: 'exec', 8: 'block', 16: 'compile' };

type FunctionInfo = Extract<ReplayRecord, { readonly type: 'open' }>['function'];

const functionJson = ({ symbol, module, offset, source }: FunctionInfo): unknown => ({
  module,
  offset: hex(offset),
  symbol,
  ...(source === undefined ? {} : { source }),
});

/** Addresses as strings, as everywhere in JSON. */
const noteJson = ({ note, at }: Extract<ReplayRecord, { readonly type: 'note' }>): Record<string, unknown> => {
  const { type, clock: _, tid: __, ...rest } = note as unknown as Record<string, unknown>;
  const words: Record<string, unknown> = { type, ...rest, ...(at ? { at } : {}) };
  for (const key of ['pc', 'address', 'location', 'returnAddress']) {
    if (typeof words[key] === 'number') words[key] = hex(words[key] as number);
  }
  if (note.type === 'probe') words.values = probeValuesJson(note.values);
  return words;
};

const endOf = (record: Extract<ReplayRecord, { readonly type: 'end' }>): unknown => {
  const { reason, exitCode, signal, clock, message } = record.end;
  return {
    type: 'end',
    clock,
    reason,
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(signal === 0 ? {} : { signal }),
    ...(message === '' ? {} : { message }),
  };
};

/** A line of the replay as an object; undefined for what has none. */
export const recordJson = (record: ReplayRecord): unknown => {
  switch (record.type) {
    case 'header':
      return { type: 'header', program: record.header.program, argv: record.header.argv };
    case 'end':
      return endOf(record);
    case 'note':
      return { ...noteJson(record), clock: record.clock, tid: record.tid, depth: record.depth };
    case 'event': {
      const { event, location, target, clock, tid } = record;
      return { type: KIND_NAMES[event.kind], clock, tid, location, ...(target ? { target } : {}), depth: event.depth };
    }
    case 'context':
      return { ...record, stack: record.stack.map(functionJson) };
    default: {
      const args = record.type === 'close' || record.args === undefined ? {} : { args: probeValuesJson(record.args) };
      const result =
        record.type === 'open' || record.result === undefined
          ? {}
          : { result: probeValuesJson([record.result]).retval };
      return { ...record, function: functionJson(record.function), ...args, ...result };
    }
  }
};

/** One object a line. */
export class JsonLines implements ReplayText {
  readonly head = '';
  readonly tail = '';

  lines(record: ReplayRecord): string {
    return `${JSON.stringify(recordJson(record))}\n`;
  }
}

/** One object with all of them, piece by piece. */
export class JsonObject implements ReplayText {
  readonly head: string;
  readonly tail = ']}\n';
  private isFirst = true;

  constructor(file: string) {
    this.head = `{"schema":"armstalk.replay/1","file":${JSON.stringify(file)},"records":[`;
  }

  lines(record: ReplayRecord): string {
    const lead = this.isFirst ? '' : ',';
    this.isFirst = false;
    return `${lead}${JSON.stringify(recordJson(record))}`;
  }
}
