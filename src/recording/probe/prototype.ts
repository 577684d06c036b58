/** A C prototype, as it stands in a manual page or a header: `int open(const char *path, int flags, ...)`. */
import { UsageError } from '../../errors.js';
import { BASIC, typeOf } from './c-type.js';
import { splitAtCommas } from './split.js';
import { POINTER, type ValueType } from './value-type.js';

export interface Parameter {
  readonly name: string;
  readonly type: ValueType;
}

export interface Prototype {
  /** The function, with `module!` when that was given. */
  readonly name: string;
  readonly parameters: readonly Parameter[];
  /** Undefined for a function that returns nothing. */
  readonly result: ValueType | undefined;
  /** What stands for `...` is not recorded. */
  readonly isVariadic: boolean;
}

const bad = (text: string, what: string): UsageError =>
  new UsageError(`cannot make sense of the prototype ${JSON.stringify(text)}: ${what}`, {
    hint: "write it as in C: 'int open(const char *path, int flags)'",
  });

const FUNCTION_POINTER = /\(\s*\*+\s*(?:const\s+)?([A-Za-z_]\w*)?\s*(?:\[[^\]]*\]\s*)*\)\s*\(/;

/** Words, and the number of stars before each. */
const wordsOf = (text: string): { word: string; stars: number }[] => {
  const found: { word: string; stars: number }[] = [];
  let stars = 0;
  for (const [token] of text.matchAll(/\*|[A-Za-z_]\w*/g)) {
    if (token === '*') stars++;
    else found.push({ word: token, stars });
  }
  return found;
};

const TAG = /^(?:struct|union|enum)$/;

/** Whether the last of a declaration's words is the name of what is declared. */
const lastIsName = (words: readonly { word: string; stars: number }[]): boolean => {
  const last = words.at(-1);
  if (last === undefined || BASIC.test(last.word) || last.word === 'const') return false;
  if (last.stars > 0) return true;
  const rest = words.slice(0, -1).filter(({ word }) => !/^(?:const|volatile|register)$/.test(word));
  return rest.length > 0 && !TAG.test(rest.at(-1)?.word ?? '');
};

const parseParameter = (text: string, index: number): Parameter => {
  const fallback = `arg${index + 1}`;
  const pointer = FUNCTION_POINTER.exec(text);
  if (pointer !== null) return { name: pointer[1] ?? fallback, type: POINTER };
  if (/[^\w\s*[\]]/.test(text)) throw bad(text, 'this is no parameter');
  const dimensions = text.match(/\[[^\]]*\]/g)?.length ?? 0;
  const plain = text.replace(/\[[^\]]*\]/g, ' ');
  const words = wordsOf(plain);
  const hasName = lastIsName(words);
  const stars = (plain.match(/\*/g)?.length ?? 0) + dimensions;
  const typeWords = (hasName ? words.slice(0, -1) : words).map(({ word }) => word);
  if (typeWords.length === 0) throw bad(text, 'this is no parameter');
  const type = typeOf(typeWords, stars);
  if (type === undefined) throw bad(text, 'nothing can be of type void');
  return { name: hasName ? (words.at(-1) as { word: string }).word : fallback, type };
};

/** The index of the parenthesis that closes the first one; -1 without. */
const closingParenthesis = (text: string): number => {
  let depth = 0;
  for (let at = text.indexOf('('); at >= 0 && at < text.length; at++) {
    if (text[at] === '(') depth++;
    else if (text[at] === ')' && --depth === 0) return at;
  }
  return -1;
};

/** Where a prototype at the beginning of `text` ends; undefined when there is none. */
export const prototypeEnd = (text: string): number | undefined => {
  if (!/^\s*[A-Za-z_][\w\s]*[\s*][\w.!$:~+-]+\s*\(/.test(text)) return undefined;
  const end = closingParenthesis(text);
  return end < 0 ? undefined : end + 1;
};

/** Reads a prototype. Throws UsageError. */
export const parsePrototype = (text: string): Prototype => {
  const open = text.indexOf('(');
  const close = closingParenthesis(text);
  const head = /^(.*?[\s*])([\w.!$:~+-]+)\s*$/s.exec(text.slice(0, Math.max(0, open)));
  if (
    head === null ||
    close < 0 ||
    text
      .slice(close + 1)
      .replace(';', '')
      .trim() !== ''
  )
    throw bad(text, 'it is not one');
  const [, declared, name] = head;
  const items = splitAtCommas(text.slice(open + 1, close)).map((item) => item.trim());
  const isVariadic = items.at(-1) === '...';
  const given = items.filter((item) => item !== '...' && item !== '');
  const named = given.length === 1 && given[0] === 'void' ? [] : given;
  const words = wordsOf(declared).map(({ word }) => word);
  if (words.length === 0) throw bad(text, 'it has no return type');
  return {
    name,
    parameters: named.map(parseParameter),
    result: typeOf(words, declared.match(/\*/g)?.length ?? 0),
    isVariadic,
  };
};
