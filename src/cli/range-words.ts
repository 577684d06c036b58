/** `10k~2M`, `@main~`, `@parse~@done`: from where to where, in clocks or at the first call of a function. */
import {
  type AnchoredRange,
  type CallAnchor,
  type ClockRange,
  findRange,
  type NameOptions,
  UsageError,
} from '../index.js';
import { functionTest, needsSymbol, type PatternKind } from './pattern.js';
import { count } from './values.js';

/** As given: clocks, and patterns with the `@` before them. */
export interface RangeWords {
  readonly from: number | string;
  readonly to: number | string;
}

const AT = /^@./;
const isEnd = (word: string): boolean => word === '' || AT.test(word) || /^[0-9]/.test(word);

/** A name may have a `~` in it, as C++ destructors do: it is parted where both sides make sense. */
const parted = (word: string): readonly [from: string, to: string] | undefined => {
  for (let at = word.indexOf('~'); at >= 0; at = word.indexOf('~', at + 1)) {
    const [from, to] = [word.slice(0, at), word.slice(at + 1)];
    if (isEnd(from) && isEnd(to)) return [from, to];
  }
  return undefined;
};

/** Throws UsageError for what is no range, or ends before it begins. */
export const rangeWords = (word: string, option: string): RangeWords => {
  const ends = parted(word);
  if (ends === undefined) {
    throw new UsageError(`${option} needs a range of clocks, not ${JSON.stringify(word)}`, {
      hint: 'for example 10k~2M, 10k~ or ~2M, in instructions, or @main~, from the first call of a function',
    });
  }
  const end = (text: string, open: number): number | string =>
    text === '' ? open : AT.test(text) ? text : count(text, option);
  const [from, to] = [end(ends[0], 0), end(ends[1], Number.POSITIVE_INFINITY)];
  if (typeof from === 'number' && typeof to === 'number' && from > to) {
    throw new UsageError(`${option} ${word} ends before it begins`);
  }
  return { from, to };
};

const anchorOf = (end: number | string, match: PatternKind): number | CallAnchor => {
  if (typeof end === 'number') return end;
  const pattern = end.slice(1);
  return { test: functionTest(pattern, match), text: end, isNamed: needsSymbol(pattern, match) };
};

export interface RangeFlags {
  readonly range: RangeWords | undefined;
  readonly match: PatternKind;
  readonly tid: readonly (readonly number[])[];
}

/** The clocks meant in the trace at `path`; a trace in which a call is to be found is read up to it. */
export const clockRange = async (
  path: string,
  { range, match, tid }: RangeFlags,
  { names }: { readonly names: NameOptions },
): Promise<ClockRange | undefined> => {
  if (range === undefined) return undefined;
  const anchored: AnchoredRange = { from: anchorOf(range.from, match), to: anchorOf(range.to, match) };
  return findRange(path, anchored, { names, ...(tid.length > 0 && { threads: tid.flat() }) });
};
