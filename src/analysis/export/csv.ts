import { hex } from '../../bits.js';
import { type CallSummaryNote, EventKind, type Note } from '../../events/event.js';
import type { EventColumns } from '../../trace/event-columns.js';
import type { RecordedEnd } from '../../trace/messages.js';
import { probeValueText } from '../probe-text.js';
import { KIND_NAMES, PlaceTexts } from './event-rows.js';
import type { Exporter, ExportFormat, ExportJob } from './format.js';

const HEADER =
  'process,clock,thread_clock,tid,type,depth,address,module,offset,symbol,symbol_offset,' +
  'target,target_module,target_offset,target_symbol,target_symbol_offset,detail';
const NO_PLACE = ',,,,';

/** RFC 4180: quoted when it must be. */
const cell = (value: string): string => (/[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);

/** Every event as a row, chunk by chunk: within a thread in order; sort by clock to merge threads. */
class CsvExporter implements Exporter {
  private readonly job: ExportJob;
  private readonly places: PlaceTexts;
  private process = 0;

  constructor(job: ExportJob) {
    this.job = job;
    this.places = new PlaceTexts(job.symbols, (address, { module, offset, symbol, symbolOffset }) =>
      [hex(address), module, offset, symbol, symbolOffset].map((value) => cell(String(value))).join(','),
    );
    job.out.text(`${HEADER}\n`);
  }

  begin(_header: unknown, segment: number): void {
    this.process = segment + 1;
    this.places.forget();
  }

  chunk(columns: EventColumns, first: number, end: number, shown: Uint8Array | undefined): void {
    const { tid, kind, location, target, depth, clock, threadClock } = columns;
    const { out } = this.job;
    this.places.forget();
    for (let i = first; i < end; i++) {
      if (shown !== undefined && shown[i] === 0) continue;
      const type = kind[i] as number;
      const from = this.places.of(location[i] as number);
      const to = type === EventKind.EXEC ? NO_PLACE : this.targetOf(type, target[i] as number);
      const deep = type === EventKind.CALL || type === EventKind.RET ? depth[i] : '';
      const times = `${this.process},${clock[i]},${threadClock[i]},${tid}`;
      out.text(`${times},${KIND_NAMES[type]},${deep},${from},${to},\n`);
    }
  }

  note(note: Note): void {
    this.places.forget();
    if (note.type === 'call-summary') {
      this.callSummary(note);
      return;
    }
    const tid = note.type === 'module' ? '' : note.tid;
    const at = pcOf(note);
    const place = at === undefined ? NO_PLACE : this.places.of(at);
    const row = `${this.process},${note.clock},,${tid},${note.type},,${place},${NO_PLACE},`;
    this.job.out.text(`${row}${cell(detailOf(note))}\n`);
  }

  /** A row for each call; the detail is how often. */
  private callSummary({ tid, clock, type, calls }: CallSummaryNote): void {
    for (const [location, target, count] of calls) {
      const places = `${this.places.of(location)},${this.places.callee(target)}`;
      this.job.out.text(`${this.process},${clock},,${tid},${type},,${places},${count}\n`);
    }
  }

  endSegment(end: RecordedEnd | undefined): void {
    if (end === undefined) return;
    const how = end.exitCode === undefined ? (end.signal === 0 ? '' : ` ${end.signal}`) : ` ${end.exitCode}`;
    this.job.out.text(`${this.process},${end.clock},,,end,,${NO_PLACE},${NO_PLACE},${end.reason}${how}\n`);
  }

  finish(): void {}

  private targetOf(kind: number, address: number): string {
    return kind === EventKind.CALL ? this.places.callee(address) : this.places.of(address);
  }
}

type PlainNote = Exclude<Note, CallSummaryNote>;

const pcOf = (note: PlainNote): number | undefined => {
  if (note.type === 'probe') return note.location;
  return note.type === 'module' || note.type === 'thread' ? undefined : note.pc;
};

const detailOf = (note: PlainNote): string => {
  switch (note.type) {
    case 'module':
      return note.path;
    case 'thread':
      return note.what === 'exit' ? `exit ${note.exitCode ?? ''}`.trim() : `start ${note.name ?? ''}`.trim();
    case 'syscall':
      return note.text;
    case 'signal':
      return `${note.signo} ${note.action}`;
    case 'probe':
      return [`#${note.probe}`, ...note.values.map((value) => `${value[0]}=${probeValueText(value)}`)].join(' ');
    case 'incident':
      return `${note.code}: ${note.message}`;
  }
};

export const csv: ExportFormat = {
  name: 'csv',
  summary: 'every event as a row of comma-separated values',
  suffixes: ['.csv'],
  isBinary: false,
  hasCalls: false,
  create: (job) => new CsvExporter(job),
};
