import type { CallSummaryNote, EventMask, Note, ProbeNote, SyscallNote } from '../events/event.js';
import type { CompactBatch, EventBatch } from '../events/ring.js';
import type { EventSink } from '../events/sink.js';
import { type AssembledChunk, type AssemblyLimits, ChunkAssembler } from './chunk-assembler.js';
import type { CodecName } from './codec.js';
import { encodeMessage, type Message } from './message-encoder.js';
import type { IndexRow, Symbolizer, TraceHeader, TraceSummary } from './messages.js';
import { callSummaryMessages, incidentMessage, probeMessage, threadMessage } from './note-messages.js';
import { Output } from './output.js';
import { type PackedBody, PacketWriter } from './packet-writer.js';
import { FORMAT_VERSION } from './preamble.js';
import { BODY } from './schema.js';
import { segmentUuid } from './segment-uuid.js';
import { SymbolLog } from './symbol-log.js';
import { type FinishedChunk, TASK, WriterThread } from './writer-thread.js';

export interface TraceWriterOptions {
  /** Kinds to ask the Stalker for. */
  readonly mask: EventMask;
  readonly codec?: CodecName;
  readonly chunkEvents?: number;
  readonly chunkBytes?: number;
  /** Chunks that span more instructions are written early, so that little is lost when the recorder dies. */
  readonly chunkInstructions?: number;
  /** The script of the thread that encodes long traces; without it the caller's thread does. */
  readonly threadScript?: URL | undefined;
}

const DEFAULT_EVENTS = 1 << 18;
const DEFAULT_BYTES = 1 << 20;
const DEFAULT_INSTRUCTIONS = 2 ** 26;
/** Rare notes held back at most. */
const HELD_NOTES = 512;
/** Batches after which a second thread is worth its start. */
const THREAD_BATCHES = 24;

/**
 * Records a run. `open` first, `end` last; what was written before a failure can be read. Every method throws
 * OutputError when the trace cannot be written.
 */
export class TraceWriter implements EventSink {
  readonly mask: EventMask;
  private readonly codec: CodecName;
  private readonly limits: AssemblyLimits;
  private readonly assembler: ChunkAssembler;
  private readonly threadScript: URL | undefined;
  private readonly symbols = new SymbolLog();
  private readonly index: (Omit<IndexRow, 'distance'> & { offset: number })[] = [];
  private readonly kindCounts = [0, 0, 0, 0, 0];
  private readonly noteCounts = { syscalls: 0, probeHits: 0, incidents: 0 };
  private heldSyscalls: SyscallNote[] = [];
  private heldProbes: ProbeNote[] = [];
  private output: Output | undefined;
  private packets: PacketWriter | undefined;
  private batches = 0;
  private thread: WriterThread | undefined;
  /** Notes, and the numbers of the second thread's tasks, that await their turn; undefined while there is no such thread. */
  private queue: (Note | number)[] | undefined;

  constructor(options: TraceWriterOptions) {
    this.mask = options.mask;
    this.codec = options.codec ?? 'deflate';
    this.threadScript = options.threadScript;
    this.limits = {
      events: options.chunkEvents ?? DEFAULT_EVENTS,
      bytes: options.chunkBytes ?? DEFAULT_BYTES,
      instructions: options.chunkInstructions ?? DEFAULT_INSTRUCTIONS,
    };
    this.assembler = new ChunkAssembler(this.limits, {
      chunk: (chunk) => this.writeChunk(chunk, chunk.bytes),
      flushed: () => this.writeHeldNotes(),
    });
  }

  /** Names addresses when a chunk is written, so that the trace can be read without the binaries. */
  set symbolizer(symbolizer: Symbolizer | undefined) {
    this.symbols.symbolizer = symbolizer;
  }

  /** Bytes written so far. */
  get bytesWritten(): number {
    return this.output?.length ?? 0;
  }

  /** Whether a second thread has taken over encoding. */
  get isThreaded(): boolean {
    return this.queue !== undefined;
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
    if (this.queue === undefined) this.assembler.start(tid);
    else this.enqueue(this.running().command(TASK.start, tid));
  }

  process(batch: EventBatch): void {
    if (this.queue === undefined) this.assembler.process(batch);
    else this.enqueue(this.running().process(batch));
  }

