import { TraceFormatError } from '../errors.js';
import type { ModuleNote, Note } from '../events/event.js';
import { type ByteIterable, ByteWindow, openBytes, plainBytes } from './byte-source.js';
import { ChunkDecoder, COLUMNS } from './chunk-decoder.js';
import type { EventColumns } from './event-columns.js';
import { growingFile } from './growing-file.js';
import { decodeMessage } from './message-decoder.js';
import type { RecordedEnd, RecordedHeader, RecordedSymbol } from './messages.js';
import { callSummaryNote, incidentNote, moduleNote, probeNote, syscallNote, threadNote } from './note-messages.js';
import { type Damage, PacketReader, type RawPacket } from './packet-reader.js';
import { FORMAT_VERSION, PREAMBLE } from './preamble.js';
import { RangeSource } from './range-source.js';
import { BODY } from './schema.js';
import { isContentError, unpack } from './unpack.js';

/** What a chunk says of itself without being decoded. */
export interface ChunkFacts {
  readonly tid: number;
  readonly firstClock: number;
  readonly lastClock: number;
  readonly events: number;
  /** call, return, instruction, block, compile. */
  readonly kindCounts: readonly number[];
}

/** What a trace yields, in file order. Columns are the reader's and live until the next item is asked for. */
export type TraceItem =
  | { readonly type: 'header'; readonly header: RecordedHeader; readonly segment: number }
  | { readonly type: 'symbols'; readonly symbols: readonly RecordedSymbol[] }
  | { readonly type: 'note'; readonly note: Note }
  | { readonly type: 'chunk'; readonly columns: EventColumns }
  | { readonly type: 'chunk-facts'; readonly facts: ChunkFacts }
  | { readonly type: 'end'; readonly end: RecordedEnd };

/** How much of a trace could be read; grows while reading, final when `items` has ended. */
export interface TraceIntegrity {
  /** Every segment has its end and nothing was damaged or missing. */
  complete: boolean;
  /** Segments begun. */
  segments: number;
  /** Packets with content, preambles and trailers not counted. */
  intactPackets: number;
  intactEvents: number;
  /** Packets missing in the numbering. */
  lostPackets: number;
  /** Bytes of the (unpacked) file seen. */
  sizeBytes: number;
  firstBadOffset: number | undefined;
  reason: string | undefined;
}

export interface ReadOptions {
  /** False: chunks are not decoded but yielded as facts. */
  readonly decode?: boolean;
}

type Decoded = Record<string, unknown>;

/** Headers kept at most; a stream may have segments without end. */
const MAX_HEADERS = 1 << 12;

/**
 * Reads a trace as a stream, in constant memory: a path, standard input (`-`), or any iterable of bytes; gzip is
 * unpacked. Cuts and damage end up in `integrity`, never in an exception.
 */
export class TraceReader {
  readonly name: string;
  /** Of the first segments. */
  readonly headers: RecordedHeader[] = [];
  readonly integrity: TraceIntegrity = {
    complete: false,
    segments: 0,
    intactPackets: 0,
    intactEvents: 0,
    lostPackets: 0,
    sizeBytes: 0,
    firstBadOffset: undefined,
    reason: undefined,
  };
  /** Told now and then how many bytes of the (unpacked) file have been read. */
  onProgress: ((bytes: number) => void) | undefined;
  /** Modules of the present segment in the order of their numbers, from 1. */
  modules: ModuleNote[] = [];

  private readonly source: ByteIterable;
  private readonly decoder = new ChunkDecoder();
  private nextSeq = 1;
  /** Where packets are missing in the numbering. */
  private gapOffset: number | undefined;
  private ended = true;
  /** Packets are missing on purpose. */
  private readonly isPartial: boolean;

  private constructor(source: string | ByteIterable, name: string) {
    this.name = name;
    this.source = openBytes(source);
    this.isPartial = source instanceof RangeSource;
  }

  static open(source: string | ByteIterable, name = typeof source === 'string' ? source : '<stream>'): TraceReader {
    return new TraceReader(source, name);
  }

  /** A file that is still being written, until its last segment has an end. */
  static follow(path: string): TraceReader {
    const reader: TraceReader = new TraceReader(
      growingFile(path, () => reader.ended && reader.integrity.segments > 0),
      path,
    );
    return reader;
  }

  /**
   * Everything in the file, once. Throws TraceFormatError when the bytes are not a trace, and the system's own error when
   * the file cannot be read.
   */
  async *items(options: ReadOptions = {}): AsyncGenerator<TraceItem> {
    const window = new ByteWindow(plainBytes(this.source));
    try {
      await this.checkMagic(window);
      const packets = new PacketReader(window, (damage) => this.damaged(damage));
      for (let packet = await packets.next(); packet; packet = await packets.next()) {
        const items = this.itemsOf(packet, options.decode ?? true);
        for (const item of items) yield item;
        this.onProgress?.(window.position);
      }
      this.finish(window.position + window.available);
    } finally {
      await window.close();
    }
  }

  private async checkMagic(window: ByteWindow): Promise<void> {
    await window.fill(PREAMBLE.length);
    const head = window.peek(0, Math.min(PREAMBLE.length, window.available));
    if (head.length === 0) throw new TraceFormatError(`${this.name} is empty`, 0);
    const at = head.findIndex((byte, i) => byte !== PREAMBLE[i]);
    if (at < 0) return;
    throw new TraceFormatError(`${this.name} is not an armstalk trace`, at, {
      hint: 'record one with: armstalk run PROGRAM',
    });
  }

