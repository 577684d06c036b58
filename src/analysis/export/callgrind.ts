import type { RecordedHeader } from '../../trace/messages.js';
import { ActiveCounts } from '../active-counts.js';
import type { FunctionCost } from '../function-table.js';
import { splitSource } from '../symbolize.js';
import type { Exporter, ExportFormat, ExportJob, ThreadListener, ThreadStart } from './format.js';

/** A function as callgrind shows it: one of a recursion's activations when they are kept apart. */
interface Variant {
  readonly fn: number;
  readonly level: number;
  self: number;
  /** By call site and callee. */
  readonly calls: Map<number, CallCost>;
}

interface CallCost {
  readonly site: number;
  /** Of the source; 0 where it is not known. */
  readonly line: number;
  readonly callee: Variant;
  count: number;
  inclusive: number;
}

/** Above every variant number; times a 32-bit address it is still a safe integer. */
const KEY_FACTOR = 2 ** 21;
const LINE_END = /[\r\n]/g;

/**
 * The profile format of Valgrind's callgrind. Positions are the file's own addresses, without the Thumb bit: a function's
 * own instructions stand at its start, calls at the call instruction. A recursion's inclusive costs add up, as they do in
 * callgrind's own files, unless its activations are kept apart (`name'2`).
 */
class CallgrindExporter implements Exporter {
  private readonly job: ExportJob;
  private readonly variants: Variant[] = [];
  private readonly byFunction = new Map<number, number>();
  private readonly objects = new Map<string, number>();
  private readonly named = new Set<number>();
  private readonly files = new Map<string, number>();
  private hasLines = false;
  private header: RecordedHeader | undefined;

  constructor(job: ExportJob) {
    this.job = job;
  }

  begin(header: RecordedHeader): void {
    this.header ??= header;
  }

  thread(_start: ThreadStart): ThreadListener {
    return new CallListener(this, Math.max(1, this.job.separateRecursion));
  }

  variant(fn: number, level: number): number {
    const key = level * KEY_FACTOR + fn;
    let index = this.byFunction.get(key);
    if (index === undefined) {
      index = this.variants.length;
      this.byFunction.set(key, index);
      this.variants.push({ fn, level, self: 0, calls: new Map() });
    }
    return index;
  }

  spend(variant: number, instructions: number): void {
    (this.variants[variant] as Variant).self += instructions;
  }

  call(caller: number, site: number, callee: number, inclusive: number): void {
    const { calls } = this.variants[caller] as Variant;
    const key = site * KEY_FACTOR + callee;
    let cost = calls.get(key);
    if (cost === undefined) {
      const from = site === 0 ? this.info(this.variants[caller] as Variant).offset : this.fileAddress(site);
      const { source } = site === 0 ? this.info(this.variants[caller] as Variant) : this.job.symbols.place(site);
      cost = {
        site: from,
        line: splitSource(source)?.line ?? 0,
        callee: this.variants[callee] as Variant,
        count: 0,
        inclusive: 0,
      };
      calls.set(key, cost);
    }
    if (site !== 0) cost.count++;
    cost.inclusive += inclusive;
  }

  finish(): void {
    const { out } = this.job;
    const { toolVersion, pid, argv, program } = this.header ?? { toolVersion: '', pid: 0, argv: [], program: '' };
    const command = (argv.length > 0 ? argv : [program]).join(' ').replace(LINE_END, ' ');
    out.text(`# callgrind format\nversion: 1\ncreator: armstalk ${toolVersion}\n`);
    if (pid !== 0) out.text(`pid: ${pid}\n`);
    const total = this.variants.reduce((sum, { self }) => sum + self, 0);
    this.hasLines = this.job.functions.rows.some(({ info }: FunctionCost) => info.source !== undefined);
    const positions = this.hasLines ? 'instr line' : 'instr';
    out.text(`cmd: ${command}\npart: 1\npositions: ${positions}\nevents: Ir\nsummary: ${total}\n`);
    for (const variant of this.variants) this.write(variant);
    out.text(`\ntotals: ${total}\n`);
  }

