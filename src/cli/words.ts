/**
 * The command line as words. Options may stand before, between and after operands; everything after `--` is an operand.
 * For `run` the first operand is the program and the others are the guest's, so an unknown option behind the program is
 * most likely meant for the guest: the error shows the command line with `--` in the right place.
 */
import { UsageError } from '../errors.js';
import type { Flag, Flags, FlagValues, OptionFlag } from './flag.js';
import { nearest } from './nearest.js';

export interface WordsSpec<F extends Flags> {
  readonly command: string;
  readonly flags: F;
  /** Whether operands after the first belong to the guest. */
  readonly hasGuestArgs: boolean;
}

export interface Words<F extends Flags> {
  readonly flags: FlagValues<F>;
  readonly operands: readonly string[];
}

/** One word as a POSIX shell would need it. */
export const shellQuote = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;

class WordParser<F extends Flags> {
  private readonly spec: WordsSpec<F>;
  private readonly argv: readonly string[];
  private readonly values = new Map<string, unknown[]>();
  private readonly operands: string[] = [];
  /** Words taken as ours, to print a corrected command line. */
  private readonly own: string[] = [];
  private strayOption: string | undefined;
  private at = 0;

  constructor(spec: WordsSpec<F>, argv: readonly string[]) {
    this.spec = spec;
    this.argv = argv;
  }

  parse(): Words<F> {
    while (this.at < this.argv.length) {
      const word = this.argv[this.at++];
      if (word === '--') {
        this.operands.push(...this.argv.slice(this.at));
        break;
      }
      if (word.startsWith('--')) this.longOption(word);
      else if (word.startsWith('-') && word !== '-') this.shortOptions(word);
      else this.operands.push(word);
    }
    if (this.strayOption !== undefined) throw this.unknownOption(this.strayOption);
    return { flags: this.collect(), operands: this.operands };
  }

  private longOption(word: string): void {
    const equals = word.indexOf('=');
    const name = word.slice(2, equals < 0 ? undefined : equals);
    const flag = this.spec.flags[name];
    if (flag === undefined) {
      this.stray(word, equals < 0 ? word : word.slice(0, equals));
      return;
    }
    const start = this.at - 1;
    this.take(name, flag, equals < 0 ? undefined : word.slice(equals + 1), `--${name}`);
    this.own.push(...this.argv.slice(start, this.at));
  }

  /** `-q`, `-qo FILE`, `-oFILE`. */
  private shortOptions(word: string): void {
    const start = this.at - 1;
    for (let index = 1; index < word.length; index++) {
      const entry = Object.entries(this.spec.flags).find(([, flag]) => flag.char === word[index]);
      if (entry === undefined) {
        this.stray(word, `-${word[index]}`);
        return;
      }
      const [name, flag] = entry;
      const attached = word.slice(index + 1);
      if (flag.type === 'option') {
        this.take(name, flag, attached === '' ? undefined : attached.replace(/^=/, ''), `-${word[index]}`);
        break;
      }
      this.take(name, flag, undefined, `-${word[index]}`);
    }
    this.own.push(...this.argv.slice(start, this.at));
  }

  private take(name: string, flag: Flag, attached: string | undefined, shown: string): void {
    if (flag.type === 'boolean') {
      if (attached !== undefined) throw new UsageError(`option ${shown} takes no value`);
      this.values.set(name, [true]);
      return;
    }
    const word = attached ?? flag.bareValue ?? this.argv[this.at++];
    if (word === undefined) {
      throw new UsageError(
        `option ${shown} needs a value${flag.helpValue === undefined ? '' : `: ${shown} ${flag.helpValue}`}`,
      );
    }
    const known = flag.multiple ? (this.values.get(name) ?? []) : [];
    this.values.set(name, [...known, flag.read(word, shown)]);
  }

  /** An option nobody knows: fatal at once before the program, after it collected as the guest's for the hint. */
  private stray(word: string, option: string): void {
    if (!this.spec.hasGuestArgs || this.operands.length === 0) throw this.unknownOption(option);
    this.strayOption ??= option;
    this.operands.push(word);
  }

  private unknownOption(option: string): UsageError {
    const [program, ...guestArgs] = this.operands;
    if (this.strayOption !== undefined) {
      const line = ['armstalk', this.spec.command, ...this.own, program, '--', ...guestArgs].map(shellQuote).join(' ');
      return new UsageError(`unknown option ${option}`, { hint: `to hand it to the program:  ${line}` });
    }
    const known = Object.keys(this.spec.flags).map((name) => `--${name}`);
    const guess = option.startsWith('--') ? nearest(option, known) : undefined;
    const hint =
      guess === undefined ? `armstalk ${this.spec.command} --help lists the options` : `did you mean ${guess}?`;
    return new UsageError(`unknown option ${option}`, { hint });
  }

  private collect(): FlagValues<F> {
    const entryOf = ([name, flag]: [string, Flag]): [string, unknown] => {
      const given = this.values.get(name);
      if (flag.type === 'boolean') return [name, given !== undefined];
      if (flag.multiple) return [name, given ?? []];
      return [name, given === undefined ? defaultOf(flag, name) : given.at(-1)];
    };
    return Object.fromEntries(Object.entries(this.spec.flags).map(entryOf)) as FlagValues<F>;
  }
}

const defaultOf = (flag: OptionFlag<unknown>, name: string): unknown => {
  const fromEnvironment = flag.env === undefined ? undefined : process.env[flag.env];
  if (fromEnvironment !== undefined && fromEnvironment !== '') return flag.read(fromEnvironment, `$${flag.env}`);
  return flag.default === undefined ? undefined : flag.read(flag.default, `--${name}`);
};

/** Parses the words after the command's name. Throws UsageError. */
export const parseWords = <F extends Flags>(spec: WordsSpec<F>, argv: readonly string[]): Words<F> =>
  new WordParser(spec, argv).parse();
