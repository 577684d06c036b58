import protobuf from 'protobufjs/minimal.js';
import type { Note } from '../../events/event.js';
import type { RecordedHeader } from '../../trace/messages.js';
import type { FunctionCost } from '../function-table.js';
import type { Exporter, ExportFormat, ExportJob, ThreadListener, ThreadStart } from './format.js';
import { occurrenceOf } from './timeline.js';

const { Writer } = protobuf;
type Writer = protobuf.Writer;

/** Field numbers of perfetto/protos, message by message. */
const PACKET = {
  timestamp: 8,
  sequenceId: 10,
  trackEvent: 11,
  internedData: 12,
  sequenceFlags: 13,
  trackDescriptor: 60,
} as const;
const DESCRIPTOR = { uuid: 1, name: 2, process: 3, thread: 4, parentUuid: 5, counter: 8 } as const;
const EVENT = {
  debugAnnotations: 4,
  type: 9,
  nameIid: 10,
  trackUuid: 11,
  extraCounterValues: 12,
  categories: 22,
  name: 23,
  extraCounterTrackUuids: 31,
} as const;
const TYPE = { begin: 1, end: 2, instant: 3 } as const;
/** CounterDescriptor.BuiltinCounterType: shown as the instruction count of each slice. */
const THREAD_INSTRUCTION_COUNT = 2;
/** The sequence begins: nothing before it is needed. */
const STATE_CLEARED = 1;
const NEEDS_STATE = 2;

const varint = (field: number): number => field * 8;
const nested = (field: number): number => field * 8 + 2;

interface Track {
  readonly uuid: number;
  readonly counter: number;
}

/**
 * A Perfetto trace of TrackEvents: a process track per segment, a track per thread with its calls as slices, system calls
 * within them, everything else as moments. A slice also knows how many instructions its thread retired in it.
 */
class PerfettoExporter implements Exporter {
  private readonly job: ExportJob;
  private readonly tracks = new Map<number, Track>();
  private interned = new Set<number>();
  private uuids = 0;
  private process = 0;
  private pid = 1;
  private sequence = 0;
  private hasBegun = false;

  constructor(job: ExportJob) {
    this.job = job;
  }

  begin({ pid, program, argv }: RecordedHeader, segment: number): void {
    this.pid = pid || segment + 1;
    this.sequence = segment + 1;
    this.hasBegun = false;
    this.tracks.clear();
    this.interned = new Set();
    this.process = ++this.uuids;
    this.descriptor(this.process, (message) => {
      message.uint32(nested(DESCRIPTOR.process)).fork().uint32(varint(1)).int32(this.pid);
      for (const word of argv) message.uint32(nested(2)).string(word);
      message.uint32(nested(6)).string(program).ldelim();
    });
  }

  thread({ tid, name, time }: ThreadStart): ThreadListener {
    const track = this.track(tid, name);
    const event = (type: number, fn: number | undefined): void => {
      const message = this.packet(time.clock);
      if (fn !== undefined) this.intern(message, fn);
      message.uint32(nested(PACKET.trackEvent)).fork();
      this.eventHead(message, type, track);
      if (fn !== undefined) message.uint32(varint(EVENT.nameIid)).uint64(fn + 1);
      message.uint32(varint(EVENT.extraCounterTrackUuids)).uint64(track.counter);
      message.uint32(varint(EVENT.extraCounterValues)).int64(time.ownClock).ldelim();
      this.write(message);
    };
    return {
      enter: (fn) => event(TYPE.begin, fn),
      leave: () => event(TYPE.end, undefined),
      spend: () => {},
    };
  }

