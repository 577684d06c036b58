/** How a block ends, and why a run of blocks can stop. */
import type { Location } from './location.js';

/** Index of the instruction that made a value; see ir/block. */
export type ValueId = number;

/** What kind of control transfer a terminal is, for the shadow stack, link policy and return prediction. */
export type Flow = 'jump' | 'call' | 'return';

export type Terminal =
  /** Always continues at `to`. `next` of a block cut by the length limit is a jump too. */
  | { readonly kind: 'jump'; readonly flow: Flow; readonly to: Location; readonly link?: Location }
  /** Continues at `to` when the value is not zero, else at `otherwise`. `link` is the return location of a call. */
  | {
      readonly kind: 'branch';
      readonly flow: Flow;
      readonly cond: ValueId;
      readonly to: Location;
      readonly otherwise: Location;
      readonly link?: Location;
    }
  /**
   * Continues at the interworking address in `target` (bit 0 = Thumb). With `cond`, only when it is not zero, else at
   * `otherwise`; `target` may then be defined inside the conditional region.
   */
  | {
      readonly kind: 'indirect';
      readonly flow: Flow;
      readonly target: ValueId;
      readonly cond?: ValueId;
      readonly otherwise?: Location;
      readonly link?: Location;
    }
  /** A system call by the last instruction; execution resumes at `next`, in the same observable block. */
  | { readonly kind: 'svc'; readonly imm: number; readonly next: Location; readonly cond?: ValueId }
  /** The last instruction cannot complete: stop with this reason, pc at that instruction. */
  | { readonly kind: 'trap'; readonly reason: number; readonly at: Location };

/** Why the tiers hand control back. The guest's troubles are values, never JS exceptions. */
export const ExitReason = {
  /** Continue at the location in PC/THUMB/ITSTATE: nothing special happened. */
  NEXT: 0,
  /** SVC executed; PC is the instruction after it. */
  SVC: 1,
  /** Data access refused: FAULT_ADDR, FAULT_KIND; PC at the instruction, which has had no effect. */
  FAULT: 2,
  /** UNDEFINED instruction (SIGILL); PC at it. */
  UNDEFINED: 3,
  /** BKPT or the Linux breakpoint UDF (SIGTRAP); PC at it. */
  BREAKPOINT: 4,
  /** Fuel used up at a block entry; PC at that block. */
  YIELD: 5,
  /** The event ring is near its end; PC at the block to be entered. */
  DRAIN: 6,
  /** The engine asked this thread to come out (unfollow, invalidation, stop); PC at the block to be entered. */
  CONTROL: 7,
  /** Instruction fetch refused at PC: SIGSEGV (FAULT_ADDR, FAULT_KIND). */
  FETCH_FAULT: 8,
} as const;

/** What FAULT_KIND holds. */
export const FaultKind = { READ: 0, WRITE: 1, EXECUTE: 2, ALIGNMENT: 3 } as const;
