import type { RecordedHeader } from '../../trace/messages.js';
import { splitSource } from '../symbolize.js';
import type { Exporter, ExportFormat, ExportJob, ThreadListener, ThreadStart } from './format.js';
import { StackTree } from './stack-tree.js';

/** The viewer fails on files much longer; from here on stacks are summed up instead of told in order. */
export const MAX_SPEEDSCOPE_EVENTS = 300_000;
const SCHEMA = 'https://www.speedscope.app/file-format-schema.json';

/** One thread's frames in order: `marks` holds the function for an opening, -1 - function for a closing. */
interface EventedThread {
  readonly name: string;
  readonly marks: number[];
  readonly at: number[];
  spent: number;
}

/** speedscope's own format: one profile per thread, values in instructions the thread retired. */
class SpeedscopeExporter implements Exporter {
  private readonly job: ExportJob;
  private readonly tree = new StackTree();
  private threads: EventedThread[] = [];
  private events = 0;
  private header: RecordedHeader | undefined;

  constructor(job: ExportJob) {
    this.job = job;
  }

  begin(header: RecordedHeader): void {
    this.header ??= header;
  }

  thread({ tid, name, segment }: ThreadStart): ThreadListener {
    const label = segment === 0 ? name : `${name} (process ${segment + 1})`;
    const evented: EventedThread = { name: label, marks: [], at: [], spent: 0 };
    if (this.isEvented) this.threads.push(evented);
    const folded = this.tree.thread(tid, label);
    const mark = (value: number): void => {
      if (!this.isEvented) return;
      evented.marks.push(value);
      evented.at.push(evented.spent);
      if (++this.events > MAX_SPEEDSCOPE_EVENTS) this.threads = [];
    };
    return {
      enter: (fn, site) => {
        mark(fn);
        folded.enter(fn, site);
      },
      leave: (fn) => {
        mark(-1 - fn);
        folded.leave(fn);
      },
      spend: (instructions) => {
        evented.spent += instructions;
        folded.spend(instructions);
      },
    };
  }

  finish(): void {
    const { out, functions, nameOf } = this.job;
    const name = JSON.stringify(this.header?.program ?? '');
    const exporter = JSON.stringify(`armstalk ${this.header?.toolVersion ?? ''}`);
    out.text(`{"$schema":"${SCHEMA}","exporter":${exporter},"name":${name},"activeProfileIndex":0,\n"profiles":[`);
    if (this.isEvented) this.writeEvented();
    else this.writeSampled();
    out.text('],\n"shared":{"frames":[');
    functions.rows.forEach(({ info }, index) => {
      const file = splitSource(info.source) ?? (info.module === '' ? {} : { file: info.module });
      out.text(`${index === 0 ? '' : ','}\n${JSON.stringify({ name: nameOf(info), ...file })}`);
    });
    out.text(']}}\n');
  }

  private get isEvented(): boolean {
    return this.events <= MAX_SPEEDSCOPE_EVENTS;
  }

  private writeEvented(): void {
    const { out } = this.job;
    this.threads.forEach(({ name, marks, at, spent }, index) => {
      out.text(`${index === 0 ? '' : ','}\n{"type":"evented","name":${JSON.stringify(name)},"unit":"none",`);
      out.text(`"startValue":0,"endValue":${spent},"events":[`);
      marks.forEach((mark, i) => {
        const what = mark >= 0 ? `"O","frame":${mark}` : `"C","frame":${-1 - mark}`;
        out.text(`${i === 0 ? '' : ','}{"type":${what},"at":${at[i]}}`);
      });
      out.text(']}');
    });
  }

  private writeSampled(): void {
    const { out, warn } = this.job;
    const { tree } = this;
    const nodes = nodesByRoot(tree);
    tree.roots.forEach(({ name }, index) => {
      const ofRoot = nodes[index] as readonly number[];
      const total = ofRoot.reduce((sum, node) => sum + (tree.self[node] as number), 0);
      out.text(`${index === 0 ? '' : ','}\n{"type":"sampled","name":${JSON.stringify(name)},"unit":"none",`);
      out.text(`"startValue":0,"endValue":${total},"samples":[`);
      ofRoot.forEach((node, i) => {
        out.text(`${i === 0 ? '' : ','}[${tree.path(node).join(',')}]`);
      });
      out.text(`],"weights":[${ofRoot.map((node) => tree.self[node]).join(',')}]}`);
    });
    warn(`more than ${MAX_SPEEDSCOPE_EVENTS} calls and returns: stacks are summed up, their order is not shown`);
    if (tree.shortened) warn('very deep or very many stacks: some are shortened in the middle');
  }
}

/** Nodes with costs of their own, root by root, in the order of first use. */
const nodesByRoot = (tree: StackTree): number[][] => {
  const rootOf = new Int32Array(tree.count);
  const nodes: number[][] = tree.roots.map(() => []);
  for (let node = 0; node < tree.count; node++) {
    const fn = tree.fn[node] as number;
    rootOf[node] = fn < 0 ? -1 - fn : (rootOf[tree.parent[node] as number] as number);
    if (fn >= 0 && (tree.self[node] as number) > 0) (nodes[rootOf[node] as number] as number[]).push(node);
  }
  return nodes;
};

export const speedscope: ExportFormat = {
  name: 'speedscope',
  summary: 'for speedscope.app',
  suffixes: ['.speedscope.json', '.speedscope'],
  isBinary: false,
  hasCalls: true,
  create: (job) => new SpeedscopeExporter(job),
};
