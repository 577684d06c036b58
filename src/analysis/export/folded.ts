import type { FunctionCost } from '../function-table.js';
import type { Exporter, ExportFormat, ExportJob, ThreadListener, ThreadStart } from './format.js';
import { StackTree } from './stack-tree.js';

/** A frame's name where `;` separates frames and a line ends a stack. */
const frame = (name: string): string => name.replaceAll(';', ':').replace(/[\r\n]/g, ' ');

/** Folded stacks (Gregg's stackcollapse): `thread;outer;inner COUNT`, the count being self instructions. */
class FoldedExporter implements Exporter {
  private readonly job: ExportJob;
  private readonly tree = new StackTree();

  constructor(job: ExportJob) {
    this.job = job;
  }

  thread({ tid, name }: ThreadStart): ThreadListener {
    return this.tree.thread(tid, name);
  }

  finish(): void {
    const { tree } = this;
    const { out, functions, nameOf, warn } = this.job;
    const names = functions.rows.map(({ info }: FunctionCost) => frame(nameOf(info)));
    for (let node = 0; node < tree.count; node++) {
      const cost = tree.self[node] as number;
      if (cost === 0) continue;
      const path = [frame(tree.rootOf(node).name), ...tree.path(node).map((fn) => names[fn])];
      out.text(`${path.join(';')} ${cost}\n`);
    }
    if (tree.shortened) warn('very deep or very many stacks: some are shortened in the middle');
  }
}

export const folded: ExportFormat = {
  name: 'folded',
  summary: 'folded stacks for flame graphs',
  suffixes: ['.folded', '.collapsed'],
  isBinary: false,
  hasCalls: true,
  create: (job) => new FoldedExporter(job),
};
