/** One guest memory, both tiers on it, and ways to set them to the same state and compare. */

import { Word } from '../../src/guest/cpu-state.js';
import { CPU_STATE, CPU_STATE_BYTES } from '../../src/guest/layout.js';
import { GuestMemory, Permission } from '../../src/guest/memory.js';
import { Machine } from '../../src/interpreter/machine.js';
import type { IrBlock } from '../../src/ir/block.js';
import { type Builder, createBuilder } from '../../src/ir/builder.js';
import { type Location, makeLocation } from '../../src/ir/location.js';
import { ExitReason, type Terminal } from '../../src/ir/terminal.js';
import type { BlockSource } from '../../src/translator/guest-function.js';
import type { RegionInput } from '../../src/translator/translate-region.js';
import { Translator } from '../../src/translator/translator.js';

export const memory = new GuestMemory();
export const words = new Int32Array(memory.memory.buffer, CPU_STATE, CPU_STATE_BYTES / 4);
export const machine = new Machine(memory);

/** Readable and writable data, a hole after it, then a read-only page, then a page with code on it. */
export const DATA = 0x2_0000;
export const DATA_BYTES = 0x2000;
export const READ_ONLY = 0x2_3000;
export const CODE_PAGE = 0x2_4000;
memory.setPermissions(DATA, DATA_BYTES, Permission.READ | Permission.WRITE);
memory.setPermissions(READ_ONLY, 0x1000, Permission.READ);
memory.setPermissions(CODE_PAGE, 0x1000, Permission.READ | Permission.WRITE | Permission.EXECUTE | Permission.CODE);

export const at = (n: number): Location => makeLocation(0x1_0000 + n * 16, false);

/** A block of `insnCount` instructions made by `body`, which returns the terminal. */
export const block = (location: Location, insnCount: number, body: (b: Builder) => Terminal): IrBlock => {
  const b = createBuilder();
  const terminal = body(b);
  return { location, insts: b.insts, terminal, insnCount, sizeBytes: insnCount * 4 };
};

export const jump = (to: Location): Terminal => ({ kind: 'jump', flow: 'jump', to });

/** Runs translated code until a reason other than NEXT, or a location that is no entry. */
export const runHot = (translator: Translator, entry: Location): number => {
  let location = entry;
  for (;;) {
    const reason = translator.enter(location);
    if (reason === undefined) return ExitReason.NEXT;
    if (reason !== ExitReason.NEXT) return reason;
    location = makeLocation(words[Word.PC] as number, words[Word.THUMB] !== 0, words[Word.ITSTATE]);
  }
};

export const newTranslator = (callout: (id: number) => void = () => {}): Translator =>
  new Translator(memory, { callout });

/** All of `blocks` known, every function called often. */
export const knownBlocks = (blocks: ReadonlyMap<Location, IrBlock>): BlockSource => ({
  blockAt: (location) => blocks.get(location),
  isFrequent: () => true,
});

export const region = (...blocks: IrBlock[]): RegionInput => ({ blocks, entries: [(blocks[0] as IrBlock).location] });

/** State words a guest or a dispatcher can see. */
export const snapshot = (): Int32Array => words.slice(0, Word.FP_RESULT);
