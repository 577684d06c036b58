/** `replay --verify`: the recorded program once more, and whether it does the same. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import {
  ArmstalkError,
  DEFAULT_EVENTS,
  demangleName,
  describeTrace,
  diffTraces,
  type RecordOptions,
  readRecorderOptions,
  record,
  type SegmentInfo,
  type TraceDiff,
  TraceReader,
  UsageError,
} from '../index.js';
import { branchInsn } from './diff-branch.js';
import { diffJson } from './diff-json.js';
import { diffText } from './diff-text.js';
import { counted } from './number-text.js';
import { note, writeStderr, writeStdout } from './output.js';

const EXIT_HOLDS = 0;
const EXIT_FAILS = 1;
/** Room for a run that was stopped in the middle to get a little further. */
const SLACK_INSNS = 1 << 16;

/** Where the program is now: as it was named, seen from here or from where it was recorded. */
const programPath = ({ header }: SegmentInfo): string => {
  const paths = [header.program, resolve(header.cwd, header.program)];
  return paths.find((path) => existsSync(path)) ?? header.program;
};

/** The environment then: the recorded values, else those the variables have now. */
const environment = ({ header }: SegmentInfo): Record<string, string> => {
  const recorded = new Map(
    header.env.map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]),
  );
  const known = header.envNames.map((name) => [name, recorded.get(name) ?? process.env[name]] as const);
  const missing = known.filter(([, value]) => value === undefined).map(([name]) => name);
  if (missing.length > 0) note(`warning: the program had variables that are not set now: ${missing.join(', ')}`);
  return Object.fromEntries(known.filter((entry): entry is readonly [string, string] => entry[1] !== undefined));
};

const wasStopped = ({ exit }: SegmentInfo): boolean => exit?.reason !== 'exit' && exit?.reason !== 'signal';

/** The options of the recorded run, as far as a trace tells them. */
const optionsOf = (segment: SegmentInfo): RecordOptions => {
  const { header, counts, insns } = segment;
  const [argv0, ...args] = header.argv;
  return {
    args,
    argv0,
    env: environment(segment),
    cwd: header.cwd === '' ? undefined : header.cwd,
    seed: header.seed,
    clock: header.clock,
    profile: header.profile,
    demangle: demangleName,
    probes: [...new Set(header.probes.map(({ spec }) => spec))],
    events: { ...DEFAULT_EVENTS, mask: header.eventMask, syscalls: counts.syscall > 0 },
    ...readRecorderOptions(header.options),
    maxInsns: wasStopped(segment) ? insns + SLACK_INSNS : undefined,
  };
};

/** Whether the new run did all the old one did; one that was stopped may have gone on. */
const holds = (diff: TraceDiff, segment: SegmentInfo): boolean => {
  if (diff.same) return true;
  return wasStopped(segment) && diff.threads.every(({ kind, old }) => kind === 'ended' && old.step === undefined);
};

const EXIT_TROUBLE = 2;

/** Records the run into `path`. A program that cannot be run is trouble like any other here. */
const runAgain = async (segment: SegmentInfo, path: string, wantsJson: boolean): Promise<void> => {
  const options = { ...optionsOf(segment), output: { path }, ...(wantsJson ? { stdout: 2 } : {}) };
  try {
    await record(programPath(segment), options);
  } catch (error) {
    if (!(error instanceof ArmstalkError)) throw error;
    const { code, message, hint, details } = error;
    throw new ArmstalkError(code, EXIT_TROUBLE, message, {
      ...(hint && { hint }),
      ...(details && { details }),
      cause: error,
    });
  }
};

const report = async (
  diff: TraceDiff,
  isHeld: boolean,
  wantsJson: boolean,
  hasUnknownValues: boolean,
): Promise<void> => {
  const branch = await branchInsn(diff.first);
  if (wantsJson) {
    writeStdout(`${JSON.stringify({ ...(diffJson(diff, branch) as object), holds: isHeld })}\n`);
    return;
  }
  if (isHeld) {
    note(`verified: ${counted(diff.commonEvents, 'event')} and ${counted(diff.old.insns, 'instruction')} are the same`);
    return;
  }
  if (diff.old.buildId !== diff.new.buildId) note('warning: the program has changed since: its build-id is another');
  writeStderr(diffText(diff, { first: true, tree: false, functions: undefined }, branch));
  note('not the same: the program did something else this time');
  if (hasUnknownValues) note('  the values of its environment variables were not recorded; they may have been others');
};

/**
 * Runs the program again with the arguments, names, seed and clock of the trace, on our own standard streams, and compares.
 * Answers 0 when all is the same and 1 when it is not. Throws UsageError for a trace that cannot be read twice, and what
 * `record` throws, with exit code 2.
 */
export const verifyTrace = async (path: string, flags: { json: boolean; quiet: boolean }): Promise<number> => {
  if (path === '-') throw new UsageError('--verify reads the trace twice: give a file');
  const { segments } = await describeTrace(TraceReader.open(path));
  const [segment] = segments;
  if (segment === undefined) throw new UsageError(`${path} does not say what was run`);
  const { script } = readRecorderOptions(segment.header.options);
  if (script !== undefined) {
    throw new UsageError(`${path} was recorded with the script ${script}, which --verify does not run`, {
      hint: 'record it once more with --script and compare the traces with diff',
    });
  }
  if (segment.header.clock === 'host') note('warning: the trace was recorded on the host clock; runs need not repeat');
  const directory = mkdtempSync(join(tmpdir(), 'armstalk-verify-'));
  const again = join(directory, 'again.pb');
  try {
    await runAgain(segment, again, flags.json);
    const ignore = segment.header.clock === 'host' ? (['clock'] as const) : [];
    const diff = await diffTraces(TraceReader.open(path), TraceReader.open(again, 'this run'), {
      match: 'addr',
      ignore,
    });
    const isHeld = holds(diff, segment);
    if (flags.json || !flags.quiet)
      await report(diff, isHeld, flags.json, segment.header.envNames.length > segment.header.env.length);
    return isHeld ? EXIT_HOLDS : EXIT_FAILS;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
};
