import type { EventMask, Note, ProbeNote, SyscallNote } from '../events/event.js';
import type { EventBatch } from '../events/ring.js';
import type { EventSink } from '../events/sink.js';
import { ChunkEncoder, type ChunkLimits, type EncodedChunk } from './chunk-encoder.js';
import type { CodecName } from './codec.js';
import { encodeMessage, type Message } from './message-encoder.js';
import type { IndexRow, Symbolizer, TraceHeader, TraceSummary } from './messages.js';
import { incidentMessage, probeMessage, threadMessage } from './note-messages.js';
import { Output } from './output.js';
import { PacketWriter } from './packet-writer.js';
import { BODY } from './schema.js';
import { segmentUuid } from './segment-uuid.js';
import { SymbolLog } from './symbol-log.js';

export const FORMAT_VERSION = 1;

export interface TraceWriterOptions {
  /** Kinds to ask the Stalker for. */
  readonly mask: EventMask;
  readonly codec?: CodecName;
  readonly chunkEvents?: number;
  readonly chunkBytes?: number;
  /** Chunks that span more instructions are written early, so that little is lost when the recorder dies. */
  readonly chunkInstructions?: number;
}

const DEFAULT_EVENTS = 1 << 18;
const DEFAULT_BYTES = 1 << 20;
const DEFAULT_INSTRUCTIONS = 2 ** 26;
/** Rare notes held back at most. */
const HELD_NOTES = 512;

/**
 * Records a run. `open` first, `end` last; what was written before a failure can be read. Every method throws
 * OutputError when the trace cannot be written.
 */
export class TraceWriter implements EventSink {
  readonly mask: EventMask;
  private readonly codec: CodecName;
  private readonly limits: ChunkLimits;
  private readonly chunkInstructions: number;
  private readonly encoders = new Map<number, ChunkEncoder>();
  private readonly symbols = new SymbolLog();
  private readonly index: (Omit<IndexRow, 'distance'> & { offset: number })[] = [];
  private readonly kindCounts = [0, 0, 0, 0, 0];
  private readonly noteCounts = { syscalls: 0, probeHits: 0, incidents: 0 };
  private heldSyscalls: SyscallNote[] = [];
  private heldProbes: ProbeNote[] = [];
  private output: Output | undefined;
  private packets: PacketWriter | undefined;
  /** Thread and clock of the latest batch: what the clock passed while other threads ran. */
  private latestTid = 0;
  private latestClock = 0;

  constructor(options: TraceWriterOptions) {
    this.mask = options.mask;
    this.codec = options.codec ?? 'deflate';
    this.limits = { events: options.chunkEvents ?? DEFAULT_EVENTS, bytes: options.chunkBytes ?? DEFAULT_BYTES };
    this.chunkInstructions = options.chunkInstructions ?? DEFAULT_INSTRUCTIONS;
  }

  /** Names addresses when a chunk is written, so that the trace can be read without the binaries. */
  set symbolizer(symbolizer: Symbolizer | undefined) {
    this.symbols.symbolizer = symbolizer;
  }

  /** Bytes written so far. */
  get bytesWritten(): number {
    return this.output?.length ?? 0;
  }

  /** What was written: events by kind (call, return, instruction, block, compile) and rare notes. */
  get totals(): { kindCounts: readonly number[]; syscalls: number; probeHits: number; incidents: number } {
    return { kindCounts: this.kindCounts, ...this.noteCounts };
  }

  /** `output` is a path, `-` for standard output, or a descriptor that stays the caller's. */
  open(output: string | number, header: TraceHeader): void {
    this.output = new Output(output);
    this.packets = new PacketWriter(this.output, this.codec);
    this.packets.preamble();
    const plain = { ...header, formatVersion: FORMAT_VERSION, eventMask: header.eventMask ?? this.mask };
    const uuid = segmentUuid(encodeMessage('Header', plain));
    this.packets.write(BODY.header, encodeMessage('Header', { uuid, ...plain }));
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
    this.latestTid = batch.tid;
    this.latestClock = Math.max(this.latestClock, encoder.lastClock);
    if (encoder.events > 0 && encoder.lastClock - encoder.firstClock > this.chunkInstructions) this.flush();
  }

  note(note: Note): void {
    if (note.type === 'syscall') this.heldSyscalls.push(note);
    else if (note.type === 'probe') this.heldProbes.push(note);
    else this.writeNote(note);
    if (this.heldSyscalls.length >= HELD_NOTES || this.heldProbes.length >= HELD_NOTES) this.writeHeldNotes();
  }

