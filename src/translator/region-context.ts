import type { Location } from '../ir/location.js';
import type { FunctionBuilder, FunctionRef } from '../wasm/function-builder.js';
import type { RegionNode } from './body.js';
import type { ColdExits } from './cold-exits.js';
import type { ModuleContext } from './module-context.js';
import type { BlockState } from './state-flow.js';
import type { StateWords } from './state-words.js';

/** A region of the same module that exits may call directly. */
export interface Neighbour {
  readonly ref: FunctionRef;
  readonly slot: number;
  readonly parameter: number;
}

/** What the writers of one region share. */
export interface RegionContext {
  readonly f: FunctionBuilder;
  readonly module: ModuleContext;
  readonly words: StateWords;
  readonly cold: ColdExits;
  /** Base of the translator's data area. */
  readonly dataBase: number;
  readonly nodes: readonly RegionNode[];
  readonly states: readonly BlockState[];
  /** Byte address of the link cell towards a location outside. */
  cellAddress(target: Location): number;
  neighbour(target: Location): Neighbour | undefined;
}
