/**
 * One translated basic block. System calls do not end a block that a user sees, but they do end a piece of IR, so a
 * block is a list of segments: the first is entered by dispatch, each further one only when the system call before it
 * returns.
 */
import type { GuestAddr, InterworkingAddr } from '../bits.js';
import type { ColdCode } from '../interpreter/cold-code.js';
import type { IrBlock } from '../ir/block.js';
import type { Location } from '../ir/location.js';

export interface Segment {
  readonly owner: ExecBlock;
  readonly ir: IrBlock;
  cold: ColdCode;
  /** Where a kept SVC at its end resumes; undefined for the last segment. */
  next: Segment | undefined;
  /** Successors that may be entered without asking the engine: the backpatched exits. */
  linkTo: ExecBlock | undefined;
  linkOtherwise: ExecBlock | undefined;
  /** Entries counted by the cold tier, for promotion. */
  heat: number;
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
  /** Set by invalidation: the next entry translates anew. */
  invalidated = false;
  /** Blocks whose links lead here; they are cut on invalidation. */
  readonly linkedFrom = new Set<Segment>();
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
