import { describe, expect, test } from 'vitest';
import { parseElf } from '../../src/elf/parse-elf.js';
import { type ElfSymbol, SymbolTable } from '../../src/elf/symbol-table.js';
import { sampleBytes } from './patched.js';

const symbol = (name: string, address: number, sizeBytes: number, more: Partial<ElfSymbol> = {}): ElfSymbol => ({
  name,
  address,
  sizeBytes,
  kind: 'function',
  binding: 'global',
  isThumb: false,
  ...more,
});
const table = (...symbols: ElfSymbol[]): SymbolTable => new SymbolTable(symbols, [], () => 0x2000);
const nameAt = (symbols: SymbolTable, address: number): string | undefined => {
  const match = symbols.lookup(address);
  return match === undefined ? undefined : `${match.name}+${match.offset}`;
};

describe('an address has the name of', () => {
  test('the symbol that covers it, and none beyond its end', () => {
    const symbols = table(symbol('f', 0x1000, 0x10), symbol('g', 0x1020, 0x10));
    expect([0xfff, 0x1000, 0x100f, 0x1010, 0x1020, 0x1030].map((at) => nameAt(symbols, at))).toEqual([
      undefined,
      'f+0',
      'f+14',
      undefined,
      'g+0',
      undefined,
    ]);
  });

  test('a symbol without a size up to the next one or the end of the code', () => {
    const symbols = table(symbol('f', 0x1000, 0), symbol('g', 0x1020, 0));
    expect([0x101f, 0x1020, 0x1fff, 0x2000].map((at) => nameAt(symbols, at & ~1))).toEqual([
      'f+30',
      'g+0',
      'g+4062',
      undefined,
    ]);
  });

  test('the inner of two nested symbols, and the outer one again after it', () => {
    const symbols = table(symbol('outer', 0x1000, 0x40), symbol('inner', 0x1010, 0x10));
    expect([0x1008, 0x1010, 0x1020, 0x103e].map((at) => nameAt(symbols, at))).toEqual([
      'outer+8',
      'inner+0',
      'outer+32',
      'outer+62',
    ]);
  });

  test('the enclosing function, not a label without a size inside it', () => {
    const symbols = table(symbol('f', 0x1000, 0x40), symbol('.loop', 0x1010, 0, { kind: 'label' }));
    expect(nameAt(symbols, 0x1014)).toBe('f+20');
  });

  test('code, never data', () => {
    expect(nameAt(table(symbol('table', 0x1000, 0x40, { kind: 'object' })), 0x1004)).toBeUndefined();
  });
});

test('of several names for one address the plain one wins and the others are aliases', () => {
  const symbols = table(
    symbol('__libc_malloc', 0x1000, 8),
    symbol('_IO_puts', 0x1100, 8),
    symbol('malloc', 0x1000, 8, { binding: 'weak' }),
    symbol('puts', 0x1100, 8, { binding: 'weak' }),
  );
  expect(nameAt(symbols, 0x1004)).toBe('malloc+4');
  expect(nameAt(symbols, 0x1100)).toBe('puts+0');
  expect(symbols.aliases(0x1000)).toEqual(['malloc', '__libc_malloc']);
});

test('a name gives every address it stands for, with the Thumb bit', () => {
  const symbols = table(
    symbol('helper', 0x1000, 8, { binding: 'local' }),
    symbol('helper', 0x1100, 8, { binding: 'local', isThumb: true }),
  );
  expect(symbols.addressesOf('helper')).toEqual([0x1000, 0x1101]);
  expect(symbols.addressesOf('absent')).toEqual([]);
});

test('mapping symbols decide the instruction set before the symbol does', () => {
  const symbols = new SymbolTable(
    [symbol('f', 0x1000, 0x100, { isThumb: true })],
    [
      { address: 0x1080, state: 'arm' },
      { address: 0x10c0, state: 'data' },
    ],
    () => 0x2000,
  );
  expect([0x1000, 0x1080, 0x10c0].map((at) => symbols.isThumbAt(at))).toEqual([true, false, true]);
  expect([0x1000, 0x10bf, 0x10c0].map((at) => symbols.stateAt(at))).toEqual([undefined, 'arm', 'data']);
  expect(table().isThumbAt(0x1000)).toBeUndefined();
});

describe.each(['lock-arm', 'lock-thumb', 'fib-arm', 'fib-thumb'])('%s', (sample) => {
  const elf = parseElf(sampleBytes(sample), sample);

  test('every function is found at its own address', () => {
    const functions = elf.symbols.functions();
    expect(functions.length).toBeGreaterThan(1);
    for (const one of functions) {
      expect(elf.symbols.lookup(one.address)).toMatchObject({ name: one.name, offset: 0, address: one.address });
    }
  });

  test('mapping symbols agree with the Thumb bit of main', () => {
    const [main] = elf.symbols.addressesOf('main');
    expect(main & 1).toBe(sample.endsWith('thumb') ? 1 : 0);
    expect(elf.symbols.isThumbAt(main)).toBe(sample.endsWith('thumb'));
  });

  test('mapping symbols are not names', () => {
    expect(elf.symbols.named('$a')).toEqual([]);
    expect(elf.symbols.named('$d')).toEqual([]);
  });
});
