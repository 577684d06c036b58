/** The memory and the hot loops that all encoders of a thread share. */
import { FRAME_BYTES, RECORD_WORDS, type SiteTable } from '../events/ring.js';
import type { EdgeTable } from './edge-table.js';
import { EncoderMemory } from './encoder-memory.js';
import type { FrameStack } from './frame-stack.js';
import { makeStrideLoops } from './stride-module.js';
import { STRIDE, type StrideLoops } from './stride-state.js';

/** Whose stride a loop is at. */
export interface RunningStride {
  readonly encoder: { readonly edges: EdgeTable; readonly stack: FrameStack };
  readonly sites: SiteTable;
  readonly shadowBase: number;
}

let shared: EncoderEngine | undefined;

export class EncoderEngine {
  readonly memory: EncoderMemory;
  readonly loops: StrideLoops;
  /** Set before a loop is called. */
  running: RunningStride | undefined;
  private readonly input: Int32Array;

  constructor(memory: EncoderMemory) {
    this.memory = memory;
    const current = (): RunningStride => this.running as RunningStride;
    this.loops = makeStrideLoops(memory, {
      intern: (site, target) => current().encoder.edges.intern(current().sites, site, target),
      adjust: (site, top, target) =>
        current().encoder.stack.adjust(site, (top - current().shadowBase) / FRAME_BYTES, target),
      settle: (event, row, depth) => current().encoder.stack.settle(event, row, depth),
      settleFull: (event, row, depth, recorded, target) =>
        current().encoder.stack.settleFull(event, row, depth, recorded, target),
    });
    this.input = memory.allocate(STRIDE * RECORD_WORDS);
  }

  /** Made when the first encoder needs it, unless `use` has given one. */
  static get shared(): EncoderEngine {
    shared ??= new EncoderEngine(new EncoderMemory());
    return shared;
  }

  /** Has all encoders use `memory`; before the first one. */
  static use(memory: EncoderMemory): void {
    shared = new EncoderEngine(memory);
  }

  /** Byte address of words [from, to) for a loop: where they are, or a copy of at most a stride of full records. */
  inputAt(words: Int32Array, from: number, to: number): number {
    if (words.buffer === this.memory.memory.buffer) return words.byteOffset + from * 4;
    this.input.set(words.subarray(from, Math.min(to, from + this.input.length)));
    return this.input.byteOffset;
  }
}
