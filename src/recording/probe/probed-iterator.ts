import type { Insn } from '../../arm/insn.js';
import type { InterworkingAddr } from '../../bits.js';
import type { BlockIterator, CalloutFunction } from '../../stalker/iterator.js';

/** Called when a probe is reached, with the instructions of its block that are counted already but still to come. */
type Reached = (ahead: number) => void;

/** A block with callouts in front of the instructions that are probed; whoever drives it does not notice. */
export class ProbedIterator implements BlockIterator {
  private readonly inner: BlockIterator;
  private readonly probeAt: (address: InterworkingAddr) => Reached | undefined;
  private readonly segment = new SegmentLength();
  private current: Insn | undefined;

  constructor(inner: BlockIterator, probeAt: (address: InterworkingAddr) => Reached | undefined) {
    this.inner = inner;
    this.probeAt = probeAt;
  }

  next(): Insn | undefined {
    const insn = this.inner.next();
    this.current = insn;
    if (insn === undefined) return undefined;
    const reached = this.probeAt((insn.pc | Number(insn.isa === 'thumb')) >>> 0);
    if (reached !== undefined) {
      const rest = this.segment.restFromHere();
      this.inner.putCallout(() => reached(rest.insns));
    }
    return insn;
  }

  keep(): void {
    this.inner.keep();
    if (this.current !== undefined) this.segment.add(this.current);
    this.current = undefined;
  }

  putCallout(callout: CalloutFunction, destroy?: () => void): void {
    this.inner.putCallout(callout, destroy);
  }

  putChainingReturn(): void {
    this.inner.putChainingReturn();
  }

  putInstruction(word: number): void {
    this.inner.putInstruction(word);
  }

  get memoryAccess(): 'open' | 'exclusive' {
    return this.inner.memoryAccess;
  }
}

/**
 * A block's instructions count as retired when it is entered (again after each SVC in it), so in a callout the clock is
 * ahead by those that are still to come. How many that is, is known only when the block has been read to its end.
 */
class SegmentLength {
  private waiting: { insns: number }[] = [];

  /** Grows by each instruction added until the segment ends. */
  restFromHere(): { readonly insns: number } {
    const rest = { insns: 0 };
    this.waiting.push(rest);
    return rest;
  }

  add(insn: Insn): void {
    for (const rest of this.waiting) rest.insns += 1 + (insn.group?.length ?? 0);
    if (insn.row.name.startsWith('SVC')) this.waiting = [];
  }
}
