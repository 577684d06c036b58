import { describe, expect, test } from 'vitest';
import { escapeText } from '../../src/cli/escape.js';
import { asArmstalkError, errorJson, errorText } from '../../src/cli/render-error.js';
import { renderTable } from '../../src/cli/table.js';
import { ElfFormatError, UsageError } from '../../src/errors.js';

describe('an error', () => {
  const error = new ElfFormatError('/bin/ls is not an ARM program', 18, {
    details: { found: 'ELF64 x86-64 (e_machine 62); armstalk runs ELF32 ARM (e_machine 40)' },
    hint: 'try another',
  });

  test('is what, detail and hint on stderr', () => {
    expect(errorText(error)).toBe(
      [
        'armstalk: error: /bin/ls is not an ARM program',
        '  ELF64 x86-64 (e_machine 62); armstalk runs ELF32 ARM (e_machine 40)',
        '  hint: try another',
        '',
      ].join('\n'),
    );
  });

  test('is one object with a stable code as JSON', () => {
    const parsed = JSON.parse(errorJson(error));
    expect(parsed.error).toMatchObject({ code: 'elf-format', hint: 'try another', details: { offset: 18 } });
  });

  test('cannot smuggle control bytes to the terminal', () => {
    expect(errorText(new UsageError('bad \u001b[31mname\n'))).toBe('armstalk: error: bad \\e[31mname\\n\n');
  });

  test('that is not ours is an internal one', () => {
    expect(asArmstalkError(new TypeError('x is undefined'))).toMatchObject({ code: 'internal', exitCode: 125 });
  });
});

test('guest strings lose control bytes and direction marks, nothing else', () => {
  expect(escapeText('a\tb\x00\x7f\u009b\u202eé€')).toBe('a\\tb\\x00\\x7f\\x9b\\u{202e}é€');
});

describe('a table', () => {
  const columns = [
    { header: 'CALLS', value: (row: { n: number; name: string }) => row.n },
    { header: 'FUNCTION', value: (row: { n: number; name: string }) => row.name },
  ];

  test('has no borders, numbers to the right, text to the left', () => {
    const rows = [
      { n: 21891, name: 'fib' },
      { n: 1, name: 'main' },
    ];
    expect(renderTable(rows, columns, true, false)).toBe(' CALLS  FUNCTION\n 21891  fib\n     1  main\n');
    expect(renderTable(rows, columns, true, true)).toContain(' 21,891  fib\n');
  });

  test('escapes what came from the guest', () => {
    expect(renderTable([{ n: 1, name: '\u001b[2J' }], columns, true, false)).toContain('\\e[2J');
  });
});
