/** What may stand at the cursor of an unfinished command line. The shell scripts ask `armstalk __complete` for it. */
import type { Flags, OptionFlag } from '../flag.js';
import { type LineContext, lineContext, type ValueContext } from './context.js';

export interface Candidate {
  readonly word: string;
  readonly about?: string;
}

export interface Candidates {
  readonly words: readonly Candidate[];
  /** Names of files are meant, which the shell knows best. */
  readonly files?: true;
  /** More of the same word may follow. */
  readonly isOpen?: true;
}

/** One command as completion sees it. */
export interface CompletedCommand {
  readonly flags: Flags;
  /** Words its operands may be; file names when left out. */
  readonly operands?: readonly string[];
}

/** Names of functions (or modules) in the files a command line names. */
export type NamesOf = (files: readonly string[], what: 'functions' | 'modules') => Promise<readonly string[]>;

const FILES: Candidates = { words: [], files: true };
const NOTHING: Candidates = { words: [] };
const DEFAULT_TRACE = 'trace.pb';
/** A shell would have to be told that these are not its own. */
const PLAIN = /^[\w.$@:/+=,%!~-]+$/;

const PROBE_FIELDS = ['arg1', 'arg2', 'arg3', 'arg4', 'retval', 'bt', 'count', 'if:', 'fparg1', 'sp+0'];

const startingWith = (words: readonly string[], start: string, prefix = ''): Candidate[] =>
  words.filter((word) => word.startsWith(start)).map((word) => ({ word: prefix + word }));

/** The last word of a list with commas. */
const listValue = (words: readonly string[], { prefix, value }: ValueContext): Candidates => {
  const comma = value.lastIndexOf(',') + 1;
  const sign = /^[+-]/.exec(value.slice(comma))?.[0] ?? '';
  const before = prefix + value.slice(0, comma) + sign;
  const given = value.slice(0, comma).split(',');
  const free = words.filter((word) => !given.includes(word) && !given.includes(sign + word));
  return { words: startingWith(free, value.slice(comma + sign.length), before), isOpen: true };
};

/** Names that begin with what is typed, behind `module!` too. */
const nameValue = (names: readonly string[], { prefix, value }: ValueContext): Candidates => {
  const bang = value.indexOf('!') + 1;
  const found = names.filter((name) => PLAIN.test(name) && name.startsWith(value.slice(bang)));
  return { words: [...new Set(found)].sort().map((name) => ({ word: prefix + value.slice(0, bang) + name })) };
};

/** Clocks nobody can guess; functions behind an `@`. */
const rangeValue = async (context: ValueContext, names: () => Promise<readonly string[]>): Promise<Candidates> => {
  const { prefix, value } = context;
  const at = value.lastIndexOf('@') + 1;
  if (at === 0 || !/(?:^|~)@$/.test(value.slice(0, at))) return NOTHING;
  const behind = { ...context, prefix: prefix + value.slice(0, at), value: value.slice(at) };
  return { ...nameValue(await names(), behind), isOpen: true };
};

const probeValue = async (context: ValueContext, names: () => Promise<readonly string[]>): Promise<Candidates> => {
  const { prefix, value } = context;
  const at = value.lastIndexOf('@') + 1;
  if (at <= 1) return { ...nameValue(await names(), context), isOpen: true };
  return listValue(PROBE_FIELDS, { ...context, prefix: prefix + value.slice(0, at), value: value.slice(at) });
};

class Completer {
  private readonly command: CompletedCommand;
  private readonly context: LineContext;
  private readonly namesOf: NamesOf;
  private readonly environment: readonly string[];

  constructor(command: CompletedCommand, context: LineContext, namesOf: NamesOf, environment: readonly string[]) {
    this.command = command;
    this.context = context;
    this.namesOf = namesOf;
    this.environment = environment;
  }

  async candidates(): Promise<Candidates> {
    const { at } = this.context;
    switch (at.kind) {
      case 'guest':
        return FILES;
      case 'operand':
        return this.command.operands === undefined ? FILES : { words: startingWith(this.command.operands, at.word) };
      case 'option':
        return this.options(at.word, at.given);
      case 'value':
        return this.value(at);
    }
  }

  private options(word: string, given: ReadonlySet<string>): Candidates {
    const isFree = ([name, flag]: [string, Flags[string]]): boolean =>
      !given.has(name) || (flag.type === 'option' && flag.multiple === true);
    const known = Object.entries(this.command.flags).filter(isFree);
    const long = [...known.map(([name, { summary }]) => ({ word: `--${name}`, about: summary })), HELP];
    return { words: long.filter((one) => one.word.startsWith(word)) };
  }

  private async value(context: ValueContext): Promise<Candidates> {
    const { flag, prefix, value } = context;
    if (flag.options !== undefined) return { words: startingWith(flag.options, value, prefix) };
    if (flag.list !== undefined) return listValue(flag.list, context);
    const files = (): readonly string[] => this.namedFiles();
    switch (kindOf(flag)) {
      case 'file':
        return FILES;
      case 'probe':
        return probeValue(context, () => this.namesOf(files(), 'functions'));
      case 'range':
        return rangeValue(context, () => this.namesOf(files(), 'functions'));
      case 'function':
        return nameValue(await this.namesOf(files(), 'functions'), context);
      case 'module':
        return nameValue(await this.namesOf(files(), 'modules'), context);
      case 'variable':
        return { words: startingWith(this.environment, value, prefix) };
      case undefined:
        return NOTHING;
    }
  }

  /** The program of a run, the traces of a reader. */
  private namedFiles(): readonly string[] {
    const named = this.context.operands.filter((one) => one !== '-');
    return named.length > 0 ? named : [DEFAULT_TRACE];
  }
}

const HELP: Candidate = { word: '--help', about: 'show what the command does' };

/** What an option's value is, by the word its help shows for it. */
const kindOf = ({ helpValue = '' }: OptionFlag<unknown>): 'file' | (typeof KINDS)[keyof typeof KINDS] | undefined => {
  if (/\b(?:FILE|DIR|TRACE)\b/.test(helpValue)) return 'file';
  return Object.hasOwn(KINDS, helpValue) ? KINDS[helpValue as keyof typeof KINDS] : undefined;
};

const KINDS = {
  SPEC: 'probe',
  PATTERN: 'function',
  GLOB: 'module',
  NAME: 'variable',
  'A~B': 'range',
} as const;

/**
 * Candidates for the word at `index` of the words behind `armstalk`; `index` may be past the last of them. `environment`
 * are the names of variables.
 */
export const candidatesFor = async (
  commands: Readonly<Record<string, CompletedCommand>>,
  words: readonly string[],
  index: number,
  namesOf: NamesOf,
  environment: readonly string[],
): Promise<Candidates> => {
  if (index <= 0) return { words: startingWith([...Object.keys(commands), '--help', '--version'], words[0] ?? '') };
  const name = words[0] as string;
  if (!Object.hasOwn(commands, name)) return NOTHING;
  const command = commands[name] as CompletedCommand;
  const context = lineContext(command.flags, words.slice(1), index - 1);
  return new Completer(command, context, namesOf, environment).candidates();
};
