import type { Location } from '../ir/location.js';
import type { ExitDescription } from './cold-exits.js';
import type { RegionInput } from './translate-region.js';

/** A region in the table. */
export interface CompiledRegion {
  readonly slot: number;
  /** Entry n is chosen by parameter n. */
  readonly entries: readonly Location[];
  /** The blocks of its function. */
  readonly locations: readonly Location[];
  /** The blocks of functions whose calls are part of it; some may be in `locations` too. */
  readonly called: readonly Location[];
  readonly exits: readonly ExitDescription[];
  /** Its link cells by the location they lead to. */
  readonly cells: ReadonlyMap<Location, number>;
  readonly codeBytes: number;
  isAlive: boolean;
}

/** A compiled region with what only the making of it needs. */
export interface RegionDraft {
  readonly input: RegionInput;
  readonly slot: number;
  readonly cells: Map<Location, number>;
}
