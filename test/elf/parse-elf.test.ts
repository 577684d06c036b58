import { describe, expect, test } from 'vitest';
import { PF_R, PF_W, PF_X } from '../../src/elf/elf-file.js';
import { parseElf } from '../../src/elf/parse-elf.js';
import { readProgram, requireStatic } from '../../src/elf/read-program.js';
import { ADDRESS_LIMIT } from '../../src/elf/segments.js';
import { ElfFormatError, ProgramNotFoundError } from '../../src/errors.js';
import { TASK_SIZE } from '../../src/guest/layout.js';
import { Ehdr, Phdr, PT_LOAD, phdrAt, sampleBytes, samplePath } from './patched.js';

/** What parsing `bytes` complains about. */
const failure = (bytes: Uint8Array, path = 'a.out'): ElfFormatError => {
  try {
    parseElf(bytes, path);
  } catch (error) {
    if (error instanceof ElfFormatError) return error;
    throw error;
  }
  throw new Error('it parsed');
};

const patched = (sample: string, patch: (bytes: Buffer) => void): Buffer => {
  const bytes = Buffer.from(sampleBytes(sample));
  patch(bytes);
  return bytes;
};

describe('a whole program', () => {
  test('gives type, entry, ABI and segments of a static ARM program', () => {
    const elf = parseElf(sampleBytes('lock-arm'), 'lock-arm');
    expect(elf.type).toBe('exec');
    expect(elf.abi).toEqual({ eabiVersion: 5, float: 'hard' });
    expect(elf.segments.map((segment) => segment.flags)).toEqual([PF_R | PF_X, PF_R | PF_W]);
    expect(elf.segments.every((segment) => segment.memsz >= segment.filesz)).toBe(true);
    expect(
      elf.segments.some((segment) => elf.entry >= segment.vaddr && elf.entry < segment.vaddr + segment.filesz),
    ).toBe(true);
    expect(elf.executableStack).toBe(false);
    expect(elf.interpreter).toBeUndefined();
    expect(elf.tls?.memsz).toBeGreaterThan(0);
    expect([elf.phentsize, elf.phdrOffset]).toEqual([32, 52]);
  });

  test('keeps the Thumb bit of the entry point', () => {
    expect(parseElf(sampleBytes('hello-thumb'), 'hello').entry & 1).toBe(1);
    expect(parseElf(sampleBytes('hello-arm'), 'hello').entry & 1).toBe(0);
  });

  test('reads the ARM attributes', () => {
    const { attributes } = parseElf(sampleBytes('lock-thumb'), 'lock');
    expect(attributes).toMatchObject({ arch: 'v7', profile: 'A', usesVfpArgs: true });
    expect(parseElf(sampleBytes('hello-armv4t'), 'hello').attributes.arch).toBe('v4T');
  });

  test('reads the build-id from the note', () => {
    expect(parseElf(sampleBytes('lock-arm'), 'lock').buildId).toMatch(/^[0-9a-f]{40}$/);
  });

  test('asks for an executable stack when the file does not say', () => {
    const bytes = patched('lock-arm', (b) => b.writeUInt32LE(0, phdrAt(b, 0x6474e551)));
    expect(parseElf(bytes, 'lock').executableStack).toBe(true);
  });

  test('takes a program whose section headers were stripped', () => {
    const bytes = patched('lock-arm', (b) => {
      b.writeUInt32LE(0, Ehdr.SHOFF);
      b.writeUInt32LE(0, Ehdr.SHNUM);
    });
    const elf = parseElf(bytes, 'lock');
    expect(elf.segments).toHaveLength(2);
    expect([elf.sections.length, elf.symbols.size, elf.attributes.arch]).toEqual([0, 0, '']);
    expect(elf.buildId).toMatch(/^[0-9a-f]{40}$/);
  });

  test('takes nonsense in the section headers as no sections', () => {
    const bytes = patched('lock-arm', (b) => b.writeUInt32LE(0xfffffff0, Ehdr.SHOFF));
    expect(parseElf(bytes, 'lock').sections).toEqual([]);
  });

  test("has the guest's address limit of guest/layout", () => {
    expect(ADDRESS_LIMIT).toBe(TASK_SIZE);
  });
});

