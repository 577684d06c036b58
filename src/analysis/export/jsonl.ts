import { hex } from '../../bits.js';
import { type CallSummaryNote, EventKind, type Note } from '../../events/event.js';
import type { EventColumns } from '../../trace/event-columns.js';
import type { RecordedEnd, RecordedHeader } from '../../trace/messages.js';
import { probeValuesJson } from '../probe-text.js';
import { KIND_NAMES, PlaceTexts } from './event-rows.js';
import type { Exporter, ExportFormat, ExportJob } from './format.js';

/**
 * Every event as an object, a line each, chunk by chunk: within a thread in order; sort by clock to merge threads. Places
 * carry module, offset and symbol, so that nothing has to be looked up.
 */
class JsonlExporter implements Exporter {
  private readonly job: ExportJob;
  private readonly places: PlaceTexts;

  constructor(job: ExportJob) {
    this.job = job;
    this.places = new PlaceTexts(job.symbols, (address, place) => JSON.stringify({ address: hex(address), ...place }));
  }

  begin(header: RecordedHeader, segment: number): void {
    this.places.forget();
    const { uuid, toolVersion, program, argv, clock, profile, eventMask } = header;
    const facts = { uuid, toolVersion, program, argv, clock, profile, eventMask };
    this.write({ type: 'header', schema: 'armstalk.events/1', process: segment + 1, ...facts });
  }

  chunk(columns: EventColumns, first: number, end: number, shown: Uint8Array | undefined): void {
    const { tid, kind, location, target, depth, clock, threadClock } = columns;
    const { out } = this.job;
    this.places.forget();
    for (let i = first; i < end; i++) {
      if (shown !== undefined && shown[i] === 0) continue;
      const type = kind[i] as number;
      const deep = type === EventKind.CALL || type === EventKind.RET ? `"depth":${depth[i]},` : '';
      const to = type === EventKind.EXEC ? '' : `,"target":${this.targetOf(type, target[i] as number)}`;
      const times = `"tid":${tid},"clock":${clock[i]},"threadClock":${threadClock[i]}`;
      const from = this.places.of(location[i] as number);
      out.text(`{"type":"${KIND_NAMES[type]}",${times},${deep}"location":${from}${to}}\n`);
    }
  }

  note(note: Note): void {
    this.places.forget();
    if (note.type === 'module') this.write(moduleJson(note));
    else if (note.type === 'thread') this.write(note);
    else if (note.type === 'call-summary') this.callSummary(note);
    else if (note.type === 'probe') {
      const { type, tid, clock, probe, depth, phase } = note;
      const values = probeValuesJson(note.values);
      this.write({
        type,
        tid,
        clock,
        probe,
        depth,
        location: this.place(note.location),
        ...(phase && { phase }),
        values,
      });
    } else {
      const { type, tid, clock, pc, ...rest } = note;
      const address = 'address' in rest ? { address: hex(rest.address) } : {};
      this.write({ type, tid, clock, location: this.place(pc), ...rest, ...address });
    }
  }

  /** A line for each call. */
  private callSummary({ type, tid, clock, calls }: CallSummaryNote): void {
    for (const [location, target, count] of calls) {
      this.write({ type, tid, clock, location: this.place(location), target: this.callee(target), count });
    }
  }

  endSegment(end: RecordedEnd | undefined): void {
    if (end !== undefined) this.write({ type: 'end', ...end });
  }

  finish(): void {}

  private targetOf(kind: number, address: number): string {
    return kind === EventKind.CALL ? this.places.callee(address) : this.places.of(address);
  }

  private place(address: number): unknown {
    const start = (address & ~1) >>> 0;
    return { address: hex(start), ...this.job.symbols.place(start) };
  }

  private callee(address: number): unknown {
    const start = (address & ~1) >>> 0;
    return { address: hex(start), ...this.job.symbols.callee(start) };
  }

  private write(value: unknown): void {
    this.job.out.text(`${JSON.stringify(value)}\n`);
  }
}

const moduleJson = ({ start, end, bias, entry, segments, ...rest }: Extract<Note, { type: 'module' }>): unknown => ({
  ...rest,
  start: hex(start),
  end: hex(end),
  bias: hex(bias),
  entry: hex(entry & ~1),
  segments: segments.map(({ address, ...segment }) => ({ address: hex(address), ...segment })),
});

export const jsonl: ExportFormat = {
  name: 'jsonl',
  summary: 'every event as a line of JSON',
  suffixes: ['.jsonl', '.ndjson'],
  isBinary: false,
  hasCalls: false,
  create: (job) => new JsonlExporter(job),
};
