import { hex } from '../bits.js';
import { UsageError } from '../errors.js';
import type { CallPath, CallTree } from './call-tree.js';
import type { CallsiteCost } from './callsite-table.js';
import { type Cost, shownCost } from './cost-rows.js';
import type { FunctionTest } from './filters.js';
import type { FunctionCost } from './function-table.js';
import type { ModuleCost } from './module-table.js';
import type { FunctionInfo, Place } from './symbolize.js';
import type { ThreadCost } from './thread-costs.js';

export type SummaryTable = 'function' | 'module' | 'thread' | 'callsite' | 'syscall' | 'probe' | 'block';

/** Costs are instructions. min, max and mean are of one finished activation, inclusive; 0 when none finished. */
export interface CostRow {
  readonly calls: number;
  readonly returns: number;
  readonly unwound: number;
  readonly total: number;
  readonly self: number;
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  readonly deepest: number;
}

export interface FunctionRow extends CostRow {
  readonly symbol: string;
  readonly module: string;
  readonly offset: string;
  /** `file.c:12`, when lines were asked for. */
  readonly source?: string;
}

export interface ModuleRow extends CostRow {
  readonly module: string;
  readonly functions: number;
}

export interface CallsiteRow extends CostRow {
  readonly from: Place;
  readonly to: Place;
}

export interface ThreadRow {
  readonly tid: number;
  readonly name: string;
  readonly insns: number;
  readonly events: number;
  readonly calls: number;
  readonly returns: number;
  readonly deepest: number;
}

/** A path of calls with what it cost, and the paths that go on from it, most expensive first. */
export interface TreeRow extends FunctionRow {
  /** Calls of it that happened inside another activation of the same path. */
  readonly recursive: number;
  readonly children: readonly TreeRow[];
}

export const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const happened = ({ calls, self }: Cost): boolean => calls > 0 || self > 0;

export const functionRows = (rows: readonly FunctionCost[], keep: FunctionTest | undefined): FunctionRow[] =>
  rows
    .filter((row) => happened(row) && (keep === undefined || keep(row.info)))
    .map(({ info, ...cost }) => ({ ...functionOf(info), ...shownCost(cost) }));

const functionOf = ({ symbol, module, offset, source }: FunctionInfo) => ({
  symbol,
  module,
  offset: hex(offset),
  ...(source === undefined ? {} : { source }),
});

export const moduleRows = (rows: readonly ModuleCost[], keep: FunctionTest | undefined): ModuleRow[] =>
  rows
    .filter((row) => happened(row) && (keep?.({ symbol: '', module: row.module, offset: 0, sizeBytes: 0 }) ?? true))
    .map(({ module, functions, ...cost }) => ({ module, functions, ...shownCost(cost) }));

export const callsiteRows = (rows: readonly CallsiteCost[], keep: FunctionTest | undefined): CallsiteRow[] =>
  rows
    .filter((row) => row.calls > 0 && (keep === undefined || keep(row.info)))
    .map(({ from, to, info: _, ...cost }) => ({ from, to, ...shownCost(cost) }));

export const threadRows = (threads: readonly ThreadCost[], names: ReadonlyMap<number, string>): ThreadRow[] =>
  threads
    .map(({ tid, insns, events, calls, returns, deepest }) => ({
      tid,
      name: names.get(tid) ?? '',
      insns,
      events,
      calls,
      returns,
      deepest,
    }))
    .sort((a, b) => a.tid - b.tid);

/** The paths that cost most, `top` of them (0 for all) with all that lead to them. */
export const treeRows = (tree: CallTree, functions: readonly FunctionCost[], top: number): readonly TreeRow[] => {
  const byCost = (a: CallPath, b: CallPath): number => b.total - a.total || a.number - b.number;
  const all = tree.paths.filter(happened).sort(byCost);
  const chosen = top === 0 ? all : all.slice(0, top);
  const roots: TreeRow[] = [];
  const rows = new Map<CallPath, TreeRow[]>();
  // A path never costs more than the one it goes on from, so that one is in the list already.
  for (const path of chosen) {
    const { row, number: _, parent, recursive, ...cost } = path;
    const children: TreeRow[] = [];
    rows.set(path, children);
    const { info } = functions[row] as FunctionCost;
    const above = parent === undefined ? roots : (rows.get(parent) ?? roots);
    above.push({ ...functionOf(info), ...shownCost(cost), recursive, children });
  }
  return roots;
};

/** What a table is ordered by when nothing is said; `tid` ascends, numbers descend. */
const USUAL_SORT: Readonly<Record<SummaryTable, readonly string[]>> = {
  function: ['self', 'total', 'symbol', 'offset'],
  module: ['self', 'module'],
  callsite: ['calls', 'total'],
  thread: ['tid'],
  syscall: ['calls', 'number'],
  probe: ['probe'],
  block: ['count'],
};
const ASCENDING: ReadonlySet<string> = new Set(['tid', 'number', 'probe']);

type Row = Readonly<Record<string, unknown>>;

/** The first key a table is ordered by. */
export const sortKey = (by: SummaryTable, sort: readonly string[] | undefined): string =>
  sort?.[0] ?? (USUAL_SORT[by][0] as string);

/**
 * Orders rows by keys: numbers from the largest on, words from A on; rows equal so far as ever. Throws UsageError for a
 * key the rows do not have.
 */
export const sortRows = <R extends object>(
  rows: R[],
  by: SummaryTable,
  sort: readonly string[] | undefined,
): readonly R[] => {
  const example = rows[0] as Row | undefined;
  for (const key of sort ?? []) if (example !== undefined) checkKey(example, key, by);
  const keys = [...(sort ?? []), ...USUAL_SORT[by]];
  return rows.sort((a, b) => {
    for (const key of keys) {
      const order = compareValues((a as Row)[key], (b as Row)[key]) * (ASCENDING.has(key) ? -1 : 1);
      if (order !== 0) return order;
    }
    return 0;
  });
};

const checkKey = (example: Row, key: string, by: SummaryTable): void => {
  if (['number', 'string'].includes(typeof example[key])) return;
  const keys = Object.keys(example).filter((each) => ['number', 'string'].includes(typeof example[each]));
  throw new UsageError(`a table by ${by} cannot be ordered by ${JSON.stringify(key)}`, {
    hint: `choose from: ${keys.join(', ')}`,
  });
};

const compareValues = (a: unknown, b: unknown): number =>
  typeof a === 'number' && typeof b === 'number' ? b - a : compareText(String(a), String(b));
