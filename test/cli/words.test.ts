import { describe, expect, test } from 'vitest';
import type { Flags } from '../../src/cli/flag.js';
import { rangeWords } from '../../src/cli/range-words.js';
import { assignment, count, durationMs, integer, oneOf, text } from '../../src/cli/values.js';
import { parseWords, shellQuote } from '../../src/cli/words.js';
import { UsageError } from '../../src/errors.js';

const flags = {
  output: { type: 'option', char: 'o', summary: '', read: text, helpValue: 'FILE' },
  probe: { type: 'option', char: 'p', summary: '', read: text, multiple: true },
  env: { type: 'option', char: 'E', summary: '', read: assignment, multiple: true },
  live: { type: 'option', summary: '', read: oneOf('tree', 'flat'), bareValue: 'tree' },
  profile: { type: 'option', summary: '', read: oneOf('precise', 'gum'), default: 'precise' },
  quiet: { type: 'boolean', char: 'q', summary: '' },
  json: { type: 'boolean', summary: '' },
} as const satisfies Flags;

const parse = (line: string, hasGuestArgs = true) =>
  parseWords({ command: 'run', flags, hasGuestArgs }, line === '' ? [] : line.split(' '));

const complaint = (line: string, hasGuestArgs = true): UsageError => {
  try {
    parse(line, hasGuestArgs);
  } catch (error) {
    if (error instanceof UsageError) return error;
    throw error;
  }
  throw new Error(`${line} was accepted`);
};

describe('options and the program', () => {
  test.each([
    ['--probe 0x1040 ./a.out'],
    ['./a.out --probe 0x1040'],
    ['./a.out --probe=0x1040'],
    ['-p 0x1040 ./a.out'],
    ['-p0x1040 ./a.out'],
    ['./a.out -p=0x1040'],
  ])('%s has one probe and one operand', (line) => {
    const { flags: values, operands } = parse(line);
    expect([values.probe, operands]).toEqual([['0x1040'], ['./a.out']]);
  });

  test('a repeatable option takes one value each time', () => {
    const { flags: values, operands } = parse('-p a ./a.out x --probe b y');
    expect([values.probe, operands]).toEqual([
      ['a', 'b'],
      ['./a.out', 'x', 'y'],
    ]);
  });

  test('everything after -- is the guest’s, untouched', () => {
    expect(parse('-q ./a.out -- -q --json -- x')).toMatchObject({
      flags: { quiet: true, json: false },
      operands: ['./a.out', '-q', '--json', '--', 'x'],
    });
  });

  test('a lone dash is a word', () => {
    expect(parse('./cat -').operands).toEqual(['./cat', '-']);
    expect(parse('-o - ./cat').flags.output).toBe('-');
  });

  test('short booleans and an option can share a dash', () => {
    expect(parse('-qo t.pb ./a.out')).toMatchObject({ flags: { quiet: true, output: 't.pb' }, operands: ['./a.out'] });
  });

  test('an option with a bare value does not eat the next word', () => {
    expect(parse('--live ./a.out')).toMatchObject({ flags: { live: 'tree' }, operands: ['./a.out'] });
    expect(parse('--live=flat ./a.out').flags.live).toBe('flat');
    expect(parse('./a.out').flags.live).toBeUndefined();
  });

  test('a default is read like a word, the last of several wins', () => {
    expect(parse('./a.out').flags.profile).toBe('precise');
    expect(parse('--profile gum --profile precise ./a.out').flags.profile).toBe('precise');
  });
});

describe('an unknown option', () => {
  test('after the program shows the line that hands it to the guest', () => {
    expect(complaint('./a.out --iterations 5')).toMatchObject({
      message: 'unknown option --iterations',
      hint: 'to hand it to the program:  armstalk run ./a.out -- --iterations 5',
    });
  });

  test('after the program keeps our own options before the --', () => {
    expect(complaint('-q ./a.out in.txt -n 5 --probe main').hint).toBe(
      'to hand it to the program:  armstalk run -q --probe main ./a.out -- in.txt -n 5',
    );
  });

  test('before the program suggests the nearest of ours', () => {
    expect(complaint('--porbe x ./a.out').hint).toBe('did you mean --probe?');
    expect(complaint('--zzz ./a.out').hint).toBe('armstalk run --help lists the options');
  });

  test('is never handed on by a command without guest arguments', () => {
    expect(complaint('t.pb --zzz', false).hint).toBe('armstalk run --help lists the options');
  });
});

test.each([
  ['--output', 'option --output needs a value: --output FILE'],
  ['-o', 'option -o needs a value: -o FILE'],
  ['--quiet=yes', 'option --quiet takes no value'],
  ['--profile fast', '--profile cannot be "fast"'],
  ['-E PATH', '-E needs NAME=VALUE, not "PATH"'],
])('%s is refused: %s', (line, message) => {
  expect(complaint(line).message).toBe(message);
});

test('counts take k, M, G and separators', () => {
  expect(['500', '10k', '2M', '1.5M', '1_000', '26,690'].map((word) => count(word, '-n'))).toEqual([
    500, 10_000, 2_000_000, 1_500_000, 1000, 26_690,
  ]);
  for (const word of ['', '-1', '1.2345', 'x', '1e3', '0x10']) expect(() => count(word, '-n')).toThrow(UsageError);
});

test('ranges have clocks or calls at their ends, parted where both make sense', () => {
  const all = (word: string) => rangeWords(word, '-r');
  expect(all('10k~2M')).toEqual({ from: 10_000, to: 2_000_000 });
  expect(all('~1_000')).toEqual({ from: 0, to: 1000 });
  expect(all('@main~')).toEqual({ from: '@main', to: Number.POSITIVE_INFINITY });
  expect(all('~@lock!m*')).toEqual({ from: 0, to: '@lock!m*' });
  expect(all('@parse~@done')).toEqual({ from: '@parse', to: '@done' });
  expect(all('@A::~A()~@B::~B()')).toEqual({ from: '@A::~A()', to: '@B::~B()' });
  expect(all('5~@A::~A()')).toEqual({ from: 5, to: '@A::~A()' });
  for (const word of ['', '10k', '@main', '@~', 'main~', '@A::~A()', '1~x', '5~4']) {
    expect(() => all(word), word).toThrow(UsageError);
  }
});

test('durations take ms, s, m, h; bare numbers are seconds', () => {
  expect(['500ms', '10s', '2m', '1h', '3', '0.5s'].map((word) => durationMs(word, '-t'))).toEqual([
    500, 10_000, 120_000, 3_600_000, 3000, 500,
  ]);
  for (const word of ['', 's', '-1s', '1d']) expect(() => durationMs(word, '-t')).toThrow(UsageError);
});

test('integers fit 32 bits', () => {
  expect(['0', '-1', '0xff', '4294967295'].map((word) => integer(word, '--seed'))).toEqual([0, -1, 255, 0xffff_ffff]);
  for (const word of ['', '1.5', 'x', '4294967296']) expect(() => integer(word, '--seed')).toThrow(UsageError);
});

test('a word is quoted for the shell when it needs to be', () => {
  expect(['./a.out', 'a b', "it's", '', '--x=1'].map(shellQuote)).toEqual([
    './a.out',
    "'a b'",
    "'it'\\''s'",
    "''",
    '--x=1',
  ]);
});