  private fileAddress(address: number): number {
    const start = (address & ~1) >>> 0;
    return (start - (this.job.symbols.moduleAt(start)?.bias ?? 0)) >>> 0;
  }

  private write(variant: Variant): void {
    const { out } = this.job;
    out.text(`\nob=${this.object(variant)}\nfl=${this.file(variant)}\nfn=${this.name(variant)}\n`);
    out.text(`${this.beginning(variant)} ${variant.self}\n`);
    for (const { site, line, callee, count, inclusive } of variant.calls.values()) {
      out.text(`cob=${this.object(callee)}\ncfi=${this.file(callee)}\ncfn=${this.name(callee)}\n`);
      out.text(`calls=${count} ${this.beginning(callee)}\n${this.position(site, line)} ${inclusive}\n`);
    }
  }

  private info({ fn }: Variant): FunctionCost['info'] {
    return (this.job.functions.rows[fn] as FunctionCost).info;
  }

  private beginning(variant: Variant): string {
    const { offset, source } = this.info(variant);
    return this.position(offset, splitSource(source)?.line ?? 0);
  }

  private position(at: number, line: number): string {
    return this.hasLines ? `${address(at)} ${line}` : address(at);
  }

  private file(variant: Variant): string {
    const path = splitSource(this.info(variant).source)?.file.replace(LINE_END, ' ') ?? '???';
    const known = this.files.get(path);
    if (known !== undefined) return `(${known})`;
    this.files.set(path, this.files.size + 1);
    return `(${this.files.size}) ${path}`;
  }

  /** `(id) name` the first time, `(id)` after. */
  private object(variant: Variant): string {
    const { module } = this.info(variant);
    const known = this.objects.get(module);
    if (known !== undefined) return `(${known})`;
    this.objects.set(module, this.objects.size + 1);
    return `(${this.objects.size}) ${module.replace(LINE_END, ' ') || '???'}`;
  }

  private name(variant: Variant): string {
    const id = (this.byFunction.get(variant.level * KEY_FACTOR + variant.fn) as number) + 1;
    if (this.named.has(id)) return `(${id})`;
    this.named.add(id);
    const name = this.job.nameOf(this.info(variant)).replace(LINE_END, ' ');
    return `(${id}) ${name}${variant.level > 1 ? `'${variant.level}` : ''}`;
  }
}

const address = (value: number): string => `0x${value.toString(16)}`;

/** The open frames of one thread: variant, call site, and what the thread had spent before. */
class CallListener implements ThreadListener {
  private readonly exporter: CallgrindExporter;
  private readonly active = new ActiveCounts();
  private readonly levels: number;
  private readonly variants: number[] = [];
  private readonly sites: number[] = [];
  private readonly before: number[] = [];
  private spent = 0;

  constructor(exporter: CallgrindExporter, levels: number) {
    this.exporter = exporter;
    this.levels = levels;
  }

  enter(fn: number, site: number): void {
    this.variants.push(this.exporter.variant(fn, Math.min(this.active.change(fn, 1), this.levels)));
    this.sites.push(site);
    this.before.push(this.spent);
  }

  leave(fn: number): void {
    this.active.change(fn, -1);
    const callee = this.variants.pop() as number;
    const site = this.sites.pop() as number;
    const inclusive = this.spent - (this.before.pop() as number);
    const caller = this.variants.at(-1);
    if (caller !== undefined) this.exporter.call(caller, site, callee, inclusive);
  }

  spend(instructions: number): void {
    this.spent += instructions;
    this.exporter.spend(this.variants.at(-1) as number, instructions);
  }
}

export const callgrind: ExportFormat = {
  name: 'callgrind',
  summary: 'for callgrind_annotate, KCachegrind, QCachegrind',
  suffixes: ['.callgrind'],
  isBinary: false,
  hasCalls: true,
  create: (job) => new CallgrindExporter(job),
};
