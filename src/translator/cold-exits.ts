/**
 * The rare ways out of a region: faults, traps, fuel. Each site branches to one of a few shared sequences that write
 * the dirty words back and return the site's exit code; all else the host reads from the exit's description.
 */
import type { Location } from '../ir/location.js';
import type { FunctionBuilder, Label } from '../wasm/function-builder.js';
import { I32 } from '../wasm/opcode.js';
import { EXIT_LIMIT, exitCode } from './result-code.js';
import type { BlockState } from './state-flow.js';
import type { StateWords } from './state-words.js';
import type { WordSet } from './word-set.js';

/** What the host does with an exit code. */
export interface ExitDescription {
  readonly reason: number;
  /** Where the guest stands; undefined when the address is in the NEXT_ADDRESS word. */
  readonly at: Location | undefined;
  /** Instructions to give back to FUEL. */
  readonly refund: number;
  /** The block that was left; known for a system call, after which it may go on. */
  readonly block?: Location;
}

export class ColdExits {
  readonly descriptions: ExitDescription[] = [];
  private readonly labels = new Map<WordSet, Label>();
  private readonly f: FunctionBuilder;
  private readonly slot: number;

  constructor(f: FunctionBuilder, slot: number) {
    this.f = f;
    this.slot = slot;
  }

  /** The code to return for a new exit. */
  code(description: ExitDescription): number {
    if (this.descriptions.length === EXIT_LIMIT) throw new RangeError('region has too many exits');
    return exitCode(this.slot, this.descriptions.push(description) - 1);
  }

  /** Opens a construct for each set of words that a cold exit writes back; branch to it with a code on the stack. */
  open(states: readonly BlockState[]): void {
    for (const { early, late } of states) {
      for (const set of [early, late]) if (!this.labels.has(set)) this.labels.set(set, this.f.block(I32));
    }
  }

  label(set: WordSet): Label {
    return this.labels.get(set) as Label;
  }

  /** Closes what `open` opened; control must not fall into it. The function's result is then on the stack. */
  close(words: StateWords): void {
    this.f.op('unreachable');
    const innermostFirst = [...this.labels.keys()].reverse();
    for (const set of innermostFirst) {
      this.f.end();
      words.writeBack(set);
      this.f.op('return');
    }
  }
}
