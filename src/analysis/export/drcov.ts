import { EventKind, type ModuleNote, type Note } from '../../events/event.js';
import type { EventColumns } from '../../trace/event-columns.js';
import { blockSize } from '../block-counts.js';
import type { Exporter, ExportFormat, ExportJob } from './format.js';

const MAX_BLOCKS = 1 << 22;
/** A record's size field has 16 bits; instructions are halfwords. */
const MAX_BLOCK_BYTES = 0xfffe;
const RECORD_BYTES = 8;

interface CoveredModule {
  readonly id: number;
  readonly note: ModuleNote;
  /** Longest block known at each offset from the module's base. */
  readonly blocks: Map<number, number>;
}

/**
 * DynamoRIO's coverage file, version 2 with a version 2 module table: what Lighthouse and its kin read. A row is a file,
 * whatever its segments, and the same file in another process is the same row. Blocks outside every module are left out.
 */
class DrcovExporter implements Exporter {
  private readonly job: ExportJob;
  private readonly modules = new Map<string, CoveredModule>();
  private blocks = 0;
  private readonly outside = new Set<number>();

  constructor(job: ExportJob) {
    this.job = job;
  }

  note(note: Note): void {
    if (note.type !== 'module' || this.modules.has(note.path)) return;
    this.modules.set(note.path, { id: this.modules.size, note, blocks: new Map() });
  }

  chunk({ edges, edge: events }: EventColumns, from: number, to: number, shown: Uint8Array | undefined): void {
    const ran = shown && new Set(events.subarray(from, to).filter((_, i) => shown[from + i] === 1));
    for (let edge = 1; edge <= edges.count; edge++) {
      if (ran !== undefined && !ran.has(edge)) continue;
      if (((edges.kind[edge] as number) & (EventKind.COMPILE | EventKind.BLOCK)) === 0) continue;
      const start = ((edges.location[edge] as number) & ~1) >>> 0;
      this.add(start, blockSize(start, edges.target[edge] as number));
    }
  }

  finish(): void {
    const { out } = this.job;
    const modules = [...this.modules.values()];
    const records = modules.flatMap(recordsOf);
    out.text('DRCOV VERSION: 2\nDRCOV FLAVOR: armstalk\n');
    out.text(`Module Table: version 2, count ${modules.length}\nColumns: id, base, end, entry, path\n`);
    for (const { id, note } of modules) {
      const [base, end, entry] = [note.start, note.end, note.entry & ~1].map(word);
      out.text(`${String(id).padStart(2)}, ${base}, ${end}, ${entry}, ${fieldText(note.path || note.name)}\n`);
    }
    out.text(`BB Table: ${records.length} bbs\n`);
    for (const record of records) out.bytes(record);
    this.complain(records.length);
  }

  private add(start: number, size: number): void {
    const note = this.job.symbols.moduleAt(start);
    const module = note && this.modules.get(note.path);
    if (!note || !module) {
      if (this.outside.size < MAX_BLOCKS) this.outside.add(start);
      return;
    }
    const offset = start - note.start;
    const known = module.blocks.get(offset);
    if (known === undefined && this.blocks >= MAX_BLOCKS) return;
    if (known === undefined) this.blocks++;
    if (known === undefined || size > known) module.blocks.set(offset, size);
  }

  private complain(records: number): void {
    const { warn } = this.job;
    if (records === 0) warn('the trace holds no blocks: record with --events +compile or +block');
    if (this.outside.size > 0) warn(`${this.outside.size} blocks outside every module are left out`);
    if (this.blocks >= MAX_BLOCKS) warn(`only the first ${MAX_BLOCKS} blocks are listed`);
  }
}

const word = (value: number): string =>
  `0x${(value % 2 ** 32 < 0 ? value >>> 0 : value).toString(16).padStart(8, '0')}`;

/** Readers split rows at comma and space. */
const fieldText = (path: string): string => path.replace(/[\r\n]/g, ' ').replaceAll(', ', ',_');

/** Blocks by offset, those too long for a record in several. */
const recordsOf = ({ id, blocks }: CoveredModule): Uint8Array[] =>
  [...blocks]
    .sort(([a], [b]) => a - b)
    .flatMap(([offset, size]) => {
      const records: Uint8Array[] = [];
      for (let done = 0; done === 0 || done < size; done += MAX_BLOCK_BYTES) {
        records.push(record(offset + done, Math.min(size - done, MAX_BLOCK_BYTES), id));
      }
      return records;
    });

const record = (offset: number, size: number, module: number): Uint8Array => {
  const bytes = new Uint8Array(RECORD_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, offset, true);
  view.setUint16(4, size, true);
  view.setUint16(6, module, true);
  return bytes;
};

export const drcov: ExportFormat = {
  name: 'drcov',
  summary: 'coverage for Lighthouse, Cartographer, Binary Ninja',
  suffixes: ['.drcov', '.drcov.log'],
  isBinary: true,
  hasCalls: false,
  create: (job) => new DrcovExporter(job),
};
