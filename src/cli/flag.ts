/**
 * How a command describes its options. The objects have the shape oclif reads (help, manifest, completion), plus what our
 * own word parser needs; they are plain data because loading `@oclif/core` costs more than the rest of a start.
 */
interface FlagWords {
  readonly summary: string;
  readonly char?: string;
  readonly helpGroup?: string;
}

export interface BooleanFlag extends FlagWords {
  readonly type: 'boolean';
}

export interface OptionFlag<T> extends FlagWords {
  readonly type: 'option';
  /** Turns the word into a value; throws UsageError. */
  readonly read: (word: string, option: string) => T;
  readonly helpValue?: string;
  readonly options?: readonly string[];
  /** What a value is a comma-separated list of, each perhaps with a sign, for completion. */
  readonly list?: readonly string[];
  readonly default?: string;
  /** Environment variable that stands in for the option when it is absent. */
  readonly env?: string;
  /** May be given more than once, one value each time. */
  readonly multiple?: boolean;
  readonly multipleNonGreedy?: boolean;
  /** The value `--name` without `=value` stands for; without this a value is required. */
  readonly bareValue?: string;
}

export type Flag = BooleanFlag | OptionFlag<unknown>;
export type Flags = Readonly<Record<string, Flag>>;

/** What parsing gives for a set of flags. */
export type FlagValues<F extends Flags> = {
  readonly [K in keyof F]: F[K] extends OptionFlag<infer T>
    ? F[K] extends { multiple: true }
      ? readonly T[]
      : F[K] extends { default: string }
        ? T
        : T | undefined
    : boolean;
};