  private damaged({ offset, reason }: Damage): void {
    const { integrity } = this;
    if (integrity.firstBadOffset !== undefined) return;
    integrity.firstBadOffset = offset;
    integrity.reason = `${reason} (packet ${integrity.intactPackets + 1}, byte ${offset})`;
  }

  private finish(sizeBytes: number): void {
    const { integrity } = this;
    integrity.sizeBytes = sizeBytes;
    if (!this.ended || integrity.segments === 0) {
      this.damaged({ offset: sizeBytes, reason: 'the recording has no end' });
    }
    integrity.complete = integrity.firstBadOffset === undefined && integrity.lostPackets === 0;
    if (!integrity.complete) {
      integrity.reason ??= `${integrity.lostPackets} packets are missing, the first before byte ${this.gapOffset}`;
    }
  }

  private itemsOf(packet: RawPacket, decode: boolean): readonly TraceItem[] {
    if (packet.field <= 3 || packet.field === 15) return [];
    try {
      this.countPacket(packet);
      const items = this.itemsOfBody(packet, decode);
      this.integrity.intactPackets++;
      return items;
    } catch (error) {
      if (!isContentError(error)) throw error;
      this.damaged({ offset: packet.offset, reason: (error as Error).message });
      return [];
    }
  }

  private countPacket({ field, seq, offset }: RawPacket): void {
    if (field === BODY.header || this.isPartial) this.nextSeq = seq;
    if (seq > this.nextSeq) this.gapOffset ??= offset;
    this.integrity.lostPackets += Math.max(0, seq - this.nextSeq);
    this.nextSeq = seq + 1;
  }

  private itemsOfBody({ field, body, offset }: Omit<RawPacket, 'seq'>, decode: boolean): readonly TraceItem[] {
    switch (field) {
      case BODY.header:
        return [this.header(body, offset)];
      case BODY.module:
        return [this.module(body)];
      case BODY.symbols:
        return [{ type: 'symbols', symbols: this.symbols(decodeMessage('Symbols', body)) }];
      case BODY.thread:
        return [{ type: 'note', note: threadNote(decodeMessage('Thread', body)) }];
      case BODY.chunk:
        return [this.chunk(body, decode)];
      case BODY.packed:
        return this.packed(body, offset, decode);
      case BODY.syscalls:
        return notes(decodeMessage('Syscalls', body).calls, syscallNote);
      case BODY.probes:
        return notes(decodeMessage('ProbeHits', body).hits, probeNote);
      case BODY.incident:
        return [{ type: 'note', note: incidentNote(decodeMessage('Incident', body)) }];
      case BODY.callSummary:
        return [{ type: 'note', note: callSummaryNote(decodeMessage('CallSummary', body)) }];
      case BODY.end:
        this.ended = true;
        return [{ type: 'end', end: decodeMessage('End', body) as unknown as RecordedEnd }];
      default:
        return [];
    }
  }

  private header(body: Uint8Array, offset: number): TraceItem {
    const header = decodeMessage('Header', body) as unknown as RecordedHeader;
    if (header.formatVersion > FORMAT_VERSION) {
      const made = header.toolVersion === '' ? 'another program' : `armstalk ${header.toolVersion}`;
      throw new TraceFormatError(`${this.name} is in format ${header.formatVersion}, written by ${made}`, offset, {
        hint: `this armstalk reads formats up to ${FORMAT_VERSION}: take a newer one`,
      });
    }
    if (!this.ended) this.damaged({ offset: 0, reason: `segment ${this.integrity.segments} has no end` });
    if (this.headers.length < MAX_HEADERS) this.headers.push(header);
    this.modules = [];
    this.ended = false;
    return { type: 'header', header, segment: this.integrity.segments++ };
  }

  private module(body: Uint8Array): TraceItem {
    const note = moduleNote(decodeMessage('Module', body));
    this.modules.push(note);
    return { type: 'note', note };
  }

  private symbols(message: Decoded): readonly RecordedSymbol[] {
    return (message.symbols as Decoded[]).map((row) => {
      const module = this.modules[(row.module as number) - 1];
      const offset = row.offset as number;
      const address = ((module?.bias ?? 0) + offset) >>> 0;
      return { address, sizeBytes: row.sizeBytes as number, name: row.name as string, module, offset };
    });
  }

  private chunk(body: Uint8Array, decode: boolean): TraceItem {
    if (!decode) return this.facts(decodeMessage('EventChunk', body, COLUMN_FIELDS) as unknown as ChunkFacts);
    const columns = this.decoder.decode(body);
    this.integrity.intactEvents += columns.count;
    return { type: 'chunk', columns };
  }

  private facts({ tid, firstClock, lastClock, events, kindCounts }: ChunkFacts): TraceItem {
    this.integrity.intactEvents += events;
    return { type: 'chunk-facts', facts: { tid, firstClock, lastClock, events, kindCounts } };
  }

  private packed(body: Uint8Array, offset: number, decode: boolean): readonly TraceItem[] {
    const message = decodeMessage('Packed', body);
    if (!decode && (message.events as number) > 0) return [this.facts(message as unknown as ChunkFacts)];
    const content = unpack({ field: BODY.packed, body });
    return this.itemsOfBody({ ...content, offset }, decode);
  }
}

/** Every large field of EventChunk, left as bytes when only its facts are wanted. */
export const COLUMN_FIELDS: ReadonlySet<string> = new Set(['openReturns', ...COLUMNS]);

const notes = (messages: unknown, note: (raw: Decoded) => Note): readonly TraceItem[] =>
  (messages as Decoded[]).map((raw) => ({ type: 'note', note: note(raw) }));
