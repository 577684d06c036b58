/** What `run` says and writes when the program has ended. */
import { writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { OutputError, type Recording, UsageError } from '../index.js';
import type { FlagValues } from './flag.js';
import { counted, groupDigits } from './number-text.js';
import { writeStdout } from './output.js';
import { globToRegex } from './pattern.js';
import type { RUN_FLAGS } from './run-flags.js';

type RunValues = FlagValues<typeof RUN_FLAGS>;

const DEFAULT_OUTPUT = 'trace.pb';

/** Where the trace goes, if anywhere; the default name keeps the trace before it as `trace.pb.old`. */
export const traceOutput = (flags: RunValues): { path: string; keepOld: boolean } | undefined => {
  if (flags['no-trace']) {
    if (flags.output !== undefined) throw new UsageError('--output and --no-trace contradict each other');
    return undefined;
  }
  if (flags.output === '-' && process.stdout.isTTY) {
    throw new UsageError('a trace is not for terminals', { hint: 'pipe it on, or name a file with --output' });
  }
  if (flags.output === '-' && (flags.json || flags.report === '-')) {
    throw new UsageError('the trace and the report cannot both go to standard output');
  }
  return { path: flags.output ?? DEFAULT_OUTPUT, keepOld: flags.output === undefined };
};

/** The host's environment with --env and --unset-env applied. */
export const guestEnvironment = (flags: RunValues): Record<string, string> => {
  const inherited = Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined);
  // Our own settings are not the guest's business: a trace must not depend on them.
  const environment = Object.fromEntries(inherited.filter(([name]) => !name.startsWith('ARMSTALK_')));
  const unset = flags['unset-env'].map(globToRegex);
  for (const name of Object.keys(environment)) if (unset.some((glob) => glob.test(name))) delete environment[name];
  return { ...environment, ...Object.fromEntries(flags.env) };
};

/** `8 kB`, in thousands, rounded up so that something is never nothing. */
const sizeText = (bytes: number): string => {
  const units = ['B', 'kB', 'MB', 'GB'];
  const unit = bytes < 1000 ? 0 : Math.min(3, Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** unit;
  return `${unit < 2 || value >= 10 ? Math.ceil(value) : value.toFixed(1)} ${units[unit]}`;
};

const endText = ({ end }: Recording): string => {
  switch (end.reason) {
    case 'exit':
      return `exit ${end.exitCode}`;
    case 'signal':
      return `killed by ${end.signalName}`;
    case 'stopped':
      return `stopped by ${end.stoppedBy}`;
  }
};

const countTexts = ({ counts }: Recording): string[] => [
  ...(counts?.calls === undefined ? [] : [counted(counts.calls, 'call')]),
  ...(counts?.compiled === undefined ? [] : [counted(counts.compiled, 'block')]),
  ...(counts === undefined ? [] : [counted(counts.threads, 'thread')]),
];

/** The closing line, e.g. `exit 0; 26,690 instructions, 157 calls, 686 blocks, 1 thread; wrote good.pb (8 kB)`. */
export const runOutcome = (recording: Recording): string => {
  const { output, probes } = recording;
  const facts = [counted(recording.instructions, 'instruction'), ...countTexts(recording)];
  const parts = [endText(recording), facts.join(', ')];
  const hits = probes.reduce((sum, probe) => sum + probe.hits, 0);
  if (probes.length > 0) parts.push(counted(hits, 'probe hit'));
  const unmatched = probes.filter(({ addresses }) => addresses.length === 0).length;
  if (unmatched > 0) parts.push(`${counted(unmatched, 'probe')} matched nothing`);
  if (output !== undefined) {
    parts.push(`wrote ${output.path === '-' ? 'standard output' : basename(output.path)} (${sizeText(output.bytes)})`);
  }
  return parts.join('; ');
};

/** What the engine did, three lines. */
export const statsText = ({ stats: { dispatches, blocks, links, hot, held } }: Recording): string[] => [
  `dispatches ${groupDigits(dispatches)}, links ${groupDigits(links)}; blocks: ${groupDigits(blocks.compiled)} compiled, ` +
    `${groupDigits(blocks.recompiled)} recompiled, ${groupDigits(blocks.invalidated)} invalidated`,
  `hot code: ${counted(hot.modules, 'module')}, ${counted(hot.functions, 'function')}, ${counted(hot.bytes, 'byte')}`,
  `held at most: ${counted(held.contexts, 'context')}, ${counted(held.blocks, 'block')}, ` +
    `${counted(held.regions, 'hot region')} with ${counted(held.cells, 'cell')} in ${counted(held.slots, 'slot')}, ` +
    `${counted(held.shadowStacks, 'shadow stack')}, ${counted(held.probes, 'call probe')}`,
];

const hexText = (value: number): string => `0x${(value >>> 0).toString(16)}`;

const placeJson = ({ address, ...rest }: { address: number; text: string; line?: string }) => ({
  address: hexText(address),
  ...rest,
});

/** The same, and all else that is known, for programs. */
export const reportJson = (recording: Recording, withStats: boolean): unknown => {
  const { program, end, exitCode, instructions, counts, output, probes, stats, crash } = recording;
  return {
    schema: 'armstalk.run/1',
    program,
    end,
    exitCode,
    insns: instructions,
    ...(counts === undefined ? {} : { counts }),
    ...(output === undefined ? {} : { trace: { file: output.path, bytes: output.bytes } }),
    probes: probes.map(({ spec, addresses, hits }) => ({ spec, addresses: addresses.map(hexText), hits })),
    ...(withStats ? { stats } : {}),
    ...(crash === undefined
      ? {}
      : {
          crash: {
            signal: crash.signal,
            code: crash.code,
            ...(crash.address === undefined ? {} : { address: hexText(crash.address) }),
            thread: crash.tid,
            pc: placeJson(crash.pc),
            lr: placeJson(crash.lr),
            registers: Object.fromEntries(crash.registers.map(([name, value]) => [name, hexText(value)])),
            backtrace: crash.backtrace.map(placeJson),
          },
        }),
  };
};

/** Writes the report to a file or, for `-`, to standard output. */
export const writeReport = (target: string, report: unknown): void => {
  const text = `${JSON.stringify(report)}\n`;
  if (target === '-') {
    writeStdout(text);
    return;
  }
  try {
    writeFileSync(target, text);
  } catch (error) {
    throw new OutputError(`cannot write the report to ${target}: ${(error as NodeJS.ErrnoException).code}`, {
      cause: error,
    });
  }
};
