/**
 * What every command shares: parsing, errors as text or JSON with stable exit codes, silence when a reader has gone.
 *
 * Commands are oclif commands by shape (static `summary`, `args`, `flags`, `run`), which is all oclif asks for to list,
 * explain and dispatch them, but they do not extend its class: importing `@oclif/core` takes about 110 ms of a 170 ms
 * start, so it is loaded only for help, completion and unknown commands (see start.ts).
 */
import type { Flags } from './flag.js';
import { writeStderr, writeStdout } from './output.js';
import { asArmstalkError, errorJson, errorStack, errorText } from './render-error.js';
import { parseWords, type Words } from './words.js';

/** The static side oclif reads. */
export interface CommandStatics<F extends Flags> {
  readonly id: string;
  readonly flags: F;
  readonly hasGuestArgs?: boolean;
}

interface ConcreteCommand {
  new (argv: readonly string[]): BaseCommand;
  readonly usageExitCode: number;
}

const EXIT_USAGE = 2;
const EXIT_READER_GONE = 141;

export abstract class BaseCommand {
  /** Exit code for words that make no sense. */
  static usageExitCode = EXIT_USAGE;
  /** oclif: unknown operands are our business. */
  static strict = false;

  protected readonly argv: readonly string[];

  constructor(argv: readonly string[]) {
    this.argv = argv;
  }

  /** Does the work and gives the exit code. */
  abstract run(): Promise<number>;

  /** Called by oclif and by start.ts; sets the exit code of the process and never throws. */
  // biome-ignore-start lint/complexity/noThisInStatic: oclif calls it on the command class
  static async run(this: ConcreteCommand, argv: string[]): Promise<void> {
    try {
      process.exitCode = await new this(argv).run();
    } catch (error) {
      process.exitCode = report(error, argv, this.usageExitCode);
    }
  }
  // biome-ignore-end lint/complexity/noThisInStatic: as above

  protected parse<F extends Flags>(statics: CommandStatics<F>): Words<F> {
    const { id, flags, hasGuestArgs = false } = statics;
    return parseWords({ command: id, flags, hasGuestArgs }, this.argv);
  }

  protected printJson(value: unknown): void {
    writeStdout(`${JSON.stringify(value)}\n`);
  }
}

/** Says what went wrong on stderr and gives the exit code. */
const report = (thrown: unknown, argv: readonly string[], usageExitCode: number): number => {
  const { code, cause } = thrown as NodeJS.ErrnoException;
  if (code === 'EPIPE' || (cause as NodeJS.ErrnoException | undefined)?.code === 'EPIPE') return EXIT_READER_GONE;
  const error = asArmstalkError(thrown);
  const end = argv.indexOf('--');
  const wantsJson = argv.slice(0, end < 0 ? undefined : end).includes('--json');
  writeStderr(wantsJson ? errorJson(error) : errorText(error));
  if (process.env.ARMSTALK_DEBUG === '1') writeStderr(errorStack(error));
  return error.code === 'usage' ? usageExitCode : error.exitCode;
};
