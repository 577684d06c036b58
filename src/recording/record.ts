/**
 * A program run and recorded: process, Stalker and trace put together. Nothing is decided about the guest here; what the
 * command line can do, beyond printing, is in `RecordOptions`.
 */
import { existsSync, renameSync } from 'node:fs';
import type { InterworkingAddr } from '../bits.js';
import type { SymbolSource } from '../elf/symbol-file.js';
import { SymbolPaths } from '../elf/symbol-paths.js';
import { type ArmstalkError, UsageError } from '../errors.js';
import type { IncidentNote, Note } from '../events/event.js';
import type { EventSink } from '../events/sink.js';
import { TeeSink } from '../events/tee-sink.js';
import { loadDisassembler } from '../frida/instruction.js';
import { attachTo } from '../frida/process.js';
import type { GuestMemory } from '../guest/memory.js';
import type { ProcessOptions } from '../process/options.js';
import { Process, type ProcessResult } from '../process/process.js';
import type { FollowOptions } from '../stalker/options.js';
import type { Stalker } from '../stalker/stalker.js';
import type { TierOptions } from '../stalker/tiering.js';
import { TraceWriter } from '../trace/writer.js';
import { writerThreadScript } from '../trace/writer-thread.js';
import { findActivationPoint } from './activation-point.js';
import { CallSummarySink } from './call-summary-sink.js';
import { CodeMap } from './code-map.js';
import { type CrashReport, describeCrash } from './crash-report.js';
import { EventLimit } from './event-limit.js';
import { DEFAULT_EVENTS, type EventSelection, keepsNote, NO_EVENTS } from './event-selection.js';
import { ExcludedRanges } from './excluded-ranges.js';
import { stopOnHostSignals } from './host-signals.js';
import type { RecordOptions } from './options.js';
import { readPrefetchList } from './prefetch-list.js';
import type { LoadedModule } from './probe/place.js';
import { type ProbeCount, Probes } from './probe/probes.js';
import { type RecordingCounts, recordingCounts } from './recording-counts.js';
import { exitCodeOf, type RunEnd, runEnd, traceEnd } from './run-end.js';
import { MeasuredStalker, type RunStats } from './run-stats.js';
import { Script } from './script.js';
import { traceHeader } from './trace-header.js';
import { withoutUndefined } from './without-undefined.js';

/** What became of a run. */
export interface Recording {
  readonly program: string;
  readonly end: RunEnd;
  /** The guest's, 128+N after signal N, 124 when a limit stopped it. */
  readonly exitCode: number;
  readonly instructions: number;
  /** What was recorded; absent without a trace. */
  readonly counts?: RecordingCounts;
  readonly output?: { readonly path: string; readonly bytes: number };
  readonly probes: readonly ProbeCount[];
  /** What the engine did and held. */
  readonly stats: RunStats;
  /** Set when a signal killed the guest. */
  readonly crash?: CrashReport;
}

/**
 * Runs `path` to its end, or until a limit stops it. Throws ProgramNotFoundError, ElfFormatError, UsageError (a probe that
 * makes no sense, arguments too long) before anything is written, OutputError when the trace cannot be written.
 */
export const record = async (path: string, options: RecordOptions = {}): Promise<Recording> => {
  const script = options.script === undefined ? undefined : new Script(options.script, scriptErrors(options));
  const prefetch = options.prefetch === undefined ? [] : await readPrefetchList(options.prefetch);
  return new Session(path, options, { prefetch, script }).run();
};

/** Who is told of what a script throws. */
const scriptErrors = ({ onScriptError, onNotice }: RecordOptions): ((error: ArmstalkError) => void) =>
  onScriptError ?? ((error) => onNotice?.(`error: ${error.message}`));

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

class Session {
  private readonly path: string;
  private readonly options: RecordOptions;
  readonly prefetch: readonly InterworkingAddr[];
  readonly script: Script | undefined;
  private readonly selection: EventSelection;
  private readonly probes: Probes;
  private readonly codeMap: CodeMap;
  private readonly writer: TraceWriter | undefined;
  /** Stands between the engine and the writer when calls are only counted. */
  private readonly callSummary: CallSummarySink | undefined;
  private readonly listeners: readonly EventSink[];
  private readonly excluded: ExcludedRanges;
  private readonly engine: MeasuredStalker;
  private readonly process: Process;
  /** How threads are followed whatever a script does. */
  private recorded: FollowOptions | undefined;
  /** Notes from before the trace was open. */
  private early: Note[] | undefined = [];
  private threads = 0;