  processCompact(batch: CompactBatch): void {
    if (this.queue !== undefined) {
      this.enqueue(this.running().process(batch));
      return;
    }
    const isThreadReady = this.isThreadReady();
    const taken = this.assembler.processCompact(batch, isThreadReady);
    if (taken === batch.words.length) return;
    this.running().begin(this.assembler.handOver());
    this.queue = [];
    this.processCompact({ ...batch, words: batch.words.subarray(taken) });
  }

  note(note: Note): void {
    if (this.queue === undefined) this.takeNote(note);
    else this.enqueue(note);
  }

  flush(): void {
    if (this.queue === undefined) this.assembler.flush();
    else this.enqueue(this.running().command(TASK.flush), true);
  }

  stop(tid: number): void {
    if (this.queue === undefined) this.assembler.stop(tid);
    else this.enqueue(this.running().command(TASK.stop, tid));
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
    this.thread?.end();
    this.thread = undefined;
    this.queue = undefined;
    this.output?.close();
    this.packets = undefined;
  }

  private opened(): PacketWriter {
    if (this.packets === undefined) throw new Error('the trace is not open');
    return this.packets;
  }

  // -- the second thread ---------------------------------------------------------------------------------------------

  private running(): WriterThread {
    return this.thread as WriterThread;
  }

  /** A long trace gets the second thread, which goes on between two chunks once it is up. */
  private isThreadReady(): boolean {
    if (this.threadScript === undefined || ++this.batches < THREAD_BATCHES) return false;
    this.thread ??= new WriterThread(this.threadScript, this.limits, this.codec);
    return this.thread.isReady;
  }

  private enqueue(item: Note | number, waits = false): void {
    this.queue?.push(item);
    this.settle(waits);
  }

  /** Does, in order, what the second thread is done with and the notes in between: as if all had happened here. */
  private settle(waits: boolean): void {
    const { queue } = this;
    if (queue === undefined) return;
    const thread = this.running();
    let settled = 0;
    for (const item of queue) {
      if (typeof item !== 'number') this.takeNote(item);
      else {
        if (waits) thread.wait(item);
        if (!thread.isDone(item)) break;
        this.takeFlushes(thread.take(item));
      }
      settled++;
    }
    queue.splice(0, settled);
  }

  private takeFlushes(flushes: readonly (readonly FinishedChunk[])[]): void {
    for (const chunks of flushes) {
      for (const chunk of chunks) this.writeChunk(chunk, chunk.body);
      this.writeHeldNotes();
    }
  }

  // -- packets -------------------------------------------------------------------------------------------------------

  private takeNote(note: Note): void {
    if (note.type === 'syscall') this.heldSyscalls.push(note);
    else if (note.type === 'probe') this.heldProbes.push(note);
    else this.writeNote(note);
    if (this.heldSyscalls.length >= HELD_NOTES || this.heldProbes.length >= HELD_NOTES) this.writeHeldNotes();
  }

  private writeChunk(chunk: Omit<AssembledChunk, 'bytes'>, body: PackedBody | Uint8Array): void {
    for (const address of chunk.addresses) if (address !== 0) this.symbols.refer(address);
    this.writeSymbols();
    const { tid, events, firstClock, lastClock, kindCounts, depth } = chunk;
    const facts = { tid, events, firstClock, lastClock, kindCounts };
    const packets = this.opened();
    const offset =
      body instanceof Uint8Array
        ? packets.writePacked(BODY.chunk, body, facts)
        : packets.writeFinished(BODY.chunk, body, facts);
    this.index.push({ offset, tid, events, firstClock, lastClock, kindCounts, depth });
    for (let i = 0; i < kindCounts.length; i++) {
      this.kindCounts[i] = (this.kindCounts[i] as number) + (kindCounts[i] as number);
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
    } else if (note.type === 'call-summary') this.writeCallSummary(note);
    else {
      this.noteCounts.incidents++;
      this.symbols.refer(note.pc);
      this.writeSymbols();
      packets.write(BODY.incident, encodeMessage('Incident', incidentMessage(note)));
    }
  }

  private writeCallSummary(note: CallSummaryNote): void {
    for (const [location, target] of note.calls) {
      this.symbols.refer(location);
      this.symbols.refer(target);
    }
    this.writeSymbols();
    for (const message of callSummaryMessages(note)) {
      this.opened().writePacked(BODY.callSummary, encodeMessage('CallSummary', message));
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
