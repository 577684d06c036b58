/**
 * Calls whose results somebody waits for, one thread's. A call is known by where it returns to and the sp it then has;
 * what lies below the current sp is over without a return (longjmp, exceptions).
 */
import type { InterworkingAddr } from '../../bits.js';

export interface PendingReturn {
  readonly returnAddress: InterworkingAddr;
  /** sp at entry, and again after the return. */
  readonly sp: number;
  readonly location: InterworkingAddr;
  readonly probe: number;
}

/** Calls kept at most; of a deeper recursion the innermost have no returns. */
const MAX_PENDING = 1 << 20;
/** No jump leaves sp at or above this. */
const NEVER = -1;

export class PendingReturns {
  /** Descending by sp; calls of one sp are tail calls, the later ones inside the earlier. */
  private readonly calls: PendingReturn[] = [];

  /** The value for RETURN_WATCH. */
  get watch(): number {
    return (this.calls.at(-1)?.sp ?? NEVER) | 0;
  }

  entered(call: PendingReturn): void {
    const { calls } = this;
    this.dropBelow(call.sp);
    // The same function with the same sp and return address again: the first call was left by a longjmp.
    const isSame = ({ sp, location, returnAddress, probe }: PendingReturn): boolean =>
      sp === call.sp && location === call.location && returnAddress === call.returnAddress && probe === call.probe;
    for (let at = calls.length - 1; at >= 0 && (calls[at] as PendingReturn).sp === call.sp; at--) {
      if (isSame(calls[at] as PendingReturn)) calls.length = at;
    }
    if (calls.length < MAX_PENDING) calls.push(call);
  }

  /** The calls that end when a jump to `target` leaves `sp`, innermost first. */
  returned(target: InterworkingAddr, sp: number, isReturnSite: boolean): readonly PendingReturn[] {
    const { calls } = this;
    const ended: PendingReturn[] = [];
    this.dropBelow(sp);
    for (let top = calls.at(-1); top?.sp === sp; top = calls.at(-1)) {
      // Arriving where another call of the same function returns to ends this one as well.
      if (top.returnAddress !== target && !isReturnSite) break;
      calls.pop();
      if (top.returnAddress === target) ended.push(top);
    }
    return ended;
  }

  private dropBelow(sp: number): void {
    const { calls } = this;
    for (let top = calls.at(-1); top !== undefined && top.sp < sp; top = calls.at(-1)) calls.pop();
  }
}
