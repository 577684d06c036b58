import type { FunctionBuilder, Label } from '../wasm/function-builder.js';

/** Fewer cases are compared one by one. */
const TABLE_FROM = 4;

/**
 * Runs the body of the case whose value `push` pushes; it must be one of them. Bodies do not fall through. The values
 * lie close together.
 */
export const writeSwitch = (
  f: FunctionBuilder,
  push: () => void,
  cases: readonly (readonly [value: number, body: () => void])[],
): void => {
  if (cases.length < TABLE_FROM) {
    compare(f, push, cases);
    return;
  }
  const values = cases.map(([value]) => value);
  const lowest = Math.min(...values);
  const labels = new Map<number, Label>();
  for (const value of [...values].reverse()) labels.set(value, f.block());
  const otherwise = labels.get(values.at(-1) as number) as Label;
  const table: Label[] = [];
  for (let value = lowest; value <= Math.max(...values); value++) table.push(labels.get(value) ?? otherwise);
  push();
  f.i32(lowest).op('i32_sub').brTable(table, otherwise);
  for (const [, body] of cases) {
    f.end();
    body();
  }
};

const compare = (
  f: FunctionBuilder,
  push: () => void,
  cases: readonly (readonly [value: number, body: () => void])[],
): void => {
  cases.forEach(([value, body], n) => {
    if (n === cases.length - 1) {
      body();
      return;
    }
    push();
    f.i32(value).op('i32_eq').if();
    body();
    f.end();
  });
};
