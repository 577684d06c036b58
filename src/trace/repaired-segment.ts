import { ChunkDecoder } from './chunk-decoder.js';
import type { CodecName } from './codec.js';
import { decodeMessage } from './message-decoder.js';
import { encodeMessage, type Message } from './message-encoder.js';
import type { IndexRow, RecordedEnd } from './messages.js';
import { callSummaryNote } from './note-messages.js';
import type { Output } from './output.js';
import { PacketWriter } from './packet-writer.js';
import { FORMAT_VERSION } from './preamble.js';
import { type ChunkFacts, COLUMN_FIELDS } from './reader.js';
import type { SegmentRepair } from './repair.js';
import { BODY, type MessageName } from './schema.js';
import { segmentUuid } from './segment-uuid.js';
import { type PacketBody, unpack } from './unpack.js';

/** Bodies that are a message to be understood before it is kept. */
const MESSAGES: Readonly<Record<number, MessageName>> = {
  [BODY.header]: 'Header',
  [BODY.module]: 'Module',
  [BODY.symbols]: 'Symbols',
  [BODY.thread]: 'Thread',
  [BODY.chunk]: 'EventChunk',
  [BODY.syscalls]: 'Syscalls',
  [BODY.probes]: 'ProbeHits',
  [BODY.incident]: 'Incident',
  [BODY.callSummary]: 'CallSummary',
};
/** Bodies the writer packs. */
const PACKABLE: ReadonlySet<number> = new Set([BODY.chunk, BODY.symbols, BODY.syscalls, BODY.probes, BODY.callSummary]);
const UNKNOWN_PROGRAM = 'unknown';

type Raw = Record<string, unknown>;

/** One segment being written again: what is kept of it, and what it will be given at the end. */
export class RepairedSegment {
  private readonly output: Output;
  private readonly packets: PacketWriter;
  private readonly codec: CodecName | undefined;
  private readonly isHeadless: boolean;
  private readonly decoder = new ChunkDecoder();
  private readonly index: (Omit<IndexRow, 'distance'> & { offset: number })[] = [];
  private readonly kindCounts = [0, 0, 0, 0, 0];
  private readonly noteCounts = { syscalls: 0, probeHits: 0, incidents: 0 };
  private program = UNKNOWN_PROGRAM;
  private kept = 0;
  private lostPackets = 0;
  private clock = 0;
  private end: RecordedEnd | undefined;
  private hasHeader = false;

  constructor(output: Output, codec: CodecName | undefined, isHeadless: boolean) {
    this.output = output;
    this.codec = codec;
    this.isHeadless = isHeadless;
    this.packets = new PacketWriter(output, codec ?? 'deflate');
    this.packets.preamble();
  }

  /** `count` packets are missing here. */
  miss(count: number): void {
    this.lostPackets += count;
    if (!this.hasHeader) this.inventHeader();
    const message = `${count} ${count === 1 ? 'packet' : 'packets'} of the trace lost here`;
    this.noteCounts.incidents++;
    this.packets.write(BODY.incident, encodeMessage('Incident', { clock: this.clock, code: 'lost', message }));
  }

  /** Throws RangeError, or an Error of zlib's, when the packet's content makes no sense; nothing is written then. */
  take(packet: PacketBody): void {
    if (packet.field === BODY.index) return;
    if (packet.field === BODY.end) {
      this.end = decodeMessage('End', packet.body) as unknown as RecordedEnd;
      return;
    }
    const content = unpack(packet);
    const name = MESSAGES[content.field];
    const facts = content.field === BODY.chunk ? this.chunkFacts(content.body) : undefined;
    const message = name === undefined || facts ? {} : decodeMessage(name, content.body);
    if (content.field === BODY.callSummary) callSummaryNote(message);
    if (!this.hasHeader && content.field !== BODY.header) this.inventHeader();
    this.hasHeader = true;
    const offset = this.write(packet, content, facts);
    this.kept++;
    if (facts) this.countChunk(facts, offset);
    else this.countNotes(content.field, message);
  }

  finish(reason: string): SegmentRepair {
    const recordedEvents = this.end && sum(this.end.kindCounts);
    const events = sum(this.kindCounts);
    const lostEvents = recordedEvents === undefined ? undefined : Math.max(0, recordedEvents - events);
    if (!this.hasHeader) this.inventHeader();
    this.writeEnd(reason, lostEvents ?? 0);
    return {
      program: this.program,
      packets: this.kept,
      events,
      isRecovered: this.end === undefined,
      isHeadless: this.isHeadless,
      lostPackets: this.lostPackets,
      lostEvents,
    };
  }

  private inventHeader(): void {
    const header = { formatVersion: FORMAT_VERSION, program: UNKNOWN_PROGRAM };
    const uuid = segmentUuid(encodeMessage('Header', header));
    this.packets.write(BODY.header, encodeMessage('Header', { uuid, ...header }));
    this.hasHeader = true;
  }

  private write(packet: PacketBody, content: PacketBody, facts: ChunkFacts | undefined): number {
    if (this.codec === undefined || !PACKABLE.has(content.field)) {
      return this.packets.write(packet.field, packet.body);
    }
    if (facts === undefined) return this.packets.writePacked(content.field, content.body);
    const { tid, events, firstClock, lastClock, kindCounts } = facts;
    return this.packets.writePacked(content.field, content.body, { tid, events, firstClock, lastClock, kindCounts });
  }

  private chunkFacts(body: Uint8Array): ChunkFacts & { readonly depth: number } {
    this.decoder.decode(body);
    return decodeMessage('EventChunk', body, COLUMN_FIELDS) as unknown as ChunkFacts & { readonly depth: number };
  }

  private countChunk(facts: ChunkFacts, offset: number): void {
    const { tid, events, firstClock, lastClock, kindCounts, depth } = facts as ChunkFacts & { depth: number };
    this.index.push({ offset, tid, events, firstClock, lastClock, kindCounts, depth });
    this.clock = Math.max(this.clock, lastClock);
    kindCounts.forEach((count, at) => {
      this.kindCounts[at] = (this.kindCounts[at] ?? 0) + count;
    });
  }

  private countNotes(field: number, message: Raw): void {
    const { noteCounts } = this;
    if (field === BODY.header) this.program = message.program as string;
    else if (field === BODY.incident) noteCounts.incidents++;
    else if (field === BODY.syscalls) noteCounts.syscalls += this.countRows(message.calls as Raw[]);
    else if (field === BODY.probes) noteCounts.probeHits += this.countRows(message.hits as Raw[]);
    if (typeof message.clock === 'number') this.clock = Math.max(this.clock, message.clock);
  }

  private countRows(rows: readonly Raw[]): number {
    for (const { clock, endClock } of rows) {
      this.clock = Math.max(this.clock, clock as number, (endClock as number | undefined) ?? 0);
    }
    return rows.length;
  }

  private writeEnd(reason: string, lostEvents: number): void {
    const { packets, index, kindCounts, noteCounts } = this;
    const counts = { kindCounts, ...noteCounts };
    const end: Message =
      this.end === undefined
        ? { reason: 'recovered', clock: this.clock, ...counts, message: `repaired: ${reason}` }
        : { ...(this.end as unknown as Message), ...counts, lost: this.end.lost + lostEvents };
    const indexOffset = this.output.length;
    const chunks = index.map(({ offset, ...row }) => ({ ...row, distance: indexOffset - offset }));
    const written = packets.write(BODY.index, encodeMessage('Index', { chunks }));
    packets.write(BODY.end, encodeMessage('End', end));
    packets.trailer(written);
  }
}

const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);
