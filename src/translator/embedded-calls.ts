/**
 * Which calls become part of their caller's region: those of short functions that are called often, by a fixed address
 * or one of the few that an indirect call went to so far. Registers and flags then stay where they are through call and
 * return, and a return is a comparison. Outer calls come before inner ones, as long as the region does not get too long.
 */
import type { IrBlock } from '../ir/block.js';
import type { Location } from '../ir/location.js';
import { isPlain } from './block-edges.js';
import type { Body } from './body.js';
import { type BlockSource, type FunctionBounds, type WalkedFunction, walkFunction } from './guest-function.js';

/** What a function may be that is embedded, and all that are, in one region. */
const CALLEE: FunctionBounds = { blocks: 32, instructions: 128 };
const TOTAL_INSTRUCTIONS = 500;
/** Calls inside calls, and how often the same function among them. */
const MAX_DEPTH = 4;
const MAX_RECURSION = 2;
/** Callees of one indirect call. */
const MAX_TARGETS = 4;

interface Caller {
  readonly blocks: ReadonlyMap<Location, IrBlock>;
  readonly calls: Map<Location, readonly Body[]>;
  /** Entries of the functions that are running here, outermost first. */
  readonly chain: readonly Location[];
}

/** Where `block` calls, when that is known and the return site is in the same body. */
const targetsOf = ({ terminal, seenTargets = new Set() }: IrBlock, { blocks }: Caller): Location[] => {
  if (terminal.kind === 'svc' || terminal.kind === 'trap' || terminal.flow !== 'call') return [];
  const { link } = terminal;
  if (link === undefined || !isPlain(link) || !blocks.has(link)) return [];
  const targets = terminal.kind === 'indirect' ? [...seenTargets] : [terminal.to];
  return targets.length <= MAX_TARGETS ? targets.filter(isPlain) : [];
};

/** Whether a function may be embedded: all of it is known, and it comes back. */
const isWhole = ({ blocks, missing }: WalkedFunction): boolean =>
  missing.length === 0 &&
  [...blocks.values()].some(({ terminal }) => terminal.kind === 'indirect' && terminal.flow === 'return');

/** The calls of a function that become part of its region. */
export const embedCalls = (source: BlockSource, own: WalkedFunction): ReadonlyMap<Location, readonly Body[]> => {
  const known = new Map<Location, WalkedFunction | undefined>();
  const functionAt = (entry: Location): WalkedFunction | undefined => {
    if (!known.has(entry)) {
      known.set(entry, source.isFrequent(entry) ? walkFunction(source, entry, CALLEE) : undefined);
    }
    return known.get(entry);
  };
  let left = TOTAL_INSTRUCTIONS - own.instructions;
  const [entry] = own.blocks.keys() as IterableIterator<Location>;
  const root: Caller = { blocks: own.blocks, calls: new Map(), chain: [entry as Location] };
  const queue = [root];
  const embed = (to: Location, { chain }: Caller): Body | undefined => {
    if (chain.length > MAX_DEPTH || chain.filter((other) => other === to).length > MAX_RECURSION) return undefined;
    const callee = functionAt(to);
    if (callee === undefined || callee.instructions > left || !isWhole(callee)) return undefined;
    left -= callee.instructions;
    const inner: Caller = { blocks: callee.blocks, calls: new Map(), chain: [...chain, to] };
    queue.push(inner);
    return { blocks: [...callee.blocks.values()], calls: inner.calls };
  };
  for (const caller of queue) {
    for (const block of caller.blocks.values()) {
      const bodies = targetsOf(block, caller).map((to) => embed(to, caller));
      const found = bodies.filter((body) => body !== undefined);
      if (found.length > 0) caller.calls.set(block.location, found);
    }
  }
  return root.calls;
};
