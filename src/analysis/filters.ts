import type { FunctionInfo, TraceSymbols } from './symbolize.js';
import { COUNTED, DROPPED, OUTSIDE } from './thread-stack.js';

export type FunctionTest = (info: FunctionInfo) => boolean;

export interface CallFilters {
  /** Only these functions and what they call. */
  readonly only?: FunctionTest;
  /** Not these functions nor what they call. */
  readonly without?: FunctionTest;
}

/** What of the calls a reader wants to see. */
export interface ReadFilters extends CallFilters {
  /** Not these functions themselves; what they call moves up a level. */
  readonly hide?: FunctionTest;
  /** Only calls of these functions and the calls that lead to them. */
  readonly caller?: FunctionTest;
  /** Only functions for which this is true, as if the others were hidden. */
  readonly rows?: FunctionTest;
  /** Levels shown at most. */
  readonly depth?: number;
  /** Calls that cost fewer instructions are left out. */
  readonly minCost?: number;
}

/** Clocks from `from` to `to`, both included. */
export interface ClockRange {
  readonly from: number;
  readonly to: number;
}

/** What the filters say of one function. */
export interface Verdict {
  readonly info: FunctionInfo;
  /** Begins a subtree to be shown. */
  readonly isChosen: boolean;
  /** Begins a subtree to be left out. */
  readonly isDropped: boolean;
  /** Gets no line because it was asked to be hidden. */
  readonly isHidden: boolean;
  /** Gets a line of its own, where it is shown. */
  readonly isVisible: boolean;
  /** Is reason enough to show the calls that lead to it. */
  readonly isGoal: boolean;
}

const judge = (info: FunctionInfo, filters: ReadFilters): Verdict => {
  const { only, without, hide, caller, rows } = filters;
  const isHidden = hide?.(info) ?? false;
  return {
    info,
    isChosen: only === undefined || only(info),
    isDropped: without?.(info) ?? false,
    isHidden,
    isVisible: !isHidden && (rows === undefined || rows(info)),
    isGoal: caller === undefined || caller(info),
  };
};

/** Functions told apart at most; what comes after is asked for again each time. */
const MAX_FUNCTIONS = 1 << 20;

/** What the filters say of functions, asked once for each. */
export class Verdicts {
  private readonly symbols: TraceSymbols;
  private readonly filters: ReadFilters;
  private readonly known = new Map<number, Verdict>();

  constructor(symbols: TraceSymbols, filters: ReadFilters) {
    this.symbols = symbols;
    this.filters = filters;
  }

  /** The function at `address` (Thumb bit allowed). */
  of(address: number): Verdict {
    const start = (address & ~1) >>> 0;
    let verdict = this.known.get(start);
    if (verdict === undefined) {
      verdict = judge(this.symbols.functionAt(start), this.filters);
      if (this.known.size < MAX_FUNCTIONS) this.known.set(start, verdict);
    }
    return verdict;
  }

  /** Addresses may mean other functions from here on. */
  forgetAddresses(): void {
    this.known.clear();
  }
}

/** Whether anything at all is left out of the calls; `rows` only says which of them get a line. */
export const filtersCalls = ({ only, without, hide, caller, depth, minCost }: ReadFilters): boolean =>
  [only, without, hide, caller, depth, minCost].some((filter) => filter !== undefined);

/** Whether a call is inside what is shown, given where its caller stands: OUTSIDE, COUNTED or DROPPED. */
export const standingUnder = (caller: number, { isChosen, isDropped }: Verdict): number => {
  if (caller === DROPPED || isDropped) return DROPPED;
  return caller === COUNTED || isChosen ? COUNTED : OUTSIDE;
};
