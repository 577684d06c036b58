/**
 * The stack a program starts with (System V ABI, fs/binfmt_elf.c): from the top down the strings, 16 random bytes, then
 * auxiliary vector, environment, arguments and argc, to which sp points, 16-byte aligned.
 */
import { UsageError } from '../errors.js';
import { PAGE_SIZE } from '../guest/layout.js';
import type { GuestMemory } from '../guest/memory.js';
import { Auxv } from '../linux/abi/auxv.js';
import { toCString } from '../linux/abi/text.js';

export interface InitialStack {
  /** Past-the-end address of the stack region. */
  readonly top: number;
  /** Bytes that may be used; the kernel allows a quarter of the stack for the strings. */
  readonly sizeBytes: number;
  readonly argv: readonly string[];
  readonly environment: readonly string[];
  /** AT_EXECFN. */
  readonly executable: string;
  readonly platform: string;
  /** 16 bytes. */
  readonly random: Uint8Array;
  /** Entries whose values are known; strings and random bytes are added here. */
  readonly auxv: readonly (readonly [type: number, value: number])[];
}

/** Writes the stack and gives sp. Throws UsageError when arguments and environment do not fit. */
export const writeInitialStack = (memory: GuestMemory, stack: InitialStack): number => {
  const strings = new StackWriter(memory, stack.top - 4);
  const limit = stack.top - Math.floor(stack.sizeBytes / 4);
  const execfn = strings.push(toCString(stack.executable));
  const envp = pushStrings(strings, stack.environment, limit);
  const argv = pushStrings(strings, stack.argv, limit);
  const platform = strings.push(toCString(stack.platform));
  strings.align(16);
  const random = strings.push(stack.random);
  const auxv = [
    ...stack.auxv,
    [Auxv.RANDOM, random],
    [Auxv.EXECFN, execfn],
    [Auxv.PLATFORM, platform],
    [Auxv.NULL, 0],
  ].flat();
  const words = Uint32Array.from([argv.length, ...argv, 0, ...envp, 0, ...auxv]);
  const sp = Math.floor((strings.at - words.length * 4) / 16) * 16;
  if (sp < limit) throw tooBig();
  memory.poke(sp, new Uint8Array(words.buffer));
  return sp;
};

/** Lays the strings out with the first at the lowest address, as the kernel does; gives their addresses in order. */
const pushStrings = (writer: StackWriter, strings: readonly string[], limit: number): number[] => {
  const addresses: number[] = [];
  for (const text of [...strings].reverse()) {
    const bytes = toCString(text);
    if (writer.at - bytes.length < limit) throw tooBig();
    addresses.push(writer.push(bytes));
  }
  return addresses.reverse();
};

const tooBig = (): UsageError =>
  new UsageError('arguments and environment are too long for the stack', {
    hint: `give a larger --stack (they may fill a quarter of it, pages are ${PAGE_SIZE} bytes)`,
  });

class StackWriter {
  at: number;
  private readonly memory: GuestMemory;

  constructor(memory: GuestMemory, top: number) {
    this.memory = memory;
    this.at = top;
  }

  push(bytes: Uint8Array): number {
    this.at -= bytes.length;
    this.memory.poke(this.at, bytes);
    return this.at;
  }

  align(alignment: number): void {
    this.at -= this.at % alignment;
  }
}
