/** The words of `npm run bench`. What makes no sense is a BenchUsageError, whose message is for people. */
import { parseArgs } from 'node:util';

export const USAGE = `usage: npm run bench -- [--size 1] [--rounds 3] [--filter REGEX] [--isa thumb|arm] [--no-busybox]
                        [--run-flags "--flag ..."] [--json FILE|-]
  --size       scales the work; at 1 qemu-arm needs 2 to 5 s per workload, about 4 s for our kernels
  --run-flags  more options for \`armstalk run\`, such as those that choose a tier
`;

export class BenchUsageError extends Error {}

const parse = (words: readonly string[]) =>
  parseArgs({
    args: [...words],
    options: {
      size: { type: 'string', default: '1' },
      rounds: { type: 'string', default: '3' },
      filter: { type: 'string', default: '' },
      isa: { type: 'string', default: 'thumb' },
      'no-busybox': { type: 'boolean', default: false },
      'run-flags': { type: 'string', default: '' },
      json: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  }).values;

export type BenchOptions = ReturnType<typeof parse>;

const isPattern = (text: string): boolean => {
  try {
    new RegExp(text);
    return true;
  } catch {
    return false;
  }
};

/** Throws BenchUsageError. */
export const benchOptions = (words: readonly string[]): BenchOptions => {
  let options: BenchOptions;
  try {
    options = parse(words);
  } catch (error) {
    // parseArgs says what is wrong in its first sentence, and goes on about what one might have meant.
    throw new BenchUsageError((error as Error).message.split(/[.\n]/)[0] ?? '', { cause: error });
  }
  const check = (isRight: boolean, what: string): void => {
    if (!isRight) throw new BenchUsageError(what);
  };
  check(Number(options.size) > 0, `--size needs a number above 0, not ${JSON.stringify(options.size)}`);
  check(/^[1-9][0-9]*$/.test(options.rounds), `--rounds needs a count, not ${JSON.stringify(options.rounds)}`);
  check(['thumb', 'arm'].includes(options.isa), `--isa is thumb or arm, not ${JSON.stringify(options.isa)}`);
  check(isPattern(options.filter), `--filter ${JSON.stringify(options.filter)} is not a regular expression`);
  check(options.json !== '', '--json needs a file or -');
  return options;
};
