/**
 * Where a region keeps the state words it touches. A word lives in an i32 local, a VFP word or pair that is only used as
 * a float lives in an f32 or f64 local (integer access to it reinterprets), and what is used both ways, or is shared
 * with the host, stays in memory.
 */
import { Word } from '../guest/cpu-state.js';
import type { IrBlock, IrInst } from '../ir/block.js';
import type { FunctionBuilder, Local } from '../wasm/function-builder.js';
import { F32, F64, I32, type ValueType } from '../wasm/opcode.js';
import { loadWord, storeWord } from './region-function.js';
import type { WordSet } from './word-set.js';

const AS_I32 = 1;
const AS_F32 = 2;
const AS_F64 = 4;

/** Words the support functions and the host change behind a region's back. */
const SHARED = new Set<number>([
  Word.PC,
  Word.THUMB,
  Word.ITSTATE,
  Word.FPSCR,
  Word.FAULT_ADDR,
  Word.FAULT_KIND,
  Word.FP_RESULT,
  Word.FP_RESULT + 1,
  Word.FP_RESULT + 2,
  Word.FP_RESULT + 3,
]);

interface Home {
  readonly local: Local;
  readonly type: ValueType;
  /** The word that stands for the local in word sets: the low one of a pair. */
  readonly key: number;
}

const accessOf = (inst: IrInst): number => {
  switch (inst.op) {
    case 'get':
    case 'set':
      return AS_I32;
    case 'getF32':
    case 'setF32':
      return AS_F32;
    case 'getF64':
    case 'setF64':
      return AS_F64;
    default:
      return 0;
  }
};

const collectAccesses = (blocks: readonly IrBlock[]): Map<number, number> => {
  const accesses = new Map<number, number>([[Word.FUEL, AS_I32]]);
  const note = (word: number, access: number) => accesses.set(word, (accesses.get(word) ?? 0) | access);
  for (const block of blocks) {
    for (const inst of block.insts) {
      const access = accessOf(inst);
      if (access !== 0) note(inst.imm, access);
      if (access === AS_F64) note(inst.imm + 1, access);
    }
  }
  return accesses;
};

export class StateWords {
  private readonly homes = new Map<number, Home>();
  private readonly f: FunctionBuilder;

  constructor(f: FunctionBuilder, blocks: readonly IrBlock[]) {
    this.f = f;
    const accesses = collectAccesses(blocks);
    for (const word of [...accesses.keys()].sort((a, b) => a - b)) this.assign(word, accesses);
  }

  /** Calls `visit` with the key of every word that lives in a local. */
  forEachKey(visit: (key: number) => void): void {
    for (const [word, home] of this.homes) if (home.key === word) visit(word);
  }

  /** What stands for `word` in word sets; undefined when it stays in memory. */
  keyOf(word: number): number | undefined {
    return this.homes.get(word)?.key;
  }

  /** Whether writing `word` as i32 leaves part of its local as it was. */
  isPartOfPair(word: number): boolean {
    return this.homes.get(word)?.type === F64;
  }

  // -- access: values travel on the WebAssembly stack -------------------------------------------------------------------

  read(word: number): void {
    const { f } = this;
    const home = this.homes.get(word);
    if (home === undefined) loadWord(f, word);
    else if (home.type === I32) f.get(home.local);
    else if (home.type === F32) f.get(home.local).op('i32_reinterpret_f32');
    else if (home.key === word) f.get(home.local).op('i64_reinterpret_f64', 'i32_wrap_i64');
    else f.get(home.local).op('i64_reinterpret_f64').i64(32n).op('i64_shr_u', 'i32_wrap_i64');
  }

  /** Stores the i32 that `value` pushes. */
  write(word: number, value: () => void): void {
    const { f } = this;
    const home = this.homes.get(word);
    if (home === undefined) {
      storeWord(f, word, value);
      return;
    }
    value();
    if (home.type === F32) f.op('f32_reinterpret_i32');
    else if (home.type === F64) this.insertHalf(home, word);
    f.set(home.local);
  }

  readFloat(word: number, type: typeof F32 | typeof F64): void {
    const home = this.homes.get(word);
    if (home !== undefined) this.f.get(home.local);
    else loadWord(this.f, word, type === F64 ? 'f64_load' : 'f32_load');
  }

  writeFloat(word: number, type: typeof F32 | typeof F64, value: () => void): void {
    const home = this.homes.get(word);
    if (home === undefined) {
      storeWord(this.f, word, value, type === F64 ? 'f64_store' : 'f32_store');
    } else {
      value();
      this.f.set(home.local);
    }
  }

  /** Stores the locals of these keys to memory. */
  writeBack(keys: WordSet): void {
    keys.forEach((key) => {
      const { local, type } = this.homes.get(key) as Home;
      const op = type === I32 ? 'i32_store' : type === F32 ? 'f32_store' : 'f64_store';
      storeWord(this.f, key, () => this.f.get(local), op);
    });
  }

  /** Loads the locals of these keys from memory. */
  reload(keys: WordSet): void {
    keys.forEach((key) => {
      const { local, type } = this.homes.get(key) as Home;
      loadWord(this.f, key, type === I32 ? 'i32_load' : type === F32 ? 'f32_load' : 'f64_load');
      this.f.set(local);
    });
  }

  /** i32 on the stack -> the pair's f64 with that half replaced. */
  private insertHalf(home: Home, word: number): void {
    const { f } = this;
    const isLow = home.key === word;
    f.op('i64_extend_i32_u');
    if (!isLow) f.i64(32n).op('i64_shl');
    f.get(home.local).op('i64_reinterpret_f64');
    f.i64(isLow ? -0x1_0000_0000n : 0xffff_ffffn).op('i64_and', 'i64_or', 'f64_reinterpret_i64');
  }

  private assign(word: number, accesses: ReadonlyMap<number, number>): void {
    if (SHARED.has(word) || this.homes.has(word)) return;
    const low = word & ~1;
    const pair = (accesses.get(low) ?? 0) | (accesses.get(low + 1) ?? 0);
    if ((pair & AS_F64) === 0) {
      const type = ((accesses.get(word) as number) & AS_F32) === 0 ? I32 : F32;
      this.homes.set(word, { local: this.f.allocate(type), type, key: word });
    } else if ((pair & AS_F32) === 0) {
      const home: Home = { local: this.f.allocate(F64), type: F64, key: low };
      this.homes.set(low, home);
      this.homes.set(low + 1, home);
    }
  }
}
