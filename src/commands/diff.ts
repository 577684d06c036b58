import { BaseCommand } from '../cli/base-command.js';
import { painter } from '../cli/color.js';
import { branchInsn } from '../cli/diff-branch.js';
import { DIFF_FLAGS } from '../cli/diff-flags.js';
import { diffJson } from '../cli/diff-json.js';
import { openPair } from '../cli/diff-operands.js';
import { type DiffParts, diffText } from '../cli/diff-text.js';
import { pagedOutput } from '../cli/paged-output.js';
import { anyOf } from '../cli/pattern.js';
import { showProgress } from '../cli/progress.js';
import { readNames } from '../cli/read-filters.js';
import { exitCodeFor, wasRead } from '../cli/trace-input.js';
import { diffTraces } from '../index.js';

const EXIT_SAME = 0;
const EXIT_DIFFERS = 1;

export default class Diff extends BaseCommand {
  static id = 'diff';
  static summary = 'show where two traces part, and what calls differ from there on';
  static description =
    'Compares what ran, thread by thread, in one pass over both traces. With traces recorded with -e +block the first ' +
    'divergence is the very branch; without blocks it is the first call, return or cost that differs. The exit code is 0 ' +
    'when they are the same, 1 when they differ, 2 in trouble. FILE#N is the N-th segment of a file, from 0.';
  static usage = 'diff [OLD NEW] [OPTIONS]';
  static examples = [
    '<%= config.bin %> diff good.pb bad.pb',
    '<%= config.bin %> diff -q trace.pb.old trace.pb || echo differs',
    '<%= config.bin %> diff --coverage --stat good.pb bad.pb',
    '<%= config.bin %> diff -F main good.pb bad.pb --json',
  ];
  static args = {
    old: { name: 'old', description: 'the trace before; trace.pb.old by default' },
    new: { name: 'new', description: 'the trace after; trace.pb by default' },
  };
  static flags = DIFF_FLAGS;

  async run(): Promise<number> {
    const { flags, operands } = this.parse(Diff);
    const { readers, segments } = openPair(operands);
    const only = anyOf(flags.filter, 'glob');
    const done = showProgress(readers, flags.quiet);
    const diff = await diffTraces(readers[0], readers[1], {
      match: flags.match,
      firstOnly: (flags.first || flags.quiet) && !flags.tree && !flags.stat && !flags.coverage,
      coverage: flags.coverage,
      context: Math.min(flags.unified, 20),
      ignore: flags.ignore.filter((one) => one !== 'addr'),
      directories: flags.symbols,
      ...readNames(flags),
      segments,
      ...(only && { only }),
      ...(flags.tid.length > 0 && { threads: flags.tid.flat() }),
    });
    done();
    const chosen = flags.first || flags.tree || flags.stat;
    const parts: DiffParts = {
      first: !chosen || flags.first,
      tree: !chosen || flags.tree,
      functions: flags.stat ? 'stat' : chosen ? undefined : 'line',
    };
    if (flags.json) this.printJson(diffJson(diff, await branchInsn(diff.first)));
    else if (!flags.quiet) {
      const output = pagedOutput(flags['no-pager']);
      await output.write(painter('diff', flags, false)(diffText(diff, parts, await branchInsn(diff.first))));
      await output.close();
    }
    return exitCodeFor(readers.filter(wasRead), { ...flags, strict: false }) || (diff.same ? EXIT_SAME : EXIT_DIFFERS);
  }
}
