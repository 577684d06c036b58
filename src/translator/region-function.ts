/**
 * The shape of a region's function and how its code reaches the engine's memory. The third parameter is always the
 * engine's lowest address: state words, cells and permission bytes then have small offsets from a value in a register,
 * which is one instruction where a constant address takes two.
 */
import { stateAddress } from '../guest/cpu-state.js';
import { PERMISSION_TABLE } from '../guest/layout.js';
import type { FunctionBuilder, Local } from '../wasm/function-builder.js';
import type { Signature } from '../wasm/module-builder.js';
import { I32, type MemoryOp } from '../wasm/opcode.js';

/** Selects the entry. */
export const PARAMETER: Local = 0;
/** Calls that may still nest. */
export const DEPTH: Local = 1;
/** Lowest address of the engine's memory. */
export const ENGINE: Local = 2;

export const ENGINE_BASE = PERMISSION_TABLE;
export const REGION_SIGNATURE: Signature = { params: [I32, I32, I32], results: [I32] };

/** Loads from a fixed address of the engine. */
export const loadEngine = (f: FunctionBuilder, address: number, op: MemoryOp = 'i32_load'): void => {
  f.get(ENGINE).memory(op, address - ENGINE_BASE);
};

/** Stores what `value` pushes at a fixed address of the engine. */
export const storeEngine = (
  f: FunctionBuilder,
  address: number,
  value: () => void,
  op: MemoryOp = 'i32_store',
): void => {
  f.get(ENGINE);
  value();
  f.memory(op, address - ENGINE_BASE);
};

export const loadWord = (f: FunctionBuilder, word: number, op?: MemoryOp): void =>
  loadEngine(f, stateAddress(word), op);

export const storeWord = (f: FunctionBuilder, word: number, value: () => void, op?: MemoryOp): void =>
  storeEngine(f, stateAddress(word), value, op);
