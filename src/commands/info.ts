import { BaseCommand } from '../cli/base-command.js';
import { infoJson, infoText } from '../cli/info-text.js';
import { writeStdout } from '../cli/output.js';
import { READ_FLAGS } from '../cli/read-flags.js';
import { exitCodeFor, tracePaths } from '../cli/trace-input.js';
import { describeTrace, TraceReader } from '../index.js';

export default class Info extends BaseCommand {
  static id = 'info';
  static summary = 'show what a trace is and whether it is whole, without decoding its events';
  static usage = 'info [TRACE|-]... [OPTIONS]';
  static examples = ['<%= config.bin %> info bad.pb', '<%= config.bin %> info --json --strict bad.pb'];
  static args = { trace: { name: 'trace', description: 'trace files; trace.pb by default', multiple: true } };
  static flags = READ_FLAGS;

  async run(): Promise<number> {
    const { flags, operands } = this.parse(Info);
    const readers = tracePaths(operands).map((path) => TraceReader.open(path));
    for (const reader of readers) {
      const info = await describeTrace(reader);
      if (flags.json) this.printJson(infoJson(info));
      else writeStdout(infoText(info));
    }
    return exitCodeFor(readers, flags);
  }
}
