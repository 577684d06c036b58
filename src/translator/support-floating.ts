import { type FloatingOp, OPS, type Type } from '../ir/opcode.js';
import type { FunctionBuilder, FunctionRef } from '../wasm/function-builder.js';
import { SCRATCH, SCRATCH_RESULT } from './data-area.js';

const storeOf = { i32: 'i32_store', f32: 'f32_store', f64: 'f64_store' } as const;
const loadOf = { i32: 'i32_load', f32: 'f32_load', f64: 'f64_load' } as const;

/** The body of a floating op's support function: the operands go through scratch words to the host. */
export const writeFloatingFunction = (f: FunctionBuilder, op: FloatingOp, base: number, host: FunctionRef): void => {
  const { args, result } = OPS[op];
  args.forEach((type: Type, n: number) => {
    f.i32(base + SCRATCH + 8 * n)
      .get(n)
      .memory(storeOf[type]);
  });
  f.get(args.length).get(args.length + 1);
  f.call(host)
    .i32(base + SCRATCH_RESULT)
    .memory(loadOf[result]);
};
