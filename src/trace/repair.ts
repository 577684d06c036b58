import { TraceFormatError } from '../errors.js';
import { type ByteIterable, ByteWindow, openBytes, plainBytes } from './byte-source.js';
import type { CodecName } from './codec.js';
import { Output } from './output.js';
import { type Damage, PacketReader, type RawPacket } from './packet-reader.js';
import { RepairedSegment } from './repaired-segment.js';
import { BODY } from './schema.js';
import { isContentError } from './unpack.js';

export interface RepairOptions {
  /** How chunks are packed from now on; as they are when left out. */
  readonly codec?: CodecName;
}

/** What became of one segment. */
export interface SegmentRepair {
  readonly program: string;
  readonly packets: number;
  readonly events: number;
  /** It had no end and was given one. */
  readonly isRecovered: boolean;
  /** Its header was lost. */
  readonly isHeadless: boolean;
  /** Missing in the numbering or unreadable. */
  readonly lostPackets: number;
  /** As far as the end tells; undefined when there was none. */
  readonly lostEvents: number | undefined;
}

export interface RepairReport {
  readonly schema: 'armstalk.repair/1';
  readonly input: string;
  readonly output: string;
  readonly segments: readonly SegmentRepair[];
  /** Nothing was wrong with the input. */
  readonly wasWhole: boolean;
  /** The first places that were damaged, in bytes from the start of the (unpacked) input. */
  readonly damage: readonly Damage[];
  readonly damageCount: number;
  /** Bytes that belong to no packet. */
  readonly droppedBytes: number;
  readonly inputBytes: number;
  readonly outputBytes: number;
}

const MAX_LISTED = 100;

/**
 * Writes every intact packet of `source` (a path, `-`, or bytes) to `output` (a path or `-`) as a whole trace: numbered
 * anew, with index, end and trailer for each segment. A segment without an end gets one with the reason `recovered`; what
 * is missing elsewhere is counted into the end's `lost` and told by an incident in its place. In constant memory. Throws
 * TraceFormatError when there is no packet to save, OutputError when the output cannot be written.
 */
export const repairTrace = async (
  source: string | ByteIterable,
  output: string,
  options: RepairOptions = {},
  name = typeof source === 'string' ? source : '<stream>',
): Promise<RepairReport> => {
  const repair = new Repair(name, output, options);
  const window = new ByteWindow(plainBytes(openBytes(source)));
  try {
    const packets = new PacketReader(window, (damage) => repair.damaged(damage));
    for (let packet = await packets.next(); packet; packet = await packets.next()) repair.take(packet);
    return repair.finish(window.position + window.available);
  } finally {
    await window.close();
    repair.close();
  }
};

class Repair {
  private readonly name: string;
  private readonly target: string;
  private readonly options: RepairOptions;
  private readonly segments: SegmentRepair[] = [];
  private readonly damage: Damage[] = [];
  private damageCount = 0;
  private droppedBytes = 0;
  private damagedFrom: number | undefined;
  private output: Output | undefined;
  private segment: RepairedSegment | undefined;
  private nextSeq = 1;
  /** Of the present segment's damage. */
  private latestReason: string | undefined;

  constructor(name: string, target: string, options: RepairOptions) {
    this.name = name;
    this.target = target;
    this.options = options;
  }

  damaged(damage: Damage): void {
    this.damagedFrom ??= damage.offset;
    this.latestReason = damage.reason;
    this.damageCount++;
    if (this.damage.length < MAX_LISTED) this.damage.push(damage);
  }

  take(packet: RawPacket): void {
    if (this.damagedFrom !== undefined) this.droppedBytes += packet.offset - this.damagedFrom;
    this.damagedFrom = undefined;
    if (packet.field <= 3 || packet.field === 15) return;
    const { segment, isNew } = this.segmentFor(packet);
    const expected = isNew ? 1 : this.nextSeq;
    if (packet.seq > expected && packet.field !== BODY.header) segment.miss(packet.seq - expected);
    this.nextSeq = packet.seq + 1;
    try {
      segment.take(packet);
    } catch (error) {
      if (!isContentError(error)) throw error;
      this.damaged({ offset: packet.offset, reason: (error as Error).message });
      this.damagedFrom = undefined;
      segment.miss(1);
    }
    if (packet.field === BODY.end) this.endSegment();
  }

  finish(inputBytes: number): RepairReport {
    if (this.damagedFrom !== undefined) this.droppedBytes += inputBytes - this.damagedFrom;
    this.endSegment();
    if (this.segments.length === 0) throw new TraceFormatError(`${this.name} holds no packet of a trace`, 0);
    return {
      schema: 'armstalk.repair/1',
      input: this.name,
      output: this.target,
      segments: this.segments,
      wasWhole: this.damageCount === 0 && this.segments.every(isWhole),
      damage: this.damage,
      damageCount: this.damageCount,
      droppedBytes: this.droppedBytes,
      inputBytes,
      outputBytes: this.output?.length ?? 0,
    };
  }

  close(): void {
    this.output?.close();
    this.output = undefined;
  }

  /** A header begins a segment; so does a packet whose number says that the header is lost. */
  private segmentFor(packet: RawPacket): { segment: RepairedSegment; isNew: boolean } {
    const isHeader = packet.field === BODY.header;
    if (this.segment !== undefined && !isHeader && packet.seq >= this.nextSeq) {
      return { segment: this.segment, isNew: false };
    }
    this.endSegment();
    this.output ??= new Output(this.target);
    this.segment = new RepairedSegment(this.output, this.options.codec, !isHeader);
    return { segment: this.segment, isNew: true };
  }

  private endSegment(): void {
    if (this.segment === undefined) return;
    this.segments.push(this.segment.finish(this.latestReason ?? 'the recording has no end'));
    this.segment = undefined;
    this.latestReason = undefined;
  }
}

const isWhole = ({ isRecovered, isHeadless, lostPackets }: SegmentRepair): boolean =>
  !isRecovered && !isHeadless && lostPackets === 0;
