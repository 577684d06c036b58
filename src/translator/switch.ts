import type { FunctionBuilder, Label } from '../wasm/function-builder.js';

/** Fewer cases, or such as lie further apart, are compared one by one. */
const TABLE_FROM = 4;
const TABLE_ENTRIES = 1024;

type Case = readonly [value: number, body: () => void];

/**
 * Runs the body of the case whose value `push` pushes, or `otherwise`; without that it must be one of them. Bodies do
 * not fall through. The values are distinct.
 */
export const writeSwitch = (
  f: FunctionBuilder,
  push: () => void,
  cases: readonly Case[],
  otherwise?: () => void,
): void => {
  const values = cases.map(([value]) => value);
  const isSparse = Math.max(...values) - Math.min(...values) >= TABLE_ENTRIES;
  if (cases.length < TABLE_FROM || isSparse) compare(f, push, cases, otherwise);
  else lookUp(f, push, cases, otherwise);
};

const lookUp = (f: FunctionBuilder, push: () => void, cases: readonly Case[], otherwise?: () => void): void => {
  const values = cases.map(([value]) => value);
  const lowest = Math.min(...values);
  const elsewhere = otherwise === undefined ? undefined : f.block();
  const labels = new Map<number, Label>();
  for (const value of [...values].reverse()) labels.set(value, f.block());
  const fallback = elsewhere ?? (labels.get(values.at(-1) as number) as Label);
  const table: Label[] = [];
  for (let value = lowest; value <= Math.max(...values); value++) table.push(labels.get(value) ?? fallback);
  push();
  if (lowest !== 0) f.i32(lowest).op('i32_sub');
  f.brTable(table, fallback);
  for (const [, body] of cases) {
    f.end();
    body();
  }
  if (otherwise === undefined) return;
  f.end();
  otherwise();
};

const compare = (f: FunctionBuilder, push: () => void, cases: readonly Case[], otherwise?: () => void): void => {
  cases.forEach(([value, body], n) => {
    if (n === cases.length - 1 && otherwise === undefined) {
      body();
      return;
    }
    push();
    f.i32(value).op('i32_eq').if();
    body();
    f.end();
  });
  otherwise?.();
};
