/**
 * Functions as debugging information describes them. That values come out right is tested where probes are
 * (test/recording/typed-probes); here are shapes compilers at hand do not write, and damage.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { FunctionTypes } from '../../src/elf/dwarf/function-types.js';
import { parseSections } from '../../src/elf/parse-elf.js';
import { SymbolFile } from '../../src/elf/symbol-file.js';
import { randomFrom } from '../support/event-stream.js';
import { fuzzSeed } from '../support/random.js';
import { compile, hasCompiler } from '../support/toolchain.js';

const NOTHING = new Uint8Array();
const u32 = (...words: number[]): number[] =>
  words.flatMap((word) => [0, 8, 16, 24].map((bit) => (word >>> bit) & 255));

describe('a unit of DWARF 5 with indexed names and addresses, as clang writes them', () => {
  // Entries: unit (str_offsets_base, addr_base), function (strx1, addrx, type), parameter (strx1, type), int.
  const abbreviations = Uint8Array.from([
    ...[1, 0x11, 1, 0x72, 0x17, 0x73, 0x17, 0, 0],
    ...[2, 0x2e, 1, 0x03, 0x25, 0x11, 0x1b, 0x49, 0x13, 0, 0],
    ...[3, 0x05, 0, 0x03, 0x25, 0x49, 0x13, 0, 0],
    ...[4, 0x24, 0, 0x03, 0x25, 0x0b, 0x0b, 0x3e, 0x0b, 0, 0],
    0,
  ]);
  const header = [...[5, 0], 1, 4, ...u32(0)];
  const start = 4 + header.length;
  const intAt = start + 9 + 7;
  const entries = [...[1, ...u32(8), ...u32(8)], ...[2, 0, 1, ...u32(intAt)], ...[4, 1, 4, 5], ...[0, 0]];
  // The type stands inside of the function here, which nobody does and anybody may; then comes a parameter.
  entries.splice(9 + 7 + 4, 0, 3, 2, ...u32(intAt));
  const info = Uint8Array.from([...u32(header.length + entries.length), ...header, ...entries]);
  const str = Buffer.from('f\0int\0n\0');
  const strOffsets = Uint8Array.from([...u32(16), 5, 0, 0, 0, ...u32(0, 2, 6)]);
  const addr = Uint8Array.from([...u32(12), 5, 0, 4, 0, ...u32(0x1000, 0x2000)]);
  const types = new FunctionTypes({ info, str, lineStr: NOTHING, strOffsets, addr }, abbreviations);
  const int = { kind: 'signed', sizeBytes: 4, typedef: undefined };

  test('is understood', () => {
    expect(types.at(0x2001)).toEqual({ parameters: [{ name: 'n', type: int }], result: int, isVariadic: false });
    expect(types.at(0x1000)).toBeUndefined();
  });
});

test('nothing is known without debugging information', () => {
  const types = new FunctionTypes(
    { info: NOTHING, str: NOTHING, lineStr: NOTHING, strOffsets: NOTHING, addr: NOTHING },
    NOTHING,
  );
  expect([types.isEmpty, types.at(0x1000)]).toEqual([true, undefined]);
});

const SOURCE = `
#include <stdarg.h>
#include <stddef.h>
struct pair { int a, b; };
typedef unsigned char byte;
typedef const char *text;
enum color { RED, BLUE = 70000 };
union either { int a; float b; };
int plain(const volatile int a, byte b, size_t c, text d, char *const e, enum color f) { return a + b + c + *d + *e + f; }
int pointers(void *a, struct pair *b, int (*c)(int), int d[3], const byte *e, char **f) { return a == b || c(d[0]) || *e || **f; }
int variadic(const char *format, ...) { va_list l; va_start(l, format); int n = va_arg(l, int); va_end(l); return n + *format; }
struct pair gives(int a) { struct pair p = { a, a }; return p; }
int takes(struct pair p) { return p.a; }
int either(union either e) { return e.a; }
_Complex double complicated(_Complex double c) { return c; }
void nothing(void) {}
static inline __attribute__((always_inline)) int inlined(int deep) { return deep * 3; }
int main(void) { char c = 0, *p = &c; struct pair q = gives(1); return plain(1, 2, 3, "x", p, BLUE) + pointers(p, &q, 0, 0, 0, &p) + variadic("", 1) + takes(q) + either((union either){ 1 }) + (int)complicated(1) + inlined(4); }
`;

// Built here by gcc-arm-linux-gnueabihf. `npm test` installs it or stops; only a file run by hand goes without.
describe.skipIf(!hasCompiler()).each([2, 4, 5])('functions of a program with DWARF %i', (version) => {
  const path = compile('function-types', SOURCE, { flags: ['-O1', '-mthumb', '-g', `-gdwarf-${version}`] });
  const bytes = readFileSync(path);
  const file = new SymbolFile(bytes, path);
  const typeOf = (name: string) => file.functionTypes.at(file.symbols.addressesOf(name)[0] as number);
  const parameters = (name: string) =>
    typeOf(name)?.parameters.map(
      ({ name: called, type }) => `${called}: ${type.kind} ${type.sizeBytes} ${type.typedef ?? '-'}`,
    );

  test('are as the source declares them', () => {
    expect(parameters('plain')).toEqual(
      [
        'a: signed 4 -',
        'b: unsigned 1 byte',
        'c: unsigned 4 size_t',
        'd: string 4 text',
        'e: string 4 -',
        'f: unsigned 4 -',
      ].map((line) => line.replace('f: unsigned', 'f: signed')),
    );
    expect(parameters('pointers')).toEqual([...'abcdef'].map((name) => `${name}: pointer 4 -`));
    expect(typeOf('variadic')).toMatchObject({ isVariadic: true, parameters: [{ name: 'format' }] });
    expect(typeOf('nothing')).toEqual({ parameters: [], result: undefined, isVariadic: false });
    expect(typeOf('main')?.result).toEqual({ kind: 'signed', sizeBytes: 4, typedef: undefined });
  });

  test('are unknown where a value is no number, and inside', () => {
    for (const name of ['gives', 'takes', 'either', 'complicated', 'strlen'])
      expect(typeOf(name), name).toBeUndefined();
    expect(file.functionTypes.at((file.symbols.addressesOf('plain')[0] as number) + 2)).toBeUndefined();
  });

  test('that were damaged are unknown or something else, and take no time', () => {
    const seed = fuzzSeed('function types');
    const addresses = ['plain', 'pointers', 'variadic', 'main'].map(
      (name) => file.symbols.addressesOf(name)[0] as number,
    );
    const sections = parseSections(bytes, path).filter(({ name }) => /^\.debug_(?:info|abbrev|str)$/.test(name));
    expect(sections).toHaveLength(3);
    const answers = (one: SymbolFile): string =>
      JSON.stringify(addresses.map((address) => one.functionTypes.at(address)));
    let changed = 0;
    const begun = process.cpuUsage();
    for (let round = 0; round < 300; round++) {
      const random = randomFrom(seed + round);
      const damaged = Buffer.from(bytes);
      for (let n = 0; n <= random() * 8; n++) {
        const { offset, sizeBytes } = sections[Math.floor(random() * 2.2)] as (typeof sections)[number];
        damaged[offset + Math.floor(random() * sizeBytes)] = random() * 256;
      }
      if (answers(new SymbolFile(damaged, path)) !== answers(file)) changed++;
    }
    expect(changed).toBeGreaterThan(30);
    const { user, system } = process.cpuUsage(begun);
    expect(user + system).toBeLessThan(20e6);
  });
});
