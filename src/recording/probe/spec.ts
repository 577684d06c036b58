/**
 * What the user asks for: `PLACE[@FIELD,...]`, or a C prototype whose name is the place, with further fields behind `@`.
 */
import { UsageError } from '../../errors.js';
import { type Field, parseField } from './field.js';
import { type ProbePlace, parsePlace } from './place.js';
import { type Prototype, parsePrototype, prototypeEnd } from './prototype.js';
import { splitAtCommas } from './split.js';

export interface ProbeSpec {
  /** As the user wrote it. */
  readonly text: string;
  readonly place: ProbePlace;
  readonly prototype: Prototype | undefined;
  readonly fields: readonly Field[];
}

const QUALIFIERS = ['backtrace', 'condition', 'count'];

/** Fields that say more about a hit, but not what its values are. */
export const isQualifier = ({ kind }: Field): boolean => QUALIFIERS.includes(kind);

const parseFields = (text: string | undefined): Field[] =>
  text === undefined ? [] : splitAtCommas(text).map(parseField);

const withPrototype = (text: string, end: number): ProbeSpec => {
  const prototype = parsePrototype(text.slice(0, end));
  const rest = text.slice(end).trim().replace(/^;/, '').trim();
  if (rest !== '' && !rest.startsWith('@')) {
    throw new UsageError(`the probe ${JSON.stringify(text)} goes on after its prototype`, {
      hint: "put fields behind an @: 'int f(int n)@bt,if:n>3'",
    });
  }
  return { text, prototype, place: parsePlace(prototype.name), fields: parseFields(rest.slice(1) || undefined) };
};

/** Takes a specification apart. Throws UsageError. */
export const parseProbeSpec = (text: string): ProbeSpec => {
  const end = prototypeEnd(text);
  if (end !== undefined) return withPrototype(text, end);
  const at = text.indexOf('@', 1);
  const place = parsePlace(at < 0 ? text : text.slice(0, at));
  const fields = at < 0 ? [] : parseFields(text.slice(at + 1));
  if (place.offset !== 0 && fields.some(({ kind }) => kind === 'result')) {
    throw new UsageError(`the probe ${JSON.stringify(text)} cannot have a retval`, {
      hint: 'the result of a call can be had where a function begins, not inside of it',
    });
  }
  return { text, place, prototype: undefined, fields };
};
