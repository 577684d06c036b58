/** The media operations on bytes, four at a time in one word. */
import { parallelKind } from '../ir/parallel.js';
import type { FunctionBuilder } from '../wasm/function-builder.js';
import type { Operands, Recipe } from './operands.js';

/** b ^ ((a ^ b) & mask), mask all ones in the lanes whose GE bit is set. */
export const sel: Recipe = (f, x) => {
  x.repeat('b');
  x.b();
  x.a();
  x.b();
  f.op('i32_xor');
  x.c();
  f.i32(7).op('i32_shr_u').i32(0x0101_0101).op('i32_and').i32(0xff).op('i32_mul', 'i32_and', 'i32_xor');
};

const HIGH_BITS = 0x8080_8080;
const LOW_BITS = 0x7f7f_7f7f;

const addBytes = (f: FunctionBuilder, x: Operands): void => {
  x.a();
  f.i32(LOW_BITS).op('i32_and');
  x.b();
  f.i32(LOW_BITS).op('i32_and', 'i32_add');
  x.a();
  x.b();
  f.op('i32_xor').i32(HIGH_BITS).op('i32_and', 'i32_xor');
};

const subBytes = (f: FunctionBuilder, x: Operands): void => {
  x.a();
  f.i32(HIGH_BITS).op('i32_or');
  x.b();
  f.i32(LOW_BITS).op('i32_and', 'i32_sub');
  x.a();
  x.b();
  f.op('i32_xor').i32(-1).op('i32_xor').i32(HIGH_BITS).op('i32_and', 'i32_xor');
};

const UADD8 = parallelKind('u', 'add8');
const USUB8 = parallelKind('u', 'sub8');
const SADD8 = parallelKind('s', 'add8');
const SSUB8 = parallelKind('s', 'sub8');

export const parallel: Recipe = (f, x) => {
  const kind = x.inst.imm;
  const adds = kind === UADD8 || kind === SADD8;
  if (!adds && kind !== USUB8 && kind !== SSUB8) return false;
  x.repeat('a', 'b');
  if (adds) addBytes(f, x);
  else subBytes(f, x);
};

/** Carry out of each byte: (a & b) | ((a | b) & ~sum); for a difference the same with ~b gives "no borrow". */
export const parallelGe: Recipe = (f, x) => {
  const kind = x.inst.imm;
  if (kind !== UADD8 && kind !== USUB8) return false;
  x.repeat('a', 'b');
  const second = (): void => {
    x.b();
    if (kind === USUB8) f.i32(-1).op('i32_xor');
  };
  x.a();
  second();
  f.op('i32_and');
  x.a();
  second();
  f.op('i32_or');
  if (kind === UADD8) addBytes(f, x);
  else subBytes(f, x);
  f.i32(-1).op('i32_xor', 'i32_and', 'i32_or').i32(HIGH_BITS).op('i32_and');
};