  note(note: Note): void {
    if (note.type === 'thread' && note.what === 'start') this.track(note.tid, note.name ?? `thread ${note.tid}`);
    const occurrence = occurrenceOf(note);
    if (!occurrence) return;
    const { name, category, tid, clock, endClock, args } = occurrence;
    const track = this.track(tid, `thread ${tid}`);
    const message = this.packet(clock).uint32(nested(PACKET.trackEvent)).fork();
    this.eventHead(message, category === 'syscall' ? TYPE.begin : TYPE.instant, track);
    message.uint32(nested(EVENT.categories)).string(category).uint32(nested(EVENT.name)).string(name);
    for (const [key, value] of Object.entries(args)) annotation(message, key, value);
    this.write(message.ldelim());
    if (category !== 'syscall') return;
    const end = this.packet(endClock).uint32(nested(PACKET.trackEvent)).fork();
    this.eventHead(end, TYPE.end, track);
    this.write(end.ldelim());
  }

  finish(): void {}

  private track(tid: number, name: string): Track {
    const known = this.tracks.get(tid);
    if (known) return known;
    const track = { uuid: ++this.uuids, counter: ++this.uuids };
    this.tracks.set(tid, track);
    this.descriptor(track.uuid, (message) => {
      message.uint32(varint(DESCRIPTOR.parentUuid)).uint64(this.process);
      message.uint32(nested(DESCRIPTOR.thread)).fork().uint32(varint(1)).int32(this.pid);
      message.uint32(varint(2)).int32(tid).uint32(nested(5)).string(name).ldelim();
    });
    this.descriptor(track.counter, (message) => {
      message.uint32(varint(DESCRIPTOR.parentUuid)).uint64(track.uuid);
      message.uint32(nested(DESCRIPTOR.counter)).fork().uint32(varint(1)).int32(THREAD_INSTRUCTION_COUNT).ldelim();
    });
    return track;
  }

  private descriptor(uuid: number, fill: (message: Writer) => void): void {
    const message = this.packet(0).uint32(nested(PACKET.trackDescriptor)).fork();
    message.uint32(varint(DESCRIPTOR.uuid)).uint64(uuid);
    fill(message);
    this.write(message.ldelim());
  }

  private eventHead(message: Writer, type: number, track: Track): void {
    message.uint32(varint(EVENT.type)).int32(type).uint32(varint(EVENT.trackUuid)).uint64(track.uuid);
  }

  /** Begins a Trace.packet; `write` ends it. */
  private packet(clock: number): Writer {
    const message = Writer.create().uint32(nested(1)).fork();
    message.uint32(varint(PACKET.timestamp)).uint64(Math.round((clock * 1000) / this.job.mips));
    message.uint32(varint(PACKET.sequenceId)).uint32(this.sequence);
    message.uint32(varint(PACKET.sequenceFlags)).uint32(this.hasBegun ? NEEDS_STATE : STATE_CLEARED);
    this.hasBegun = true;
    return message;
  }

  private intern(message: Writer, fn: number): void {
    if (this.interned.has(fn)) return;
    this.interned.add(fn);
    const name = this.job.nameOf((this.job.functions.rows[fn] as FunctionCost).info);
    message.uint32(nested(PACKET.internedData)).fork().uint32(nested(2)).fork();
    message
      .uint32(varint(1))
      .uint64(fn + 1)
      .uint32(nested(2))
      .string(name)
      .ldelim()
      .ldelim();
  }

  private write(message: Writer): void {
    this.job.out.bytes(message.ldelim().finish());
  }
}

/** DebugAnnotation: name 10, double_value 5, int_value 4, string_value 6. */
const annotation = (message: Writer, name: string, value: number | string): void => {
  message.uint32(nested(EVENT.debugAnnotations)).fork().uint32(nested(10)).string(name);
  if (typeof value === 'string') message.uint32(nested(6)).string(value);
  else if (Number.isSafeInteger(value)) message.uint32(varint(4)).int64(value);
  else message.uint32(5 * 8 + 1).double(value);
  message.ldelim();
};

export const perfetto: ExportFormat = {
  name: 'perfetto',
  summary: 'for ui.perfetto.dev and its SQL',
  suffixes: ['.perfetto-trace', '.pftrace', '.perfetto'],
  isBinary: true,
  hasCalls: true,
  create: (job) => new PerfettoExporter(job),
};
