/**
 * Names for what a file is when it is not an ARM program, so that an error can say what was found instead.
 * Numbers from the ELF gABI's e_machine registry.
 */
const MACHINES: Readonly<Record<number, string>> = {
  0: 'no machine',
  2: 'SPARC',
  3: 'x86 (i386)',
  4: 'm68k',
  8: 'MIPS',
  15: 'PA-RISC',
  18: 'SPARC32+',
  20: 'PowerPC',
  21: 'PowerPC64',
  22: 's390',
  40: 'ARM',
  42: 'SuperH',
  43: 'SPARC v9',
  45: 'ARC',
  50: 'IA-64',
  62: 'x86-64',
  83: 'AVR',
  93: 'ARCompact',
  94: 'Xtensa',
  106: 'Blackfin',
  113: 'Nios II',
  164: 'Hexagon',
  183: 'AArch64',
  195: 'ARCv2',
  243: 'RISC-V',
  247: 'BPF',
  252: 'C-SKY',
  258: 'LoongArch',
};

const TYPES: Readonly<Record<number, string>> = {
  0: 'a file without a type',
  1: 'a relocatable object',
  2: 'an executable',
  3: 'a shared object',
  4: 'a core dump',
};

export const machineName = (machine: number): string => MACHINES[machine] ?? 'unknown machine';

export const typeName = (type: number): string => TYPES[type] ?? `a file of unknown type ${type}`;

/** First bytes of things people run by mistake. */
const MAGICS: readonly (readonly [bytes: readonly number[], name: string])[] = [
  [[0x23, 0x21], 'a script (#!)'],
  [[0x4d, 0x5a], 'a Windows program (MZ)'],
  [[0xcf, 0xfa, 0xed, 0xfe], 'a macOS program (Mach-O)'],
  [[0xce, 0xfa, 0xed, 0xfe], 'a macOS program (Mach-O)'],
  [[0xca, 0xfe, 0xba, 0xbe], 'a Java class or a universal macOS program'],
  [[0x1f, 0x8b], 'gzip data'],
  [[0x21, 0x3c, 0x61, 0x72, 0x63, 0x68, 0x3e], 'an ar archive'],
  [[0x50, 0x4b, 0x03, 0x04], 'a zip archive'],
  [[0x00, 0x61, 0x73, 0x6d], 'a WebAssembly module'],
  [[0x0a, 0x09, 0x09, 0x41, 0x52, 0x4d, 0x53, 0x54, 0x4c], 'an armstalk trace (try `armstalk summarize`)'],
];

/** What a file that does not begin with the ELF magic looks like. */
export const describeMagic = (bytes: Uint8Array): string => {
  if (bytes.length === 0) return 'an empty file';
  const known = MAGICS.find(([magic]) => magic.every((value, index) => bytes[index] === value));
  if (known !== undefined) return known[1];
  const head = Array.from(bytes.subarray(0, 4), (value) => value.toString(16).padStart(2, '0')).join(' ');
  return `a file that begins with ${head}`;
};
