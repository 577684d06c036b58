import { BaseCommand } from '../cli/base-command.js';
import { painter } from '../cli/color.js';
import { pagedOutput } from '../cli/paged-output.js';
import { showProgress } from '../cli/progress.js';
import { clockRange } from '../cli/range-words.js';
import { readFilters, readNames, readThreads } from '../cli/read-filters.js';
import { REPLAY_FLAGS } from '../cli/replay-flags.js';
import { replayText } from '../cli/replay-style.js';
import { verifyTrace } from '../cli/replay-verify.js';
import { exitCodeFor, openInputs, warnOfCounts, wasRead } from '../cli/trace-input.js';
import { replayTrace, TraceReader, UsageError } from '../index.js';

const DEFAULT_TRACE = 'trace.pb';
/** Characters written at once. */
const PAGE = 1 << 14;

export default class Replay extends BaseCommand {
  static id = 'replay';
  static summary = 'show what happened, in order: the call tree, system calls, or every event';
  static description =
    'INSNS are the guest instructions a call cost, callees included; instructions are not time. All threads are shown ' +
    'together in the order of the clock. With --range only the part of the file that is needed is read. ' +
    'With --verify the program is run again as it was, on the input it is given now; the exit code is 0 when it does the ' +
    'same, 1 when it does not, 2 in trouble.';
  static usage = 'replay [TRACE|-] [OPTIONS]';
  static examples = [
    '<%= config.bin %> replay good.pb -F main -D 3',
    '<%= config.bin %> replay good.pb --strace',
    '<%= config.bin %> replay good.pb -r 10k~12k --flat',
    '<%= config.bin %> replay good.pb -r @check_pin~@unlock',
    '<%= config.bin %> replay good.pb -C write -I lock --jsonl',
    '<%= config.bin %> replay --follow trace.pb',
    'echo 4711 | <%= config.bin %> replay good.pb --verify',
  ];
  static args = { trace: { name: 'trace', description: 'a trace; trace.pb by default' } };
  static flags = REPLAY_FLAGS;

  async run(): Promise<number> {
    const { flags, operands } = this.parse(Replay);
    if (operands.length > 1) throw new UsageError(`replay shows one trace, not ${operands.length}`);
    const [path = DEFAULT_TRACE] = operands;
    if (flags.verify) return verifyTrace(path, flags);
    if (flags.follow && flags.range) throw new UsageError('--follow and --range contradict each other');
    const text = replayText(flags, path);
    const isForPrograms = flags.json || flags.jsonl;
    const paint = painter('replay', flags, isForPrograms);
    const names = readNames(flags);
    const [{ reader, range }] =
      flags.follow && path !== '-'
        ? [{ reader: TraceReader.follow(path) }]
        : await openInputs([path], (one) => clockRange(one, flags, names));
    const done = showProgress([reader], flags.quiet, true);
    const output = pagedOutput(flags['no-pager'] || flags.follow || isForPrograms);
    let page = text.head;
    const records = replayTrace(reader, {
      view: flags.strace ? 'notes' : flags.flat ? 'flat' : 'tree',
      filters: readFilters(flags),
      ...(range && { range }),
      ...readThreads(flags),
      ...names,
    });
    for await (const batch of records) {
      for (const record of batch) page += text.lines(record);
      if (page.length < PAGE && !flags.follow) continue;
      await output.write(paint(page));
      page = '';
    }
    done();
    warnOfCounts([reader], flags);
    await output.write(paint(page + text.tail));
    await output.close();
    return wasRead(reader) ? exitCodeFor([reader], flags) : 0;
  }
}
