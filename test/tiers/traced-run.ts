/** One run of a program in this process, with a trace, under a given tier: what it printed, how it ended, what was recorded. */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { EventMask } from '../../src/events/event.js';
import type { EventSink } from '../../src/events/sink.js';
import { Process, type ProcessResult } from '../../src/process/process.js';
import type { Profile } from '../../src/stalker/options.js';
import { Stalker } from '../../src/stalker/stalker.js';
import type { StalkerStats } from '../../src/stalker/stats.js';
import type { TierOptions } from '../../src/stalker/tiering.js';
import { TraceWriter } from '../../src/trace/writer.js';
import { GUEST_ENV } from '../support/qemu.js';
import { HEADER, readTrace } from '../support/trace-file.js';

/** The three modes of the engine. `auto` promotes early, so that small programs get into the mixed state. */
export const TIERS = {
  cold: { tier: 'cold' },
  auto: { tier: 'auto', hotThreshold: 3 },
  hot: { tier: 'hot' },
} as const satisfies Record<string, TierOptions>;

export interface TracedRunOptions {
  readonly args?: readonly string[];
  readonly stdin?: string;
  readonly cwd?: string;
  readonly argv0?: string;
  readonly profile?: Profile;
  readonly events: EventMask;
  readonly quantum?: number;
  readonly timeoutMs?: number;
  /** Records are full ones even where compact ones would do. */
  readonly fullRecords?: boolean;
}

export interface TracedRun {
  readonly status: number | string;
  readonly stdout: string;
  readonly stderr: string;
  readonly instructions: number;
  readonly trace: Buffer;
  readonly stats: StalkerStats;
}

const statusOf = ({ exitCode, signo, stopped }: ProcessResult): number | string =>
  exitCode ?? (signo === undefined ? `stopped: ${stopped}` : 128 + signo);

/** Collects what a guest writes to one descriptor. */
const collector = () => {
  const chunks: Buffer[] = [];
  return {
    target: (chunk: Uint8Array) => {
      chunks.push(Buffer.from(chunk));
    },
    text: () => Buffer.concat(chunks).toString('latin1'),
  };
};

/** The same sink to an engine that looks for `processCompact`. */
const withoutCompact = (writer: TraceWriter): EventSink => ({
  mask: writer.mask,
  start: (tid) => writer.start(tid),
  process: (batch) => writer.process(batch),
  stop: (tid) => writer.stop(tid),
});

/** Runs `program` to its end. With an empty mask nothing is followed and the trace is empty. */
export const tracedRun = async (program: string, tier: TierOptions, options: TracedRunOptions): Promise<TracedRun> => {
  const directory = mkdtempSync(join(tmpdir(), 'armstalk-tiers-'));
  const [stdout, stderr] = [collector(), collector()];
  const writer = options.events === 0 ? undefined : new TraceWriter({ mask: options.events, codec: 'none' });
  let stalker: Stalker | undefined;
  const path = join(directory, 'trace.pb');
  writer?.open(path, HEADER);
  try {
    const { args, cwd, argv0, quantum, timeoutMs = 60_000 } = options;
    const guest = Process.spawn(program, {
      args: args ?? [],
      argv0: argv0 ?? program,
      env: GUEST_ENV,
      timeoutMs,
      ...(cwd === undefined ? {} : { cwd }),
      ...(quantum === undefined ? {} : { quantum }),
      stdin: Buffer.from(options.stdin ?? ''),
      stdout: stdout.target,
      stderr: stderr.target,
      ...(writer === undefined ? {} : { sink: writer }),
      createEngine: (memory) => {
        stalker = new Stalker(memory, tier);
        if (writer !== undefined) {
          const { profile = 'precise', events } = options;
          stalker.followNewThreads = { profile, events, sink: options.fullRecords ? withoutCompact(writer) : writer };
        }
        return stalker;
      },
    });
    const result = await guest.resume();
    guest.engine.drain();
    writer?.end({ reason: 'exit', clock: result.instructions });
    return {
      status: statusOf(result),
      stdout: stdout.text(),
      stderr: stderr.text(),
      instructions: result.instructions,
      trace: writer === undefined ? Buffer.alloc(0) : readFileSync(path),
      stats: (stalker as Stalker).stats,
    };
  } finally {
    rmSync(directory, { recursive: true });
  }
};

/** What must not depend on the tier. */
const visible = ({ status, stdout, stderr, instructions, trace }: TracedRun) => ({
  status,
  stdout,
  stderr,
  instructions,
  trace: `${trace.length} bytes ${createHash('sha256').update(trace).digest('hex')}`,
});

const KINDS: Readonly<Record<number, string>> = { 1: 'call', 2: 'ret', 4: 'exec', 8: 'block', 16: 'compile' };

/** The first event in which two traces part, with the ones before it, as text. Empty when no event differs. */
const firstDifference = async (one: Buffer, other: Buffer): Promise<string> => {
  const [a, b] = [await readTrace(one), await readTrace(other)];
  const lines: string[] = [];
  for (const tid of new Set([...a.events.keys(), ...b.events.keys()])) {
    const [left, right] = [a.events.get(tid) ?? [], b.events.get(tid) ?? []];
    const texts = (events: typeof left) =>
      events.map(
        (e) => `${KINDS[e.kind]} ${e.location.toString(16)} ${e.target.toString(16)} d${e.depth} at ${e.clock}`,
      );
    const [x, y] = [texts(left), texts(right)];
    const at = x.findIndex((text, n) => text !== y[n]);
    if (at < 0 && x.length === y.length) continue;
    const from = at < 0 ? x.length : at;
    lines.push(`thread ${tid}, event ${from} of ${x.length} and ${y.length}`);
    lines.push(...x.slice(Math.max(0, from - 5), from).map((text) => `    ${text}`));
    lines.push(...x.slice(from, from + 4).map((text) => `  < ${text}`));
    lines.push(...y.slice(from, from + 4).map((text) => `  > ${text}`));
  }
  return lines.join('\n');
};

/** Holds a run against that of the cold tier. */
export const expectSame = async (cold: TracedRun, other: TracedRun): Promise<void> => {
  if (!cold.trace.equals(other.trace)) expect(await firstDifference(cold.trace, other.trace)).toBe('');
  expect(visible(other)).toEqual(visible(cold));
};
