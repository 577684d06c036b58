/**
 * Floating ops in place. In round-to-nearest mode, without flush-to-zero and default NaN, and with the inexact flag set
 * already, a WebAssembly result that is a normal number is right and raises nothing new: results near the underflow
 * threshold, infinities and NaNs go to the support function. `slow` is a local holding 0 when FPSCR is as said, else -1;
 * one unsigned comparison of the exponent with a limit that depends on it decides.
 */
import { Word } from '../guest/cpu-state.js';
import type { FloatingOp } from '../ir/opcode.js';
import type { FunctionBuilder, Local } from '../wasm/function-builder.js';
import { F32, F64, type PlainOp } from '../wasm/opcode.js';
import type { Operands } from './operands.js';
import { loadWord } from './region-function.js';

/** FPSCR: DN, FZ, RMode and AHP, which the fast paths want zero, and IXC, which they want set. */
const MODES = (1 << 26) | (1 << 25) | (1 << 24) | (3 << 22);
const IXC = 1 << 4;

/** Computes the `slow` local from FPSCR. */
export const writeFloatingMode = (f: FunctionBuilder, slow: Local): void => {
  loadWord(f, Word.FPSCR);
  f.i32(MODES | IXC)
    .op('i32_and')
    .i32(IXC)
    .op('i32_eq')
    .i32(1)
    .op('i32_sub')
    .set(slow);
};

/**
 * Writes code that leaves the op's result in `result`. `outOfLine` pushes what the support function leaves on the stack;
 * arguments are repeatable.
 */
type FloatingRecipe = (f: FunctionBuilder, x: Operands, result: Local, slow: Local, outOfLine: () => void) => void;

/** Pushes whether the f32 or f64 is *not* safely normal, or the mode is slow. Leaves out exponents 0, 1 and the highest. */
const pushDoubtful = (f: FunctionBuilder, type: typeof F32 | typeof F64, value: Local, slow: Local): void => {
  // 0 in a slow mode, which nothing is below. Engines compute it once for all operations of a block.
  const pushLimit = (limit: number) => f.get(slow).i32(-1).op('i32_xor').i32(limit).op('i32_and');
  if (type === F64) {
    f.get(value).op('i64_reinterpret_f64').i64(32n).op('i64_shr_u', 'i32_wrap_i64').i32(1).op('i32_shl');
    f.i32(0x0040_0000).op('i32_sub');
    pushLimit(0xffa0_0000);
  } else {
    f.get(value).op('i32_reinterpret_f32').i32(1).op('i32_shl');
    f.i32(0x0200_0000).op('i32_sub');
    pushLimit(0xfd00_0000);
  }
  f.op('i32_ge_u');
};

const otherwise = (f: FunctionBuilder, result: Local, outOfLine: () => void): void => {
  f.ifUnlikely();
  outOfLine();
  f.set(result).end();
};

const arithmetic =
  (op: PlainOp, type: typeof F32 | typeof F64, arity: 1 | 2): FloatingRecipe =>
  (f, x, result, slow, outOfLine) => {
    x.a();
    if (arity === 2) x.b();
    f.op(op).set(result);
    pushDoubtful(f, type, result, slow);
    otherwise(f, result, outOfLine);
  };

/** NZCV: 8 less, 6 equal, 2 greater; 3, unordered, is left to the support function, and so is flush-to-zero. */
const compare =
  (type: 'f32' | 'f64'): FloatingRecipe =>
  (f, x, result, slow, outOfLine) => {
    const pair = (op: PlainOp) => {
      x.a();
      x.b();
      f.op(op);
    };
    pair(`${type}_lt`);
    f.i32(31).op('i32_shl');
    pair(`${type}_gt`);
    f.i32(29).op('i32_shl', 'i32_or');
    f.i32(0x6000_0000).i32(0);
    pair(`${type}_eq`);
    f.op('select', 'i32_or').set(result);
    f.get(result).op('i32_eqz').get(slow).op('i32_or');
    otherwise(f, result, outOfLine);
  };

/** Exact in any mode. */
const exact =
  (...ops: readonly PlainOp[]): FloatingRecipe =>
  (f, x, result) => {
    x.a();
    f.op(...ops).set(result);
  };

/** To an integer: NaN and what lies outside (low, high) after rounding are left to the support function. */
const toInteger =
  (from: 'f32' | 'f64', sign: 's' | 'u'): FloatingRecipe =>
  (f, x, result, slow, outOfLine) => {
    const type = from === 'f64' ? F64 : F32;
    const rounded = f.allocate(type);
    const bound = (value: number) => (type === F64 ? f.f64(value) : f.f32(value));
    x.a();
    f.op(x.inst.imm === 0 ? `${from}_trunc` : `${from}_nearest`).set(rounded);
    f.get(rounded).saturating(`i32_trunc_sat_${from}_${sign}`).set(result);
    f.get(rounded);
    bound(sign === 's' ? -2147483648 : 0).op(`${from}_ge`);
    f.get(rounded);
    bound(sign === 's' ? 2147483648 : 4294967296)
      .op(`${from}_lt`, 'i32_and', 'i32_eqz')
      .get(slow)
      .op('i32_or');
    f.release(rounded);
    otherwise(f, result, outOfLine);
  };

/** An i32 to f32 is exact below 2^24 whatever the mode. */
const singleFromInteger =
  (sign: 's' | 'u'): FloatingRecipe =>
  (f, x, result, slow, outOfLine) => {
    x.a();
    f.op(`f32_convert_i32_${sign}`).set(result);
    x.a();
    if (sign === 's') f.i32(0x100_0000).op('i32_add').i32(0x200_0000);
    else f.i32(0x100_0000);
    f.op('i32_gt_u').get(slow).op('i32_and');
    otherwise(f, result, outOfLine);
  };

const narrow: FloatingRecipe = (f, x, result, slow, outOfLine) => {
  x.a();
  f.op('f32_demote_f64').set(result);
  pushDoubtful(f, F32, result, slow);
  otherwise(f, result, outOfLine);
};

/** Exact; a NaN, or a flushed denormal, is left to the support function. */
const widen: FloatingRecipe = (f, x, result, slow, outOfLine) => {
  x.a();
  f.op('f64_promote_f32').set(result);
  x.a();
  x.a();
  f.op('f32_ne').get(slow).op('i32_or');
  otherwise(f, result, outOfLine);
};

export const inlineFloating: { readonly [K in FloatingOp]?: FloatingRecipe } = {
  addF32: arithmetic('f32_add', F32, 2),
  subF32: arithmetic('f32_sub', F32, 2),
  mulF32: arithmetic('f32_mul', F32, 2),
  divF32: arithmetic('f32_div', F32, 2),
  sqrtF32: arithmetic('f32_sqrt', F32, 1),
  addF64: arithmetic('f64_add', F64, 2),
  subF64: arithmetic('f64_sub', F64, 2),
  mulF64: arithmetic('f64_mul', F64, 2),
  divF64: arithmetic('f64_div', F64, 2),
  sqrtF64: arithmetic('f64_sqrt', F64, 1),
  cmpF32: compare('f32'),
  cmpF64: compare('f64'),
  f64FromF32: widen,
  f32FromF64: narrow,
  f64FromS32: exact('f64_convert_i32_s'),
  f64FromU32: exact('f64_convert_i32_u'),
  f32FromS32: singleFromInteger('s'),
  f32FromU32: singleFromInteger('u'),
  s32FromF32: toInteger('f32', 's'),
  u32FromF32: toInteger('f32', 'u'),
  s32FromF64: toInteger('f64', 's'),
  u32FromF64: toInteger('f64', 'u'),
};
