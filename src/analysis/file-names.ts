/** The names a program or a trace has, for whoever has to type them. */
import { closeSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { SymbolFile } from '../elf/symbol-file.js';
import { TraceReader } from '../trace/reader.js';

export interface FileNames {
  readonly functions: readonly string[];
  readonly modules: readonly string[];
}

const ELF_MAGIC = 0x7f454c46;
const MAX_PROGRAM_BYTES = 2 ** 30;
/** What a trace can hold of names at most. */
const MAX_NAMES = 1 << 18;

const isElf = (path: string): boolean => {
  const magic = Buffer.alloc(4);
  const fd = openSync(path, 'r');
  try {
    return readSync(fd, magic) === 4 && magic.readUInt32BE() === ELF_MAGIC;
  } finally {
    closeSync(fd);
  }
};

const namesOfProgram = (path: string): FileNames => {
  if (statSync(path).size > MAX_PROGRAM_BYTES) return { functions: [], modules: [] };
  const { symbols } = new SymbolFile(readFileSync(path), path);
  return { functions: symbols.functions().map(({ name }) => name), modules: [] };
};

const namesOfTrace = async (path: string, untilMs: number): Promise<FileNames> => {
  const functions = new Set<string>();
  const modules = new Set<string>();
  for await (const item of TraceReader.open(path).items({ decode: false })) {
    if (item.type === 'symbols') for (const { name } of item.symbols) functions.add(name);
    else if (item.type === 'note' && item.note.type === 'module') modules.add(item.note.name);
    if (functions.size + modules.size > MAX_NAMES || performance.now() > untilMs) break;
  }
  return { functions: [...functions], modules: [...modules] };
};

/**
 * The functions of a program, or the functions and modules a trace mentions, read for at most `milliseconds`. Throws
 * ElfFormatError, TraceFormatError, or the system's own error when the file cannot be read.
 */
export const fileNames = async (path: string, milliseconds = Number.POSITIVE_INFINITY): Promise<FileNames> =>
  isElf(path) ? namesOfProgram(path) : namesOfTrace(path, performance.now() + milliseconds);
