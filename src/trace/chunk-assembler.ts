import type { CompactBatch, EventBatch } from '../events/ring.js';
import { ChunkEncoder, type ChunkLimits, type EncodedChunk, type EncoderCarry } from './chunk-encoder.js';

export interface AssemblyLimits extends ChunkLimits {
  /** Chunks that span more instructions are closed early. */
  readonly instructions: number;
}

/** A closed chunk and the code addresses it refers to (0 among them). Its bytes are valid until the next event. */
export interface AssembledChunk extends EncodedChunk {
  readonly addresses: Uint32Array;
}

/** Who takes closed chunks. */
export interface ChunkTaker {
  chunk(chunk: AssembledChunk): void;
  /** All threads' chunks have been handed over. */
  flushed(): void;
}

/** What an assembler hands to one that goes on for it, between two chunks. */
export interface AssemblerCarry {
  readonly encoders: readonly EncoderCarry[];
  readonly latestTid: number;
  readonly latestClock: number;
}

/**
 * The encoders of all threads. When one has a full chunk all close theirs, so that the chunks of a file are in the order
 * of their first clocks: a reader that merges threads by clock need not hold more than these.
 */
export class ChunkAssembler {
  private readonly limits: AssemblyLimits;
  private readonly taker: ChunkTaker;
  private readonly encoders = new Map<number, ChunkEncoder>();
  /** Thread and clock of the latest batch: what the clock passed while other threads ran. */
  private latestTid = 0;
  private latestClock = 0;

  constructor(limits: AssemblyLimits, taker: ChunkTaker) {
    this.limits = limits;
    this.taker = taker;
  }

  start(tid: number): void {
    this.encoder(tid);
  }

  process(batch: EventBatch): void {
    const encoder = this.encoder(batch.tid);
    const elsewhere = batch.elsewhere ?? this.elsewhereOf(encoder);
    let at = 0;
    while (at < batch.count) {
      at = encoder.encode(batch, at, elsewhere);
      if (encoder.full) this.flush();
    }
    this.processed(encoder);
  }

  /**
   * With `pauses`, comes back as soon as every chunk is closed. Answers the words taken; when they are not all, the batch
   * of the others must follow, here or at an assembler that takes over.
   */
  processCompact(batch: CompactBatch, pauses = false): number {
    const encoder = this.encoder(batch.tid);
    let at = 0;
    while (at < batch.words.length) {
      at = encoder.encodeCompact(batch, at);
      if (!encoder.full) continue;
      this.flush();
      if (pauses) return at;
    }
    this.processed(encoder);
    return at;
  }

  flush(): void {
    const begun = [...this.encoders.values()].filter(({ events }) => events > 0);
    for (const encoder of begun.sort((a, b) => a.firstClock - b.firstClock)) {
      const addresses = encoder.edges.addresses();
      this.taker.chunk({ ...(encoder.take() as EncodedChunk), addresses });
    }
    this.taker.flushed();
  }

  stop(tid: number): void {
    const encoder = this.encoders.get(tid);
    if (encoder === undefined) return;
    if (encoder.events > 0) this.flush();
    encoder.dispose();
    this.encoders.delete(tid);
  }

  /** Everything another assembler needs to go on; this one ends. Only between chunks. */
  handOver(): AssemblerCarry {
    const encoders = [...this.encoders.values()].map((encoder) => encoder.carry());
    for (const encoder of this.encoders.values()) encoder.dispose();
    this.encoders.clear();
    return { encoders, latestTid: this.latestTid, latestClock: this.latestClock };
  }

  takeOver(carry: AssemblerCarry): void {
    for (const encoder of carry.encoders) this.encoder(encoder.tid).resume(encoder);
    this.latestTid = carry.latestTid;
    this.latestClock = carry.latestClock;
  }

  private processed(encoder: ChunkEncoder): void {
    this.latestTid = encoder.tid;
    this.latestClock = Math.max(this.latestClock, encoder.lastClock);
    if (encoder.events > 0 && encoder.lastClock - encoder.firstClock > this.limits.instructions) this.flush();
  }

  private encoder(tid: number): ChunkEncoder {
    let encoder = this.encoders.get(tid);
    if (encoder === undefined) {
      encoder = new ChunkEncoder(tid, this.limits);
      this.encoders.set(tid, encoder);
    }
    return encoder;
  }

  /** When batches do not say it: everything since this thread's last event, if others ran in between, was theirs. */
  private elsewhereOf(encoder: ChunkEncoder): number {
    if (encoder.tid === this.latestTid || this.latestTid === 0) return encoder.elsewhere;
    return encoder.elsewhere + Math.max(0, this.latestClock - encoder.lastClock);
  }
}
