/** Capstone's reading of ARM code, as an oracle for ours. Long buffers overrun the module's memory, so it gets pieces. */
import { Capstone, Const, type Insn, loadCapstone } from 'capstone-wasm';
import type { Isa } from '../../src/bits.js';

export interface Disassembled {
  readonly mnemonic: string;
  readonly operands: string;
  readonly sizeBytes: number;
}

const PIECE_BYTES = 64;

await loadCapstone();
const engines = {
  arm: new Capstone(Const.CS_ARCH_ARM, Const.CS_MODE_ARM | Const.CS_MODE_V8),
  thumb: new Capstone(Const.CS_ARCH_ARM, Const.CS_MODE_THUMB | Const.CS_MODE_V8),
};

/** Like the engine's `disasm`, which throws where the first instruction is none. */
const disassemble = (isa: Isa, bytes: Uint8Array, options: { address: number; count?: number }): readonly Insn[] => {
  try {
    return engines[isa].disasm(bytes, options);
  } catch (error) {
    if (String(error).includes('CS_ERR_OK')) return [];
    throw error;
  }
};

/** The instruction at the start of `bytes`; undefined when Capstone knows none. */
export const disassembleOne = (isa: Isa, bytes: Uint8Array, address = 0x1000): Disassembled | undefined => {
  const [insn] = disassemble(isa, bytes.subarray(0, 4), { address, count: 1 });
  return insn && { mnemonic: insn.mnemonic, operands: insn.opStr, sizeBytes: insn.size };
};

/** Size of an instruction Capstone does not know. */
const sizeAt = (isa: Isa, bytes: Uint8Array): number => (isa === 'arm' || (bytes[1] as number) >= 0xe8 ? 4 : 2);

/** The instructions of a run of code by address; stretches Capstone does not know are left out. */
export const disassembleAll = (isa: Isa, code: Uint8Array, start: number): Map<number, Disassembled> => {
  const found = new Map<number, Disassembled>();
  for (let offset = 0; offset < code.length; ) {
    const piece = code.subarray(offset, offset + PIECE_BYTES);
    const isLast = offset + PIECE_BYTES >= code.length;
    let consumed = 0;
    for (const insn of disassemble(isa, piece, { address: start + offset })) {
      if (!isLast && consumed > PIECE_BYTES - 4) break;
      found.set(start + offset + consumed, { mnemonic: insn.mnemonic, operands: insn.opStr, sizeBytes: insn.size });
      consumed += insn.size;
    }
    offset += consumed === 0 ? sizeAt(isa, piece) : consumed;
  }
  return found;
};
