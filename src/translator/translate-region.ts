import type { IrBlock } from '../ir/block.js';
import type { Location } from '../ir/location.js';
import { FunctionBuilder } from '../wasm/function-builder.js';
import { edgesOf } from './block-edges.js';
import { type Body, layOut, type RegionNode } from './body.js';
import { ColdExits, type ExitDescription } from './cold-exits.js';
import { ControlWriter } from './control.js';
import { ExitWriter } from './exits.js';
import { postponeFlags } from './lazy-flags.js';
import type { ModuleContext } from './module-context.js';
import type { Neighbour, RegionContext } from './region-context.js';
import { PARAMETER, REGION_SIGNATURE } from './region-function.js';
import { type BlockState, solveState } from './state-flow.js';
import { StateWords } from './state-words.js';
import { writeSwitch } from './switch.js';
import { BlockTranslator } from './translate-block.js';
import { WordSet } from './word-set.js';

/** What becomes one function: a guest function, and where it may be entered. */
export interface RegionInput extends Body {
  readonly entries: readonly Location[];
}

/** Where a region's code finds its surroundings. */
export interface Surroundings {
  readonly slot: number;
  readonly dataBase: number;
  cellAddress(target: Location): number;
  neighbour(target: Location): Neighbour | undefined;
}

export interface TranslatedRegion {
  readonly builder: FunctionBuilder;
  readonly exits: readonly ExitDescription[];
}

/** Translates a region. Its function takes the entry's number and the call depth; see exits for what it returns. */
export const translateRegion = (
  input: RegionInput,
  module: ModuleContext,
  surroundings: Surroundings,
): TranslatedRegion => {
  const f = new FunctionBuilder(REGION_SIGNATURE.params.length);
  const places = layOut(input);
  const edges = places.map(edgesOf);
  const { nodeAt } = (places[0] as RegionNode).frame;
  const entries = input.entries.map((entry) => nodeAt.get(entry) as number);
  const blocks = postponeFlags(
    places.map(({ block }) => block),
    edges,
    entries,
  );
  const nodes = places.map(({ frame }, n) => ({ block: blocks[n] as IrBlock, frame }));
  const words = new StateWords(f, blocks);
  const states = solveState(blocks, edges, words);
  const cold = new ColdExits(f, surroundings.slot);
  const region: RegionContext = { ...surroundings, f, module, words, cold, nodes, states };
  const successors = [entries, ...edges.map((e) => [...e.direct, ...e.afterCall])];
  const asNodes = successors.map((list) => list.map((block) => block + 1));
  const control = new ControlWriter(f, asNodes, (node, goto) => {
    const go = (block: number) => goto(block + 1);
    if (node === 0) writeEntries(region, entries, go);
    else writeBlock(region, node - 1, go, (block) => control.labelOf(node, block + 1));
  });
  cold.open(states);
  control.write();
  cold.close(words);
  return { builder: f, exits: cold.descriptions };
};

/** The parameter chooses the entry. The first has what is live there loaded, the others what is live at any of them. */
const writeEntries = (region: RegionContext, entries: readonly number[], goto: (block: number) => void): void => {
  const { f, words, states } = region;
  const [first, ...others] = entries as [number, ...number[]];
  const liveAt = (block: number) => (states[block] as BlockState).liveIn;
  if (others.length === 0) {
    words.reload(liveAt(first));
    goto(first);
    return;
  }
  f.get(PARAMETER).op('i32_eqz').if();
  words.reload(liveAt(first));
  goto(first);
  f.end();
  const live = new WordSet();
  for (const block of others) live.addAll(liveAt(block));
  words.reload(live);
  writeSwitch(
    f,
    () => f.get(PARAMETER),
    others.map((block, n) => [n + 1, () => goto(block)]),
  );
};

const writeBlock = (
  region: RegionContext,
  block: number,
  goto: (block: number) => void,
  labelOf: (block: number) => number | undefined,
): void => {
  const translator = new BlockTranslator(region, block);
  translator.write();
  new ExitWriter(translator, goto, labelOf).write();
};
