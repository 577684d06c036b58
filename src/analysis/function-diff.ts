import type { DiffSide } from './diff-side.js';
import type { SharedNames } from './flow-keys.js';

/** Calls of one function in both traces. */
export interface FunctionDiff {
  readonly function: string;
  readonly old: number;
  readonly new: number;
}

/** Functions not called equally often, those whose count changed most first. */
export const functionDiff = (old: DiffSide, now: DiffSide, names: SharedNames): readonly FunctionDiff[] =>
  [...new Set([...old.calls.keys(), ...now.calls.keys()])]
    .map((fn) => ({ function: names.label(fn), old: old.calls.get(fn) ?? 0, new: now.calls.get(fn) ?? 0 }))
    .filter((row) => row.old !== row.new)
    .sort((a, b) => Math.abs(b.new - b.old) - Math.abs(a.new - a.old) || compareText(a.function, b.function));

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
