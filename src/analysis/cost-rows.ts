/** Costs of one row of a table, in instructions. */
export interface Cost {
  calls: number;
  returns: number;
  /** Activations that ended without a return: longjmp, exceptions. */
  unwound: number;
  /** Inclusive; of a recursion only the outermost activation. */
  total: number;
  self: number;
  /** Inclusive cost of one finished activation. */
  min: number;
  max: number;
  /** Of all finished activations together, for the mean. */
  sum: number;
  /** Most activations on one stack. */
  deepest: number;
}

/** What costs are gathered by: rows numbered from 0 as they are met. */
export interface CostRows {
  readonly rows: readonly Cost[];
  /** The row of an activation that a call at `location` of `target` begins. */
  ofCall(location: number, target: number): number;
  /** The row of code that was entered unseen, at `address`. */
  ofPlace(address: number): number;
  /** Addresses may mean other things from here on; the rows stay. */
  forgetAddresses(): void;
}

export type Leaving = 'returned' | 'unwound' | 'open';

export const noCost = (): Cost => ({
  calls: 0,
  returns: 0,
  unwound: 0,
  total: 0,
  self: 0,
  sum: 0,
  min: Number.POSITIVE_INFINITY,
  max: 0,
  deepest: 0,
});

/** Counts an activation that has ended in. */
export const addActivation = (row: Cost, cost: number, how: Leaving): void => {
  if (how === 'open') return;
  if (how === 'returned') row.returns++;
  else row.unwound++;
  row.sum += cost;
  if (cost < row.min) row.min = cost;
  if (cost > row.max) row.max = cost;
};

/** The numbers of a row as they are shown: min, max and mean are 0 when no activation finished. */
export const shownCost = ({ min, sum, ...costs }: Cost): Omit<Cost, 'sum'> & { readonly mean: number } => {
  const finished = costs.returns + costs.unwound;
  return { ...costs, min: finished === 0 ? 0 : min, mean: finished === 0 ? 0 : sum / finished };
};
