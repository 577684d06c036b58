import { BaseCommand } from '../cli/base-command.js';
import { openTarget, refuseOverwrite, refuseTerminal } from '../cli/byte-target.js';
import { EXPORT_FLAGS, FORMATS } from '../cli/export-flags.js';
import { note } from '../cli/output.js';
import { showProgress } from '../cli/progress.js';
import { clockRange } from '../cli/range-words.js';
import { readFilters, readNames, readThreads } from '../cli/read-filters.js';
import { exitCodeFor, openInputs, tracePaths, warnOfCounts } from '../cli/trace-input.js';
import { EXPORT_FORMATS, type ExportFormatName, exportTrace, formatOfFile, UsageError } from '../index.js';

const chosenFormat = (to: ExportFormatName | undefined, output: string): ExportFormatName => {
  const format = to ?? (output === '-' ? undefined : formatOfFile(output));
  if (format !== undefined) return format;
  const what = output === '-' ? 'which format?' : `the name ${output} does not tell the format`;
  throw new UsageError(what, { hint: `choose one with --to: ${FORMATS.join(', ')}` });
};

export default class Export extends BaseCommand {
  static id = 'export';
  static hiddenAliases = ['dump'];
  static summary = "write a trace in another program's format";
  static description = [
    'Costs are guest instructions; viewers that know only time are told that --mips of them take a microsecond. Formats:',
    ...Object.values(EXPORT_FORMATS).map(({ name, summary }) => `  ${name.padEnd(10)} ${summary}`),
  ].join('\n');
  static usage = 'export [TRACE|-] [--to FORMAT] [-o FILE] [OPTIONS]';
  static examples = [
    '<%= config.bin %> export good.pb --to folded',
    '<%= config.bin %> export good.pb -o callgrind.out.lock',
    '<%= config.bin %> export good.pb -o lock.perfetto-trace --tid 1',
    '<%= config.bin %> export good.pb --to jsonl -q',
    '<%= config.bin %> export good.pb --to folded -r @main~',
  ];
  static args = { trace: { name: 'trace', description: 'a trace file; trace.pb by default' } };
  static flags = EXPORT_FLAGS;

  async run(): Promise<number> {
    const { flags, operands } = this.parse(Export);
    if (operands.length > 1) throw new UsageError('export takes one trace');
    const { output } = flags;
    const to = chosenFormat(flags.to, output);
    const { isBinary, hasCalls } = EXPORT_FORMATS[to];
    if (isBinary) refuseTerminal(output, to);
    const paths = tracePaths(operands);
    for (const path of paths) refuseOverwrite(path, output);
    const names = readNames(flags);
    const inputs = await openInputs(paths, (path) => clockRange(path, flags, names));
    const readers = inputs.map(({ reader }) => reader);
    const target = openTarget(output);
    const done = showProgress(readers, flags.quiet, output === '-');
    for (const { reader, range } of inputs) {
      const { bytes, events } = await exportTrace(reader, {
        to,
        write: target.write,
        filters: readFilters(flags),
        ...(range && { range }),
        ...readThreads(flags),
        mips: flags.mips,
        ...names,
        separateRecursion: flags['separate-recursion'],
        onWarning: (warning) => flags.quiet || note(`warning: ${warning}`),
      });
      const facts = `${events.toLocaleString('en-US')} events, ${bytes.toLocaleString('en-US')} bytes`;
      if (output !== '-' && !flags.quiet) note(`wrote ${output} as ${to} (${facts})`);
    }
    done();
    if (hasCalls) warnOfCounts(readers, flags);
    target.close();
    return exitCodeFor(readers, flags);
  }
}
