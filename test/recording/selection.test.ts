import { describe, expect, test } from 'vitest';
import { parseElf } from '../../src/elf/parse-elf.js';
import { UsageError } from '../../src/errors.js';
import { EventKind } from '../../src/events/event.js';
import { DEFAULT_EVENTS, parseEventList } from '../../src/recording/event-selection.js';
import { findPlaces } from '../../src/recording/probe/place.js';
import { parseProbeSpec } from '../../src/recording/probe/spec.js';
import { sampleBytes } from '../elf/patched.js';

const { CALL, RET, BLOCK, COMPILE, EXEC } = EventKind;

describe('an event list', () => {
  test('names exactly what is kept', () => {
    expect(parseEventList('call,ret')).toEqual({ mask: CALL | RET, syscalls: false, signals: false });
    expect(parseEventList('none')).toEqual({ mask: 0, syscalls: false, signals: false });
    expect(parseEventList('all')).toEqual({ mask: CALL | RET | BLOCK | COMPILE | EXEC, syscalls: true, signals: true });
  });

  test('or changes the default with + and -', () => {
    expect(DEFAULT_EVENTS.mask).toBe(CALL | RET | COMPILE);
    expect(parseEventList('+block,-compile')).toEqual({ mask: CALL | RET | BLOCK, syscalls: true, signals: true });
    expect(parseEventList('-syscall')).toEqual({ ...DEFAULT_EVENTS, syscalls: false });
  });

  test('refuses a word it does not know', () => {
    expect(() => parseEventList('calls')).toThrow(UsageError);
  });
});

describe('a probe specification', () => {
  const elf = parseElf(sampleBytes('lock-thumb'), 'lock-thumb');
  const modules = [{ name: 'lock-thumb', bias: 0, elf, source: elf }];
  const where = (spec: string, bias = 0): number[] =>
    findPlaces(parseProbeSpec(spec).place, [{ ...modules[0], bias }]).map(({ address }) => address);
  const [checkPin] = elf.symbols.addressesOf('check_pin');

  test('by symbol, with and without a module', () => {
    expect(checkPin & 1).toBe(1);
    expect(where('check_pin')).toEqual([checkPin]);
    expect(where('lock-thumb!check_pin')).toEqual([checkPin]);
    expect(where('libc.so.6!check_pin')).toEqual([]);
    expect(where('no_such_function')).toEqual([]);
  });

  test('by symbol and offset', () => {
    expect(where('check_pin+4')).toEqual([checkPin + 4]);
    expect(where('check_pin+0x4')).toEqual([checkPin + 4]);
  });

  test('by address as objdump shows it, the instruction set taken from the mapping symbols', () => {
    expect(where(`0x${(checkPin - 1).toString(16)}`)).toEqual([checkPin]);
    expect(where(`0x${checkPin.toString(16)}`)).toEqual([checkPin]);
  });

  test('by address in a program that was moved, and by run-time address', () => {
    expect(where(`0x${(checkPin - 1).toString(16)}`, 0x400000)).toEqual([checkPin + 0x400000]);
    expect(where(`@0x${(checkPin - 1 + 0x400000).toString(16)}`, 0x400000)).toEqual([checkPin + 0x400000]);
  });

  test.each(['', 'a+b', '!x', 'x!', 'a!b!c', '@main', '0xzz', '0x123456789', 'f+'])('%j is refused', (spec) => {
    expect(() => parseProbeSpec(spec)).toThrow(UsageError);
  });
});
