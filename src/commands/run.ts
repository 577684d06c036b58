import { BaseCommand } from '../cli/base-command.js';
import { crashText } from '../cli/crash-text.js';
import { liveSink } from '../cli/live.js';
import { consoleToStderr, note, writeStderr } from '../cli/output.js';
import { errorJson, errorText } from '../cli/render-error.js';
import { RUN_FLAGS } from '../cli/run-flags.js';
import { guestEnvironment, reportJson, runOutcome, statsText, traceOutput, writeReport } from '../cli/run-outcome.js';
import { DEFAULT_EVENTS, demangleName, readProbeFile, record, UsageError } from '../index.js';

export default class Run extends BaseCommand {
  static id = 'run';
  static hiddenAliases = ['record'];
  static summary = 'run an ARM program and record what it does';
  static description =
    'Options may stand before or after PROGRAM; everything after -- is handed to the program untouched. ' +
    "The exit code is the program's own, or 128+N when signal N killed it; 124 when a limit stopped it, 125 when armstalk " +
    'failed, 126 when PROGRAM cannot be run, 127 when it is not there.';
  static usage = 'run [OPTIONS] PROGRAM [ARGUMENTS] [-- ARGUMENTS]';
  static examples = [
    '<%= config.bin %> run ./a.out --probe 0x1040',
    '<%= config.bin %> run -o good.pb -e +block ./lock',
    "<%= config.bin %> run ./a.out --live --probe 'int open(const char *path, int flags)@bt' --probe main",
    '<%= config.bin %> run ./lock --exclude hash_pin --follow-from check_pin',
    '<%= config.bin %> run --script hooks.mjs ./a.out',
    '<%= config.bin %> run -q -o - ./a.out | <%= config.bin %> summarize -',
  ];
  static args = { program: { name: 'program', description: 'a static ELF32 ARM program', required: true } };
  static flags = RUN_FLAGS;
  static hasGuestArgs = true;
  static override usageExitCode = 125;

  async run(): Promise<number> {
    const { flags, operands } = this.parse(Run);
    const [program, ...args] = operands;
    if (program === undefined) throw new UsageError('which program?', { hint: 'armstalk run PROGRAM [ARGUMENTS]' });
    const events = flags.events ?? DEFAULT_EVENTS;
    const output = traceOutput(flags);
    const probes = [...flags.probe, ...(flags.probes === undefined ? [] : readProbeFile(flags.probes))];
    const live = flags.live === 'usual' ? (probes.length > 0 ? 'probes' : 'tree') : flags.live;
    if (flags.script !== undefined) consoleToStderr();
    const report = flags.json ? '-' : flags.report;
    const recording = await record(program, {
      args,
      argv0: flags.argv0,
      env: guestEnvironment(flags),
      recordEnv: flags['record-env'],
      cwd: flags.cwd,
      sysroot: flags.sysroot,
      seed: flags.seed,
      clock: flags.clock,
      maxInsns: flags['max-insns'],
      maxEvents: flags['max-events'],
      timeoutMs: flags.timeout,
      profile: flags.profile,
      tier: flags.tier,
      hotThreshold: flags['hot-threshold'],
      trustThreshold: flags['trust-threshold'],
      exclude: flags.exclude,
      followFrom: flags['follow-from'],
      script: flags.script,
      onScriptError: (error) => writeStderr(flags.json ? errorJson(error) : errorText(error)),
      prefetch: flags.prefetch,
      events,
      probes,
      strictProbes: flags.strict,
      demangle: demangleName,
      symbols: flags.symbols,
      output,
      codec: flags.compress,
      writerThread: !flags['one-thread'],
      stdout: output?.path === '-' || report === '-' ? 2 : 1,
      sinks: (codeMap) => (live === undefined ? [] : [liveSink(live, events.mask, codeMap)]),
      onNotice: (text) => flags.quiet || note(text),
    });
    if (recording.crash !== undefined && !flags.quiet) writeStderr(crashText(recording.crash));
    if (!flags.quiet) note(runOutcome(recording));
    if (flags.stats) for (const line of statsText(recording)) note(line);
    if (report !== undefined) writeReport(report, reportJson(recording, flags.stats));
    return recording.exitCode;
  }
}
