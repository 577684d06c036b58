import { BaseCommand } from '../cli/base-command.js';
import { painter } from '../cli/color.js';
import { pagedOutput } from '../cli/paged-output.js';
import { showProgress } from '../cli/progress.js';
import { clockRange } from '../cli/range-words.js';
import { readFilters, readNames, readThreads } from '../cli/read-filters.js';
import { SUMMARIZE_FLAGS } from '../cli/read-flags.js';
import { summaryStyle } from '../cli/summary-style.js';
import { summaryText } from '../cli/summary-text.js';
import { exitCodeFor, openInputs, tracePaths } from '../cli/trace-input.js';
import { type SummarizeOptions, summarize } from '../index.js';

export default class Summarize extends BaseCommand {
  static id = 'summarize';
  static hiddenAliases = ['report'];
  static summary = 'show where a trace spent its instructions and calls';
  static description =
    'TOTAL and SELF are guest instructions, with and without what a function called; instructions are not time. Of a ' +
    'recursion only the outermost activation counts into TOTAL. Several traces make one table, unless --each is given.';
  static usage = 'summarize [TRACE|-]... [OPTIONS]';
  static examples = [
    '<%= config.bin %> summarize good.pb -s calls --top 6',
    '<%= config.bin %> summarize -F main -I lock --json',
    '<%= config.bin %> summarize corpus/*.pb --coverage',
    '<%= config.bin %> summarize good.pb bad.pb -r @check_pin~',
  ];
  static args = { trace: { name: 'trace', description: 'trace files; trace.pb by default', multiple: true } };
  static flags = SUMMARIZE_FLAGS;

  async run(): Promise<number> {
    const { flags, operands } = this.parse(Summarize);
    const style = summaryStyle(flags);
    const options: SummarizeOptions = {
      by: flags.by,
      coverage: flags.coverage,
      tree: flags.tree,
      filters: readFilters(flags),
      ...(flags.sort && { sort: flags.sort }),
      ...(flags.tree && { top: flags.top }),
      ...readThreads(flags),
      ...readNames(flags),
    };
    const inputs = await openInputs(tracePaths(operands), (path) => clockRange(path, flags, readNames(flags)));
    const readers = inputs.map(({ reader }) => reader);
    const paint = painter('table', flags, style.format !== 'table');
    const done = showProgress(readers, flags.quiet);
    let text = '';
    for (const group of flags.each ? inputs.map((input) => [input]) : [inputs]) {
      const ranges = group.flatMap(({ range }) => range ?? []);
      const traces = group.map(({ reader }) => reader);
      text += summaryText(await summarize(traces, { ...options, ...(flags.range && { range: ranges }) }), style);
    }
    done();
    const output = pagedOutput(flags['no-pager'] || style.format !== 'table');
    await output.write(paint(text));
    await output.close();
    return exitCodeFor(readers, flags);
  }
}
