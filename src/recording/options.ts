import type { ArmstalkError } from '../errors.js';
import type { EventSink } from '../events/sink.js';
import type { ProcessOptions } from '../process/options.js';
import type { Profile } from '../stalker/options.js';
import type { Tier } from '../stalker/tiering.js';
import type { CodeMap } from './code-map.js';
import type { EventSelection } from './event-selection.js';

/** What to run is `ProcessOptions`; this is what to keep of it. */
export interface RecordOptions extends Pick<ProcessOptions, 'args' | 'env' | 'stdin' | 'stdout' | 'stderr'> {
  readonly argv0?: string | undefined;
  readonly cwd?: string | undefined;
  readonly sysroot?: string | undefined;
  readonly seed?: number | undefined;
  readonly clock?: 'virtual' | 'host' | undefined;
  /** Limits: the run ends as stopped, its trace is whole. */
  readonly maxInsns?: number | undefined;
  readonly maxEvents?: number | undefined;
  /** Host time. */
  readonly timeoutMs?: number | undefined;
  /** Where the trace goes; nothing is written without it. */
  readonly output?: TraceOutput | undefined;
  readonly codec?: 'deflate' | 'brotli' | 'none' | undefined;
  /** Whether a second thread may encode a long trace (default). The bytes are the same either way. */
  readonly writerThread?: boolean | undefined;
  readonly events?: EventSelection | undefined;
  /** Keeps the values of the environment in the trace, so that the run can be repeated elsewhere; else only names. */
  readonly recordEnv?: boolean | undefined;
  readonly profile?: Profile | undefined;
  /** Which tiers may run guest code; the events are the same whatever is chosen. */
  readonly tier?: Tier | undefined;
  readonly hotThreshold?: number | undefined;
  /** Unchanged re-visits before a block is trusted: -1 never, 0 at once; default 1. */
  readonly trustThreshold?: number | undefined;
  /** Calls into these are recorded, what they do is not: see excluded-ranges. */
  readonly exclude?: readonly string[] | undefined;
  /** Nothing is recorded before some thread reaches this place (as for probes), then all threads are. */
  readonly followFrom?: string | undefined;
  /** A module that is loaded before the program runs, see script. */
  readonly script?: string | undefined;
  /** Receives what the script and its callbacks throw, the first error of each; by default `onNotice` gets the text. */
  readonly onScriptError?: ((error: ArmstalkError) => void) | undefined;
  /** A trace of an earlier run: what it compiled is compiled before this run starts. */
  readonly prefetch?: string | undefined;
  /** Places whose every visit is noted, see probe/spec. */
  readonly probes?: readonly string[] | undefined;
  /** Files and directories with what was stripped from the program, see elf/symbol-paths. */
  readonly symbols?: readonly string[] | undefined;
  /** Makes a symbol's name readable, e.g. `demangleName`: in what is shown, and in places of probes and the like. */
  readonly demangle?: ((name: string) => string) | undefined;
  /** A probe or an exclusion that matches nothing is a UsageError instead of a notice. */
  readonly strictProbes?: boolean | undefined;
  /** Further receivers of events and notes; the map fills while modules are loaded. */
  readonly sinks?: ((codeMap: CodeMap) => readonly EventSink[]) | undefined;
  /** Things the user should hear while the program runs: unknown system calls, probes that match nothing. */
  readonly onNotice?: ((text: string) => void) | undefined;
}

export interface TraceOutput {
  /** A file, or `-` for standard output. */
  readonly path: string;
  /** Renames a file of that name to `<path>.old` first. */
  readonly keepOld?: boolean;
}
