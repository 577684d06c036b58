/**
 * What a transformer drives. `next` fetches an instruction, `keep` copies it with its events, `putCallout` inserts a
 * host function. An instruction that is not kept is dropped; the block ends when a kept instruction ends it.
 */
import { type Insn, isExclusiveLoad, isExclusiveStore } from '../arm/insn.js';
import type { BlockLifter } from '../arm/lift-block.js';
import { InternalError } from '../errors.js';
import type { Callout, CalloutTable } from './callouts.js';
import type { ExecBlock } from './exec-block.js';

export class StalkerIterator {
  keptExclusiveLoad = false;
  keptExclusiveStore = false;
  private lifter: BlockLifter | undefined;
  private current: Insn | undefined;
  private readonly block: ExecBlock;
  private readonly callouts: CalloutTable;

  constructor(lifter: BlockLifter, block: ExecBlock, callouts: CalloutTable) {
    this.lifter = lifter;
    this.block = block;
    this.callouts = callouts;
  }

  /** The next instruction of the block, or undefined at its end. */
  next(): Insn | undefined {
    this.current = this.live().next();
    return this.current;
  }

  /** Copies the instruction `next` returned. */
  keep(): void {
    const { current } = this;
    if (current === undefined) throw new InternalError('keep() without a current instruction');
    this.keptExclusiveLoad ||= isExclusiveLoad(current);
    this.keptExclusiveStore ||= isExclusiveStore(current);
    this.live().keep();
  }

  /** Runs `callout` at this point of the block: before the current instruction, or after it once it was kept. */
  putCallout(callout: Callout): void {
    const id = this.callouts.add(callout);
    this.block.callouts.push(id);
    this.live().builder.callout(id);
  }

  /** `exclusive` between LDREX and STREX, where a callout could be too slow for real hardware; else `open`. */
  get memoryAccess(): 'open' | 'exclusive' {
    return this.block.usesExclusiveAccess ? 'exclusive' : 'open';
  }

  /** Called when the transformer has returned: later use is an error. */
  close(): void {
    this.lifter = undefined;
  }

  private live(): BlockLifter {
    if (this.lifter === undefined) throw new InternalError('invalid operation: the iterator outlived its transformer');
    return this.lifter;
  }
}
