/**
 * Which functions are meant: `name`, `na*e`, `module!name`, `lib*.so!str*`, `/regex/` (of the name), `0x1040` or
 * `module!0x2340` (an address as objdump shows it). A pattern given with `--match regex` is one throughout.
 */
import { type FunctionTest, UsageError } from '../index.js';

export type PatternKind = 'glob' | 'regex';

const regex = (source: string, whole: string): RegExp => {
  try {
    return new RegExp(source);
  } catch {
    throw new UsageError(`${JSON.stringify(whole)} is not a regular expression`);
  }
};

/** `*`, `?` and `[...]` as the shell has them, for the whole word. */
export const globToRegex = (glob: string): RegExp => {
  const body = glob
    .replace(/[.+^${}()|\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return regex(`^${body}$`, glob);
};

const nameTest = (word: string, kind: PatternKind): FunctionTest => {
  if (/^0x[0-9a-f]+$/i.test(word)) {
    const address = Number(word) & ~1;
    return ({ offset, sizeBytes }) => address === offset || (address >= offset && address < offset + sizeBytes);
  }
  const slashes = /^\/(.*)\/$/.exec(word);
  const pattern = slashes !== null ? regex(slashes[1], word) : kind === 'regex' ? regex(word, word) : globToRegex(word);
  return ({ symbol, mangled }) => pattern.test(symbol) || (mangled !== undefined && pattern.test(mangled));
};

/** The test one pattern stands for. Throws UsageError. */
export const functionTest = (pattern: string, kind: PatternKind): FunctionTest => {
  const bang = pattern.startsWith('/') ? -1 : pattern.indexOf('!');
  if (bang < 0) return nameTest(pattern, kind);
  const module = kind === 'regex' ? regex(pattern.slice(0, bang), pattern) : globToRegex(pattern.slice(0, bang));
  const name = nameTest(pattern.slice(bang + 1), kind);
  return (info) => module.test(info.module) && name(info);
};

/** Whether nothing without a symbol can be meant: such a function is called by its address, `0x…`. */
export const needsSymbol = (pattern: string, kind: PatternKind): boolean =>
  kind === 'glob' && /^[a-z_]/i.test(pattern.slice(pattern.indexOf('!') + 1));

/** True where any of the patterns is; undefined without patterns. */
export const anyOf = (patterns: readonly string[], kind: PatternKind): FunctionTest | undefined => {
  if (patterns.length === 0) return undefined;
  const tests = patterns.map((pattern) => functionTest(pattern, kind));
  return (info) => tests.some((test) => test(info));
};

/** Rows to show: in one of the modules included, in none of those excluded. */
export const moduleTest = (included: readonly string[], excluded: readonly string[]): FunctionTest | undefined => {
  if (included.length === 0 && excluded.length === 0) return undefined;
  const [wanted, unwanted] = [included.map(globToRegex), excluded.map(globToRegex)];
  return ({ module }) =>
    (wanted.length === 0 || wanted.some((glob) => glob.test(module))) && !unwanted.some((glob) => glob.test(module));
};
