/** What a command line that is still being typed asks for: the command, what was given, and the word at the cursor. */
import type { Flag, Flags, OptionFlag } from '../flag.js';

/** The value of an option is being typed. */
export interface ValueContext {
  readonly kind: 'value';
  readonly flag: OptionFlag<unknown>;
  /** What stands before the value in the same word: `--tier=`, `-p`, or nothing. */
  readonly prefix: string;
  readonly value: string;
}

export type WordContext =
  | ValueContext
  | { readonly kind: 'option'; readonly word: string; readonly given: ReadonlySet<string> }
  | { readonly kind: 'operand'; readonly word: string; readonly index: number }
  /** Behind `--`. */
  | { readonly kind: 'guest'; readonly word: string };

export interface LineContext {
  readonly at: WordContext;
  /** The other operands, also those behind the cursor. */
  readonly operands: readonly string[];
}

interface Seen {
  readonly operands: string[];
  readonly given: Set<string>;
  /** An option that still wants its value. */
  open: OptionFlag<unknown> | undefined;
  isGuests: boolean;
}

const longFlag = (flags: Flags, name: string): Flag | undefined =>
  Object.hasOwn(flags, name) ? flags[name] : undefined;

const shortFlag = (flags: Flags, char: string): [string, Flag] | undefined =>
  Object.entries(flags).find(([, flag]) => flag.char === char);

/** The option a cluster like `-qo` or `-oFILE` ends in, and what of the word is its value. */
const lastOfCluster = (flags: Flags, word: string, given?: Set<string>): { flag: Flag; value: string } | undefined => {
  for (let at = 1; at < word.length; at++) {
    const found = shortFlag(flags, word[at] as string);
    if (found === undefined) return undefined;
    const [name, flag] = found;
    given?.add(name);
    if (flag.type === 'option') return { flag, value: word.slice(at + 1) };
  }
  return undefined;
};

const takeOption = (flags: Flags, word: string, seen: Seen): void => {
  if (!word.startsWith('--')) {
    const last = lastOfCluster(flags, word, seen.given);
    if (last?.flag.type === 'option' && last.value === '' && last.flag.bareValue === undefined) seen.open = last.flag;
    return;
  }
  const [name] = word.slice(2).split('=', 1) as [string];
  const flag = longFlag(flags, name);
  seen.given.add(name);
  const wantsValue = flag?.type === 'option' && flag.bareValue === undefined && !word.includes('=');
  if (wantsValue) seen.open = flag;
};

const take = (flags: Flags, word: string, seen: Seen): void => {
  if (seen.isGuests) return;
  if (seen.open !== undefined) seen.open = undefined;
  else if (word === '--') seen.isGuests = true;
  else if (word.startsWith('-') && word !== '-') takeOption(flags, word, seen);
  else seen.operands.push(word);
};

const wordAt = (flags: Flags, word: string, { open, isGuests, given, operands }: Seen): WordContext => {
  if (isGuests) return { kind: 'guest', word };
  if (open !== undefined) return { kind: 'value', flag: open, prefix: '', value: word };
  if (word.startsWith('--') && word.includes('=')) {
    const equals = word.indexOf('=');
    const flag = longFlag(flags, word.slice(2, equals));
    if (flag?.type === 'option') {
      return { kind: 'value', flag, prefix: word.slice(0, equals + 1), value: word.slice(equals + 1) };
    }
  }
  if (!word.startsWith('-')) return { kind: 'operand', word, index: operands.length };
  const cluster = word.startsWith('--') ? undefined : lastOfCluster(flags, word);
  if (cluster?.flag.type === 'option' && cluster.value !== '') {
    const { flag, value } = cluster;
    return { kind: 'value', flag, prefix: word.slice(0, word.length - value.length), value };
  }
  return { kind: 'option', word, given };
};

/** `words` follow the command's name; the one at `index`, which may be past the last, is being typed. */
export const lineContext = (flags: Flags, words: readonly string[], index: number): LineContext => {
  const seen: Seen = { operands: [], given: new Set(), open: undefined, isGuests: false };
  for (const word of words.slice(0, index)) take(flags, word, seen);
  const at = wordAt(flags, words[index] ?? '', seen);
  const behind: Seen = { ...seen, open: undefined };
  for (const word of words.slice(index + 1)) take(flags, word, behind);
  return { at, operands: behind.operands };
};
