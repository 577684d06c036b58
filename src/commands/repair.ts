import { BaseCommand } from '../cli/base-command.js';
import { refuseOverwrite, refuseTerminal } from '../cli/byte-target.js';
import { escapeText } from '../cli/escape.js';
import { note } from '../cli/output.js';
import { REPAIR_FLAGS } from '../cli/repair-flags.js';
import { type RepairReport, repairTrace, UsageError } from '../index.js';

const EXIT_LOSSY = 3;

const count = (value: number, what: string): string =>
  `${value.toLocaleString('en-US')} ${what}${value === 1 ? '' : 's'}`;

/** What was lost, a line each; none for a whole trace. */
const lossLines = ({ segments, damage, damageCount, droppedBytes }: RepairReport): string[] => {
  const lines = damage.slice(0, 10).map(({ offset, reason }) => `byte ${offset.toLocaleString('en-US')}: ${reason}`);
  if (damageCount > lines.length) lines.push(`and ${count(damageCount - lines.length, 'more damaged place')}`);
  if (droppedBytes > 0) lines.push(`${count(droppedBytes, 'byte')} dropped`);
  segments.forEach(({ program, lostPackets, lostEvents, isHeadless, isRecovered }, index) => {
    const which = segments.length === 1 ? '' : `segment ${index + 1} (${escapeText(program)}): `;
    const events = lostEvents === undefined ? '' : `, ${count(lostEvents, 'event')}`;
    if (isHeadless) lines.push(`${which}the header is lost: what was run is not known`);
    if (lostPackets > 0) lines.push(`${which}${count(lostPackets, 'packet')} lost${events}`);
    if (isRecovered) lines.push(`${which}the recording has no end: given one with the reason "recovered"`);
  });
  return lines;
};

export default class Repair extends BaseCommand {
  static id = 'repair';
  static summary = 'make a torn, damaged or concatenated trace whole again';
  static description =
    'Keeps every intact packet, rebuilds index and end, and says what was lost. Each recording in a concatenated file ' +
    'stays a segment of its own.';
  static usage = 'repair [TRACE|-] -o FILE [OPTIONS]';
  static examples = [
    '<%= config.bin %> repair cut.pb -o whole.pb',
    '<%= config.bin %> repair --json cut.pb -o whole.pb',
    '<%= config.bin %> repair good.pb --compress none -o plain.pb',
  ];
  static args = { trace: { name: 'trace', description: 'a trace file; trace.pb by default' } };
  static flags = REPAIR_FLAGS;

  async run(): Promise<number> {
    const { flags, operands } = this.parse(Repair);
    const { output } = flags;
    const [input = 'trace.pb', ...more] = operands;
    if (more.length > 0) throw new UsageError('repair takes one trace');
    if (output === undefined) throw new UsageError('where does the trace go?', { hint: `repair ${input} -o FILE` });
    if (output === '-' && flags.json) throw new UsageError('--json and -o - both want standard output');
    refuseTerminal(output, 'a trace');
    refuseOverwrite(input, output);
    const report = await repairTrace(input, output, flags.compress === undefined ? {} : { codec: flags.compress });
    if (flags.json) this.printJson(report);
    if (!flags.quiet) this.say(report);
    return flags.strict && !report.wasWhole ? EXIT_LOSSY : 0;
  }

  private say(report: RepairReport): void {
    const { segments, wasWhole, output, outputBytes } = report;
    for (const line of lossLines(report)) note(`warning: ${report.input}: ${line}`);
    const total = (of: (segment: RepairReport['segments'][number]) => number): number =>
      segments.reduce((sum, segment) => sum + of(segment), 0);
    const packets = count(
      total((segment) => segment.packets),
      'packet',
    );
    const events = count(
      total((segment) => segment.events),
      'event',
    );
    const was = wasWhole ? '; nothing was wrong with it' : '';
    const where = output === '-' ? '' : ` ${output}`;
    note(
      `wrote${where}: ${packets}, ${events}, ${count(segments.length, 'segment')} (${count(outputBytes, 'byte')})${was}`,
    );
  }
}
