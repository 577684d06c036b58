import { once } from 'node:events';
import { createGzip, type Gzip } from 'node:zlib';
import protobuf from 'protobufjs/minimal.js';
import type { ModuleNote, Note } from '../../events/event.js';
import type { RecordedHeader } from '../../trace/messages.js';
import type { FunctionCost } from '../function-table.js';
import { splitSource } from '../symbolize.js';
import type { Exporter, ExportFormat, ExportJob, ThreadListener, ThreadStart } from './format.js';
import { StackTree } from './stack-tree.js';

/** Field numbers of profile.proto (github.com/google/pprof). */
const PROFILE = {
  sampleType: 1,
  sample: 2,
  mapping: 3,
  location: 4,
  function: 5,
  stringTable: 6,
  timeNanos: 9,
  durationNanos: 10,
  comment: 13,
  defaultSampleType: 14,
} as const;

const { Writer } = protobuf;

const tag = (field: number, wireType: number): number => field * 8 + wireType;
const BYTES_BETWEEN_PIECES = 1 << 16;

/** Number of a string in the table; 0 is the empty one. */
class StringTable {
  readonly strings = [''];
  private readonly numbers = new Map([['', 0]]);

  of(text: string): number {
    let number = this.numbers.get(text);
    if (number === undefined) {
      number = this.strings.push(text) - 1;
      this.numbers.set(text, number);
    }
    return number;
  }
}

/** pprof's profile: one sample per call path with its calls and self instructions, labelled with the thread. */
class PprofExporter implements Exporter {
  private readonly job: ExportJob;
  private readonly tree = new StackTree();
  private readonly strings = new StringTable();
  private readonly mappings = new Map<string, ModuleNote>();
  private header: RecordedHeader | undefined;
  private message = Writer.create();

  constructor(job: ExportJob) {
    this.job = job;
  }

  begin(header: RecordedHeader): void {
    this.header ??= header;
  }

  note(note: Note): void {
    if (note.type === 'module' && !this.mappings.has(note.name)) this.mappings.set(note.name, note);
  }

  thread({ tid, name }: ThreadStart): ThreadListener {
    return this.tree.thread(tid, name);
  }

  async finish(): Promise<void> {
    const { out, warn } = this.job;
    const gzip = createGzip();
    gzip.on('data', (piece: Uint8Array) => out.bytes(piece));
    this.writeFacts();
    this.writeMappings();
    this.writeFunctions();
    await this.writeSamples(gzip);
    for (const text of this.strings.strings) this.message.uint32(tag(PROFILE.stringTable, 2)).string(text);
    gzip.end(this.message.finish());
    await once(gzip, 'end');
    if (this.tree.shortened) warn('very deep or very many stacks: some are shortened in the middle');
  }

  private writeFacts(): void {
    const { message, strings } = this;
    const valueType = (type: string, unit: string): void => {
      message.uint32(tag(PROFILE.sampleType, 2)).fork();
      message.uint32(tag(1, 0)).int64(strings.of(type)).uint32(tag(2, 0)).int64(strings.of(unit)).ldelim();
    };
    valueType('calls', 'count');
    valueType('instructions', 'count');
    message.uint32(tag(PROFILE.defaultSampleType, 0)).int64(strings.of('instructions'));
    const { startTimeMs = 0, toolVersion = '' } = this.header ?? {};
    if (startTimeMs > 0) message.uint32(tag(PROFILE.timeNanos, 0)).int64(startTimeMs * 1e6);
    message.uint32(tag(PROFILE.comment, 0)).int64(strings.of(`armstalk ${toolVersion}`.trim()));
  }

  private writeMappings(): void {
    let id = 0;
    for (const { start, end, segments, path, buildId } of this.mappings.values()) {
      const { message, strings } = this;
      const fileOffset = segments.find(({ flags }) => flags & 1)?.fileOffset ?? 0;
      message.uint32(tag(PROFILE.mapping, 2)).fork();
      message.uint32(tag(1, 0)).uint64(++id).uint32(tag(2, 0)).uint64(start).uint32(tag(3, 0)).uint64(end);
      message.uint32(tag(4, 0)).uint64(fileOffset).uint32(tag(5, 0)).int64(strings.of(path));
      message.uint32(tag(6, 0)).int64(strings.of(buildId)).uint32(tag(7, 0)).bool(true).ldelim();
    }
  }

  /** A location and a function each, with the same id: the function's number + 1. */
  private writeFunctions(): void {
    const { message, strings } = this;
    const mappings = new Map([...this.mappings.keys()].map((name, index) => [name, index + 1]));
    this.job.functions.rows.forEach(({ info }: FunctionCost, fn) => {
      const id = fn + 1;
      const address = (info.offset + (this.mappings.get(info.module)?.bias ?? 0)) >>> 0;
      message.uint32(tag(PROFILE.location, 2)).fork().uint32(tag(1, 0)).uint64(id);
      message
        .uint32(tag(2, 0))
        .uint64(mappings.get(info.module) ?? 0)
        .uint32(tag(3, 0))
        .uint64(address);
      const source = splitSource(info.source);
      message.uint32(tag(4, 2)).fork().uint32(tag(1, 0)).uint64(id);
      if (source) message.uint32(tag(2, 0)).int64(source.line);
      message.ldelim().ldelim();
      message.uint32(tag(PROFILE.function, 2)).fork().uint32(tag(1, 0)).uint64(id);
      message.uint32(tag(2, 0)).int64(strings.of(this.job.nameOf(info)));
      message.uint32(tag(3, 0)).int64(strings.of(info.mangled ?? info.symbol));
      message.uint32(tag(4, 0)).int64(strings.of(source?.file ?? info.module));
      if (source) message.uint32(tag(5, 0)).int64(source.line);
      message.ldelim();
    });
  }

  private async writeSamples(gzip: Gzip): Promise<void> {
    const { tree } = this;
    for (let node = 0; node < tree.count; node++) {
      const fn = tree.fn[node] as number;
      if (fn >= 0 && ((tree.self[node] as number) > 0 || (tree.calls[node] as number) > 0)) this.writeSample(node);
      if (this.message.len < BYTES_BETWEEN_PIECES) continue;
      const piece = this.message.finish();
      this.message = Writer.create();
      if (!gzip.write(piece)) await once(gzip, 'drain');
    }
  }

  private writeSample(node: number): void {
    const { message, strings, tree } = this;
    const { tid, name } = tree.rootOf(node);
    message.uint32(tag(PROFILE.sample, 2)).fork().uint32(tag(1, 2)).fork();
    for (const fn of tree.path(node).reverse()) message.uint64(fn + 1);
    message.ldelim().uint32(tag(2, 2)).fork();
    message
      .int64(tree.calls[node] as number)
      .int64(tree.self[node] as number)
      .ldelim();
    message.uint32(tag(3, 2)).fork().uint32(tag(1, 0)).int64(strings.of('tid')).uint32(tag(3, 0)).int64(tid).ldelim();
    message.uint32(tag(3, 2)).fork().uint32(tag(1, 0)).int64(strings.of('thread'));
    message.uint32(tag(2, 0)).int64(strings.of(name)).ldelim().ldelim();
  }
}

export const pprof: ExportFormat = {
  name: 'pprof',
  summary: 'for go tool pprof and what else reads its profiles',
  suffixes: ['.pprof', '.pb.gz'],
  isBinary: true,
  hasCalls: true,
  create: (job) => new PprofExporter(job),
};