describe('what is not an ARM program is named', () => {
  const cases: [name: string, patch: (b: Buffer) => void, found: RegExp, offset: number][] = [
    [
      'x86-64',
      (b) => {
        b[Ehdr.CLASS] = 2;
        b.writeUInt16LE(62, Ehdr.MACHINE);
      },
      /^ELF64 x86-64 \(e_machine 62\); armstalk runs ELF32 ARM \(e_machine 40\)$/,
      18,
    ],
    [
      'AArch64',
      (b) => {
        b[Ehdr.CLASS] = 2;
        b.writeUInt16LE(183, Ehdr.MACHINE);
      },
      /ELF64 AArch64 \(e_machine 183\)/,
      18,
    ],
    ['i386', (b) => b.writeUInt16LE(3, Ehdr.MACHINE), /ELF32 x86 \(i386\)/, 18],
    [
      'big-endian ARM',
      (b) => {
        b[Ehdr.DATA] = 2;
        b.writeUInt16BE(40, Ehdr.MACHINE);
      },
      /big-endian ARM/,
      5,
    ],
    [
      'big-endian MIPS',
      (b) => {
        b[Ehdr.DATA] = 2;
        b.writeUInt16BE(8, Ehdr.MACHINE);
      },
      /ELF32 MIPS \(e_machine 8\)/,
      18,
    ],
    ['unknown machine', (b) => b.writeUInt16LE(999, Ehdr.MACHINE), /unknown machine \(e_machine 999\)/, 18],
    [
      'ELF64 ARM',
      (b) => {
        b[Ehdr.CLASS] = 2;
      },
      /ELF64 .*EI_CLASS 2/,
      4,
    ],
    [
      'class 7',
      (b) => {
        b[Ehdr.CLASS] = 7;
      },
      /unknown class/,
      4,
    ],
  ];
  test.each(cases)('%s', (_name, patch, found, offset) => {
    const error = failure(patched('hello-arm', patch));
    expect(error.message).toBe('a.out is not an ARM program');
    expect(error.details?.found).toMatch(found);
    expect([error.offset, error.exitCode]).toEqual([offset, 126]);
  });

  test.each([
    ['a relocatable object', 1],
    ['a core dump', 4],
    ['a file of unknown type 65024', 0xfe00],
  ])('%s', (words, type) => {
    const error = failure(patched('hello-arm', (b) => b.writeUInt16LE(type, Ehdr.TYPE)));
    expect(error.message).toBe(`a.out is ${words}, not a program`);
    expect(error.offset).toBe(16);
  });

  test('a shared library without an entry point', () => {
    const bytes = patched('lock-arm', (b) => {
      b.writeUInt16LE(3, Ehdr.TYPE);
      b.writeUInt32LE(0, Ehdr.ENTRY);
    });
    expect(failure(bytes).message).toBe('a.out is a shared library, not a program');
  });

  test.each([
    ['an empty file', Buffer.alloc(0)],
    ['a script (#!)', Buffer.from('#!/bin/sh\n')],
    ['gzip data', Buffer.from([0x1f, 0x8b, 8, 0])],
    ['a Windows program (MZ)', Buffer.from('MZ\0\0')],
    ['a file that begins with 68 65 6c 6c', Buffer.from('hello')],
  ])('%s', (words, bytes) => {
    expect(failure(bytes).details?.found).toContain(words);
  });

  test('a program that needs a dynamic linker is refused with a hint', () => {
    const bytes = patched('lock-arm', (b) => b.writeUInt32LE(3, phdrAt(b, 4)));
    const elf = parseElf(bytes, 'a.out');
    expect(elf.interpreter).toBeDefined();
    expect(() => requireStatic(elf)).toThrow('a.out is dynamically linked, which is not supported yet');
  });
});

describe('damage is named with its file offset', () => {
  const load = (field: number, value: number) => (b: Buffer) =>
    void b.writeUInt32LE(value, phdrAt(b, PT_LOAD, 1) + field);
  const offsetOfSecondLoad = phdrAt(sampleBytes('lock-arm'), PT_LOAD, 1);
  const cases: [name: string, patch: (b: Buffer) => void, found: RegExp, offset: number][] = [
    ['no program headers', (b) => b.writeUInt16LE(0, Ehdr.PHNUM), /no program headers/, 44],
    [
      'program headers beyond the end',
      (b) => b.writeUInt32LE(0x7fffffff, Ehdr.PHOFF),
      /beyond the end of the file/,
      28,
    ],
    ['odd program header size', (b) => b.writeUInt16LE(56, Ehdr.PHENTSIZE), /of 56 bytes/, 42],
    ['thousands of program headers', (b) => b.writeUInt16LE(0xffff, Ehdr.PHNUM), /65535 program headers/, 44],
    ['an entry point outside', (b) => b.writeUInt32LE(0x7000_0000, Ehdr.ENTRY), /entry point 0x70000000/, 24],
    ['memsz below filesz', load(Phdr.MEMSZ, 4), /p_memsz 4 is smaller/, offsetOfSecondLoad],
    ['bytes beyond the end', load(Phdr.OFFSET, 0x4000_00ac), /lie beyond the end of the file/, offsetOfSecondLoad],
    ['gigabytes', load(Phdr.MEMSZ, 0x5000_0000), /asks for 1342177280 bytes/, offsetOfSecondLoad],
    [
      'an address above TASK_SIZE',
      load(Phdr.VADDR, 0xc000_00ac),
      /above the guest's limit 0xc0000000/,
      offsetOfSecondLoad,
    ],
    ['an end above 4 GiB', load(Phdr.VADDR, 0xffff_f0ac), /above the guest's limit/, offsetOfSecondLoad],
    ['overlapping segments', load(Phdr.VADDR, 0x200ac), /before the end/, offsetOfSecondLoad],
    ['address and offset that disagree', load(Phdr.VADDR, 0x800ad), /differ within the page/, offsetOfSecondLoad],
    ['an alignment that is no power of two', load(Phdr.ALIGN, 0x1001), /p_align 4097/, offsetOfSecondLoad],
  ];
  test.each(cases)('%s', (_name, patch, found, offset) => {
    const error = failure(patched('lock-arm', patch));
    expect(error.message).toBe('a.out is damaged');
    expect(error.details?.found).toMatch(found);
    expect(error.offset).toBe(offset);
  });

  test('a file cut anywhere in its headers ends in an ElfFormatError', () => {
    const whole = sampleBytes('hello-arm');
    const end = whole.readUInt32LE(Ehdr.PHOFF) + 32 * whole.readUInt16LE(Ehdr.PHNUM);
    for (let length = 0; length < end; length++) {
      expect(failure(whole.subarray(0, length)).exitCode).toBe(126);
    }
  });
});

describe('reading from disk', () => {
  test('a missing file is 127', () => {
    expect(() => readProgram('/nonexistent/prog')).toThrow(ProgramNotFoundError);
    expect(() => readProgram('/nonexistent/prog')).toThrow('/nonexistent/prog does not exist');
  });

  test('a directory is 126', () => {
    expect(() => readProgram(samplePath(''))).toThrow(ElfFormatError);
  });

  test('a static program is read', () => {
    expect(readProgram(samplePath('fib-thumb')).symbols.addressesOf('fib')).toHaveLength(1);
  });
});
