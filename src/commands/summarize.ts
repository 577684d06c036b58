import { BaseCommand } from '../cli/base-command.js';
import { writeStdout } from '../cli/output.js';
import { anyOf, moduleTest } from '../cli/pattern.js';
import { SUMMARIZE_FLAGS } from '../cli/read-flags.js';
import { type SummaryStyle, summaryJson, summaryText } from '../cli/summary-text.js';
import { exitCodeFor, openTraces } from '../cli/trace-input.js';
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
  ];
  static args = { trace: { name: 'trace', description: 'trace files; trace.pb by default', multiple: true } };
  static flags = SUMMARIZE_FLAGS;

  async run(): Promise<number> {
    const { flags, operands } = this.parse(Summarize);
    const [only, without] = [anyOf(flags.filter, flags.match), anyOf(flags.notrace, flags.match)];
    const rows = moduleTest(flags['include-module'], flags['exclude-module']);
    const options: SummarizeOptions = {
      by: flags.by,
      sort: flags.sort,
      coverage: flags.coverage,
      filters: { ...(only && { only }), ...(without && { without }) },
      ...(rows && { rows }),
      ...(flags.tid.length > 0 && { threads: flags.tid }),
    };
    const style: SummaryStyle = {
      format: flags.csv ? 'csv' : flags.tsv ? 'tsv' : 'table',
      hasHeader: !flags['no-header'],
      fields: flags.fields,
      top: flags.top,
    };
    const readers = openTraces(operands);
    for (const group of flags.each ? readers.map((reader) => [reader]) : [readers]) {
      const summary = await summarize(group, options);
      if (flags.json) this.printJson(summaryJson(summary, flags.top));
      else writeStdout(summaryText(summary, style));
    }
    return exitCodeFor(readers, flags);
  }
}
