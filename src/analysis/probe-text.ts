/** What a probe recorded, as text in C's manner and as JSON. */
import { hex } from '../bits.js';
import type { ProbeNote, ProbeValue } from '../events/event.js';

const NAMED: Readonly<Record<string, string>> = { '\n': '\\n', '\t': '\\t', '\r': '\\r', '\0': '\\0' };
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what this is about
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/g;

const escaped = (text: string, quote: string): string =>
  text
    .replaceAll('\\', '\\\\')
    .replaceAll(quote, `\\${quote}`)
    .replace(CONTROL, (one) => NAMED[one] ?? `\\x${one.charCodeAt(0).toString(16).padStart(2, '0')}`);

const quoted = (text: string, quote: string): string => `${quote}${escaped(text, quote)}${quote}`;

const hexWide = (value: number | string): string => {
  const whole = BigInt(value);
  return `${whole < 0n ? '-' : ''}0x${(whole < 0n ? -whole : whole).toString(16)}`;
};

/** `'4'`, `"4711"`, `0x1f`, `-1`, `NULL`, `<bad 0x0000000c>`. Values without a format are hexadecimal numbers or text. */
export const probeValueText = ([, value, format]: ProbeValue): string => {
  switch (format) {
    case 'bad':
      return `<bad 0x${(Number(value) >>> 0).toString(16).padStart(8, '0')}>`;
    case 's':
    case 's...':
      return typeof value === 'number' ? 'NULL' : `${quoted(value, '"')}${format === 's' ? '' : '...'}`;
    case 'c':
      return quoted(String(value), "'");
    case 'x':
      return hexWide(value);
    case 'o':
      return Number(value) === 0 ? '0' : `0${BigInt(value).toString(8)}`;
    case 'd':
    case 'u':
    case 'f':
      return String(value);
    case 'bt':
      return callersText(String(value));
    default:
      return typeof value === 'number' ? hex(value) : value;
  }
};

/** A number, a string, null (a null pointer), `{"bad": "0xc"}`, or for callers a list of places. */
export type ProbeJson = number | string | null | { readonly bad: string } | readonly string[];

export const probeValueJson = ([, value, format]: ProbeValue): ProbeJson => {
  if (format === 'bad') return { bad: hex(Number(value)) };
  if (format === 's' && typeof value === 'number') return null;
  return format === 'bt' ? String(value).split('\n') : value;
};

/** The values of a hit by their names. */
export const probeValuesJson = (values: readonly ProbeValue[]): Record<string, ProbeJson> =>
  Object.fromEntries(values.map((value) => [value[0], probeValueJson(value)]));

/** `a='4', b='4'`, without the callers. */
export const probeArgumentsText = (values: readonly ProbeValue[]): string =>
  values
    .filter(([, , format]) => format !== 'bt')
    .map((value) => `${value[0]}=${probeValueText(value)}`)
    .join(', ');

const callersText = (places: string): string => places.split('\n').join(' < ');

/** `main+0x1e < _start+0x18`: who called, innermost first; empty when that was not recorded. */
export const probeCallersText = (values: readonly ProbeValue[]): string => {
  const callers = values.find(([, , format]) => format === 'bt');
  return callers === undefined ? '' : callersText(String(callers[1]));
};

/** The result that a return brought, if it did. */
export const probeResult = ({ phase, values }: ProbeNote): ProbeValue | undefined =>
  phase === 'return' ? values.find(([name]) => name === 'retval') : undefined;

/** A hit as a call, `f(a=1)`, or as the end of one, `f = 2`; `name` is the function or the place. */
export const probeHitText = (name: string, note: ProbeNote): string => {
  const result = probeResult(note);
  if (result !== undefined) return `${name} = ${probeValueText(result)}`;
  const callers = probeCallersText(note.values);
  return `${name}(${probeArgumentsText(note.values)})${callers === '' ? '' : ` from ${callers}`}`;
};