  flush(): void {
    this.writeChunks();
    this.writeHeldNotes();
  }

  stop(tid: number): void {
    const encoder = this.encoders.get(tid);
    if (encoder === undefined) return;
    if (encoder.events > 0) this.flush();
    encoder.dispose();
    this.encoders.delete(tid);
  }

  /** Writes what is held back, the index, how the run ended, and closes. */
  end(summary: TraceSummary): void {
    this.flush();
    const packets = this.opened();
    const end = { ...summary, kindCounts: this.kindCounts, ...this.noteCounts };
    const indexOffset = packets.nextOffset();
    const chunks = this.index.map(({ offset, ...row }) => ({ ...row, distance: indexOffset - offset }));
    const written = packets.write(BODY.index, encodeMessage('Index', { chunks }));
    packets.write(BODY.end, encodeMessage('End', end));
    packets.trailer(written);
    this.close();
  }

  /** Closes without an end: for a recorder that cannot go on. The trace then reads as incomplete. */
  close(): void {
    this.output?.close();
    this.packets = undefined;
  }

  private opened(): PacketWriter {
    if (this.packets === undefined) throw new Error('the trace is not open');
    return this.packets;
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

  /**
   * All threads' chunks at once, so that the chunks of a file are in the order of their first clocks: a reader that merges
   * threads by clock need not hold more than these.
   */
  private writeChunks(): void {
    const begun = [...this.encoders.values()].filter(({ events }) => events > 0);
    for (const encoder of begun.sort((a, b) => a.firstClock - b.firstClock)) this.writeChunk(encoder);
  }

  private writeChunk(encoder: ChunkEncoder): void {
    if (encoder.events === 0) return;
    this.referSymbols(encoder);
    const chunk = encoder.take() as EncodedChunk;
    this.writeSymbols();
    const { tid, events, firstClock, lastClock, kindCounts, depth } = chunk;
    const offset = this.opened().writePacked(BODY.chunk, chunk.bytes, {
      tid,
      events,
      firstClock,
      lastClock,
      kindCounts,
    });
    this.index.push({ offset, tid, events, firstClock, lastClock, kindCounts, depth });
    for (let i = 0; i < kindCounts.length; i++) {
      this.kindCounts[i] = (this.kindCounts[i] as number) + (kindCounts[i] as number);
    }
  }

  private referSymbols(encoder: ChunkEncoder): void {
    const { edges } = encoder;
    for (let edge = 1; edge <= edges.count; edge++) {
      this.symbols.refer(edges.location(edge));
      const target = edges.target(edge);
      if (target !== 0) this.symbols.refer(target);
    }
  }

  private writeSymbols(): void {
    const symbols = this.symbols.take();
    if (symbols.length === 0) return;
    this.opened().writePacked(BODY.symbols, encodeMessage('Symbols', { symbols }));
  }

  private writeNote(note: Exclude<Note, SyscallNote | ProbeNote>): void {
    const packets = this.opened();
    if (note.type === 'thread') packets.write(BODY.thread, encodeMessage('Thread', threadMessage(note)));
    else if (note.type === 'module') {
      this.symbols.addModule(note);
      packets.write(BODY.module, encodeMessage('Module', note as unknown as Message));
    } else {
      this.noteCounts.incidents++;
      this.symbols.refer(note.pc);
      this.writeSymbols();
      packets.write(BODY.incident, encodeMessage('Incident', incidentMessage(note)));
    }
  }

  private writeHeldNotes(): void {
    const { heldSyscalls, heldProbes } = this;
    this.heldSyscalls = [];
    this.heldProbes = [];
    for (const { pc } of heldSyscalls) this.symbols.refer(pc);
    for (const { location, returnAddress } of heldProbes) {
      this.symbols.refer(location);
      this.symbols.refer(returnAddress);
    }
    this.writeSymbols();
    this.noteCounts.syscalls += heldSyscalls.length;
    this.noteCounts.probeHits += heldProbes.filter(({ phase }) => phase !== 'return').length;
    if (heldSyscalls.length > 0) {
      this.opened().writePacked(BODY.syscalls, encodeMessage('Syscalls', { calls: heldSyscalls }));
    }
    if (heldProbes.length > 0) {
      this.opened().writePacked(BODY.probes, encodeMessage('ProbeHits', { hits: heldProbes.map(probeMessage) }));
    }
  }
}