  constructor(path: string, options: RecordOptions, { prefetch, script }: Pick<Session, 'prefetch' | 'script'>) {
    this.prefetch = prefetch;
    this.script = script;
    this.path = path;
    this.options = options;
    this.selection = options.output === undefined ? NO_EVENTS : (options.events ?? DEFAULT_EVENTS);
    this.codeMap = new CodeMap(options.demangle);
    this.probes = new Probes(options.probes ?? [], this.codeMap);
    this.listeners = options.sinks?.(this.codeMap) ?? [];
    const { mask } = this.selection;
    if (options.output !== undefined) {
      const threadScript = (options.writerThread ?? true) ? writerThreadScript() : undefined;
      this.writer = new TraceWriter({ mask, codec: options.codec ?? 'deflate', threadScript });
      if (this.selection.callSummary) this.callSummary = new CallSummarySink(this.writer);
    }
    this.excluded = new ExcludedRanges(options.exclude ?? [], (range) => this.engine.exclude(range));
    this.process = Process.spawn(path, this.processOptions());
    this.engine = this.process.engine as MeasuredStalker;
  }

  run(): Promise<Recording> {
    const run = () => this.record();
    return this.script?.during(run) ?? run();
  }

  private async record(): Promise<Recording> {
    const { program, loaded } = this.process;
    const source = new SymbolPaths(this.options.symbols ?? []).sourceFor(program, this.path);
    for (const module of this.process.modules) this.codeMap.add(module, module === loaded.module ? source : undefined);
    const { name } = loaded.module;
    this.findPlaces([{ name, bias: loaded.bias, elf: program, source, demangle: this.options.demangle }]);
    await this.runScript(source);
    this.openTrace();
    try {
      const result = await stopOnHostSignals(
        () => this.process.stop('interrupt'),
        () => this.process.resume(),
      );
      return await this.finish(result);
    } catch (error) {
      this.abandon(error);
      throw error;
    }
  }

  /** Where probes, exclusions and the beginning are, now that the program is loaded. Throws UsageError. */
  private findPlaces(modules: readonly LoadedModule[]): void {
    const { followFrom } = this.options;
    for (const spec of this.probes.resolve(modules)) this.missing(`the probe ${spec} matches nothing`);
    this.excluded.resolve(modules);
    for (const module of this.process.modules) this.excluded.mapped(module);
    for (const spec of this.excluded.unmatched) this.missing(`the exclusion ${spec} matches nothing`);
    if (followFrom !== undefined) this.engine.activationPoint = findActivationPoint(followFrom, modules);
  }

  /** What a script of the user's does before the program runs. */
  private async runScript(source: SymbolSource): Promise<void> {
    const { script, process: guest, engine, recorded } = this;
    if (script === undefined) return;
    engine.callbacks.onError = scriptErrors(this.options);
    attachTo(guest, engine, { source, recorded });
    await loadDisassembler();
    await script.run();
  }

  private missing(what: string): void {
    if (this.options.strictProbes) throw new UsageError(what, { hint: 'without --strict it is only a warning' });
    this.options.onNotice?.(`warning: ${what}`);
  }

  // -- putting it together -------------------------------------------------------------------------------------------

  private processOptions(): ProcessOptions {
    const { options } = this;
    const { args, env, stdin, stdout, stderr, argv0, cwd, sysroot, seed, clock, maxInsns, timeoutMs } = options;
    const given = { args, env, stdin, stdout, stderr, argv0, cwd, sysroot, seed, clock, maxInsns, timeoutMs };
    const listens = this.writer !== undefined || this.listeners.length > 0;
    return {
      ...(withoutUndefined(given) as ProcessOptions),
      ...(listens ? { sink: { note: (note: Note) => this.note(note) } } : {}),
      onIncident: ({ message, pc, tid }) =>
        options.onNotice?.(`${message}, at ${this.codeMap.describe(pc)}, thread ${tid}`),
      createEngine: (memory) => this.createEngine(memory),
    };
  }

