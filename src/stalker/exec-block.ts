/**
 * One translated basic block. System calls do not end a block that a user sees, but they do end a piece of IR, so a
 * block is a list of segments: the first is entered by dispatch, each further one only when the system call before it
 * returns.
 */
import type { GuestAddr, InterworkingAddr } from '../bits.js';
import type { ColdCode } from '../interpreter/cold-code.js';
import type { IrBlock } from '../ir/block.js';
import type { Location } from '../ir/location.js';
import type { CompiledRegion } from '../translator/compiled-region.js';
import type { Translator } from '../translator/translator.js';

export interface Segment {
  readonly owner: ExecBlock;
  readonly ir: IrBlock;
  cold: ColdCode;
  /** Where a kept SVC at its end resumes; undefined for the last segment. */
  next: Segment | undefined;
  /** Successors that may be entered without asking the engine: the backpatched exits. */
  linkTo: ExecBlock | undefined;
  linkOtherwise: ExecBlock | undefined;
  /** Entries counted by the cold tier, see tiering. */
  heat: number;
}

/** A compiled region and the blocks it was made from. */
export interface HotRegion {
  readonly translator: Translator;
  readonly region: CompiledRegion;
  readonly blocks: readonly ExecBlock[];
  /** The blocks it was made from besides: of functions whose calls are part of it. */
  readonly called: readonly ExecBlock[];
  /** Where its function may go on outside it. */
  readonly missing: readonly Location[];
  /** How often it was made again. */
  readonly generation: number;
  /** All regions of the translator that may still be entered. */
  readonly siblings: Set<HotRegion>;
}

export class ExecBlock {
  readonly location: Location;
  /** Interworking addresses: [start, end) as events show it. */
  readonly start: InterworkingAddr;
  end: InterworkingAddr = 0;
  /** Plain address of the first byte and number of original bytes. */
  readonly realStart: GuestAddr;
  realSize = 0;
  /** Original bytes, for the trust rule. */
  snapshot: Uint8Array = new Uint8Array(0);
  recycleCount = 0;
  segments: Segment[] = [];
  /** Only ever entered through dispatch, see ExecCtx.guards. */
  guarded = false;
  /** Set by invalidation: the next entry translates anew. */
  invalidated = false;
  /** Blocks whose links lead here; they are cut on invalidation. */
  readonly linkedFrom = new Set<Segment>();
  /** The hot code that starts here, and the hot code of this block's function that contains it. */
  hotEntry: HotRegion | undefined;
  readonly regions = new Set<HotRegion>();
  /** Hot code of callers that contains this block as part of a call. */
  readonly callers = new Set<HotRegion>();
  /** Callout numbers of this translation. */
  callouts: number[] = [];
  hasExclusiveLoad = false;
  hasExclusiveStore = false;
  /** Frida's USES_EXCLUSIVE_ACCESS: no EXEC events under `gum`, memoryAccess reads `exclusive`. */
  usesExclusiveAccess = false;

  constructor(location: Location, start: InterworkingAddr) {
    this.location = location;
    this.start = start;
    this.realStart = start & 1 ? start - 1 : start;
  }

  /** The segment dispatch enters. */
  get entry(): Segment {
    return this.segments[0] as Segment;
  }
}

/** The segments of a translation, each followed by the next. */
export const makeSegments = (owner: ExecBlock, irs: readonly IrBlock[], colds: readonly ColdCode[]): Segment[] => {
  const segments: Segment[] = irs.map((ir, i) => ({
    owner,
    ir,
    cold: colds[i] as ColdCode,
    next: undefined,
    linkTo: undefined,
    linkOtherwise: undefined,
    heat: 0,
  }));
  for (let i = 0; i + 1 < segments.length; i++) (segments[i] as Segment).next = segments[i + 1];
  return segments;
};
