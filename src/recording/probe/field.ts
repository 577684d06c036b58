/** One FIELD of a probe: `arg1/s`, `fparg2`, `retval/x`, `r5`, `sp+8/d`, `*r0+4:16`, `bt=3`, `if:arg1>3`, `count`. */
import { UsageError } from '../../errors.js';
import { dRegister, sRegister, Word } from '../../guest/cpu-state.js';
import { type Expression, parseExpression } from './expression.js';
import { INT, MAX_DUMP_BYTES, parseFormat, type ValueType, WORD } from './value-type.js';

export type Field =
  | { readonly kind: 'argument'; readonly number: number; readonly type: ValueType }
  | { readonly kind: 'float'; readonly number: number; readonly type: ValueType }
  | { readonly kind: 'result'; readonly type: ValueType }
  | { readonly kind: 'register'; readonly name: string; readonly word: number; readonly type: ValueType }
  | { readonly kind: 'stack'; readonly offset: number; readonly type: ValueType }
  | { readonly kind: 'memory'; readonly text: string; readonly address: Expression; readonly sizeBytes: number }
  | { readonly kind: 'backtrace'; readonly limit: number }
  | { readonly kind: 'condition'; readonly condition: Expression }
  | { readonly kind: 'count' };

/** Callers a `bt` without a number shows. */
const BACKTRACE = 16;
const MAX_BACKTRACE = 256;
const MAX_ARGUMENTS = 64;
const NAMED_REGISTERS: Readonly<Record<string, number>> = {
  sb: 9,
  sl: 10,
  fp: 11,
  ip: 12,
  sp: Word.SP,
  lr: Word.LR,
};
const DOUBLE: ValueType = { format: 'f', sizeBytes: 8 };
const SINGLE: ValueType = { format: 'f', sizeBytes: 4 };

/** State word and usual type of a register; `pc` is the probe's place. */
export const registerOf = (name: string): { word: number; type: ValueType } | undefined => {
  const named = NAMED_REGISTERS[name];
  if (named !== undefined) return { word: named, type: WORD };
  const match = /^([rsd])([0-9]|[1-3][0-9])$/.exec(name);
  if (match === null) return undefined;
  const n = Number(match[2]);
  if (match[1] === 'r') return n > 14 ? undefined : { word: n, type: WORD };
  if (n > 31) return undefined;
  return match[1] === 's' ? { word: sRegister(n), type: SINGLE } : { word: dRegister(n), type: DOUBLE };
};

const badField = (text: string): UsageError =>
  new UsageError(`cannot make sense of the probe field ${JSON.stringify(text)}`, {
    hint: 'fields are argN, fpargN, retval, a register, sp+N, each with /FORMAT, *ADDRESS:LENGTH, bt, bt=N, if:CONDITION and count',
  });

const memoryField = (text: string): Field => {
  const match = /^\*(.+):((?:0x)?[0-9a-fA-F]+)$/.exec(text);
  const sizeBytes = Number(match?.[2] ?? Number.NaN);
  if (match === null || !(sizeBytes >= 1 && sizeBytes <= MAX_DUMP_BYTES)) throw badField(text);
  return { kind: 'memory', text, address: parseExpression(match[1]), sizeBytes };
};

const numbered = (text: string, digits: string, limit: number): number => {
  const number = Number(digits);
  if (number < 1 || number > limit) throw badField(text);
  return number;
};

const stackOffset = (text: string, digits: string): number => {
  const offset = Number(digits);
  if (!(offset <= 0xffff)) throw badField(text);
  return offset;
};

/** A field that is a place and perhaps a format. */
const valueField = (text: string): Field => {
  const [, what, format] = /^([^/]+)(?:\/(.+))?$/.exec(text) ?? [];
  if (what === undefined) throw badField(text);
  const type = format === undefined ? undefined : parseFormat(format);
  const argument = /^arg([0-9]+)$/.exec(what);
  if (argument !== null) {
    return { kind: 'argument', number: numbered(text, argument[1], MAX_ARGUMENTS), type: type ?? INT };
  }
  const float = /^fparg([0-9]+)$/.exec(what);
  if (float !== null) {
    if (type !== undefined && type.format !== 'f') throw badField(text);
    return { kind: 'float', number: numbered(text, float[1], MAX_ARGUMENTS), type: type ?? DOUBLE };
  }
  if (what === 'retval') return { kind: 'result', type: type ?? INT };
  const stack = /^sp\+((?:0x)?[0-9a-fA-F]+)$/.exec(what);
  if (stack !== null) return { kind: 'stack', offset: stackOffset(text, stack[1]), type: type ?? WORD };
  const register = registerOf(what);
  if (register === undefined) throw badField(text);
  return { kind: 'register', name: what, word: register.word, type: type ?? register.type };
};

/** Reads one field. Throws UsageError. */
export const parseField = (word: string): Field => {
  const text = word.trim();
  if (text === 'count') return { kind: 'count' };
  if (text.startsWith('if:')) return { kind: 'condition', condition: parseExpression(text.slice(3)) };
  if (text.startsWith('*')) return memoryField(text);
  const backtrace = /^bt(?:=([0-9]+))?$/.exec(text);
  if (backtrace !== null) {
    const limit = backtrace[1] === undefined ? BACKTRACE : numbered(text, backtrace[1], MAX_BACKTRACE);
    return { kind: 'backtrace', limit };
  }
  return valueField(text);
};