  private createEngine(memory: GuestMemory): Stalker {
    const { tier, hotThreshold } = this.options;
    const stalker = new MeasuredStalker(memory, withoutUndefined({ tier, hotThreshold }) as TierOptions);
    stalker.prefetchAtStart = this.prefetch;
    if (this.options.trustThreshold !== undefined) stalker.trustThreshold = this.options.trustThreshold;
    const recorder = this.callSummary ?? this.writer;
    const sinks: EventSink[] = [...(recorder === undefined ? [] : [recorder]), ...this.listeners];
    const mask = sinks.reduce((all, sink) => all | sink.mask, 0);
    const { maxEvents, profile = 'precise' } = this.options;
    if (maxEvents !== undefined) sinks.push(new EventLimit(mask, maxEvents, () => this.process.stop('max-events')));
    const forProbes = this.probes.callsBeside(mask);
    if (forProbes !== undefined) sinks.push(forProbes);
    const follow: Mutable<FollowOptions> = {
      profile,
      events: mask | (forProbes?.mask ?? 0),
      ...this.probes.follow(stalker, (note) => this.note(note)),
    };
    if (sinks.length > 0) follow.sink = sinks.length > 1 || this.script !== undefined ? new TeeSink(sinks) : sinks[0];
    if (this.script === undefined) stalker.followNewThreads = follow;
    else if (sinks.length > 0 || follow.transformer !== undefined) this.followAnyway(stalker, follow);
    return stalker;
  }

  /** Scripts follow on top of this, and cannot end it. */
  private followAnyway(stalker: Stalker, follow: Mutable<FollowOptions>): void {
    follow.otherwise = follow;
    this.recorded = follow;
    stalker.followNewThreads = follow;
  }

  private openTrace(): void {
    const { writer } = this;
    const { output } = this.options;
    if (writer !== undefined && output !== undefined) {
      if (output.keepOld && existsSync(output.path)) renameSync(output.path, `${output.path}.old`);
      writer.symbolizer = (address) => this.codeMap.symbolize(address);
      writer.open(
        output.path,
        traceHeader(this.path, this.options, this.process.group, this.selection, this.probes.counts),
      );
    }
    const early = this.early ?? [];
    this.early = undefined;
    for (const note of early) this.note(note);
  }

  // -- while it runs -------------------------------------------------------------------------------------------------

  private note(note: Note): void {
    if (this.early !== undefined) {
      this.early.push(note);
      return;
    }
    if (note.type === 'thread' && note.what === 'start') this.threads++;
    if (note.type === 'thread' && note.what === 'exit') this.probes.threadEnded(note.tid);
    if (note.type === 'module' && !this.codeMap.all.some(({ start }) => start === note.start)) {
      this.codeMap.add(note, undefined);
      this.excluded.mapped(note);
    }
    this.callSummary?.passed(note.clock);
    if (this.keeps(note)) this.writer?.note(note);
    for (const listener of this.listeners) listener.note?.(note);
  }

  /** Before the recording starts, what belongs to calls is left out. */
  private keeps(note: Note): boolean {
    const isEarly = (note.type === 'syscall' || note.type === 'signal') && this.engine.activationPoint !== undefined;
    return !isEarly && keepsNote(this.selection, note);
  }

  // -- the end -------------------------------------------------------------------------------------------------------

  private async finish(result: ProcessResult): Promise<Recording> {
    const end = runEnd(result);
    const { writer, options } = this;
    this.process.engine.drain();
    for (const listener of this.listeners) listener.flush?.();
    this.callSummary?.write(result.instructions);
    writer?.end({ ...traceEnd(end), clock: result.instructions });
    this.process.close();
    const exitCode = exitCodeOf(end);
    this.engine.flush();
    await this.script?.ended({ exitCode, instructions: result.instructions });
    return {
      program: this.path,
      end,
      exitCode,
      instructions: result.instructions,
      ...(writer === undefined || options.output === undefined
        ? {}
        : {
            counts: recordingCounts(writer.totals, this.selection, {
              threads: this.threads,
              calls: this.callSummary?.calls,
            }),
            output: { path: options.output.path, bytes: writer.bytesWritten },
          }),
      probes: this.probes.counts,
      stats: this.engine.runStats,
      ...(result.crash === undefined ? {} : { crash: await describeCrash(result.crash, this.codeMap) }),
    };
  }

  /** The run failed on our side: what was recorded so far gets an end that says so, if it still can. */
  private abandon(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    try {
      this.process.engine.drain();
      this.callSummary?.write(this.process.engine.clock);
      this.writer?.note(this.failure(message));
      this.writer?.end({ reason: 'error', clock: this.process.engine.clock, message });
    } catch {
      this.writer?.close();
    }
  }

  private failure(message: string): IncidentNote {
    const { engine, currentThread } = this.process;
    return { type: 'incident', tid: currentThread?.tid ?? 0, clock: engine.clock, code: 'internal', pc: 0, message };
  }
}
