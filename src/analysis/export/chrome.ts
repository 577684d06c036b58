import type { Note } from '../../events/event.js';
import type { RecordedEnd, RecordedHeader } from '../../trace/messages.js';
import type { FunctionCost } from '../function-table.js';
import type { Exporter, ExportFormat, ExportJob, ThreadListener, ThreadStart } from './format.js';
import { occurrenceOf } from './timeline.js';

/** Viewers of this format load the whole file. */
const LARGE_BYTES = 200e6;

/**
 * The JSON of chrome://tracing. Calls are B and E events; `ts` comes from the process's clock, `tts` from the thread's
 * own, both in microseconds. One event a line, so that a file cut short can be closed by hand.
 */
class ChromeExporter implements Exporter {
  private readonly job: ExportJob;
  private readonly names: string[] = [];
  private pid = 1;
  private events = 0;

  constructor(job: ExportJob) {
    this.job = job;
  }

  begin({ pid, program }: RecordedHeader, segment: number): void {
    this.pid = pid || segment + 1;
    this.metadata('process_name', 0, program);
  }

  thread({ tid, name, time }: ThreadStart): ThreadListener {
    this.metadata('thread_name', tid, name);
    const { mips } = this.job;
    const line = (phase: string, what: string): void => {
      const times = `"ts":${time.clock / mips},"tts":${time.ownClock / mips}`;
      this.write(`{"ph":"${phase}",${what}${times},"pid":${this.pid},"tid":${tid}}`);
    };
    return {
      enter: (fn) => line('B', this.nameOf(fn)),
      leave: () => line('E', ''),
      spend: () => {},
    };
  }

  note(note: Note): void {
    const occurrence = occurrenceOf(note);
    if (!occurrence) return;
    const { mips } = this.job;
    const { name, category: cat, tid, clock, endClock, args } = occurrence;
    const shape = cat === 'syscall' ? { ph: 'X', dur: (endClock - clock) / mips } : { ph: 'i', s: 't' };
    this.write(JSON.stringify({ ...shape, name, cat, ts: clock / mips, pid: this.pid, tid, args }));
  }

  endSegment(end: RecordedEnd | undefined): void {
    if (end === undefined) return;
    const { reason, exitCode, signal, clock } = end;
    const args = { reason, ...(exitCode === undefined ? {} : { exitCode }), ...(signal === 0 ? {} : { signal }) };
    const ts = clock / this.job.mips;
    this.write(JSON.stringify({ ph: 'i', s: 'p', name: 'end', cat: 'process', ts, pid: this.pid, tid: 0, args }));
  }

  finish(): void {
    const { out, warn } = this.job;
    if (this.events === 0) out.text('{"traceEvents":[');
    out.text('\n],"displayTimeUnit":"ns"}\n');
    if (out.bytesWritten > LARGE_BYTES)
      warn('viewers may fail on a file this large: --to perfetto, or a filter, helps');
  }

  private metadata(what: string, tid: number, name: string): void {
    this.write(JSON.stringify({ ph: 'M', name: what, pid: this.pid, tid, args: { name } }));
  }

  private nameOf(fn: number): string {
    this.names[fn] ??= this.describe((this.job.functions.rows[fn] as FunctionCost).info);
    return this.names[fn] as string;
  }

  private describe(info: FunctionCost['info']): string {
    return `"name":${JSON.stringify(this.job.nameOf(info))},"cat":${JSON.stringify(info.module || 'code')},`;
  }

  private write(event: string): void {
    this.job.out.text(this.events++ === 0 ? `{"traceEvents":[\n${event}` : `,\n${event}`);
  }
}

export const chrome: ExportFormat = {
  name: 'chrome',
  summary: 'Chrome trace JSON, for chrome://tracing and many other viewers',
  suffixes: ['.chrome.json', '.trace.json'],
  isBinary: false,
  hasCalls: true,
  create: (job) => new ChromeExporter(job),
};
