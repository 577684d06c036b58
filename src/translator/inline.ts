import type { PureOp } from '../ir/opcode.js';
import type { FunctionBuilder } from '../wasm/function-builder.js';
import { I32, type PlainOp } from '../wasm/opcode.js';
import { parallel, parallelGe, sel } from './inline-parallel.js';
import type { Operands, Recipe } from './operands.js';

const binary =
  (op: PlainOp): Recipe =>
  (f, x) => {
    x.a();
    x.b();
    f.op(op);
  };

const unary =
  (...ops: readonly PlainOp[]): Recipe =>
  (f, x) => {
    x.a();
    f.op(...ops);
  };

/** Shift by b<7:0>: what `inRange` gives below 32, else what `beyond` pushes. */
const registerShift =
  (op: 'i32_shl' | 'i32_shr_u', beyond: number): Recipe =>
  (f, x) => {
    x.repeat('b');
    x.a();
    x.b();
    f.op(op).i32(beyond);
    x.b();
    f.i32(0xe0).op('i32_and', 'i32_eqz', 'select');
  };

const highProduct =
  (extend: 'i64_extend_i32_s' | 'i64_extend_i32_u'): Recipe =>
  (f, x) => {
    x.a();
    f.op(extend);
    x.b();
    f.op(extend, 'i64_mul').i64(32n).op('i64_shr_u', 'i32_wrap_i64');
  };

/** Carry out of a + b + c. With a constant carry in it is one comparison with ~b. */
const carry: Recipe = (f, x) => {
  const carryIn = x.constant('c');
  x.a();
  if (carryIn !== undefined) {
    x.b();
    f.i32(-1).op('i32_xor', carryIn === 0 ? 'i32_gt_u' : 'i32_ge_u');
    return;
  }
  f.op('i64_extend_i32_u');
  x.b();
  f.op('i64_extend_i32_u', 'i64_add');
  x.c();
  f.op('i64_extend_i32_u', 'i64_add').i64(32n).op('i64_shr_u', 'i32_wrap_i64');
};

/** (p ^ q) & (r ^ s) for the two overflow rules. */
const overflow =
  (p: 'a' | 'b', q: 'b' | 'c', r: 'a' | 'b', s: 'c', repeated: 'a' | 'c'): Recipe =>
  (f, x) => {
    x.repeat(repeated);
    x[p]();
    x[q]();
    f.op('i32_xor');
    x[r]();
    x[s]();
    f.op('i32_xor', 'i32_and');
  };

const divS: Recipe = (f, x) => {
  x.repeat('a', 'b');
  x.b();
  f.op('i32_eqz');
  f.if(I32);
  f.i32(0).else();
  x.b();
  f.i32(-1).op('i32_eq');
  f.if(I32);
  f.i32(0);
  x.a();
  f.op('i32_sub').else();
  x.a();
  x.b();
  f.op('i32_div_s').end().end();
};

const divU: Recipe = (f, x) => {
  x.repeat('a', 'b');
  x.b();
  f.op('i32_eqz');
  f.if(I32);
  f.i32(0).else();
  x.a();
  x.b();
  f.op('i32_div_u').end();
};

/** Clamps a to [low, high]. */
const clamp = (f: FunctionBuilder, x: Operands, low: number, high: number): void => {
  x.repeat('a');
  const t = f.allocate(I32);
  x.a();
  f.i32(low);
  x.a();
  f.i32(low).op('i32_gt_s', 'select').set(t);
  f.get(t).i32(high).get(t).i32(high).op('i32_lt_s', 'select');
  f.release(t);
};

const satS: Recipe = (f, x) => {
  const width = x.constant('b');
  if (width === undefined || width < 1 || width > 32) return false;
  const high = 2 ** (width - 1) - 1;
  clamp(f, x, -high - 1, high);
};

const satU: Recipe = (f, x) => {
  const width = x.constant('b');
  if (width === undefined || width < 0 || width > 31) return false;
  clamp(f, x, 0, 2 ** width - 1);
};

/** On overflow the saturated value has the sign of a: (a >> 31) ^ 0x7fffffff. */
const saturating =
  (op: 'i32_add' | 'i32_sub'): Recipe =>
  (f, x) => {
    x.repeat('a', 'b');
    const sum = f.allocate(I32);
    x.a();
    x.b();
    f.op(op).set(sum);
    x.a();
    f.i32(31).op('i32_shr_s').i32(0x7fff_ffff).op('i32_xor').get(sum);
    x.a();
    if (op === 'i32_add') f.get(sum).op('i32_xor');
    else {
      x.b();
      f.op('i32_xor');
    }
    if (op === 'i32_add') x.b();
    else x.a();
    f.get(sum).op('i32_xor', 'i32_and').i32(0).op('i32_lt_s', 'select');
    f.release(sum);
  };

const rev: Recipe = (f, x) => {
  x.repeat('a');
  x.a();
  f.i32(8).op('i32_rotr').i32(0xff00_ff00).op('i32_and');
  x.a();
  f.i32(8).op('i32_rotl').i32(0x00ff_00ff).op('i32_and', 'i32_or');
};

const rev16: Recipe = (f, x) => {
  x.repeat('a');
  x.a();
  f.i32(8).op('i32_shr_u').i32(0x00ff_00ff).op('i32_and');
  x.a();
  f.i32(8).op('i32_shl').i32(0xff00_ff00).op('i32_and', 'i32_or');
};

const rbit: Recipe = (f, x) => {
  const t = f.allocate(I32);
  x.a();
  f.set(t);
  for (const [shift, mask] of [
    [1, 0x5555_5555],
    [2, 0x3333_3333],
    [4, 0x0f0f_0f0f],
    [8, 0x00ff_00ff],
  ] as const) {
    f.get(t).i32(shift).op('i32_shr_u').i32(mask).op('i32_and');
    f.get(t).i32(mask).op('i32_and').i32(shift).op('i32_shl', 'i32_or').set(t);
  }
  f.get(t).i32(16).op('i32_rotl');
  f.release(t);
};

export const inline: { readonly [K in PureOp]?: Recipe } = {
  const: (f, x) => {
    f.i32(x.inst.imm);
  },
  add: binary('i32_add'),
  sub: binary('i32_sub'),
  mul: binary('i32_mul'),
  mulHighS: highProduct('i64_extend_i32_s'),
  mulHighU: highProduct('i64_extend_i32_u'),
  divS,
  divU,
  and: binary('i32_and'),
  or: binary('i32_or'),
  xor: binary('i32_xor'),
  andNot: (f, x) => {
    x.a();
    x.b();
    f.i32(-1).op('i32_xor', 'i32_and');
  },
  not: (f, x) => {
    x.a();
    f.i32(-1).op('i32_xor');
  },
  neg: (f, x) => {
    f.i32(0);
    x.a();
    f.op('i32_sub');
  },
  shl: binary('i32_shl'),
  shr: binary('i32_shr_u'),
  sar: binary('i32_shr_s'),
  ror: binary('i32_rotr'),
  lslReg: registerShift('i32_shl', 0),
  lsrReg: registerShift('i32_shr_u', 0),
  asrReg: (f, x) => {
    x.repeat('b');
    x.a();
    x.b();
    f.i32(31);
    x.b();
    f.i32(0xe0).op('i32_and', 'i32_eqz', 'select', 'i32_shr_s');
  },
  rorReg: binary('i32_rotr'),
  carry,
  overflow: overflow('a', 'c', 'b', 'c', 'c'),
  overflowSub: overflow('a', 'b', 'a', 'c', 'a'),
  clz: unary('i32_clz'),
  rbit,
  rev,
  rev16,
  sext8: unary('i32_extend8_s'),
  sext16: unary('i32_extend16_s'),
  eq: binary('i32_eq'),
  ne: binary('i32_ne'),
  ltS: binary('i32_lt_s'),
  ltU: binary('i32_lt_u'),
  leS: binary('i32_le_s'),
  leU: binary('i32_le_u'),
  eqz: unary('i32_eqz'),
  select: (f, x) => {
    x.a();
    x.b();
    x.c();
    f.op('select');
  },
  satS,
  satU,
  qadd: saturating('i32_add'),
  qsub: saturating('i32_sub'),
  addHigh: (f, x) => {
    x.a();
    x.b();
    f.op('i32_add');
    x.c();
    f.op('i32_add');
  },
  parallel,
  parallelGe,
  sel,
  f32FromBits: unary('f32_reinterpret_i32'),
  bitsFromF32: unary('i32_reinterpret_f32'),
  negF32: unary('f32_neg'),
  absF32: unary('f32_abs'),
  f64FromWords: (f, x) => {
    x.a();
    f.op('i64_extend_i32_u');
    x.b();
    f.op('i64_extend_i32_u').i64(32n).op('i64_shl', 'i64_or', 'f64_reinterpret_i64');
  },
  lowWord: unary('i64_reinterpret_f64', 'i32_wrap_i64'),
  highWord: (f, x) => {
    x.a();
    f.op('i64_reinterpret_f64').i64(32n).op('i64_shr_u', 'i32_wrap_i64');
  },
  negF64: unary('f64_neg'),
  absF64: unary('f64_abs'),
};
